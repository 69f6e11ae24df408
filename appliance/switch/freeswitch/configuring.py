"""Giving FreeSWITCH a new configuration while calls run.

Owns: the order of render, reload, killgw and rescan in which calls stay untouched. Leaves out: what is written
(config.py).
"""

from __future__ import annotations

import asyncio
import logging

from appliance.config import Settings
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.config import PROFILE, REALM, Changes, render
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError, Refused
from appliance.switch.freeswitch.secrets import load_secrets
from appliance.switch.port import PhoneAccount, SwitchConfig

log = logging.getLogger(__name__)

GONE_SECONDS = 3.0


class NotLoaded(EventSocketError):
    """FreeSWITCH cannot read what we wrote."""

    code = "freeswitch-not-loaded"

    def __init__(self, answer: str) -> None:
        super().__init__(f"FreeSWITCH did not take its configuration: {answer[:200]}", reached="refused")


class Configuration:
    """What FreeSWITCH was last told."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._phones: dict[str, PhoneAccount] = {}
        self._lock = asyncio.Lock()

    async def write(self, config: SwitchConfig) -> Changes:
        """Render it. Raises NotRenderable, ConfigOfSomebodyElse."""
        changes = await asyncio.to_thread(render, self._settings, config, load_secrets(self._settings))
        self._phones = {phone.extension: phone for phone in config.phones}
        return changes

    async def load_all(self, socket: EventSocket) -> None:
        """Have one that was running already read everything. Raises NotLoaded, EventSocketError."""
        await _reload(socket)

    async def change(self, config: SwitchConfig, socket: EventSocket) -> None:
        """Render, and have FreeSWITCH take what changed. Raises NotLoaded, EventSocketError."""
        async with self._lock:
            before = self._phones
            changes = await self.write(config)
            if not changes:
                return
            for trunk_id in changes.gateways_to_drop:
                await _drop_gateway(socket, trunk_id)
            await _reload(socket)
            for extension, old in before.items():
                new = self._phones.get(extension)
                if new is None or new.password != old.password:
                    await _unregister(socket, extension)


async def _reload(socket: EventSocket) -> None:
    answer = await socket.api("reloadxml")
    if "[Success]" not in answer:  # a broken file is answered with +OK too
        raise NotLoaded(answer)
    await socket.api("reloadacl")
    await socket.api(f"sofia profile {PROFILE} rescan")


async def _drop_gateway(socket: EventSocket, trunk_id: str) -> None:
    """Calls over it go on; until it is gone a rescan would keep the old one."""
    name = commands.word(trunk_id)
    try:
        await socket.api(f"sofia profile {PROFILE} killgw {name}")
    except Refused:
        return  # it was not there
    deadline = asyncio.get_running_loop().time() + GONE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        try:
            if "Invalid Gateway" in await socket.api(f"sofia status gateway {name}"):
                return
        except Refused:
            return
        await asyncio.sleep(0.1)
    log.warning("trunk=%s its old gateway is still there", trunk_id)


async def _unregister(socket: EventSocket, extension: str) -> None:
    try:
        await socket.api(f"sofia profile {PROFILE} flush_inbound_reg {commands.number(extension)}@{REALM}")
    except Refused as error:
        log.info("extension=%s %s", extension, error.message)
