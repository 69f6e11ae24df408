"""The console's page and its live parts: status, the call at my phone, who waits. The message form is in notes.py."""

from typing import Any

from flask import Blueprint, flash, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance import clock, i18n
from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.agents.models import STATUSES, Agent
from appliance.businesses import service as businesses
from appliance.calls import service as calls
from appliance.calls.models import Call
from appliance.contacts import service as contacts
from appliance.errors import Forbidden, Invalid, NotFound
from appliance.extensions import service as extensions
from appliance.fields import region_of
from appliance.i18n import gettext as _
from appliance.messages import service as messages
from appliance.phone_numbers import to_e164
from web import auth, core, htmx
from web.auth import role
from web.calls import words
from web.calls.routes import live_calls, with_names
from web.database import db, writing
from web.formats import timezone

TRANSFER_SECONDS = 70.0  # the core waits a minute for the other phone

blueprint = Blueprint("console", __name__, url_prefix="/console")


class NoPhone(Forbidden):
    """This person answers no calls."""

    code = "no-phone"

    def __init__(self) -> None:
        super().__init__(
            _("You have no phone in this office, so there is no console for you."),
            hint=_("The owner can make you an agent under Settings, Agents and phones."),
        )


def my_agent() -> Agent:
    """The agent this person is. Raises NoPhone."""
    agent_id = auth.me().agent_id
    if agent_id is None:
        raise NoPhone
    return agents.get_agent(db(), agent_id)


def my_call(agent: Agent) -> Call | None:
    """The call that rings at my phone or on which I talk."""
    call = calls.current_call_of_agent(db(), agent.agent_id)
    return with_names([call])[0] if call else None


def _note_look(contact_id: str, call: Call) -> None:
    """Write the look at a contact down, once a call, not at each refresh."""
    user = auth.me()
    if not accounts.was_audited(db(), user.user_id, "contact.view", contact_id, since=call.started_at):
        auth.audit("contact.view", contact_id, business_id=call.business_id)


def card_parts(agent: Agent) -> dict[str, Any]:
    """What the card about the current call shows."""
    call = my_call(agent)
    found: dict[str, Any] = {"agent": agent, "call": call, "core_up": core.look(db()).is_up}
    if call is None:
        return found
    contact = contacts.find_contact(db(), call.business_id, call.caller_number)
    if contact:
        _note_look(contact.contact_id, call)
    return {
        **found,
        "business": businesses.get_business(db(), call.business_id) if call.business_id else None,
        "contact": contact,
        "colleagues": [a for a in agents.list_agents(db()) if a.agent_id != agent.agent_id],
    }


def history_parts(call: Call | None) -> dict[str, Any]:
    """The caller's earlier calls and messages to the same business."""
    found: dict[str, Any] = {"call": call, "summary": words.summary}
    if call is None or not call.business_id:
        return found
    earlier = calls.earlier_calls(db(), call.business_id, call.caller_number, before=call.started_at, limit=6)
    taken = [m for e in earlier for m in messages.messages_of_call(db(), e.call_id)]
    business = businesses.get_business(db(), call.business_id)
    return {**found, "business": business, "earlier": earlier, "their_messages": taken[:5]}


def status_parts(agent: Agent) -> dict[str, Any]:
    """What the bar about me shows."""
    phones = [p for p in extensions.registered_phones(db()) if p.extension == agent.extension]
    return {"agent": agent, "phones": phones, "core_up": core.look(db()).is_up}


def waiting(agent: Agent) -> list[Call]:
    """Calls that ring or wait in my businesses, the longest waiting first, without the one at my phone."""
    found = [c for c in live_calls() if c.state in ("ringing", "waiting") and c.direction == "inbound"]
    mine = {c.call_id for c in found if c.agent_id == agent.agent_id and c.state == "ringing"}
    return sorted((c for c in found if c.call_id not in mine), key=lambda c: c.started_at)


@blueprint.get("/")
@role("agent", "owner")
def show() -> ResponseReturnValue:
    """The whole console."""
    agent = my_agent()
    state = core.look(db())
    parts = {**status_parts(agent), **card_parts(agent)}
    parts |= history_parts(parts["call"])
    return render_template(
        "console/show.html",
        waiting=waiting(agent),
        notes=notes.open_notes(agent, parts["call"]),
        served=businesses.list_businesses(db(), set(agent.serves)),
        core_seen=i18n.format_time(clock.parse(state.seen_at), timezone()) if state.seen_at else "",
        **parts,
    )


@blueprint.get("/card")
@role("agent", "owner")
def card() -> ResponseReturnValue:
    """The call at my phone."""
    return render_template("console/_card.html", **card_parts(my_agent()))


@blueprint.get("/history")
@role("agent", "owner")
def history() -> ResponseReturnValue:
    """Who the caller was before."""
    return render_template("console/_history.html", **history_parts(my_call(my_agent())))


@blueprint.get("/waiting")
@role("agent", "owner")
def queue() -> ResponseReturnValue:
    """Who rings or waits."""
    return render_template("console/_waiting.html", waiting=waiting(my_agent()), core_up=core.look(db()).is_up)


@blueprint.route("/status", methods=["GET", "POST"])
@role("agent", "owner")
def status() -> ResponseReturnValue:
    """Ready, on a break with a reason, or off; and whether the phone is there."""
    agent = my_agent()
    if request.method == "POST":
        chosen = request.form.get("status", "")
        if chosen not in STATUSES:
            raise Invalid(_("There is no such status."))
        reason = request.form.get("reason", "") if chosen == "on_break" else ""
        with writing() as open_db:
            agents.set_status(open_db, agent.agent_id, chosen, reason)
        core.tell("agent-changed", agent_id=agent.agent_id)
        if not htmx.wants_fragment():
            return htmx.go_to(url_for("console.show"))
        agent = my_agent()
    return render_template("console/_status.html", **status_parts(agent))


@blueprint.post("/transfer/<call_id>")
@role("agent", "owner")
def transfer(call_id: str) -> ResponseReturnValue:
    """Send the caller on to an extension or a number."""
    agent = my_agent()
    call = calls.current_call_of_agent(db(), agent.agent_id)
    if call is None or call.call_id != call_id:
        raise NotFound(_("You are not in this call any more."))
    target = _target(request.form.get("target", ""))
    answer = core.client().ask("transfer", timeout=TRANSFER_SECONDS, call_id=call_id, target=target)
    result = str(answer.get("result", "transferred"))
    if result == "transferred":
        text, tone = _("The caller was sent on to %(target)s.", target=i18n.digits(target)), "good"
    else:
        why = words.cause_in_words(result)
        text, tone = _("The transfer failed: %(why)s. You have the caller back.", why=why), "warn"
    if htmx.wants_fragment():
        return htmx.as_notice(make_response(render_template("_notice.html", message=text, hint="", tone=tone)))
    flash(text, tone)
    return htmx.go_to(url_for("console.show"))


def _target(text: str) -> str:
    """An extension as it is, a number in E.164. Raises Invalid."""
    cleaned = i18n.plain_digits(text.strip())
    cleaned = cleaned.rpartition(" · ")[2] if " · " in cleaned else cleaned
    if cleaned.isdecimal() and 2 <= len(cleaned) <= 6:
        return cleaned
    return to_e164(cleaned, region_of(timezone()))


from web.console import notes  # noqa: E402  puts its routes on the blueprint

__all__ = ["blueprint", "notes"]
