"""Agents and phones: the matrix of who serves whom, one agent, the phone's account, ringing it."""

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.agents.models import STATUSES, Agent
from appliance.businesses import service as businesses
from appliance.errors import Forbidden, FrontdeskError, Invalid
from appliance.extensions import service as extensions
from appliance.extensions.errors import ExtensionExists
from appliance.i18n import gettext as _
from web import auth, core, htmx
from web.agents.forms import read_agent, read_serves
from web.agents.phone_account import account_of
from web.auth import role, wall, whole_office_only
from web.businesses.forms import identifier_for
from web.calls.words import cause_in_words
from web.database import db, settings, writing
from web.forms import Form

blueprint = Blueprint("agents", __name__, url_prefix="/settings/agents")

RING_SECONDS = 70.0  # how long the core may take to ring a phone and tell how it went


def registered() -> dict[str, list[Any]]:
    """The phones registered now, by extension."""
    found: dict[str, list[Any]] = {}
    for phone in extensions.registered_phones(db()):
        found.setdefault(phone.extension, []).append(phone)
    return found


@blueprint.get("/")
@role("owner")
def index() -> ResponseReturnValue:
    """Every agent, whom they serve, and their phones."""
    page = "agents/_list.html" if htmx.wants_fragment() else "agents/index.html"
    return render_template(
        page,
        agents=agents.list_agents(db(), wall()),
        businesses=businesses.list_businesses(db(), wall()),
        registered=registered(),
        core_up=core.look(db()).is_up,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@role("owner")
def new() -> ResponseReturnValue:
    """A further agent, with a phone account of their own."""
    whole_office_only()
    known = [b.business_id for b in businesses.list_businesses(db())]
    form = Form({"extension": extensions.next_free(db()), **{f"serves_{b}": "shared" for b in known}})
    if request.method == "POST":
        values = read_agent(form)
        try:
            if form.is_good:
                agent = create(values, read_serves(known))
                flash(_("Added. Scan the account below with the phone."), "good")
                return redirect(url_for("agents.edit", agent_id=agent.agent_id), 303)
        except FrontdeskError as error:
            form.fail(error, "extension" if isinstance(error, ExtensionExists | agents.AgentExists) else "")
    page = render_template("agents/new.html", form=form, businesses=businesses.list_businesses(db()))
    return make_response(page, form.status)


def create(values: dict[str, str], serves: dict[str, str]) -> Agent:
    """An agent with a new extension, told to the core."""
    taken = [a.agent_id for a in agents.list_agents(db())]
    agent_id = identifier_for(values["name"].split()[0], taken, "agent")
    with writing() as open_db:
        extensions.create_extension(open_db, values["extension"], name=values["name"])
        agent = agents.create_agent(
            open_db, agent_id, values["name"], values["extension"], serves, email=values["email"]
        )
        auth.audit("settings.agent-added", agent_id, in_db=open_db)
    core.tell("config-changed")
    return agent


def _agent(agent_id: str) -> Agent:
    agent, limits = agents.get_agent(db(), agent_id), wall()
    if limits is not None and not limits & agent.serves.keys():
        raise agents.AgentNotFound(_("There is no agent “%(agent)s”.", agent=agent_id))
    return agent


def is_ours(agent: Agent) -> bool:
    """Whether this person may touch the agent's phone: not when it also rings for businesses beyond their wall."""
    limits = wall()
    return limits is None or agent.serves.keys() <= limits


def _our_agent(agent_id: str) -> Agent:
    """The agent, if all they answer for is within the wall. Raises AgentNotFound, Forbidden."""
    agent = _agent(agent_id)
    if not is_ours(agent):
        raise Forbidden(
            _("%(name)s also answers for businesses that you do not look after.", name=agent.name),
            hint=_("Ask somebody who looks after the whole office."),
        )
    return agent


def phone_parts(agent: Agent) -> dict[str, Any]:
    """What the parts about an agent's phone show."""
    extension = extensions.get_extension(db(), agent.extension)
    return {
        "agent": agent,
        "account": account_of(settings(), request.host, extension.extension, extension.sip_password, agent.name),
        "phones": registered().get(agent.extension, []),
        "core_up": core.look(db()).is_up,
    }


def _page(agent: Agent, form: Form) -> ResponseReturnValue:
    page = render_template(
        "agents/edit.html",
        form=form,
        businesses=businesses.list_businesses(db(), wall()),
        user=accounts.user_of_agent(db(), agent.agent_id),
        ours=is_ours(agent),
        **phone_parts(agent),
    )
    return make_response(page, form.status)


@blueprint.route("/<agent_id>", methods=["GET", "POST"])
@role("owner")
def edit(agent_id: str) -> ResponseReturnValue:
    """One agent: name, phone, whom they serve."""
    agent = _agent(agent_id)
    form = Form({**agent.__dict__, **{f"serves_{b}": mode for b, mode in agent.serves.items()}})
    if request.method == "GET":
        if is_ours(agent):
            auth.audit("phone.account", agent_id)
        return _page(agent, form)
    values = (
        read_agent(form) if is_ours(agent) else {"name": agent.name, "extension": agent.extension, "email": agent.email}
    )
    try:
        if form.is_good:
            _save(agent, values)
            flash(_("Saved."), "good")
            return redirect(url_for("agents.edit", agent_id=agent_id), 303)
    except FrontdeskError as error:
        form.fail(error, "extension" if isinstance(error, ExtensionExists | agents.AgentExists) else "")
    return _page(agent, form)


def _save(agent: Agent, values: dict[str, str]) -> None:
    seen = [b.business_id for b in businesses.list_businesses(db(), wall())]
    hidden = {b: mode for b, mode in agent.serves.items() if b not in seen}  # beyond the wall: left as it is
    with writing() as open_db:
        if values["extension"] != agent.extension:
            extensions.renumber(open_db, {agent.extension: values["extension"]})
        agents.update_agent(
            open_db,
            agent.agent_id,
            name=values["name"],
            email=values["email"],
            serves={**hidden, **read_serves(seen)},
        )
        auth.audit("settings.agent", agent.agent_id, in_db=open_db)
    core.tell("config-changed")
    core.tell("agent-changed", agent_id=agent.agent_id)


@blueprint.post("/<agent_id>/status")
@role("owner")
def set_status(agent_id: str) -> ResponseReturnValue:
    """Set an agent ready, on a break or off, for them."""
    _our_agent(agent_id)
    status = request.form.get("status", "")
    if status not in STATUSES:
        raise Invalid(_("There is no such status."))
    with writing() as open_db:
        agents.set_status(open_db, agent_id, status, request.form.get("reason", ""))
        auth.audit("settings.agent-status", f"{agent_id} {status}", in_db=open_db)
    core.tell("agent-changed", agent_id=agent_id)
    return htmx.go_to(url_for("agents.edit", agent_id=agent_id))


@blueprint.post("/<agent_id>/password")
@role("owner")
def reset_password(agent_id: str) -> ResponseReturnValue:
    """Give the phone a new password: it must be set up again."""
    agent = _our_agent(agent_id)
    with writing() as open_db:
        extensions.reset_password(open_db, agent.extension)
        auth.audit("phone.password", agent_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("The phone has a new password: scan the account again."), "good")
    return redirect(url_for("agents.edit", agent_id=agent_id) + "#phone", 303)


@blueprint.get("/<agent_id>/phone")
@role("owner")
def phone(agent_id: str) -> ResponseReturnValue:
    """Whether the phone is there, for live pages."""
    return render_template("agents/_phone.html", **phone_parts(_our_agent(agent_id)))


@blueprint.post("/<agent_id>/ring")
@role("owner")
def ring(agent_id: str) -> ResponseReturnValue:
    """Ring the phone and tell how it went."""
    agent = _our_agent(agent_id)
    result = _ring(agent.extension)
    if htmx.wants_fragment():
        return render_template("agents/_ring_result.html", result=result, why=cause_in_words(result))
    if result == "answered":
        flash(_("It works: the phone rang and was picked up."), "good")
    else:
        flash(_("The phone was not picked up: %(why)s.", why=cause_in_words(result)), "warn")
    back = "set_up.done" if request.form.get("back") == "set-up" else "agents.edit"
    return redirect(url_for(back, agent_id=agent_id if back == "agents.edit" else None) + "#phone", 303)


def _ring(extension: str) -> str:
    """``answered``, or the cause why not. Raises what else the core refuses."""
    try:
        answer = core.client().ask("ring-phone", timeout=RING_SECONDS, extension=extension)
    except FrontdeskError as error:
        if error.code != "phone-not-answered":
            raise
        return core.cause_in(error) or "no-answer"
    return str(answer.get("result", "answered"))


@blueprint.post("/<agent_id>/delete")
@role("owner")
def delete(agent_id: str) -> ResponseReturnValue:
    """Remove an agent and the phone account; their calls stay on record."""
    whole_office_only()
    agent = _agent(agent_id)
    with writing() as open_db:
        agents.delete_agent(open_db, agent_id)
        extensions.delete_extension(open_db, agent.extension)
        auth.audit("settings.agent-removed", agent_id, in_db=open_db)
    core.tell("config-changed")
    flash(_("%(name)s no longer answers calls.", name=agent.name), "good")
    return redirect(url_for("agents.index"), 303)
