"""Finding an agent for a caller who hears music."""

import asyncio
from dataclasses import dataclass

from appliance.agents.models import Agent
from appliance.calls.models import Kind
from appliance.flows.desk import Ticket
from appliance.flows.directory import Business
from appliance.flows.session import CallRun
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected
from appliance.switch.events import LegRang
from appliance.switch.port import ExtensionTarget, Leg, Party

# An agent who lets it ring this long yields to a colleague who is free
OFFER_SECONDS = 12.0


@dataclass(frozen=True)
class Answered:
    """An agent said hello."""

    agent: Agent
    leg: Leg


async def find_agent(run: CallRun, business: Business) -> Answered | None:
    """Offer the caller to one agent after the other until one answers; None when nobody does in ring_seconds."""
    desk = run.office.desk
    ticket = desk.join(run.call_id, business.business_id)
    try:
        async with asyncio.timeout(business.ring_seconds):
            while desk.somebody_may_come(ticket):
                if agent := desk.next_agent(ticket):
                    if leg := await _offer(run, business, ticket, agent):
                        return Answered(agent, leg)
                else:
                    await desk.wait_changed()
    except TimeoutError:
        pass
    finally:
        desk.leave(ticket)
    return None


async def _offer(run: CallRun, business: Business, ticket: Ticket, agent: Agent) -> Leg | None:
    """Ring one agent; their leg if they answer. However this ends, an agent who does not talk is free again."""
    office = run.office
    ticket.is_offered = True
    await office.desk.occupy(agent.agent_id, "ringing", run.call_id)
    leg: Leg | None = None
    answered = False
    cause = Cause.NO_ANSWER
    try:
        await run.note(Kind.OFFERED, agent_id=agent.agent_id, extension=agent.extension)
        show = Party(run.caller_number, business.name)
        leg = await office.switch.call(ExtensionTarget(agent.extension), show=show, tag=run.call_id, waiting=run.caller)
        run.legs.append(leg)
        await _ring(run, ticket, agent, leg)
        answered = True
        return leg
    except CallRejected as rejected:
        cause = rejected.cause
        return None
    except TimeoutError:
        return None
    finally:
        if not answered:
            if run.caller is not None and run.caller.ended:
                cause = Cause.CANCELLED
            ticket.refused_by.add(agent.agent_id)
            ticket.is_offered = False
            await _withdraw(run, agent, leg, cause)


async def _ring(run: CallRun, ticket: Ticket, agent: Agent, leg: Leg) -> None:
    """Wait for the answer; after OFFER_SECONDS only while no colleague is free. Raises CallRejected, TimeoutError."""
    watch = asyncio.create_task(_note_ringing(run, agent, leg))
    answer = asyncio.create_task(leg.wait_answered())
    try:
        done, _ = await asyncio.wait({answer}, timeout=OFFER_SECONDS)
        while not done:
            if run.office.desk.next_agent(ticket) is not None:
                raise TimeoutError
            change = asyncio.create_task(run.office.desk.wait_changed())
            await asyncio.wait({answer, change}, return_when=asyncio.FIRST_COMPLETED)
            change.cancel()
            done = {answer} if answer.done() else set()
        answer.result()
    finally:
        watch.cancel()
        answer.cancel()
        await asyncio.gather(watch, answer, return_exceptions=True)


async def _note_ringing(run: CallRun, agent: Agent, leg: Leg) -> None:
    async for event in leg.events():
        if isinstance(event, LegRang):
            await run.note(Kind.RANG, agent_id=agent.agent_id)
            return


async def _withdraw(run: CallRun, agent: Agent, leg: Leg | None, cause: Cause) -> None:
    """Stop ringing an agent and write down why; done to the end even when the call is being cancelled."""

    async def work() -> None:
        if leg is not None:
            await leg.hang_up(Cause.CANCELLED)
            run.legs.remove(leg)
        await run.note(Kind.OFFER_ENDED, agent_id=agent.agent_id, cause=cause.value)
        await run.office.desk.release(agent.agent_id, run.call_id)

    await asyncio.shield(asyncio.ensure_future(work()))
