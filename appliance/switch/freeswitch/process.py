"""The life of the office's own FreeSWITCH process.

It is started in a session of its own and outlives the core that started it: a call never depends on Python being alive.
A core that comes back takes the living one up again, known by its pid file and command line. Owns: starting, taking up,
ending in order. Leaves out: the configuration (config.py), what is said to it while it runs (engine).
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from appliance.config import Settings
from appliance.process import holder_of_port
from appliance.switch.errors import PortTaken
from appliance.switch.freeswitch.binary import Installed, require_installed
from appliance.switch.freeswitch.config import PROFILE, REQUIRED_MODULES
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import BadPassword, ConnectionRefused, EventSocketError, SocketAway
from appliance.switch.freeswitch.places import Places
from appliance.switch.freeswitch.refusals import DidNotStart, ForeignFreeSwitch, ServiceAway
from appliance.switch.freeswitch.secrets import Secrets, load_secrets

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 15.0  # with the first try; with the second:
READY_SECONDS = 30.0
HUNG_SECONDS = 8.0  # a living one that says nothing for so long is of no use to anybody
SHUTDOWN_SECONDS = 8.0
TIDYING_SECONDS = 0.7
TERMINATE_SECONDS = 3.0
SERVICE_SECONDS = 20.0
PORTS_SECONDS = 2.0
_POLL_SECONDS = 0.1


class FreeSwitchProcess:
    """The FreeSWITCH of one office; use from one event loop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = Places.of(settings)
        # not asyncio's: that one kills its child when it is forgotten
        self._child: subprocess.Popen[bytes] | None = None
        self.pid: int | None = None

    async def start(self) -> bool:
        """Have it run and ready for calls, with the configuration rendered before; True when it was not running yet.

        Raises FreeSwitchMissing, FreeSwitchTooOld, ModulesMissing, PortTaken, ForeignFreeSwitch, DidNotStart;
        ServiceAway when it is the system's to start it.
        """
        secrets = load_secrets(self._settings)
        if await self._take_up(secrets):
            return False
        if self._settings.freeswitch_run == "service":
            await self._wait_for_service(secrets)
            return False
        installed = await asyncio.to_thread(require_installed, self._settings, REQUIRED_MODULES)
        await self._wait_for_ports(secrets)
        try:
            await self._launch(installed)
            try:
                await self._until_ready(secrets, PATIENCE_SECONDS)
            except DidNotStart as error:
                if not self.is_running:
                    raise
                # on a busy machine one in a hundred stands still before it has opened anything (seen on 1.11)
                log.warning("pid=%s FreeSWITCH stands still (%s); it is started once more", self.pid, error.message)
                self.kill()
                await self._has_ended(self.pid or 0, TERMINATE_SECONDS)
                await self._launch(installed)
                await self._until_ready(secrets, READY_SECONDS)
        except BaseException:
            await self.stop()
            raise
        return True

    async def _wait_for_service(self, secrets: Secrets) -> None:
        """Until the system has started it. Raises ServiceAway, DidNotStart, ForeignFreeSwitch."""
        deadline = time.monotonic() + SERVICE_SECONDS
        while not await self._take_up(secrets):
            if time.monotonic() > deadline:
                raise ServiceAway(SERVICE_SECONDS)
            await asyncio.sleep(_POLL_SECONDS)

    async def stop(self) -> None:
        """End it, its calls with it: asked in order, then told, then made to; the system's own goes on.

        Safe to repeat.
        """
        if self._settings.freeswitch_run == "service":
            return
        pid = self.pid if self.pid is not None else self.find_running()
        if pid is None:
            return
        with contextlib.suppress(EventSocketError):
            await self._ask_to_shut_down()
        if await self._has_left_its_ports(pid, SHUTDOWN_SECONDS):
            # calls, registrations and files are done with; its memory it tidies for four seconds more
            await self._has_ended(pid, TIDYING_SECONDS)
            _signal(pid, signal.SIGKILL)
        if not await self._has_ended(pid, TERMINATE_SECONDS):
            log.warning("pid=%s FreeSWITCH did not shut down when asked", pid)
            _signal(pid, signal.SIGTERM)
            if not await self._has_ended(pid, TERMINATE_SECONDS):
                _signal(pid, signal.SIGKILL)
                await self._has_ended(pid, TERMINATE_SECONDS)
        self.pid = None
        self._places.pid_file.unlink(missing_ok=True)

    @property
    def is_running(self) -> bool:
        """Whether the one that was started or taken up lives."""
        return self.pid is not None and self._is_running(self.pid)

    def kill(self) -> None:
        """End one that does not listen any more; ``wait_ended`` tells when it has."""
        if self.is_running and self.pid is not None:
            _signal(self.pid, signal.SIGKILL)

    async def wait_ended(self) -> int | None:
        """Wait for its end, however it comes; its exit code where it is our own child."""
        if self.pid is None:
            return None
        pid = self.pid
        with contextlib.suppress(ProcessLookupError):
            await _wait_for_exit(pid)
        await self._has_ended(pid, TERMINATE_SECONDS)
        return self._child.returncode if self._child is not None and self._child.pid == pid else None

    def find_running(self) -> int | None:
        """The pid of this office's living FreeSWITCH, whoever started it."""
        try:
            pid = int(self._places.pid_file.read_text(encoding="ascii").strip("\0 \n"))
        except (OSError, ValueError):
            return None
        return pid if self._is_ours(pid) else None

    def _is_ours(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            return False
        return os.fsencode(self._places.conf) in words and state[0] not in {"Z", "X"}

    # --- one that lives ---
    async def _take_up(self, secrets: Secrets) -> bool:
        pid = self.find_running()
        if pid is None:
            return False
        self.pid = pid
        try:
            await self._until_ready(secrets, HUNG_SECONDS)
        except DidNotStart as error:
            if self._is_ours(pid):
                log.error("pid=%s FreeSWITCH hangs (%s); it is ended and started again", pid, error.message)
            _signal(pid, signal.SIGKILL)
            await self._has_ended(pid, TERMINATE_SECONDS)
            self.pid = None
            return False
        log.info("pid=%s FreeSWITCH is running and taken up again", pid)
        return True

    # --- a new one ---
    async def _launch(self, installed: Installed) -> None:
        self._places.make()
        with (self._places.log / "start.log").open("wb") as words:
            self._child = subprocess.Popen(  # noqa: ASYNC220  returns at once
                arguments(self._settings, installed),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # neither Ctrl-C nor the core's end is its end
                cwd=self._places.root,
            )
        self.pid = self._child.pid
        log.info("pid=%s FreeSWITCH %s started", self.pid, installed.version_text)

    async def _wait_for_ports(self, secrets: Secrets) -> None:
        """Those of one that was killed come back a moment later. Raises PortTaken, ForeignFreeSwitch."""
        deadline = time.monotonic() + PORTS_SECONDS
        while True:
            try:
                return self._check_ports(secrets)
            except (PortTaken, ForeignFreeSwitch):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_POLL_SECONDS)

    def _check_ports(self, secrets: Secrets) -> None:
        bind = self._settings.bind
        for transport, kind in (("udp", socket.SOCK_DGRAM), ("tcp", socket.SOCK_STREAM)):
            if not _is_free(bind, self._settings.sip_port, kind):
                port = self._settings.sip_port
                raise PortTaken(port, transport, holder_of_port(port, transport))
        if (tls := self._settings.sip_tls_port) and not _is_free(bind, tls, socket.SOCK_STREAM):
            raise PortTaken(tls, "tcp", holder_of_port(tls, "tcp"))
        if not _is_free("127.0.0.1", secrets.event_socket_port, socket.SOCK_STREAM):
            raise ForeignFreeSwitch(secrets.event_socket_port, holder_of_port(secrets.event_socket_port))

    async def _until_ready(self, secrets: Secrets, seconds: float) -> None:
        """Raises DidNotStart, ForeignFreeSwitch."""
        deadline = time.monotonic() + seconds
        why = "it does not answer"
        while time.monotonic() < deadline:
            if self.pid is None or not self._is_running(self.pid):
                raise DidNotStart(f"it ended at once{self._last_words()}", self._places.log / "freeswitch.log")
            try:
                async with asyncio.timeout(max(0.1, deadline - time.monotonic())):
                    if await _carries_calls(secrets):
                        return
                why = "its SIP profile does not run"
            except BadPassword as error:
                holder = holder_of_port(secrets.event_socket_port)
                raise ForeignFreeSwitch(secrets.event_socket_port, holder) from error
            except ConnectionRefused:
                why = "its Event Socket cannot be reached"
            except (EventSocketError, TimeoutError):
                why = "it does not answer"
            await asyncio.sleep(_POLL_SECONDS)
        raise DidNotStart(f"{why} after {seconds:.0f} s", self._places.log / "freeswitch.log")

    def _is_running(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        return self._is_ours(pid)

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            words = (self._places.log / "start.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
            if words:
                return f" ({words[-1].strip()[:200]})"
        return ""

    # --- its end ---
    async def _ask_to_shut_down(self) -> None:
        secrets = load_secrets(self._settings)
        connection = await EventSocket.connect(
            "127.0.0.1", secrets.event_socket_port, secrets.event_socket_password, _ignore
        )
        try:
            # plain: calls are hung up, gateways unregister ("now" would do neither, "elegant" would wait for the calls)
            await connection.api("fsctl shutdown", timeout=2)
        except SocketAway:
            pass  # it is gone before it could answer
        finally:
            await connection.close()

    async def _has_left_its_ports(self, pid: int, seconds: float) -> bool:
        """Whether it has closed its SIP ports in time, which it does when nothing is left to be said to anybody."""
        deadline, kinds = time.monotonic() + seconds, (socket.SOCK_DGRAM, socket.SOCK_STREAM)
        while self._is_running(pid):
            if all(_is_free(self._settings.bind, self._settings.sip_port, kind) for kind in kinds):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return False

    async def _has_ended(self, pid: int, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self._is_running(pid):
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.05)
        return True


def arguments(settings: Settings, installed: Installed) -> list[str]:
    """FreeSWITCH's command line for an office: every folder is the office's own."""
    places = Places.of(settings)
    folders = {
        "-conf": places.conf,
        "-log": places.log,
        "-db": places.database,
        "-run": places.run,
        "-recordings": places.recordings,
        "-storage": places.root / "storage",
        "-cache": places.root / "cache",
        "-sounds": places.sounds,
        "-certs": places.certs,
        "-temp": places.root / "tmp",
        "-scripts": places.root / "scripts",
        "-mod": installed.module_folder,
    }
    named = [word for flag, folder in folders.items() for word in (flag, str(folder))]
    return [str(installed.program), "-np", "-nonat", "-nc", "-nf", *named]


async def _carries_calls(secrets: Secrets) -> bool:
    connection = await EventSocket.connect(
        "127.0.0.1", secrets.event_socket_port, secrets.event_socket_password, _ignore
    )
    try:
        profiles = await connection.api("sofia status")
    finally:
        await connection.close()
    return any(line.split()[:1] == [PROFILE] and "RUNNING" in line for line in profiles.splitlines())


async def _wait_for_exit(pid: int) -> None:
    """Until that process, whoever's child it is, has exited (pidfd_open(2))."""
    descriptor = os.pidfd_open(pid)
    loop = asyncio.get_running_loop()
    exited = asyncio.Event()
    try:
        loop.add_reader(descriptor, exited.set)
        await exited.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _ignore(_event: object) -> None:
    """Nothing was subscribed to."""


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _is_free(address: str, port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
