"""A real FreeSWITCH with our configuration, its own ports and folder, for the tests that need one.

Owns: starting and ending it, a tiny core that takes what its socket application hands over. Leaves out: the peers.
"""

import asyncio
import contextlib
import dataclasses
import functools
import os
import random
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from appliance.config import Settings
from appliance.switch.freeswitch.binary import find_installed
from appliance.switch.freeswitch.config import REQUIRED_MODULES, render
from appliance.switch.freeswitch.process import FreeSwitchProcess
from appliance.switch.freeswitch.secrets import Secrets, load_secrets
from appliance.switch.freeswitch.trial import complaints
from appliance.switch.port import PhoneAccount, Standby, SwitchConfig, TrunkAccount


def why_not() -> str:
    """Why no real FreeSWITCH can be run here; "" when one can."""
    installed = find_installed(
        Settings(home=Path("/nonexistent"), freeswitch=os.environ.get("FRONTDESK_FREESWITCH", ""))
    )
    if installed is None:
        return "no FreeSWITCH is installed"
    missing = [name for name in REQUIRED_MODULES if name not in installed.modules]
    return f"this FreeSWITCH lacks {', '.join(missing)}" if missing else ""


def in_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A coroutine test, in a loop of its own, bounded."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(60):
                await test(*args, **kwargs)

        asyncio.run(bounded())

    return run


# Below the range the kernel gives out by itself: a port found free there may be anybody's a second later
_LOWEST, _HIGHEST = 20000, 32000


def free_port() -> int:
    """A port free for UDP and TCP on 127.0.0.1."""
    for _ in range(200):
        port = random.randrange(_LOWEST, _HIGHEST)
        if _are_free(range(port, port + 1)):
            return port
    raise OSError("no free port")


def free_range(size: int = 40) -> int:
    """The first, an even one, of that many ports that are free now."""
    for _ in range(200):
        first = random.randrange(_LOWEST, _HIGHEST, 2)
        if _are_free(range(first, first + size)):
            return first
    raise OSError("no free ports")


def _are_free(ports: range) -> bool:
    with contextlib.ExitStack() as stack:
        try:
            for port in ports:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def settings_in(home: Path) -> Settings:
    """An office of its own."""
    first = free_range()
    return Settings(
        home=home,
        bind="127.0.0.1",
        sip_port=free_port(),
        rtp_first=first,
        rtp_last=first + 39,
        freeswitch=os.environ.get("FRONTDESK_FREESWITCH", ""),
    )


@dataclasses.dataclass
class RealOffice:
    """A running FreeSWITCH and what it was told."""

    settings: Settings
    config: SwitchConfig
    secrets: Secrets
    trunk_port: int
    pid: int
    complaints_at_start: list[str] = dataclasses.field(default_factory=list)

    @property
    def log(self) -> str:
        """What FreeSWITCH has written so far."""
        path = self.settings.home / "freeswitch" / "log" / "freeswitch.log"
        return path.read_text(encoding="utf-8", errors="replace")


@contextlib.contextmanager
def real_office(home: Path) -> Iterator[RealOffice]:
    """Run one; it is ended afterwards, whatever happens."""
    settings = settings_in(home)
    trunk_port = free_port()
    config = SwitchConfig(
        phones=[PhoneAccount("101", "right-101", 'Ana & "Ben" <${hostname}>'), PhoneAccount("102", "$${base_dir}")],
        trunks=[TrunkAccount("main", "peer", f"127.0.0.1:{trunk_port}")],
        standby=[Standby("acme", ["+982188001122"], ["101"], ring_seconds=3, voicemail_seconds=10)],
    )
    secrets = load_secrets(settings)
    render(settings, config, secrets)
    process = FreeSwitchProcess(settings)
    asyncio.run(process.start())
    assert process.pid is not None
    try:
        log = settings.home / "freeswitch" / "log" / "freeswitch.log"
        yield RealOffice(settings, config, secrets, trunk_port, process.pid, complaints(log))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)
        asyncio.run(process.stop())


class TinyCore:
    """Listens where core would, and takes what is handed over without a word more."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.hangs = False
        self._writers: list[asyncio.StreamWriter] = []

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        writer.write(b"connect\n\n")
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\n\n")).decode()
            pairs = (line.partition(": ") for line in head.splitlines())
            self.calls.put_nowait({name: unquote(value) for name, _colon, value in pairs})
            while await reader.read(65536):
                pass

    async def next_call(self, seconds: float = 8.0) -> dict[str, str]:
        """The channel data of the next call handed over."""
        async with asyncio.timeout(seconds):
            return await self.calls.get()

    def close(self) -> None:
        """Die, as far as FreeSWITCH can see."""
        for writer in self._writers:
            writer.transport.abort()

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, port: int) -> "AsyncIterator[TinyCore]":
        """A core that listens."""
        core = cls()
        server = await asyncio.start_server(core._take, "127.0.0.1", port)
        try:
            yield core
        finally:
            server.close()
            core.close()


async def until(what: Callable[[], object], seconds: float = 10.0) -> Any:
    """Wait until it is true; its value. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        await asyncio.sleep(0.05)
    return value
