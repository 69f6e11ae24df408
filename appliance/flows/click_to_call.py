"""An agent asks, in the browser, to be connected with a number: their phone rings first."""

import asyncio
import logging

from appliance.agents.models import Agent
from appliance.calls.models import Kind
from appliance.flows.conversation import converse
from appliance.flows.dialling import outside_number, place
from appliance.flows.directory import Business
from appliance.flows.router import close
from appliance.flows.session import CallRun, Office, while_present
from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.port import ExtensionTarget, Leg, Party

log = logging.getLogger(__name__)

OWN_PHONE_SECONDS = 30.0
RING_SECONDS = 60.0


def number_to_dial(office: Office, dialled: str) -> str:
    """An extension as it is, a number outside as E.164. Raises CallRejected for what is neither."""
    inside = dialled in office.directory.extension_names
    return dialled if inside else outside_number(dialled, office.directory.region)


async def click_to_call(office: Office, agent: Agent, business: Business, number: str) -> None:
    """Ring the agent's phone, then the number, and let them talk in the business's name. The books tell how it went."""
    run = CallRun(
        office,
        business,
        direction="outbound",
        caller_number=agent.extension,
        caller_name=agent.name,
        dialled=number,
        agent_id=agent.agent_id,
    )
    await run.open()
    cause = Cause.NORMAL
    own: Leg | None = None
    try:
        async with asyncio.timeout(OWN_PHONE_SECONDS):
            await office.desk.occupy(agent.agent_id, "in_call", run.call_id)
            shown = Party(number, business.name)
            own = await office.switch.call(ExtensionTarget(agent.extension), show=shown, tag=run.call_id)
            run.caller = own
            run.legs.append(own)
            await own.wait_answered()
        await own.start_music(await office.sounds.music())
        async with asyncio.timeout(RING_SECONDS):
            caller = Party(agent.extension, agent.name)
            callee = await while_present(own, place(run, number, caller, waiting=own))
        if run.is_ours(callee.leg):
            await converse(run, own, callee.leg, callee.agent)
        else:
            await converse(run, callee.leg, own, agent)
    except CallRejected as rejected:
        cause = rejected.cause
    except TimeoutError:
        cause = Cause.NO_ANSWER
    except LegGone:
        pass  # one of them hung up
    except asyncio.CancelledError:
        cause = Cause.INTERRUPTED
        raise
    finally:
        await asyncio.shield(asyncio.ensure_future(_finish(run, own, agent, cause)))


async def _finish(run: CallRun, own: Leg | None, agent: Agent, cause: Cause) -> None:
    if own is not None and cause is Cause.NORMAL:
        await close(run, own, True, agent)
        return
    await run.hang_up(cause if cause is Cause.INTERRUPTED else Cause.NORMAL)
    by = "office" if cause is Cause.INTERRUPTED else "network" if own is None else "callee"
    try:
        await run.settle()
        await run.note(Kind.ENDED, cause=cause.value, by=by)
    finally:
        run.office.runs.pop(run.call_id, None)
        await run.office.desk.release(agent.agent_id, run.call_id)
