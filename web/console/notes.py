"""The message form beside a call: every keystroke kept as a draft, saved once, thrown away with a way back.

While a form is open its draft exists; without a draft the form has been saved or discarded, in whichever window.
"""

from dataclasses import dataclass
from typing import Any

from flask import flash, jsonify, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlite_utils import Database

from appliance.agents.models import Agent
from appliance.calls import service as calls
from appliance.calls.models import Call, Kind
from appliance.clock import stamp
from appliance.contacts import service as contacts
from appliance.errors import FrontdeskError, NotFound
from appliance.i18n import gettext as _
from appliance.messages import service as messages
from appliance.messages.errors import BadMessage
from appliance.messages.models import URGENCIES
from web import auth, core, htmx
from web.auth import role, wall
from web.console.routes import blueprint, my_agent
from web.database import db, writing
from web.forms import Form

FIELDS = ("for_whom", "from_name", "callback_number", "body", "urgency")
OPENED, VERSION = "opened", "version"  # kept beside the fields: when the form was opened, which saving this is


@dataclass(frozen=True)
class Note:
    """A form on the page: the call it is about, what is typed so far."""

    call: Call
    form: Form
    version: str


def _call(call_id: str, agent: Agent) -> Call:
    """A call I may write about: mine, or one of my businesses. Raises NotFound."""
    call = calls.get_call(db(), call_id)
    limits = wall()
    if call.agent_id == agent.agent_id or limits is None or call.business_id in limits:
        return call
    raise NotFound(_("There is no such call."))


def _prefilled(of: Database, call: Call) -> dict[str, str]:
    number = call.caller_number if call.direction != "outbound" else call.dialled
    name = contacts.caller_name(of, call.business_id, number) or call.caller_name
    return {"from_name": name, "callback_number": number, OPENED: stamp(), "urgency": "normal"}


def open_draft(of: Database, call: Call) -> dict[str, str]:
    """What is typed about a call so far; a new form begins with the caller's number and name. In a transaction.

    A new form clears away forms of earlier calls into which nothing was typed.
    """
    user_id = auth.me().user_id
    found = messages.draft_of(of, user_id, call.call_id)
    if found is not None:
        return found
    for draft in messages.drafts_of(of, user_id):
        if VERSION not in draft.fields:
            messages.drop_draft(of, user_id, draft.call_id)
    fields = _prefilled(of, call)
    messages.save_draft(of, user_id, call.call_id, fields)
    return fields


def open_notes(agent: Agent, current: Call | None) -> list[Note]:
    """The forms that are open: of the call I talk on, and all I have neither saved nor discarded."""
    if current and current.state == "talking" and current.business_id and not _was_closed(current):
        with writing() as open_db:
            open_draft(open_db, current)
    found = []
    for draft in messages.drafts_of(db(), auth.me().user_id):
        try:
            call = _call(draft.call_id, agent)
        except NotFound:
            continue
        found.append(Note(call, Form(draft.fields, sent=False), draft.fields.get(VERSION, "0")))
    return found


def _was_closed(call: Call) -> bool:
    """Whether I have saved a message about this call already: then a reload opens no new form by itself."""
    return any(m.taken_by == auth.me().agent_id for m in messages.messages_of_call(db(), call.call_id))


@blueprint.get("/note/<call_id>")
@role("agent", "owner")
def note(call_id: str) -> ResponseReturnValue:
    """The form about one call; opens it."""
    call = _call(call_id, my_agent())
    if call.business_id is None:
        raise NotFound(_("This call belongs to no business, so there is nobody to take a message for."))
    if (
        request.args.get("again") is None
        and _was_closed(call)
        and not messages.draft_of(db(), auth.me().user_id, call_id)
    ):
        return "", 204
    with writing() as open_db:
        fields = open_draft(open_db, call)
    return _form(call, Form(fields, sent=False), fields.get(VERSION, "0"))


