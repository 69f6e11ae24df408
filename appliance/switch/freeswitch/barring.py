"""Barring out who guesses passwords: FreeSWITCH refuses them, and the right password with them.

Owns: hearing of failures, having the configuration bar and free. Leaves out: who is barred, and how long (guard.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from appliance.switch.freeswitch.configuring import Configuration
from appliance.switch.freeswitch.exchange import Exchange
from appliance.switch.freeswitch.frames import Event
from appliance.switch.freeswitch.guard import Barred, Guard

log = logging.getLogger(__name__)

EVENTS = ("sofia::register_attempt",)  # of every request that is signed, calls too


class Barring:
    """Keeps what FreeSWITCH knows of the barred in step with the guard."""

    def __init__(
        self, exchange: Exchange, configuration: Configuration, *, shares_address: Callable[[str], bool]
    ) -> None:
        self._exchange, self._configuration = exchange, configuration
        self._guard = Guard(time.monotonic, shares_address)
        self._told = Barred()

    def take(self, event: Event) -> None:
        """A request with a password: right, wrong or too old."""
        address, extension = event.get("network-ip", ""), event.get("username", "")
        match event.get("auth-result", ""):
            case "FORBIDDEN":
                self._guard.failed(address, extension)
                if self._guard.barred() != self._told:
                    self._exchange.keep(self.settle(), "bar out who guesses passwords")
            case "SUCCESS" | "RENEWED":
                self._guard.proved(address, extension)

    def forgive(self) -> None:
        """Passwords have changed: the phone that had the wrong one may have the right one now."""
        self._guard.forgive_all()
        self._told = Barred()

    async def settle(self) -> None:
        """Bar and free whom it is time for. Raises EventSocketError."""
        barred, before = self._guard.barred(), self._told
        if barred == before:
            return
        if barred.addresses - before.addresses or barred.extensions - before.extensions:
            log.warning("barred for guessing passwords: %s", ", ".join(sorted(barred.addresses | barred.extensions)))
        self._told = barred
        try:
            await self._configuration.bar(barred, self._exchange.socket())
        except BaseException:
            self._told = before  # the next look tries again
            raise
