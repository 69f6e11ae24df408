"""From the house's things to the API's forms."""

from typing import Any
from urllib.parse import urlencode

from flask import request
from sqlite_utils import Database

from appliance.agents.models import Agent
from appliance.calls.models import Call, CallEvent
from appliance.errors import NotFound
from appliance.messages.models import Message
from appliance.recordings import service as recordings

PLAYABLE = ("recording", "ready")


def recording_path(db: Database, recording_id: str | None) -> str | None:
    """The path of a recording that can be played, or None."""
    if recording_id is None:
        return None
    try:
        recording = recordings.get_recording(db, recording_id)
    except NotFound:
        return None
    return f"/api/v1/recordings/{recording_id}" if recording.state in PLAYABLE else None


def page(items: list[dict[str, Any]], cursor: str | None) -> dict[str, Any]:
    """Items, and the path of the next page with the same filters."""
    following = None
    if cursor is not None:
        filters = {name: value for name, value in request.args.items() if name != "before"}
        following = f"{request.path}?{urlencode({**filters, 'before': cursor})}"
    return {"items": items, "next": following}


def call(db: Database, call: Call) -> dict[str, Any]:
    """A call of a list."""
    return {
        "id": call.call_id,
        "business": call.business_id,
        "direction": call.direction,
        "caller": call.caller_number,
        "agent": call.agent_id,
        "state": call.state,
        "phase": call.phase,
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "wait_seconds": call.wait_seconds,
        "talk_seconds": call.talk_seconds,
        "hangup_cause": call.hangup_cause,
        "recording": recording_path(db, call.recording_id),
    }


def event(event: CallEvent) -> dict[str, Any]:
    """A line of a timeline."""
    return {"at": event.at, "kind": str(event.kind), "agent": event.agent_id, "detail": event.detail}


def message(db: Database, message: Message) -> dict[str, Any]:
    """A message."""
    return {
        "id": message.message_id,
        "business": message.business_id,
        "call": message.call_id,
        "kind": message.kind,
        "for_whom": message.for_whom,
        "from_name": message.from_name,
        "callback_number": message.callback_number,
        "body": message.body,
        "urgency": message.urgency,
        "taken_by": message.taken_by,
        "recording": recording_path(db, message.recording_id),
        "created_at": message.created_at,
        "done_at": message.done_at,
        "mails": {
            "delivered": message.mails_delivered,
            "waiting": message.mails_waiting,
            "failed": message.mails_failed,
        },
    }


def agent(agent: Agent) -> dict[str, Any]:
    """An agent."""
    return {
        "id": agent.agent_id,
        "name": agent.name,
        "extension": agent.extension,
        "status": agent.status,
        "status_reason": agent.status_reason,
        "state": agent.state,
        "call": agent.call_id,
        "serves": dict(agent.serves),
    }