def _form(call: Call, form: Form, version: str) -> ResponseReturnValue:
    return make_response(render_template("console/_note.html", note=Note(call, form, version)), form.status)


def _typed() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in FIELDS}


@blueprint.post("/draft/<call_id>")
@role("agent", "owner")
def keep_draft(call_id: str) -> ResponseReturnValue:
    """Keep what is being typed; an older saving that arrives late, or one of a closed form, changes nothing."""
    version = request.form.get(VERSION, "0")[:20]
    user_id = auth.me().user_id
    with writing() as open_db:
        kept = messages.draft_of(open_db, user_id, call_id)
        if kept is None:
            return jsonify(state="closed")
        if _number(version) >= _number(kept.get(VERSION, "0")):
            opened = kept.get(OPENED, "") or stamp()
            messages.save_draft(open_db, user_id, call_id, {**_typed(), OPENED: opened, VERSION: version})
    return jsonify(state="kept")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


@blueprint.post("/note/<call_id>")
@role("agent", "owner")
def save(call_id: str) -> ResponseReturnValue:
    """Make the form a message and send it on; saved twice is saved once."""
    agent, form = my_agent(), Form()
    call = _call(call_id, agent)
    user_id = auth.me().user_id
    try:
        with writing() as open_db:
            if messages.draft_of(open_db, user_id, call_id) is None:
                return _closed(call, _("This form was saved or discarded already."), "")
            message = messages.take_message(
                open_db,
                business_id=call.business_id or "",
                call_id=call_id,
                taken_by=agent.agent_id,
                **_checked_urgency(),
            )
            messages.drop_draft(open_db, user_id, call_id)
            calls.add_event(
                open_db, call_id, Kind.MESSAGE_TAKEN, agent_id=agent.agent_id, message_id=message.message_id
            )
    except BadMessage as error:
        form.fail(error, error.field)
        return _not_saved(call, form)
    except FrontdeskError as error:
        form.fail(error)
        return _not_saved(call, form)
    core.tell("outbox-changed")
    return _closed(call, _("The message is saved and on its way."), message.message_id)


def _checked_urgency() -> dict[str, Any]:
    typed = _typed()
    return {**typed, "urgency": typed["urgency"] if typed["urgency"] in URGENCIES else "normal"}


def _not_saved(call: Call, form: Form) -> ResponseReturnValue:
    version = request.form.get(VERSION, "0")
    if htmx.wants_fragment():
        return _form(call, form, version)
    page = render_template("console/note.html", note=Note(call, form, version))
    return make_response(page, form.status)


def _closed(call: Call, text: str, message_id: str, *, undo: dict[str, str] | None = None) -> ResponseReturnValue:
    if htmx.wants_fragment():
        return render_template("console/_closed.html", call=call, text=text, message_id=message_id, undo=undo)
    flash(text, "good")
    return htmx.go_to(url_for("console.show"))


@blueprint.post("/note/<call_id>/discard")
@role("agent", "owner")
def discard(call_id: str) -> ResponseReturnValue:
    """No message about this call; what was typed can be brought back for a while."""
    call = _call(call_id, my_agent())
    with writing() as open_db:
        messages.drop_draft(open_db, auth.me().user_id, call_id)
    return _closed(call, _("The form is discarded."), "", undo=_typed())


@blueprint.post("/note/<call_id>/restore")
@role("agent", "owner")
def restore(call_id: str) -> ResponseReturnValue:
    """Bring a discarded form back with what was typed."""
    call = _call(call_id, my_agent())
    fields = {**_typed(), OPENED: stamp(), VERSION: request.form.get(VERSION, "1")}
    with writing() as open_db:
        messages.save_draft(open_db, auth.me().user_id, call_id, fields)
    if not htmx.wants_fragment():
        return htmx.go_to(url_for("console.show"))
    return _form(call, Form(fields, sent=False), fields[VERSION])
