"""A supervisor listens to a conversation, whispers to the agent, or steps in."""

import asyncio
import logging

from appliance.errors import Conflict
from appliance.flows.session import CallRun, Office
from appliance.i18n import gettext as _
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.port import ExtensionTarget, Leg, ListenMode, Party

log = logging.getLogger(__name__)

RING_SECONDS = 30.0


class NobodyTalks(Conflict):
    """There is no conversation to listen to."""

    code = "nobody-talks"


class ListenerNotReached(Conflict):
    """The phone of the one who wants to listen was not picked up."""

    code = "listener-not-reached"


async def listen_in(office: Office, run: CallRun, extension: str, mode: ListenMode) -> None:
    """Ring that phone and let it into the conversation; a phone that is in it already changes its mode.

    Returns when it is in. Raises NobodyTalks, ListenerNotReached, NotSupported, LegGone.
    """
    talker = _talker(run)
    if (listener := run.listeners.get(extension)) is not None and listener.ended is None:
        await office.switch.listen_in(listener, talker, mode)
        return
    listener = await _reach(office, run, extension)
    run.listeners[extension] = listener
    try:
        await office.switch.listen_in(listener, talker, mode)
    except BaseException:
        run.listeners.pop(extension, None)
        await listener.hang_up()
        raise
    office.keep(_see_out(run, extension, listener, talker))


def _talker(run: CallRun) -> Leg:
    """The agent's side of the conversation: who is whispered to."""
    if run.row["state"] == "talking":
        for leg in reversed(run.legs):
            if leg.is_answered and run.is_ours(leg):
                return leg
    raise NobodyTalks(_("Nobody talks in this call now."))


async def _reach(office: Office, run: CallRun, extension: str) -> Leg:
    leg: Leg | None = None
    try:
        async with asyncio.timeout(RING_SECONDS):
            name = run.business.name if run.business else ""
            leg = await office.switch.call(ExtensionTarget(extension), show=Party(run.caller_number, name))
            await leg.wait_answered()
            return leg
    except (CallRejected, TimeoutError) as error:
        if leg is not None:
            await leg.hang_up()
        raise ListenerNotReached(
            _("The phone with extension %(extension)s was not answered.", extension=extension),
            hint=_("Is it registered? The phone's own display and “frontdesk doctor” tell."),
        ) from error


async def _see_out(run: CallRun, extension: str, listener: Leg, talker: Leg) -> None:
    """Until one of the two leaves; the conversation is never touched."""
    ends = [asyncio.ensure_future(leg.wait_ended()) for leg in (listener, talker)]
    try:
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for end in ends:
            end.cancel()
        run.listeners.pop(extension, None)
        try:
            await listener.hang_up()
        except LegGone:
            log.debug("extension=%s had left", extension)
