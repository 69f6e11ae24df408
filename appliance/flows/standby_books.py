"""What a switch did by itself while no core was there, entered in the books.

Owns: the calls it took, how calls ended that outlived the core. Leaves out: calls that still go on (taking_up.py).
"""

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sqlite_utils import Database

from appliance import clock, phone_numbers
from appliance.agents import service as agents
from appliance.calls import service as calls
from appliance.calls.models import Call, Kind
from appliance.config import Settings
from appliance.contacts import service as contacts
from appliance.ids import new_id
from appliance.messages import service as messages
from appliance.recordings import service as recordings
from appliance.recordings import wav
from appliance.switch.port import CallMeanwhile

log = logging.getLogger(__name__)

SHORTEST_SECONDS = 1.0  # a click is no message


def take_in(db: Database, settings: Settings, region: str | None, meanwhile: Iterable[CallMeanwhile]) -> None:
    """Enter the calls that came while no core was there. Safe to repeat."""
    for one in meanwhile:
        call = calls.call_of_leg(db, one.leg_id)
        if call is None and one.began_at:
            call = _open(db, region, one)
            if one.ended is not None:
                close(db, settings, call, one)
        elif call is not None and one.began_at and call.is_live and not _is_noted(db, call, one.began_at):
            _note(db, call, Kind.STANDBY, one.began_at)


def settle(db: Database, settings: Settings, region: str | None, over: Iterable[CallMeanwhile]) -> None:
    """Enter calls that are over, whether or not the books knew them. Safe to repeat."""
    over = list(over)
    take_in(db, settings, region, over)
    for one in over:
        if call := calls.call_of_leg(db, one.leg_id):
            close(db, settings, call, one)


def _open(db: Database, region: str | None, one: CallMeanwhile) -> Call:
    """Enter a call that no core has seen."""
    caller = phone_numbers.normalise_caller(one.caller, region) if one.business_id else one.caller
    call_id = calls.start_call(
        db,
        direction="inbound" if one.business_id else "internal",
        business_id=one.business_id or None,
        caller_number=caller,
        caller_name=contacts.caller_name(db, one.business_id, caller) if one.business_id else "",
        dialled=one.dialled[:64],
        trunk_id=one.trunk_id or None,
        leg_id=one.leg_id,
        at=_stamp(one.began_at),
    )
    calls.add_event(db, call_id, Kind.STANDBY, at=_stamp(one.began_at), t=0.0)
    return calls.get_call(db, call_id)


def close(db: Database, settings: Settings, call: Call, one: CallMeanwhile) -> None:
    """Enter what is known of a call that ended without us; to one that is closed, a late message alone."""
    if one.answered_by and call.answered_at is None and one.bridged_at and call.is_live:
        _note(db, call, Kind.ANSWERED, one.bridged_at, agent_id=agent_of(db, one.answered_by))
    if one.message is not None:
        _keep_message(db, settings, call, one.message)
    if call.is_live and one.ended is not None:
        # not before the last thing that is known to have happened: the switch tells whole seconds
        last = max((float(event.detail.get("t", 0.0)) for event in calls.timeline(db, call.call_id)), default=0.0)
        by, cause = _who(call, one), one.ended.cause.value
        _note(db, call, Kind.ENDED, one.ended_at, not_before=last, cause=cause, by=by)


def enter_left_message(db: Database, settings: Settings, call_id: str, one: CallMeanwhile) -> None:
    """The message of a call whose end somebody else writes down."""
    if one.message is not None:
        _keep_message(db, settings, calls.get_call(db, call_id), one.message)


def enter_message(db: Database, call: Call, business_id: str, recording_id: str, seconds: float) -> None:
    """A caller has left a message, whoever asked for it."""
    message = messages.voicemail_left(
        db,
        business_id=business_id,
        call_id=call.call_id,
        recording_id=recording_id,
        callback_number=call.caller_number,
        from_name=call.caller_name,
        seconds=seconds,
    )
    calls.add_event(
        db,
        call.call_id,
        Kind.VOICEMAIL_LEFT,
        recording_id=recording_id,
        seconds=round(seconds, 1),
        message_id=message.message_id,
    )


def agent_of(db: Database, extension: str) -> str | None:
    """Whose phone has that extension."""
    return next((a.agent_id for a in agents.list_agents(db) if a.extension == extension), None)


def _keep_message(db: Database, settings: Settings, call: Call, file: Path) -> None:
    path = str(file.relative_to(settings.recordings))
    if any(db.query("SELECT 1 FROM recordings WHERE path = ?", [path])) or not call.business_id:
        return
    try:
        sound = wav.repair(file)
    except OSError as error:
        log.warning("call=%s its message %s cannot be read: %s", call.call_id, path, error)
        return
    if sound is None or sound.seconds < SHORTEST_SECONDS:
        return
    recording_id = new_id("rec")
    recordings.begin(db, recording_id, call.call_id, "voicemail", path, 1)
    recordings.finish(db, recording_id, seconds=sound.seconds, size=sound.size)
    enter_message(db, call, call.business_id, recording_id, sound.seconds)


def _who(call: Call, one: CallMeanwhile) -> str:
    """Who ended a call that nobody of us was with."""
    began, other = ("caller", "agent") if call.direction == "inbound" else ("agent", "callee")
    if one.ended is not None and one.ended.by_party:
        return began
    return other if call.answered_at or one.answered_by else "office"


def _is_noted(db: Database, call: Call, epoch: float) -> bool:
    at = max(_stamp(epoch), call.started_at)
    return any(event.kind == Kind.STANDBY and event.at == at for event in calls.timeline(db, call.call_id))


def _note(
    db: Database,
    call: Call,
    kind: Kind,
    epoch: float,
    *,
    agent_id: str | None = None,
    not_before: float = 0.0,
    **detail: str,
) -> None:
    at = max(_stamp(epoch), call.started_at)
    t = max(not_before, round(clock.seconds_between(call.started_at, at), 3))
    calls.add_event(db, call.call_id, kind, agent_id=agent_id, at=at, t=t, **detail)


def _stamp(epoch: float) -> str:
    return clock.stamp(datetime.fromtimestamp(epoch, UTC))
