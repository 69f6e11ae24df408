"""`frontdesk up`: starts core and web, says where they are, starts again what dies, ends both in order.

Owns: the life of the two processes of one office. On an installed box systemd does this instead.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
from pathlib import Path

from sqlite_utils import Database

from appliance import clock, i18n
from appliance.accounts import service as accounts
from appliance.banner import banner
from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.errors import FrontdeskError, Unavailable
from appliance.i18n import gettext as _
from appliance.process import hold, holder_of_port, log_to_stderr
from appliance.store import connect, migrate
from appliance.store.migrations import steps
from appliance.switch.errors import PortTaken
from appliance.switch.loader import choose

log = logging.getLogger(__name__)

READY_SECONDS = 30.0
STOP_SECONDS = 12.0
MIND_EVERY_SECONDS = 2.0
HUNG_SECONDS = 8.0
_BACK_OFF = (0.2, 0.5, 1.0, 2.0, 5.0)
_STEADY_SECONDS = 30.0  # a process that lived this long starts the back-off anew


class DidNotStart(Unavailable):
    """A part of the office did not come up."""

    code = "did-not-start"


def prepare(settings: Settings) -> None:
    """Folders and schema; an office from an earlier version is copied before its schema changes."""
    for folder in (settings.home, settings.recordings, settings.prompts, settings.run):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = connect(settings.database)
    try:
        settings.database.chmod(0o600)
        pending = steps.pending(db)
        if pending and steps.applied(db):
            _copy(db, settings.home / f"office-before-{pending[0].name}.db")
        migrate(db)
    finally:
        db.close()


def _copy(db: Database, to: Path) -> None:
    """A whole copy of the office file or none, also when a copy was cut off before."""
    begun = to.with_suffix(".part")
    begun.unlink(missing_ok=True)
    db.execute("VACUUM INTO ?", [str(begun)])
    begun.chmod(0o600)
    begun.replace(to)


def check_ports(settings: Settings) -> None:
    """Raises PortTaken, naming who has it."""
    wanted = [("tcp", settings.web_port)]
    if choose(settings).name != "freeswitch":  # that one may be alive and carry calls; its process looks by itself
        wanted += [("udp", settings.sip_port), ("tcp", settings.sip_port)]
    for transport, port in wanted:
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as probe:
            if transport == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.bind, port))
            except OSError as error:
                raise PortTaken(port, transport, holder_of_port(port, transport)) from error


def environment(settings: Settings) -> dict[str, str]:
    """What core and web are told: the settings, spelt out."""
    return {
        **os.environ,
        "FRONTDESK_HOME": str(settings.home),
        "FRONTDESK_BIND": settings.bind,
        "FRONTDESK_WEB_PORT": str(settings.web_port),
        "FRONTDESK_SIP_PORT": str(settings.sip_port),
        "FRONTDESK_SIP_TLS_PORT": str(settings.sip_tls_port),
        "FRONTDESK_SRTP": settings.srtp,
        "FRONTDESK_RTP_PORTS": f"{settings.rtp_first}-{settings.rtp_last}",
        "FRONTDESK_ENGINE": settings.engine,
        "FRONTDESK_FREESWITCH": settings.freeswitch,
        "FRONTDESK_FREESWITCH_RUN": settings.freeswitch_run,
        "FRONTDESK_ADVERTISE": settings.advertise,
        "PYTHONUNBUFFERED": "1",
    }


class Supervisor:
    """Core and web of one office."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._commands = {
            "core": [sys.executable, "-m", "appliance.daemon"],
            "web": [sys.executable, "-m", "gunicorn", "-c", "python:web.gunicorn_conf", "web.wsgi:app"],
        }
        self._stopping = asyncio.Event()
        self._running: dict[str, asyncio.subprocess.Process] = {}

    def stop(self) -> None:
        """Begin to end everything."""
        self._stopping.set()

    async def run(self) -> None:
        """Until stop(). Raises DidNotStart."""
        keepers = []
        try:
            for name in ("core", "web"):
                await self._start(name)
                await self._until_ready(name)
                if self._stopping.is_set():
                    return
                keepers.append(asyncio.create_task(self._keep(name)))
            keepers.append(asyncio.create_task(self._mind_core()))
            print(banner(self._settings, choose(self._settings), self._set_up_link()), flush=True)  # noqa: T201
            await self._stopping.wait()
        finally:
            for keeper in keepers:
                keeper.cancel()
            await asyncio.gather(*keepers, return_exceptions=True)
            for name in ("web", "core"):
                await self._end(name)

    def _set_up_link(self) -> str:
        db = connect(self._settings.database)
        try:
            if not accounts.set_up_link_needed(db):
                return ""
            db.execute("BEGIN IMMEDIATE")
            secret = accounts.create_link(db, "set-up")
            db.execute("COMMIT")
            return secret
        finally:
            db.close()

    async def _start(self, name: str) -> None:
        self._running[name] = await asyncio.create_subprocess_exec(
            *self._commands[name],
            env=environment(self._settings),
            start_new_session=True,  # Ctrl-C comes to us alone, so that things end in order
            stdin=asyncio.subprocess.DEVNULL,
        )

    async def _until_ready(self, name: str) -> None:
        """Raises DidNotStart when it ends, or is not there in time."""
        process = self._running[name]
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while asyncio.get_running_loop().time() < deadline and not self._stopping.is_set():
            if process.returncode is not None:
                raise DidNotStart(_("%(part)s did not start; its last words are above.", part=name))
            if await self._answers(name):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), 0.05)
        if not self._stopping.is_set():
            raise DidNotStart(_("%(part)s did not start within %(seconds)d seconds.", part=name, seconds=READY_SECONDS))

    async def _answers(self, name: str) -> bool:
        if name == "core":
            try:
                await asyncio.to_thread(CoreClient(self._settings.socket).ask, "ping", timeout=2)
            except CoreAway:
                return False
            return True
        host = "127.0.0.1" if self._settings.bind == "0.0.0.0" else self._settings.bind  # noqa: S104
        try:
            async with asyncio.timeout(5):
                reader, writer = await asyncio.open_connection(host, self._settings.web_port)
                writer.write(b"GET /healthz HTTP/1.0\r\n\r\n")
                answer = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return b" 200 " in answer

    async def _keep(self, name: str) -> None:
        """Start it again whenever it ends."""
        failures, loop = 0, asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await self._running[name].wait()
            failures = 0 if loop.time() - began > _STEADY_SECONDS else failures
            pause = _BACK_OFF[min(failures, len(_BACK_OFF) - 1)]
            log.warning("%s ended with code %s; starting it again in %.1f s", name, code, pause)
            await asyncio.sleep(pause)
            failures += 1
            try:
                await self._start(name)
            except OSError as error:  # no memory or no process left: the pause grows, and it is tried again
                log.error("%s cannot be started: %s", name, error.strerror or error)

    async def _mind_core(self) -> None:
        """A core that lives and does not answer is ended, so that it is started again."""
        loop = asyncio.get_running_loop()
        minded, heard_at = self._running["core"], loop.time()  # the first one has been waited for
        while True:
            await asyncio.sleep(MIND_EVERY_SECONDS)
            core = self._running["core"]
            if await self._answers("core"):
                minded, heard_at = core, loop.time()
            elif core is not minded:  # one that has just been started has more time
                minded, heard_at = core, loop.time() + READY_SECONDS
            elif core.returncode is None and loop.time() - heard_at > HUNG_SECONDS:
                log.error("core hangs: nothing heard for %.0f s; it is ended and started again", HUNG_SECONDS)
                with contextlib.suppress(ProcessLookupError):
                    core.kill()

    async def _end(self, name: str) -> None:
        process = self._running.get(name)
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            log.warning("%s did not end in %.0f s", name, STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _supervise(settings: Settings) -> None:
    supervisor = Supervisor(settings)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(name, supervisor.stop)
    await supervisor.run()


def _free_for_start(settings: Settings) -> None:
    free = shutil.disk_usage(settings.home).free
    if free < 20 * 1024 * 1024:
        raise Unavailable(
            _("The disk of %(home)s is full.", home=str(settings.home)), hint=_("Free some space and start again.")
        )


def run(settings: Settings) -> int:
    """Run the office until SIGINT or SIGTERM; the exit code. Raises FrontdeskError for what a person must mend."""
    log_to_stderr("frontdesk")
    try:
        settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise FrontdeskError(
            _(
                "The folder %(home)s cannot be used: %(why)s.",
                home=str(settings.home),
                why=error.strerror or str(error),
            ),
            hint=_("Choose another one with --home or FRONTDESK_HOME."),
        ) from error
    _free_for_start(settings)
    settings.run.mkdir(exist_ok=True, mode=0o700)
    with hold(settings, "office"):
        prepare(settings)
        _speak_the_offices_language(settings)
        check_ports(settings)
        asyncio.run(_supervise(settings))
    log.info("ended in order at %s", clock.stamp())
    return 0


def _speak_the_offices_language(settings: Settings) -> None:
    db = connect(settings.database, read_only=True)
    row = db.execute("SELECT language FROM office").fetchone()
    db.close()
    if row:
        i18n.set_language(row[0])
