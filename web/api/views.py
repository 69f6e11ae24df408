"""What each address of /api/v1 does. Called with what was asked, already checked."""

import contextlib
from datetime import timedelta
from typing import Any

from flask import Response, jsonify, request, send_file
from flask.typing import ResponseReturnValue

from appliance import __version__, clock
from appliance.agents import service as agents
from appliance.calls import service as calls
from appliance.control.client import CoreAway, CoreClient
from appliance.deliveries import service as deliveries
from appliance.extensions import service as extensions
from appliance.lines import service as lines
from appliance.messages import service as messages
from appliance.recordings import service as recordings
from appliance.store import core_status
from web.api import asked, forms
from web.api.schemas import SCHEMAS
from web.api.tokens import actor, audit
from web.database import db, settings, writing

LISTEN_SECONDS = 40.0  # a phone rings for thirty
OUTBOX_STATES = ("waiting", "sending", "delivered", "failed", "cancelled")
ONE_PLAYBACK = timedelta(minutes=5)  # a player asks for many ranges of what is heard once


def list_calls(wanted: dict[str, Any]) -> ResponseReturnValue:
    """Calls, newest first."""
    found = calls.list_calls(
        db(),
        businesses=None,
        business_id=wanted["business"],
        agent_id=wanted["agent"],
        since=wanted["since"],
        until=wanted["until"],
        state=wanted["state"],
        search=wanted["search"] or "",
        before=wanted["before"],
        limit=wanted["limit"],
    )
    return jsonify(forms.page([forms.call(db(), c) for c in found.items], found.next))


def show_call(wanted: dict[str, Any], call_id: str) -> ResponseReturnValue:
    """One call with its timeline."""
    call = calls.get_call(db(), call_id)
    timeline = [forms.event(e) for e in calls.timeline(db(), call_id)]
    return jsonify({**forms.call(db(), call), "timeline": timeline})


def list_messages(wanted: dict[str, Any]) -> ResponseReturnValue:
    """Messages, newest first."""
    found = messages.list_messages(
        db(),
        businesses=None,
        business_id=wanted["business"],
        open_only=wanted["state"] == "open",
        since=wanted["since"],
        until=wanted["until"],
        search=wanted["search"] or "",
        before=wanted["before"],
        limit=wanted["limit"],
    )
    return jsonify(forms.page([forms.message(db(), m) for m in found.items], found.next))


def show_message(wanted: dict[str, Any], message_id: str) -> ResponseReturnValue:
    """One message."""
    return jsonify(forms.message(db(), messages.get_message(db(), message_id)))


def finish_message(wanted: dict[str, Any], message_id: str) -> ResponseReturnValue:
    """Somebody has dealt with it; safe to repeat."""
    with writing() as open_db:
        message = messages.mark_done(open_db, message_id, user_id=None)
        audit("message.done", message_id, message.business_id)
    return jsonify(forms.message(db(), messages.get_message(db(), message_id)))


def reopen_message(wanted: dict[str, Any], message_id: str) -> ResponseReturnValue:
    """It is to be dealt with again; safe to repeat."""
    with writing() as open_db:
        message = messages.mark_open(open_db, message_id)
        audit("message.open", message_id, message.business_id)
    return jsonify(forms.message(db(), messages.get_message(db(), message_id)))


def listen_in(wanted: dict[str, Any], call_id: str) -> ResponseReturnValue:
    """Ring a phone and let it into a conversation. Answers when it is in, or was not picked up."""
    call = calls.get_call(db(), call_id)
    values = asked.body(SCHEMAS["ListenIn"]["properties"])
    mode, extension = values.get("mode", "listen"), values.get("extension")
    if mode not in ("listen", "whisper", "join"):
        raise asked.BadParameter("mode", mode, "listen, whisper, join")
    if not isinstance(extension, str) or not extension.isdecimal():
        raise asked.BadParameter("extension", extension, "the extension of a phone, such as 109")
    with writing():
        audit(f"call.{mode}", call_id, call.business_id)  # before: who is heard must be found in the log
    client = CoreClient(settings().socket)
    client.ask("listen-in", timeout=LISTEN_SECONDS, call_id=call_id, extension=extension, mode=mode)
    return jsonify({"call": call_id, "extension": extension, "mode": mode})


