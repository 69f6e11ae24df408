"""Reaching somebody: an extension of ours or a number outside, as a person dials it."""

import asyncio
import contextlib
from dataclasses import dataclass

from appliance import phone_numbers
from appliance.agents.models import Agent
from appliance.flows.session import CallRun
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import LegRang
from appliance.switch.port import ExtensionTarget, Leg, Party, Target, TrunkTarget


@dataclass(frozen=True)
class PartyLine:
    """Somebody who talks: their leg, and which agent they are, if one."""

    leg: Leg
    agent: Agent | None


async def place(run: CallRun, dialled: str, caller: Party, *, waiting: Leg, listener: Leg | None = None) -> PartyLine:
    """Call an extension or a number and wait for the answer, for as long as the caller of this cares to wait.

    Agents' phones are shown the caller, the world outside the business's number. ``waiting`` is the leg it is done for.
    ``listener`` is a leg that hears what the network says before the answer: ringing, or that the number is not in use.
    Raises CallRejected.
    """
    office = run.office
    directory = office.directory
    agent = office.desk.agent_of_extension(dialled)
    if dialled in directory.extension_names:
        if agent and agent.state in ("ringing", "in_call"):
            raise CallRejected(Cause.BUSY)
        if agent:
            await office.desk.occupy(agent.agent_id, "ringing", run.call_id)
        try:
            return PartyLine(await _ring(run, [ExtensionTarget(dialled)], caller, waiting), agent)
        except BaseException:
            if agent:
                await asyncio.shield(asyncio.ensure_future(office.desk.release(agent.agent_id, run.call_id)))
            raise
    if run.business is None:  # colleagues among themselves: nobody in whose name, and at whose cost, to call outside
        raise CallRejected(Cause.FORBIDDEN)
    number = outside_number(dialled, directory.region)
    shown = run.business.numbers[0] if run.business.numbers else ""
    name = run.business.name
    trunks: list[Target] = [TrunkTarget(trunk_id, number) for trunk_id in directory.outbound_trunks()]
    return PartyLine(await _ring(run, trunks, Party(shown, name), waiting, listener), None)


def outside_number(dialled: str, region: str | None) -> str:
    """The number to dial outside: E.164 where it can be read so. Raises CallRejected for what is no number."""
    try:
        return phone_numbers.to_e164(dialled, region)
    except phone_numbers.BadNumber:
        # short numbers of a country: information, emergency
        if dialled.isdecimal() and 2 <= len(dialled) <= 6:
            return dialled
        raise CallRejected(Cause.UNKNOWN_NUMBER) from None


async def _ring(run: CallRun, targets: list[Target], show: Party, waiting: Leg, listener: Leg | None = None) -> Leg:
    """Try the targets in order: the next one when the way to it failed, not when the callee is busy or declines."""
    failure = CallRejected(Cause.SERVICE_UNAVAILABLE)
    for target in targets:
        leg: Leg | None = None
        answered = False
        early: asyncio.Task[None] | None = None
        try:
            leg = await run.office.switch.call(target, show=show, tag=run.call_id, waiting=waiting)
            run.legs.append(leg)
            if listener is not None:
                early = asyncio.create_task(_let_hear(run, leg, listener))
            await leg.wait_answered()
            answered = True
            return leg
        except CallRejected as rejected:
            failure = rejected
            if rejected.cause not in (Cause.SERVICE_UNAVAILABLE, Cause.NETWORK, Cause.TIMEOUT):
                raise
        finally:
            if early is not None:
                early.cancel()
                await asyncio.gather(early, return_exceptions=True)
            if leg is not None and not answered:
                run.legs.remove(leg)  # it has no part in how the call ends
                await asyncio.shield(asyncio.ensure_future(leg.hang_up(Cause.CANCELLED)))
    raise failure


async def _let_hear(run: CallRun, leg: Leg, listener: Leg) -> None:
    """Pass on what is said before the answer, as soon as something is."""
    async for event in leg.events():
        if isinstance(event, LegRang) and event.has_audio:
            with contextlib.suppress(LegGone):
                await listener.ring(early_audio=True)
                await run.office.switch.bridge(listener, leg)
            return
