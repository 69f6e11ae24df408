"""Where a call goes that has just come in, and how its books are closed."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from sqlite_utils import Database

from appliance import phone_numbers
from appliance.agents.models import Agent
from appliance.calls.models import Kind
from appliance.contacts import service as contacts
from appliance.flows.directory import Business
from appliance.flows.line_quality import note_quality
from appliance.flows.outbound import outbound
from appliance.flows.reception import reception
from appliance.flows.session import CallRun, Office
from appliance.switch.causes import Cause
from appliance.switch.port import Leg

log = logging.getLogger(__name__)
T = TypeVar("T")


async def take(office: Office, leg: Leg) -> None:
    """Carry a call from its arrival to its end; whatever happens on it, the books are closed."""
    business = office.directory.business_called(leg.dialled)
    agent = None
    if leg.origin and leg.origin.kind == "extension":
        agent = office.desk.agent_of_extension(leg.origin.name)
    outgoing = business is None and leg.origin is not None and leg.origin.kind == "extension"
    if outgoing and agent and leg.dialled not in office.directory.extension_names:
        business = _speaks_for(office, agent)
    run = await _begin(office, leg, business, agent, outgoing)
    try:
        await run.open()
        if outgoing:
            await outbound(run, leg, agent)
        elif business is None:
            await _refuse(run, leg, Cause.UNKNOWN_NUMBER)
        else:
            await reception(run, leg, business, is_blocked=await is_blocked(run, business))
    except asyncio.CancelledError:
        await leg.hang_up(Cause.INTERRUPTED)
        raise
    except Exception:  # the loop boundary: a fault in one call must not touch the others
        log.exception("call=%s failed", run.call_id)
    finally:
        await asyncio.shield(asyncio.ensure_future(close(run, leg, outgoing, agent)))


def _speaks_for(office: Office, agent: Agent) -> Business | None:
    """The business in whose name an agent calls out: the first they serve."""
    return next((b for b in office.directory.businesses.values() if b.business_id in agent.serves), None)


async def _begin(office: Office, leg: Leg, business: Business | None, agent: Agent | None, outgoing: bool) -> CallRun:
    region = office.directory.region
    number = leg.party.number
    caller = number if number in office.directory.extension_names else phone_numbers.normalise_caller(number, region)
    internal = outgoing and leg.dialled in office.directory.extension_names
    direction = "internal" if internal else "outbound" if outgoing else "inbound"
    dialled = leg.dialled[:64]
    if direction == "outbound":
        dialled = phone_numbers.normalise_caller(dialled, region)

    known = ""
    if business and not outgoing:
        known = await _look_up(office, contacts.caller_name, business, caller) or ""
    run = CallRun(
        office,
        business,
        direction=direction,
        caller_number=caller,
        caller_name=known or leg.party.name[:80],
        dialled=dialled,
        trunk_id=leg.origin.name if leg.origin and leg.origin.kind == "trunk" else None,
        agent_id=agent.agent_id if outgoing and agent else None,
        leg_id=leg.leg_id,
    )
    run.caller = leg
    run.legs.append(leg)
    log.info("call=%s arrived sip_call_id=%s direction=%s", run.call_id, leg.sip_call_id, direction)
    return run


async def is_blocked(run: CallRun, business: Business) -> bool:
    """Whether the business wants no calls from this number; not where the contacts cannot be read."""
    if not run.caller_number:
        return False
    return bool(await _look_up(run.office, contacts.is_blocked, business, run.caller_number))


async def _look_up(
    office: Office, what: Callable[[Database, str, str], T], business: Business, caller: str
) -> T | None:
    """What the contacts say about a caller; None, and the call goes on, where they cannot be read."""
    try:
        return await office.store.read(what, business.business_id, caller)
    except sqlite3.Error as error:
        log.error("contacts cannot be read: %s", error)
        return None


async def _refuse(run: CallRun, leg: Leg, cause: Cause) -> None:
    await run.note(Kind.REFUSED, cause=cause.value)
    await leg.reject(cause)


async def close(run: CallRun, leg: Leg, outgoing: bool, agent: Agent | None) -> None:
    """Hang up what is left and close the books."""
    office = run.office
    left_by_party = leg.ended is not None and leg.ended.by_party
    await run.hang_up()
    ended = await leg.wait_ended()
    cause = ended.cause
    by = "agent" if outgoing and agent else "caller"
    if not left_by_party:
        by, cause = _other_side(run, outgoing, cause)
    try:
        note_quality(run)
        await run.settle()
        await run.note(Kind.ENDED, cause=cause.value, by=by)
        if not office.books.kept:  # else it is not in the books yet, and the switch's word is all there is
            await office.switch.forget(leg.leg_id)
    finally:
        office.runs.pop(run.call_id, None)
        if outgoing and agent:
            await office.desk.release(agent.agent_id, run.call_id)


def _other_side(run: CallRun, outgoing: bool, cause: Cause) -> tuple[str, Cause]:
    """Who ended a call that the one who began it did not end, and why."""
    if cause is not Cause.NORMAL:
        if outgoing:
            who = {
                Cause.BUSY: "callee",
                Cause.REJECTED: "callee",
                Cause.INTERRUPTED: "office",
                Cause.FORBIDDEN: "office",
            }
        else:
            refusals = (Cause.INTERRUPTED, Cause.REJECTED, Cause.FORBIDDEN, Cause.UNKNOWN_NUMBER)
            who = dict.fromkeys(refusals, "office")
        return who.get(cause, "network"), cause
    last = next((leg for leg in reversed(run.legs[1:]) if leg.ended), None)
    if last is None or last.ended is None:
        return "office", cause
    if last.ended.by_party:
        return ("agent" if run.is_ours(last) and run.direction != "internal" else "callee"), cause
    # we hung up on somebody who had vanished
    return ("office", cause) if last.ended.cause is Cause.NORMAL else ("network", last.ended.cause)
