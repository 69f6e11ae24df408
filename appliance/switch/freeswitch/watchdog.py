"""Saying in time that we live, for every channel that waits for us: or the standby takes it."""

import asyncio
import logging

from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.exchange import Exchange
from appliance.switch.freeswitch.failures import EventSocketError
from appliance.switch.freeswitch.legs import FsLeg

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0


async def watch(exchange: Exchange) -> None:
    """Until cancelled. Nothing said for commands.WATCHDOG_SECONDS is a core that hangs."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        await asyncio.gather(*(_push_on(leg) for leg in exchange.living() if leg.is_watched and leg.ended is None))


async def _push_on(leg: FsLeg) -> None:
    try:
        await leg.channel.api(commands.unschedule(leg.uuid))
        if leg.is_watched:  # it may have been bridged meanwhile
            await leg.channel.api(commands.watch(leg.uuid))
    except EventSocketError as error:
        log.info("leg=%s watchdog: %s", leg.leg_id, error.message)
