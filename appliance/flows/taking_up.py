"""A core that comes back goes on with the calls that outlived the last one.

Owns: which survivors belong to which call, where each call goes on. Leaves out: what ended meanwhile (recovery.py,
standby_books.py).
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from appliance import clock
from appliance.agents.models import Agent
from appliance.calls import service as calls
from appliance.calls.models import Call, Kind
from appliance.flows import recovery, standby_books
from appliance.flows.books import Work
from appliance.flows.conversation import UnderWay, converse
from appliance.flows.directory import Business
from appliance.flows.outbound import outbound
from appliance.flows.reception import reception, serve
from appliance.flows.router import close, is_blocked
from appliance.flows.session import CallRun, Office
from appliance.flows.voicemail import leave_message
from appliance.menus import rules as menus
from appliance.menus.models import Journey
from appliance.recordings import service as recordings
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.port import Leg, Survivor

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class GoingOn:
    """A call of the books and its legs that live: first the one that began it, where it is still there."""

    call: Call
    legs: tuple[Survivor, ...]


def sort_out(live: Iterable[Call], survivors: Iterable[Survivor]) -> tuple[list[GoingOn], list[Survivor]]:
    """The calls that go on, in the order in which they came, and the legs that belong to none."""
    left = list(survivors)
    going_on = []
    for call in sorted(live, key=lambda call: (call.started_at, call.call_id)):
        ours = [one for one in left if one.leg.leg_id == call.leg_id or one.tag == call.call_id]
        # whom the standby connected with them carries no word of ours
        ours += [one for one in left if one not in ours and any(one.leg is o.bridged_with for o in ours)]
        if ours:
            left = [one for one in left if one not in ours]
            ours.sort(key=lambda one: (one.leg.leg_id != call.leg_id, one.leg.direction != "in"))
            going_on.append(GoingOn(call, tuple(ours)))
    return going_on, left


async def take_up(office: Office, going_on: GoingOn) -> None:
    """Carry a call from where it is to its end; whatever happens on it, the books are closed."""
    call, first = going_on.call, going_on.legs[0]
    business = office.directory.businesses.get(call.business_id or "")
    agent = office.desk.agent(call.agent_id) if call.agent_id else None
    run = CallRun.taken_up(office, business, call)
    run.caller = first.leg
    run.legs += [one.leg for one in going_on.legs]
    outgoing = call.direction != "inbound"
    try:
        await run.write(*_back(run, first))
        await _go_on(run, going_on, business, agent)
    except LegGone:
        pass  # they hung up
    except asyncio.CancelledError:
        await run.hang_up(Cause.INTERRUPTED)
        raise
    except Exception:  # the loop boundary: a fault in one call must not touch the others
        log.exception("call=%s failed", run.call_id)
    finally:
        await asyncio.shield(asyncio.ensure_future(close(run, first.leg, outgoing, agent)))


def _back(run: CallRun, first: Survivor) -> list[Work]:
    """What is to be written before anything else: that we are back, and who picked up meanwhile."""
    works = [run.event(Kind.CORE_BACK, phase=run.row["phase"])]
    if first.bridged_with is not None and run.row["answered_at"] is None:
        agent = run.office.desk.agent_of_extension(first.bridged_with.dialled)
        ago = max(0.0, clock.now().timestamp() - first.bridged_at) if first.bridged_at else 0.0
        works.append(run.event(Kind.ANSWERED, agent_id=agent.agent_id if agent else None, ago_seconds=ago))
    return works


async def _go_on(run: CallRun, going_on: GoingOn, business: Business | None, agent: Agent | None) -> None:
    first = going_on.legs[0]
    if first.is_left_alone:
        await _see_to_its_end(run, first.leg)
        return
    under_way = UnderWay(await _recording(run, going_on.legs), is_answered=first.bridged_with is not None)
    other = first.bridged_with or next((one.leg for one in going_on.legs[1:] if one.leg.ended is None), None)
    if other is not None:
        await _talk_on(run, first.leg, other, agent, under_way)
    elif run.direction == "inbound" and business is not None:
        await _receive(run, first.leg, business, under_way)
    elif first.leg.direction == "in" and run.row["answered_at"] is None:
        if first.leg.is_answered:  # the standby has picked up for them, so that they wait
            await first.leg.start_music(await run.office.sounds.music())
        await outbound(run, first.leg, agent)


async def _recording(run: CallRun, legs: Sequence[Survivor]) -> str | None:
    """The recording that is still being made; what was recorded and not entered before is entered."""
    folder = run.office.settings.recordings
    files = {run.stored_path(one.recording) for one in legs if one.recording and one.recording.is_relative_to(folder)}
    unfinished = [r for r in await run.office.store.read(recordings.unfinished) if r.call_id == run.call_id]
    going_on = next((r.recording_id for r in unfinished if r.path in files), None)
    settings, call_id = run.office.settings, run.call_id
    await run.office.books.write(lambda db: recovery.keep_unfinished(db, settings, call_id, but=going_on))
    return going_on


async def _talk_on(run: CallRun, began: Leg, other: Leg, agent: Agent | None, under_way: UnderWay) -> None:
    """Who talked goes on talking; who was being transferred has their agent back."""
    if run.direction == "inbound" or run.is_ours(other):
        await converse(run, began, other, run.office.desk.agent_of_extension(other.dialled), under_way=under_way)
    else:  # the one outside is served, see outbound
        await converse(run, other, began, agent, under_way=under_way)


async def _receive(run: CallRun, caller: Leg, business: Business, under_way: UnderWay) -> None:
    """A caller nobody is with: greeted if that is still to come, else among those who wait, in their old order."""
    match run.row["phase"]:
        case "arrived" | "greeting" | "closed":
            await reception(run, caller, business, is_blocked=await is_blocked(run, business))
        case "menu":
            await reception(run, caller, business, journey=await _journey(run, business))
        case "voicemail":
            if (await run.office.store.read(calls.get_call, run.call_id)).state == "voicemail":
                await caller.play([await run.prompt("message_saved")])  # theirs has been entered
            else:
                await leave_message(run, caller, business, "no_one_answers")
        case _:
            await serve(run, caller, business, under_way=under_way)


async def _journey(run: CallRun, business: Business) -> Journey | None:
    """To the menu the caller was in, once more; from the beginning where it is gone."""
    timeline = await run.office.store.read(calls.timeline, run.call_id)
    menu_id = next((str(e.detail.get("menu_id")) for e in reversed(timeline) if e.kind == Kind.MENU), "")
    return menus.resume(business.answering, menu_id)


async def _see_to_its_end(run: CallRun, caller: Leg) -> None:
    """Somebody leaves a message and is not disturbed; it is entered when they have done."""
    await caller.wait_ended()
    office, call_id = run.office, run.call_id
    mine = [one for one in await office.switch.meanwhile() if one.leg_id == caller.leg_id]

    def work(db: Database) -> None:
        recovery.keep_unfinished(db, office.settings, call_id)
        for one in mine:
            standby_books.enter_left_message(db, office.settings, call_id, one)

    await office.books.write(work)
    office.publish({"event": "message", "business_id": run.business.business_id if run.business else None})
    office.publish({"event": "outbox"})


def strangers(left: Sequence[Survivor]) -> tuple[list[Leg], list[Leg]]:
    """Of the legs that belong to no call: those to be taken as new calls, and those to be ended."""
    new = [one.leg for one in left if one.leg.direction == "in" and one.bridged_with is None and not one.is_left_alone]
    orphans = [one.leg for one in left if one.leg.direction == "out" and one.bridged_with is None]
    return new, orphans
