"""Whether the trunks work: FreeSWITCH's gateways, asked once and then heard of.

Owns: trunk states and telling their changes. Leaves out: their configuration (config.py), calling over
them (engine.py).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from appliance.switch.events import TrunkChanged
from appliance.switch.freeswitch import commands, translate
from appliance.switch.freeswitch.config import PROFILE
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError, Refused
from appliance.switch.port import TrunkAccount

log = logging.getLogger(__name__)

EVENTS = ("sofia::gateway_state",)


class Trunks:
    """What is known of each trunk."""

    def __init__(self, socket: Callable[[], EventSocket], on_change: Callable[[TrunkChanged], None]) -> None:
        self._socket, self._on_change = socket, on_change
        self.accounts: dict[str, TrunkAccount] = {}
        self._told: dict[str, TrunkChanged] = {}

    def configure(self, accounts: Mapping[str, TrunkAccount]) -> None:
        """These are the trunks from now on."""
        self.accounts = dict(accounts)
        self._told = {name: told for name, told in self._told.items() if name in accounts}

    def has_gateway(self, trunk_id: str) -> bool:
        """Whether calls can be placed over it; a network of peers only calls us."""
        return trunk_id in self.accounts and "/" not in self.accounts[trunk_id].host

    def take(self, event: Mapping[str, str]) -> None:
        """A gateway's state."""
        changed = translate.trunk_state(event)
        if changed is None or changed.trunk_id not in self.accounts:
            return
        told = self._told.get(changed.trunk_id)
        if changed == told or (told and told.state == changed.state == "down" and not changed.reason):
            return
        self._told[changed.trunk_id] = changed
        self._on_change(changed)

    async def read(self) -> None:
        """Ask for every trunk."""
        for trunk_id in list(self.accounts):
            if not self.has_gateway(trunk_id):
                continue
            try:
                fields = await self.fields(trunk_id)
            except (EventSocketError, ElementTree.ParseError) as error:
                log.info("trunk=%s %s", trunk_id, error)
                continue
            state = {"Gateway": trunk_id, "State": fields.get("state", "")}
            if int(fields.get("pingcount", "0") or 0) or fields.get("status") == "DOWN":
                state["Ping-Status"] = fields.get("status", "")
            self.take(state)
            await self._ask_why(trunk_id)

    async def _ask_why(self, trunk_id: str) -> None:
        """A registration that failed before we listened: another try tells the reason."""
        told = self._told.get(trunk_id)
        if told is None or told.state != "down" or told.reason or self.accounts[trunk_id].kind != "register":
            return
        try:
            await self._socket().api(f"sofia profile {PROFILE} register {commands.word(trunk_id)}")
        except EventSocketError as error:
            log.info("trunk=%s %s", trunk_id, error.message)

    async def fields(self, trunk_id: str) -> dict[str, str]:
        """What FreeSWITCH knows of a gateway; empty when it has none of that name."""
        try:
            text = await self._socket().api(f"sofia xmlstatus gateway {commands.word(trunk_id)}")
        except Refused:
            return {}
        if not text.startswith("<?xml"):
            return {}
        root = ElementTree.fromstring(text.partition("?>")[2])  # noqa: S314
        return {child.tag: child.text or "" for child in root}
