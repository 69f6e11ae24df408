"""Giving FreeSWITCH a new configuration while calls run.

Owns: the order of render, reload, killgw and rescan in which calls stay untouched. Leaves out: what is written
(config.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from appliance.config import Settings
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.config import PROFILE, REALM, Changes, addresses_of, render
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError, Refused
from appliance.switch.freeswitch.guard import Barred
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
        self._config = SwitchConfig()
        self._barred = Barred()
        self._addresses: dict[str, Sequence[str]] = {}
        self._lock = asyncio.Lock()

    async def write(self, config: SwitchConfig) -> Changes:
        """Render it. Raises NotRenderable, ConfigOfSomebodyElse."""
        self._config = config
        changes = await asyncio.to_thread(self._render, self._look_up)
        self._phones = {phone.extension: phone for phone in config.phones}
        return changes

    def _render(self, resolve: Callable[[str], Sequence[str]]) -> Changes:
        secrets = load_secrets(self._settings)
        return render(self._settings, self._config, secrets, resolve=resolve, barred=self._barred)

    def _look_up(self, name: str) -> Sequence[str]:
        found = self._addresses[name] = addresses_of(name)
        return found

    async def bar(self, barred: Barred, socket: EventSocket) -> None:
        """Refuse these, whatever password they have, and nobody else. Raises NotLoaded, EventSocketError."""
        async with self._lock:
            self._barred = barred
            # DNS is not asked again: there is no time to lose
            if await asyncio.to_thread(self._render, lambda name: self._addresses.get(name, ())):
                await _read_again(socket)

    async def load_all(self, socket: EventSocket) -> None:
        """Have one that was running already read everything. Raises NotLoaded, EventSocketError."""
        await _reload(socket)

    async def change(self, config: SwitchConfig, socket: EventSocket) -> None:
        """Render, and have FreeSWITCH take what changed; all are let in again. Raises NotLoaded, EventSocketError."""
        async with self._lock:
            self._barred = Barred()
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


async def _read_again(socket: EventSocket) -> None:
    answer = await socket.api("reloadxml")
    if "[Success]" not in answer:  # a broken file is answered with +OK too
        raise NotLoaded(answer)
    await socket.api("reloadacl")


async def _reload(socket: EventSocket) -> None:
    await _read_again(socket)
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