def list_agents(wanted: dict[str, Any]) -> ResponseReturnValue:
    """Agents with what they chose and what happens to them."""
    only = {wanted["business"]} if wanted["business"] else None
    return jsonify(forms.page([forms.agent(a) for a in agents.list_agents(db(), only)], None))


def show_agent(wanted: dict[str, Any], agent_id: str) -> ResponseReturnValue:
    """One agent."""
    return jsonify(forms.agent(agents.get_agent(db(), agent_id)))


def change_agent(wanted: dict[str, Any], agent_id: str) -> ResponseReturnValue:
    """Choose an agent's status; the core is told at once, or sees it when it is back."""
    values = asked.body(SCHEMAS["AgentStatus"]["properties"])
    for name, allowed in (("status", "available, on_break, logged_out"), ("reason", "text of up to 200 characters")):
        value = values.get(name, "" if name == "reason" else None)
        if not isinstance(value, str) or len(value) > 200:
            raise asked.BadParameter(name, value, allowed)
    with writing() as open_db:
        agents.set_status(open_db, agent_id, values["status"], values.get("reason", ""))
        audit("agent.status", agent_id)
    with contextlib.suppress(CoreAway):
        CoreClient(settings().socket).ask("agent-changed", agent_id=agent_id)
    return jsonify(forms.agent(agents.get_agent(db(), agent_id)))


def show_status(wanted: dict[str, Any]) -> ResponseReturnValue:
    """How the office is."""
    core = core_status.read(db())
    running = bool(core and core["is_fresh"])
    counted = deliveries.counts(db())
    return jsonify(
        {
            "engine": core["engine"] if core and running else None,
            "version": __version__,
            "core": {
                "running": running,
                "pid": core["pid"] if core else None,
                "started_at": core["started_at"] if core else None,
                "seen_at": core["seen_at"] if core else None,
            },
            "live_calls": len(calls.live_calls(db())),
            "phones": [
                {
                    "extension": p.extension,
                    "contact": p.contact,
                    "source": p.source,
                    "user_agent": p.user_agent,
                    "expires_at": p.expires_at,
                }
                for p in extensions.registered_phones(db())
            ],
            "trunks": [
                {"id": t.trunk_id, "state": t.state, "reason": t.reason, "state_at": t.state_at}
                for t in lines.trunk_states(db())
            ],
            "outbox": {state: counted.get(state, 0) for state in OUTBOX_STATES},
            "power": {"state": "none"},
        }
    )


def play_recording(wanted: dict[str, Any], recording_id: str) -> ResponseReturnValue:
    """The recording as WAV; ranges are answered; every playback is written down."""
    recording = recordings.get_recording(db(), recording_id)
    if recording.state not in forms.PLAYABLE:
        raise recordings.RecordingNotFound("This recording has no sound.")
    path = recordings.file_of(settings(), recording)
    if request.method == "GET" and not _written_down(recording.call_id):
        with writing():
            audit("recording.play", recording.call_id, recording.business_id)
    response: Response = send_file(
        path,
        mimetype="audio/wav",
        conditional=True,
        download_name=path.name,
        etag=recording.state == "ready",
    )
    response.headers["Accept-Ranges"] = "bytes"
    return response


def _written_down(call_id: str) -> bool:
    since = clock.stamp(clock.now() - ONE_PLAYBACK)
    row = (
        db()
        .execute(
            "SELECT 1 FROM audit_log WHERE object = ? AND at > ? AND actor = ? AND action = 'recording.play' LIMIT 1",
            [call_id, since, actor()],
        )
        .fetchone()
    )
    return row is not None
