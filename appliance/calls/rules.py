"""How a call follows from its events: a pure function, so that the books can be checked against the events."""

from typing import Any

from appliance import clock
from appliance.calls.models import CallEvent, Kind

Row = dict[str, Any]


def _elapsed(row: Row, event: CallEvent) -> float:
    """Seconds since arrival: by the steady clock where the event carries it, else by the stamps."""
    steady = event.detail.get("t")
    return float(steady) if steady is not None else clock.seconds_between(row["started_at"], event.at)


def _answered(row: Row, event: CallEvent) -> Row:
    # who answers without being an agent leaves the call with the agent who placed it
    changes: Row = {"state": "talking", "phase": "talking", "agent_id": event.agent_id or row.get("agent_id")}
    if row.get("answered_at") is None:
        changes |= {"answered_at": event.at, "wait_seconds": round(_elapsed(row, event), 3)}
    return changes


def _ended(row: Row, event: CallEvent) -> Row:
    changes: Row = {
        "ended_at": max(event.at, row["started_at"]),
        "hangup_cause": event.detail.get("cause", "normal"),
        "ended_by": event.detail.get("by", "network"),
    }
    elapsed = _elapsed(row, event)
    if row.get("answered_at") is not None:
        changes["state"] = "answered"
        changes["talk_seconds"] = round(max(0.0, elapsed - (row["wait_seconds"] or 0.0)), 3)
    else:
        changes["wait_seconds"] = round(elapsed, 3)
        changes["talk_seconds"] = 0.0
        if row["state"] not in ("voicemail", "refused"):
            changes["state"] = "missed"
    return changes


def _voicemail_left(row: Row, event: CallEvent) -> Row:
    if row.get("answered_at") is not None:
        return {"state": "voicemail"}  # the call's recording is the conversation before it
    return {"state": "voicemail", "recording_id": event.detail.get("recording_id")}


def apply(row: Row, event: CallEvent) -> Row:
    """The columns of ``calls`` that this event changes. Nothing changes a call that has ended but a late voicemail."""
    if row.get("ended_at") is not None:
        # the core was stopped while its caller spoke; the message was found at the next start
        is_late = event.kind == Kind.VOICEMAIL_LEFT and row["state"] == "missed"
        return _voicemail_left(row, event) if is_late else {}
    match event.kind:
        case Kind.REFUSED:
            return {"state": "refused"}
        case Kind.GREETED:
            return {"state": "waiting", "phase": "greeting"}
        case Kind.CLOSED:
            return {"state": "waiting", "phase": "closed"}
        case Kind.MENU:
            return {"state": "waiting", "phase": "menu", "agent_id": None}
        case Kind.WAITING:
            return {"state": "waiting", "phase": "waiting", "agent_id": None}
        case Kind.OFFERED:
            return {"state": "ringing", "phase": "ringing", "agent_id": event.agent_id}
        case Kind.OFFER_ENDED if row.get("answered_at") is None and event.detail.get("cause") != "cancelled":
            # cancelled: the caller gave up while that phone rang, and the books keep that it was there
            return {"state": "waiting", "phase": "waiting", "agent_id": None}
        case Kind.ANSWERED:
            return _answered(row, event)
        case Kind.RECORDING_STARTED:
            return {"recording_id": event.detail.get("recording_id")}
        case Kind.VOICEMAIL_ASKED if row.get("answered_at") is not None:
            return {"state": "waiting", "phase": "voicemail"}  # after a talk: it stays the call of who had it
        case Kind.VOICEMAIL_ASKED:
            return {"state": "waiting", "phase": "voicemail", "agent_id": None}
        case Kind.VOICEMAIL_LEFT:
            return _voicemail_left(row, event)
        case Kind.ENDED:
            return _ended(row, event)
    return {}
