"""Two people talk: recorded, held, transferred, until one hangs up."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from appliance.agents.models import Agent
from appliance.calls.models import Kind
from appliance.flows.dialling import PartyLine, place
from appliance.flows.session import CallRun, TransferRequest, while_present
from appliance.ids import new_id
from appliance.recordings import service as recordings
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import DigitPressed, LegEvent, LegHeld, LegResumed, TransferAnswer, TransferAsked
from appliance.switch.port import Leg

log = logging.getLogger(__name__)

TRANSFER_RING_SECONDS = 25.0
_Events = AsyncIterator[LegEvent]


@dataclass(frozen=True)
class _Sent:
    """The caller is to be sent to a target; ``answer`` tells the phone that asked, ``request`` the console."""

    target: str
    answer: TransferAnswer | None = None
    request: TransferRequest | None = None


@dataclass(frozen=True)
class UnderWay:
    """What went on before this core was there."""

    recording_id: str | None = None  # of the recording being made
    is_answered: bool = False  # they talk, and the books say so


async def converse(
    run: CallRun, caller: Leg, other: Leg, agent: Agent | None, *, under_way: UnderWay | None = None
) -> None:
    """Bridge two answered legs and stay with them to the end. Raises LegGone when the caller has gone.

    ``caller`` is who is served, of a call that an agent placed the one they called: the left channel of the recording,
    and who is sent on by a transfer. ``agent`` is who talks on ``other``; None for somebody who is no agent of ours.
    """
    line = PartyLine(other, agent)
    recording_id: str | None = None
    try:
        heard = (caller.events(), line.leg.events())  # before they are bridged: no key they press is missed
        recording_id = await _connect(run, caller, line, under_way or UnderWay())
        while True:
            sent = await while_present(caller, _talk(run, line, heard))
            if sent is None:
                return
            line = await _transfer(run, caller, line, sent)
            heard = (caller.events(), line.leg.events())
    except asyncio.CancelledError:
        await caller.hang_up(Cause.INTERRUPTED)  # the other one may end with it, and would not say why
        raise
    finally:
        # whatever ended it: nobody stays in a conversation without the other, and the sound is kept
        await asyncio.shield(asyncio.ensure_future(_part(run, caller, line, recording_id)))


async def _connect(run: CallRun, caller: Leg, line: PartyLine, under_way: UnderWay) -> str | None:
    """Let them talk, then write it down: the bridge does not wait for a disk. Colleagues among themselves are not
    recorded.
    """
    office = run.office
    agent_id = line.agent.agent_id if line.agent else None
    recording_id = under_way.recording_id
    file = await _start_recording(run, caller) if run.business and recording_id is None else None
    await office.switch.bridge(caller, line.leg)
    works = []
    if not under_way.is_answered:
        works.append(run.event(Kind.ANSWERED, agent_id=agent_id))
    if file is not None:
        recording_id = new = new_id("rec")
        path = run.stored_path(file)
        works.append(lambda db: recordings.begin(db, new, run.call_id, "call", path, 2))
        works.append(run.event(Kind.RECORDING_STARTED, recording_id=recording_id))
    await run.write(*works)
    if line.agent:
        await office.desk.occupy(line.agent.agent_id, "in_call", run.call_id)
    return recording_id


async def _start_recording(run: CallRun, caller: Leg) -> Path | None:
    """The file of the recording begun; None where the disk takes none."""
    file = await run.file_for("call")
    if file is not None:
        await caller.start_recording(file)
    return file


async def _talk(run: CallRun, line: PartyLine, heard: tuple[_Events, _Events]) -> _Sent | None:
    """Wait for the end of the other leg (None) or for a wish to transfer, writing down what happens meanwhile."""
    asked: asyncio.Queue[_Sent] = asyncio.Queue()
    # a transfer dials out at our cost: only a phone of ours may ask for one, never the party outside (RFC 3515 §5)
    is_ours = run.is_ours(line.leg)

    async def watch(events: _Events, by: str, *, may_transfer: bool) -> None:
        async for event in events:
            match event:
                case LegHeld():
                    run.note_soon(Kind.HELD, by=by)
                case LegResumed():
                    run.note_soon(Kind.RESUMED, by=by)
                case DigitPressed(digit):
                    run.note_soon(Kind.DIGIT, by=by, digit=digit)
                case TransferAsked(target, replaces, answer) if may_transfer and not replaces:
                    await asked.put(_Sent(target, answer=answer))
                case TransferAsked(target, answer=answer):
                    log.info("call=%s transfer to %r asked by %s is not made", run.call_id, target[:40], by)
                    with contextlib.suppress(LegGone):
                        await answer.failed(501 if may_transfer else 403)

    async def hear_console() -> None:
        request = await run.transfers.get()
        await asked.put(_Sent(request.target, request=request))

    who = "caller" if run.direction == "inbound" else "callee" if run.direction == "outbound" else "agent"
    watchers = [
        asyncio.create_task(watch(heard[0], who, may_transfer=False)),
        asyncio.create_task(watch(heard[1], "agent" if is_ours else "callee", may_transfer=is_ours)),
        asyncio.create_task(hear_console()),
    ]
    wish = asyncio.create_task(asked.get())
    gone = asyncio.create_task(line.leg.wait_ended())
    try:
        await asyncio.wait({wish, gone}, return_when=asyncio.FIRST_COMPLETED)
        return wish.result() if wish.done() else None
    finally:
        tasks = [*watchers, wish, gone]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _transfer(run: CallRun, caller: Leg, line: PartyLine, sent: _Sent) -> PartyLine:
    """Send the caller to the target; back to who they talked with when nobody takes them. Raises LegGone."""
    office = run.office
    agent_id = line.agent.agent_id if line.agent else None
    cause = Cause.CANCELLED  # the caller did not wait
    taken: PartyLine | None = None
    try:
        await run.note(Kind.TRANSFER_ASKED, agent_id=agent_id, target=sent.target)
        await office.switch.unbridge(caller)
        await caller.start_music(await office.sounds.music())
        async with asyncio.timeout(TRANSFER_RING_SECONDS):
            taken = await while_present(caller, place(run, sent.target, caller.party, waiting=caller))
        await office.switch.bridge(caller, taken.leg)
    except (CallRejected, TimeoutError) as error:
        cause = error.cause if isinstance(error, CallRejected) else Cause.NO_ANSWER
    except LegGone as gone:
        if taken is not None:
            await _let_go(run, taken)
        if caller.ended is not None:
            await _answer(sent, cause)
            raise
        cause, taken = gone.cause, None  # who took the caller has hung up at once
    if taken is None:
        return await _give_back(run, caller, line, sent, cause)
    await _answer(sent, None)
    agent_id = taken.agent.agent_id if taken.agent else None
    await run.note(Kind.TRANSFERRED, target=sent.target, agent_id=agent_id)
    if taken.agent:
        await run.note(Kind.ANSWERED, agent_id=agent_id)
        await office.desk.occupy(taken.agent.agent_id, "in_call", run.call_id)
    await _let_go(run, line)
    return taken


async def _give_back(run: CallRun, caller: Leg, line: PartyLine, sent: _Sent, cause: Cause) -> PartyLine:
    """Nobody took the caller: back to who they talked with. Raises LegGone when that one has left."""
    await run.note(Kind.TRANSFER_FAILED, target=sent.target, cause=cause.value)
    await _answer(sent, cause)
    if line.leg.ended is not None:
        raise LegGone(cause)
    await run.office.switch.bridge(caller, line.leg)
    return line


async def _let_go(run: CallRun, line: PartyLine) -> None:
    """Somebody is out of this call; an agent is free again."""
    await line.leg.hang_up()
    if line.agent:
        await run.office.desk.release(line.agent.agent_id, run.call_id)


async def _answer(sent: _Sent, cause: Cause | None) -> None:
    """Tell who asked for a transfer how it went."""
    if sent.answer is not None:
        with contextlib.suppress(LegGone):
            await (sent.answer.succeeded() if cause is None else sent.answer.failed())
    if sent.request is not None and not sent.request.done.done():
        sent.request.done.set_result(cause)


async def _part(run: CallRun, caller: Leg, line: PartyLine, recording_id: str | None) -> None:
    await _let_go(run, line)  # first: an agent does not wait for the disk
    sound = await caller.stop_recording()
    if recording_id is not None:
        seconds = sound.seconds if sound else 0.0
        size = await asyncio.to_thread(lambda: sound.path.stat().st_size if sound and sound.path.exists() else 0)
        state = "ready" if sound and seconds > 0 else "empty"
        await run.write(
            lambda db: recordings.finish(db, recording_id, seconds=seconds, size=size, state=state),
            run.event(Kind.RECORDING_ENDED, recording_id=recording_id, seconds=round(seconds, 1)),
        )
