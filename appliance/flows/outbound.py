"""Calls that our own phones place: to a colleague, or out into the world in a business's name."""

import asyncio

from appliance.agents.models import Agent
from appliance.calls.models import Kind
from appliance.flows.conversation import converse
from appliance.flows.dialling import PartyLine, place
from appliance.flows.session import CallRun, while_present
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.port import Leg, Party

RING_SECONDS = 60.0


async def outbound(run: CallRun, caller: Leg, agent: Agent | None) -> None:
    """Call who was dialled; the caller hears ringing until they answer. Only agents may call outside."""
    inside = run.dialled in run.office.directory.extension_names
    if not inside and (agent is None or run.business is None):
        await run.note(Kind.REFUSED, cause=Cause.FORBIDDEN.value)
        await caller.reject(Cause.FORBIDDEN)
        return
    try:
        if agent:
            await run.office.desk.occupy(agent.agent_id, "in_call", run.call_id)
        await caller.ring()
        callee = await _reach(run, caller, agent)
        if callee is None:
            return
        await caller.answer()
        if run.is_ours(callee.leg):
            await converse(run, caller, callee.leg, callee.agent)
        else:  # the one outside is served, and may be sent on to a colleague
            await converse(run, callee.leg, caller, agent)
    except LegGone:
        pass  # the one who dialled hung up


async def _reach(run: CallRun, caller: Leg, agent: Agent | None) -> PartyLine | None:
    show = Party(caller.origin.name if caller.origin else "", agent.name if agent else caller.party.name)
    try:
        async with asyncio.timeout(RING_SECONDS):
            return await while_present(caller, place(run, run.dialled, show, waiting=caller, listener=caller))
    except CallRejected as rejected:
        cause = rejected.cause
    except TimeoutError:
        cause = Cause.NO_ANSWER
    await run.note(Kind.OFFER_ENDED, target=run.dialled, cause=cause.value)
    await caller.reject(cause)
    return None
