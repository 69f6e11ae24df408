"""The reception: what a caller of a business lives through."""

import asyncio

from appliance import clock
from appliance.calls.models import Kind
from appliance.flows.conversation import UnderWay, converse
from appliance.flows.directory import Business
from appliance.flows.menu import walk
from appliance.flows.queueing import Answered, find_agent
from appliance.flows.session import CallRun, while_present
from appliance.flows.voicemail import leave_message
from appliance.menus import rules
from appliance.menus.models import Journey
from appliance.switch.errors import LegGone
from appliance.switch.port import Leg

# A phone that answers and is gone at once must not keep a caller going round for ever
MOST_ATTEMPTS = 3


async def reception(
    run: CallRun, caller: Leg, business: Business, *, is_blocked: bool = False, journey: Journey | None = None
) -> None:
    """Carry a caller through the business's plan, from its beginning or from ``journey``, to the end of their leg."""
    journey = journey or rules.begin(business.answering, clock.now(), is_blocked=is_blocked)
    try:
        if journey.step.kind != "refuse":
            await caller.answer()
        await walk(run, caller, business, journey, lambda: serve(run, caller, business))
    except LegGone:
        pass  # the caller hung up: the books say where


async def serve(run: CallRun, caller: Leg, business: Business, *, under_way: UnderWay | None = None) -> None:
    """Find an agent for a caller who has been greeted, and let them talk; or take a message. Raises LegGone."""
    had_agent = run.row["answered_at"]
    for _attempt in range(MOST_ATTEMPTS):
        agent = await _wait_for_agent(run, caller, business)
        if agent is None:
            break
        if await _talk(run, caller, agent, under_way):
            return
        if run.row["answered_at"] != had_agent:
            break
    await leave_message(run, caller, business, "no_one_answers")


async def _talk(run: CallRun, caller: Leg, agent: Answered, under_way: UnderWay | None) -> bool:
    """Let them talk to the end; False when the caller is left with nobody. Raises LegGone when the caller has gone."""
    try:
        await converse(run, caller, agent.leg, agent.agent, under_way=under_way)
    except LegGone as gone:
        if caller.ended is not None:
            raise
        if not run.row["answered_at"]:  # gone in the moment of their answer
            await run.note(Kind.OFFER_ENDED, agent_id=agent.agent.agent_id, cause=gone.cause.value)
        return False
    return True


async def _wait_for_agent(run: CallRun, caller: Leg, business: Business) -> Answered | None:
    """Music, and an agent if there is one in time. The phones do not wait for the music to be made."""
    await run.note(Kind.WAITING)
    music = asyncio.create_task(_play_music(run, caller))
    try:
        return await while_present(caller, find_agent(run, business))
    finally:
        music.cancel()
        await asyncio.gather(music, return_exceptions=True)


async def _play_music(run: CallRun, caller: Leg) -> None:
    await caller.start_music(await run.office.sounds.music())
