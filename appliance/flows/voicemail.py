"""Leaving a message after the tone."""

import asyncio

from appliance.calls.models import Kind
from appliance.flows.books import Work
from appliance.flows.directory import Business
from appliance.flows.session import CallRun
from appliance.ids import new_id
from appliance.messages import service as messages
from appliance.recordings import service as recordings
from appliance.switch.errors import LegGone
from appliance.switch.port import Leg, RecordedSound

# Shorter than this nobody has said anything: the click of hanging up
SHORTEST_SECONDS = 1.0
# Silent for this long, a caller has finished
SILENCE_SECONDS = 6.0


async def leave_message(run: CallRun, caller: Leg, business: Business, why: str) -> None:
    """Say why nobody answers, ask for a message, record and deliver it. Raises LegGone.

    ``why`` is a prompt's name; or "closed" or "chosen", which the caller knows already.
    """
    sounds = [await run.prompt("leave_message"), await run.office.sounds.tone()]
    if why not in ("closed", "chosen"):
        sounds.insert(0, await run.prompt(why))
    await run.note(Kind.VOICEMAIL_ASKED, why=why)
    await caller.play(sounds)
    await _record(run, caller, business)


async def _record(run: CallRun, caller: Leg, business: Business) -> None:
    recording_id = new_id("rec")
    file = await run.file_for("voicemail")
    if file is None:
        return
    path = run.stored_path(file)
    await run.write(lambda db: recordings.begin(db, recording_id, run.call_id, "voicemail", path, 1))
    try:
        sound = await caller.record_party(
            file, most_seconds=business.voicemail_seconds, silence_seconds=SILENCE_SECONDS, stop_on="#"
        )
    except LegGone:  # in the moment before the recording began
        await run.write(lambda db: recordings.finish(db, recording_id, seconds=0, size=0, state="empty"))
        raise
    kept = await _keep(run, business, recording_id, sound)
    if kept and caller.ended is None:
        await caller.play([await run.prompt("message_saved")])


async def _keep(run: CallRun, business: Business, recording_id: str, sound: RecordedSound) -> bool:
    """Enter a voicemail with its message and its deliveries, all or nothing; False for a click, which is no message."""
    seconds = sound.seconds
    if sound.ended_by == "silence":
        seconds = max(0.0, seconds - SILENCE_SECONDS)
    size = await asyncio.to_thread(lambda: sound.path.stat().st_size if sound.path.exists() else 0)
    is_message = seconds >= SHORTEST_SECONDS
    state = "ready" if is_message else "empty"
    works: list[Work] = [lambda db: recordings.finish(db, recording_id, seconds=sound.seconds, size=size, state=state)]
    if is_message:
        works.append(
            lambda db: messages.voicemail_left(
                db,
                business_id=business.business_id,
                call_id=run.call_id,
                recording_id=recording_id,
                callback_number=run.caller_number,
                from_name=run.caller_name,
                seconds=sound.seconds,
            )
        )
        works.append(run.event(Kind.VOICEMAIL_LEFT, recording_id=recording_id, seconds=round(sound.seconds, 1)))
    await run.write(*works)
    if is_message:
        run.office.publish({"event": "message", "business_id": business.business_id})
        run.office.publish({"event": "outbox"})
    return is_message
