"""Who is registered: what FreeSWITCH tells at once, held now and then against its list.

Owns: bindings and telling their changes. Leaves out: passwords and accounts (config.py).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal
from urllib.parse import quote

from appliance import clock
from appliance.switch.freeswitch import translate
from appliance.switch.freeswitch.commands import Endpoint
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError
from appliance.switch.freeswitch.frames import Event
from appliance.switch.port import Binding

log = logging.getLogger(__name__)

EVENTS = ("sofia::register", "sofia::unregister", "sofia::expire")
# FreeSWITCH's list is written behind its events: for so long the event is believed
LIST_LAG_SECONDS = 3.0
_Key = tuple[str, str]


class Phones:
    """The phones registered now."""

    def __init__(self, socket: Callable[[], EventSocket], on_change: Callable[[str], None]) -> None:
        self._socket, self._on_change = socket, on_change
        self._bindings: dict[_Key, Binding] = {}
        self._heard: dict[_Key, float] = {}  # when an event told of it

    def take(self, event: Event) -> None:
        """A registration event."""
        binding = translate.registration(event)
        key = (binding.extension, binding.contact)
        self._heard[key] = time.monotonic()
        before = self._bindings.get(key)
        if event.name == "sofia::register":
            since = before.registered_at if before else clock.stamp()
            self._bindings[key] = replace(binding, registered_at=since)
        else:
            self._bindings.pop(key, None)
        if before != self._bindings.get(key):
            self._on_change(binding.extension)

    def bindings(self, extension: str | None = None) -> Sequence[Binding]:
        """Those of one extension, or all."""
        return [b for b in self._bindings.values() if extension in (None, b.extension)]

    def are_at(self, address: str) -> bool:
        """Whether a phone is registered from that address, or may be: this machine's own."""
        return address.startswith("127.") or any(
            b.source.partition(":")[2].rpartition(":")[0] == address for b in self._bindings.values()
        )

    async def read(self) -> None:
        """Ask FreeSWITCH for its list, and tell of every extension whose phones are others than we thought."""
        try:
            listed = translate.registrations(await self._socket().api("show registrations as json"))
        except (EventSocketError, ValueError) as error:
            log.info("registrations: %s", error)
            return
        recent = time.monotonic() - LIST_LAG_SECONDS
        self._heard = {key: at for key, at in self._heard.items() if at > recent}
        found = {(b.extension, b.contact): b for b in listed}
        changed = set()
        for key in found.keys() ^ self._bindings.keys():
            if key in self._heard:
                continue
            changed.add(key[0])
            if key in found:
                self._bindings[key] = replace(found[key], registered_at=clock.stamp())
            else:
                del self._bindings[key]
        for extension in sorted(changed):
            self._on_change(extension)

    def endpoints(self, extension: str, profile: str, srtp: str) -> list[Endpoint]:
        """Where to ring an extension; empty when none of its phones is registered. ``srtp`` is the office's setting."""
        return [
            Endpoint(f"sofia/{profile}/{_reachable(binding)}", _secrecy(binding, srtp))
            for binding in self.bindings(extension)
        ]


def _secrecy(binding: Binding, srtp: str) -> Literal["", "optional", "mandatory"]:
    """Keys travel in the signalling (RFC 4568): offered where that is encrypted, or where nothing else will do."""
    if srtp == "required":
        return "mandatory"
    return "optional" if srtp == "optional" and binding.source.startswith("tls:") else ""


def _reachable(binding: Binding) -> str:
    """The contact, by way of where the registration came from when the phone is wrong about its address (NAT)."""
    transport, _, place = binding.source.partition(":")
    host = place.rpartition(":")[0]
    if not host or "fs_path=" in binding.contact or f"@{host}" in binding.contact:
        return binding.contact
    via = quote(f"sip:{place};transport={transport}", safe="")
    return f"{binding.contact};fs_nat=yes;fs_path={via}"
