"""After a crash: every call that was under way is closed in the books, its sound made playable and kept."""

import logging
import sqlite3
from collections.abc import Container, Mapping
from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from appliance import clock
from appliance.calls import service as calls
from appliance.calls.models import Call, Kind
from appliance.config import Settings
from appliance.flows import standby_books
from appliance.ids import new_id
from appliance.recordings import service as recordings
from appliance.recordings import wav
from appliance.recordings.models import Recording
from appliance.switch.causes import Cause
from appliance.switch.port import CallMeanwhile

log = logging.getLogger(__name__)

SHORTEST_VOICEMAIL_SECONDS = 1.0
YOUNGEST_PHANTOM_SECONDS = 10.0


def close_what_was_cut_off(
    db: Database, settings: Settings, *, going_on: Container[str] = (), ends: Mapping[str, CallMeanwhile] | None = None
) -> int:
    """Close the calls that a dead core left open, but those that are ``going_on``; how many.

    ``ends`` tells by leg how calls ended that outlived the core.
    """
    left = [call for call in calls.live_calls(db) if call.call_id not in going_on]
    for call in left:
        _enter_unwritten_recording(db, settings, call)
    for recording in recordings.unfinished(db):
        if recording.call_id not in going_on:
            _try_keep(db, settings, recording)
    for call in left:
        if end := (ends or {}).get(call.leg_id or ""):
            standby_books.close(db, settings, call, end)
        else:
            calls.add_event(db, call.call_id, Kind.ENDED, cause=Cause.INTERRUPTED.value, by="office", **_end(db, call))
    if left:
        log.warning("calls cut off by the last end of the core: %d", len(left))
    db.execute("UPDATE agent_states SET state = 'offline', call_id = NULL, state_at = ?", [clock.stamp()])
    return len(left)


def keep_unfinished(db: Database, settings: Settings, call_id: str, *, but: str | None = None) -> None:
    """Enter what was recorded of one call while nobody of us was with it, but one recording that goes on."""
    for recording in recordings.unfinished(db):
        if recording.call_id == call_id and recording.recording_id != but:
            _try_keep(db, settings, recording)


def close_phantoms(db: Database, settings: Settings, live: set[str]) -> list[str]:
    """Close calls that the books hold open though nobody carries them (their last word could not be written)."""
    now = clock.stamp()
    phantoms = [
        call
        for call in calls.live_calls(db)
        # a call that has just begun is in the books a moment before it is among the live
        if call.call_id not in live and clock.seconds_between(call.started_at, now) > YOUNGEST_PHANTOM_SECONDS
    ]
    cut_off = {call.call_id for call in phantoms}
    for recording in recordings.unfinished(db):
        if recording.call_id in cut_off:
            _try_keep(db, settings, recording)
    for call in phantoms:
        calls.add_event(db, call.call_id, Kind.ENDED, cause=Cause.INTERRUPTED.value, by="office")
    return [call.call_id for call in phantoms]


def _end(db: Database, call: Call) -> dict[str, Any]:
    """When a call was cut off, as far as its events and recordings tell, not when that was noticed.

    ``t`` is seconds since its arrival, ``at`` the stamp. What was cut off by a dead core may be found hours later.
    """
    events = calls.timeline(db, call.call_id)
    begun = {e.detail.get("recording_id"): float(e.detail["t"]) for e in events if "t" in e.detail}
    ends = [float(event.detail.get("t", 0.0)) for event in events]
    for row in db.query(
        "SELECT recording_id, started_at, seconds FROM recordings WHERE call_id = ? AND state = 'ready'", [call.call_id]
    ):
        steady = begun.get(row["recording_id"])
        start = max(0.0, clock.seconds_between(call.started_at, row["started_at"])) if steady is None else steady
        ends.append(start + row["seconds"])
    t = round(max(ends), 3)
    return {"t": t, "at": clock.stamp(clock.parse(call.started_at) + timedelta(seconds=t))}


def _enter_unwritten_recording(db: Database, settings: Settings, call: Call) -> None:
    """A conversation whose file was begun a moment before the books could say so."""
    path = recordings.path_for(call.call_id, "call", call.started_at)
    known = any(db.query("SELECT 1 FROM recordings WHERE path = ?", [path]))
    is_talk = call.phase in ("arrived", "ringing", "talking")
    if is_talk and not known and (settings.recordings / path).is_file():
        recording_id = new_id("rec")
        recordings.begin(db, recording_id, call.call_id, "call", path, 2)
        # it began after the last thing that was written down; how much later nobody knows
        t = max(float(event.detail.get("t", 0.0)) for event in calls.timeline(db, call.call_id))
        if call.answered_at is None:
            calls.add_event(db, call.call_id, Kind.ANSWERED, agent_id=call.agent_id, t=t)
        calls.add_event(db, call.call_id, Kind.RECORDING_STARTED, recording_id=recording_id, t=t)


def _try_keep(db: Database, settings: Settings, recording: Recording) -> None:
    """One recording that cannot be dealt with keeps neither the others nor the office from going on."""
    try:
        _keep(db, settings, recording)
    except sqlite3.OperationalError:  # the disk: everything is tried again
        raise
    except Exception:
        log.exception("recording=%s cannot be recovered", recording.recording_id)


def _keep(db: Database, settings: Settings, recording: Recording) -> None:
    """Make a cut-off file playable and enter it; a voicemail becomes a message as if its caller had hung up."""
    try:
        sound = wav.repair(settings.recordings / recording.path)
    except OSError as error:
        log.warning("recording=%s lost: %s", recording.recording_id, error)
        recordings.finish(db, recording.recording_id, seconds=0, size=0, state="lost")
        return
    if sound is None:
        recordings.finish(db, recording.recording_id, seconds=0, size=0, state="empty")
        return
    recordings.finish(db, recording.recording_id, seconds=sound.seconds, size=sound.size)
    if recording.kind == "voicemail" and sound.seconds >= SHORTEST_VOICEMAIL_SECONDS and recording.business_id:
        call = calls.get_call(db, recording.call_id)
        standby_books.enter_message(db, call, recording.business_id, recording.recording_id, sound.seconds)
