"""Two people talk: recorded, held, transferred, until one hangs up."""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from appliance.agents.models import Agent
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.flows.dialling import PartyLine, place
from appliance.flows.session import CallRun, TransferRequest, while_present
from appliance.ids import new_id
from appliance.recordings import service as recordings
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import DigitPressed, LegHeld, LegResumed, TransferAnswer, TransferAsked
from appliance.switch.port import Leg

TRANSFER_RING_SECONDS = 25.0


@dataclass(frozen=True)
class _Sent:
    """The caller is to be sent to a target; ``answer`` tells the phone that asked, ``request`` the console."""

    target: str
    answer: TransferAnswer | None = None
    request: TransferRequest | None = None


async def converse(run: CallRun, caller: Leg, other: Leg, agent: Agent | None) -> None:
    """Bridge two answered legs and stay with them to the end. Raises LegGone when the caller has gone.

    ``agent`` is who talks on ``other``; None for somebody who is no agent of ours.
    """
    line = PartyLine(other, agent)
    recording_id: str | None = None
    try:
        recording_id = await _connect(run, caller, line)
        while True:
            sent = await while_present(caller, _talk(run, caller, line))
            if sent is None:
                return
            line = await _transfer(run, caller, line, sent)
    finally:
        # whatever ended it: nobody stays in a conversation without the other, and the sound is kept
        await asyncio.shield(asyncio.ensure_future(_part(run, caller, line, recording_id)))


async def _connect(run: CallRun, caller: Leg, line: PartyLine) -> str | None:
    """Let them talk, then write it down: the bridge does not wait for a disk. Colleagues among themselves are not
    recorded.
    """
    office = run.office
    if run.business is None:
        await office.switch.bridge(caller, line.leg)
        await run.note(Kind.ANSWERED, agent_id=line.agent.agent_id if line.agent else None)
        return None
    recording_id = new_id("rec")
    path = recordings.path_for(run.call_id, "call", run.row["started_at"])
    file = office.settings.recordings / path
    await asyncio.to_thread(file.parent.mkdir, parents=True, exist_ok=True)
    await caller.start_recording(file)
    await office.switch.bridge(caller, line.leg)
    agent_id = line.agent.agent_id if line.agent else None

    def work(db: Database) -> dict[str, Any]:
        recordings.begin(db, recording_id, run.call_id, "call", path, 2)
        calls.add_event(db, run.call_id, Kind.ANSWERED, agent_id=agent_id, t=run.elapsed)
        return calls.add_event(db, run.call_id, Kind.RECORDING_STARTED, t=run.elapsed, recording_id=recording_id)

    await run.write(work)
    if line.agent:
        await office.desk.occupy(line.agent.agent_id, "in_call", run.call_id)
    return recording_id


async def _talk(run: CallRun, caller: Leg, line: PartyLine) -> _Sent | None:
    """Wait for the end of the other leg (None) or for a wish to transfer, writing down what happens meanwhile."""
    asked: asyncio.Queue[_Sent] = asyncio.Queue()

    async def watch(leg: Leg, by: str) -> None:
        async for event in leg.events():
            match event:
                case LegHeld():
                    await run.note(Kind.HELD, by=by)
                case LegResumed():
                    await run.note(Kind.RESUMED, by=by)
                case DigitPressed(digit):
                    await run.note(Kind.DIGIT, by=by, digit=digit)
                case TransferAsked(target, replaces, answer) if by == "agent" and not replaces:
                    await asked.put(_Sent(target, answer=answer))
                case TransferAsked(answer=answer):
                    await answer.failed(501)

    async def hear_console() -> None:
        request = await run.transfers.get()
        await asked.put(_Sent(request.target, request=request))

    watchers = [
        asyncio.create_task(watch(caller, "caller")),
        asyncio.create_task(watch(line.leg, "agent")),
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
    await run.note(Kind.TRANSFER_ASKED, agent_id=line.agent.agent_id if line.agent else None, target=sent.target)
    await office.switch.unbridge(caller)
    await caller.start_music(await office.sounds.music())
    try:
        async with asyncio.timeout(TRANSFER_RING_SECONDS):
            taken = await while_present(caller, place(run, sent.target, caller.party))
    except (CallRejected, TimeoutError) as error:
        cause = error.cause if isinstance(error, CallRejected) else Cause.NO_ANSWER
        await run.note(Kind.TRANSFER_FAILED, target=sent.target, cause=cause.value)
        await _answer(sent, cause)
        if line.leg.ended is not None:
            raise LegGone(cause) from error
        await office.switch.bridge(caller, line.leg)
        return line
    except LegGone:
        await _answer(sent, Cause.CANCELLED)
        raise
    await office.switch.bridge(caller, taken.leg)
    await _answer(sent, None)
    agent_id = taken.agent.agent_id if taken.agent else None
    await run.note(Kind.TRANSFERRED, target=sent.target, agent_id=agent_id)
    if taken.agent:
        await run.note(Kind.ANSWERED, agent_id=agent_id)
        await office.desk.occupy(taken.agent.agent_id, "in_call", run.call_id)
    await line.leg.hang_up()
    if line.agent:
        await office.desk.release(line.agent.agent_id, run.call_id)
    return taken


async def _answer(sent: _Sent, cause: Cause | None) -> None:
    """Tell who asked for a transfer how it went."""
    if sent.answer is not None:
        with contextlib.suppress(LegGone):
            await (sent.answer.succeeded() if cause is None else sent.answer.failed())
    if sent.request is not None and not sent.request.done.done():
        sent.request.done.set_result(cause)


async def _part(run: CallRun, caller: Leg, line: PartyLine, recording_id: str | None) -> None:
    await line.leg.hang_up()
    sound = await caller.stop_recording()
    if recording_id is not None:
        seconds = sound.seconds if sound else 0.0
        size = await asyncio.to_thread(lambda: sound.path.stat().st_size if sound and sound.path.exists() else 0)
        state = "ready" if sound and seconds > 0 else "empty"

        def work(db: Database) -> dict[str, Any]:
            recordings.finish(db, recording_id, seconds=seconds, size=size, state=state)
            return calls.add_event(
                db,
                run.call_id,
                Kind.RECORDING_ENDED,
                t=run.elapsed,
                recording_id=recording_id,
                seconds=round(seconds, 1),
            )

        await run.write(work)
    if line.agent:
        await run.office.desk.release(line.agent.agent_id, run.call_id)
