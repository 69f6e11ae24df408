"""What core and FreeSWITCH share: the Event Socket's password and two ports on this machine.

Made at the first render and kept, so that a core that comes back finds the FreeSWITCH that lives.
"""

import contextlib
import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from appliance.config import Settings
from appliance.errors import Unavailable
from appliance.switch.freeswitch.places import Places

_LOWEST, _HIGHEST = 18000, 32000  # below the range that Linux takes ports of outgoing connections from


@dataclass(frozen=True)
class Secrets:
    """How core reaches FreeSWITCH (event socket), and where FreeSWITCH hands calls to core (core_port)."""

    event_socket_password: str
    event_socket_port: int
    core_port: int

    def __repr__(self) -> str:
        """Without the password: this ends up in logs."""
        return f"Secrets(event_socket_port={self.event_socket_port}, core_port={self.core_port})"


def load_secrets(settings: Settings) -> Secrets:
    """The office's, made when there are none. Both ports are on 127.0.0.1."""
    places = Places.of(settings)
    places.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    password = _password(places.root / "event_socket_password")
    event_socket_port, core_port = _ports(places.root / "ports.json", settings)
    return Secrets(password, event_socket_port, core_port)


def _password(path: Path) -> str:
    with contextlib.suppress(OSError):
        kept = path.read_text(encoding="ascii").strip()
        if kept:
            return kept
    made = secrets.token_urlsafe(32)
    write_privately(path, made + "\n")
    return made


def _ports(path: Path, settings: Settings) -> tuple[int, int]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(path.read_text(encoding="utf-8"))
        return int(kept["event_socket"]), int(kept["core"])
    one = _free_port(settings)
    other = _free_port(settings, but=one)
    write_privately(path, json.dumps({"event_socket": one, "core": other}) + "\n")
    return one, other


def _free_port(settings: Settings, but: int = 0) -> int:
    """One that nobody has now, and that the kernel gives to nobody by itself later: these ports are kept for good."""
    ours = {but, settings.sip_port, settings.web_port, *range(settings.rtp_first, settings.rtp_last + 1)}
    for _ in range(1000):
        port = _LOWEST + secrets.randbelow(_HIGHEST - _LOWEST)
        if port in ours:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Unavailable("No port is free on this machine for core and FreeSWITCH to talk over.")


def write_privately(path: Path, text: str) -> None:
    """Put the file in place at once, readable by this user alone; a reader sees the old text or the new."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
