"""Checks of the machine: folder, disk, clock, ports."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from appliance import clock, process
from appliance.health import store
from appliance.health.models import Check, Patient, error, ok, warning
from appliance.i18n import gettext as _

FULL_BYTES = 200 * 1024 * 1024
NEARLY_FULL_BYTES = 2 * 1024**3
NEARLY_FULL_SHARE = 0.05
EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # no box of this version is older
CLOCK_SLACK_SECONDS = 120.0


def check_folder(patient: Patient) -> Iterator[Check]:
    """The office can write where it keeps things, and nobody else can read them."""
    settings = patient.settings
    for folder in (settings.home, settings.recordings, settings.prompts):
        if not folder.is_dir() and folder != settings.home:
            continue
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"x")
        except OSError as fault:
            yield error(
                "folder",
                _("The folder %(folder)s cannot be written to: %(why)s.", folder=str(folder), why=fault.strerror),
                _("Is the disk full or mounted read-only, or does the folder belong to somebody else?"),
            )
            return
    if settings.database.is_file() and settings.database.stat().st_mode & 0o077:
        yield warning(
            "folder",
            _("Other users of this machine can read the office's store, which holds passwords."),
            _("Run: chmod 600 %(file)s", file=str(settings.database)),
        )
    else:
        yield ok("folder", _("The office's folder can be written to: %(folder)s.", folder=str(settings.home)))


def check_disk(patient: Patient) -> Iterator[Check]:
    """There is room for recordings."""
    try:
        usage = shutil.disk_usage(patient.settings.home)
        inodes = os.statvfs(patient.settings.home)
    except OSError:
        return  # check_folder tells
    free = _size(usage.free)
    hint = _("Delete what is not needed, or move recordings to a larger disk. An hour of calls takes about 115 MB.")
    no_inodes = bool(inodes.f_files) and inodes.f_favail < 1000
    if usage.free < FULL_BYTES or no_inodes:
        yield error("disk", _("The disk is full: %(free)s free. New calls may not be recorded.", free=free), hint)
    elif usage.free < min(NEARLY_FULL_BYTES, max(usage.total * NEARLY_FULL_SHARE, 2 * FULL_BYTES)):
        yield warning("disk", _("The disk is nearly full: %(free)s free.", free=free), hint)
    else:
        yield ok("disk", _("There is room on the disk: %(free)s free.", free=free))


def _size(count: int) -> str:
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count // 1024**2} MB"


def check_clock(patient: Patient) -> Iterator[Check]:
    """The clock is neither behind what was written down, nor left to itself."""
    now = clock.now()
    hint = _("Set the clock, or let the network set it: timedatectl set-ntp true")
    last = store.last_stamp(patient.db)
    said = f"{now:%Y-%m-%d %H:%M} UTC"
    if now < EARLIEST:
        yield error("clock", _("The clock is wrong: it says %(now)s.", now=said), hint)
    elif last and (clock.parse(last) - now).total_seconds() > CLOCK_SLACK_SECONDS:
        yield error(
            "clock",
            _("The clock was set back: it says %(now)s, but there are notes from %(last)s.", now=said, last=last[:16]),
            hint,
        )
    elif _is_synchronised() is False:
        yield warning("clock", _("The clock (%(now)s) is not set by the network, so it may drift.", now=said), hint)
    else:
        yield ok("clock", _("The clock says %(now)s.", now=said))


def _is_synchronised() -> bool | None:
    """What timedatectl says; None where there is none or it has no say (a container)."""
    try:
        done = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return {"yes": True, "no": False}.get(done.stdout.strip()) if done.returncode == 0 else None


def check_ports(patient: Patient) -> Iterator[Check]:
    """Web and SIP have their ports; what has them instead is named."""
    yield from _check_web(patient)
    if patient.core is not None:
        yield ok("sip-port", _("Phones are heard on port %(port)s.", port=patient.settings.sip_port))
    else:
        yield from _check_free("sip-port", patient, patient.settings.sip_port, ("udp", "tcp"))
    yield from _check_rtp(patient)


def _check_web(patient: Patient) -> Iterator[Check]:
    settings = patient.settings
    holder_home = _home_of_holder(settings.web_port)
    if holder_home is not None and holder_home != str(settings.home):
        yield error(
            "web-port",
            _("Port %(port)s/tcp is taken by the office in %(home)s.", port=settings.web_port, home=holder_home),
            _("Give this office ports of its own: FRONTDESK_WEB_PORT, FRONTDESK_SIP_PORT, FRONTDESK_RTP_PORTS."),
        )
    elif _is_frontdesk(settings.bind, settings.web_port):
        yield ok("web-port", _("The admin answers on port %(port)s.", port=settings.web_port))
    elif patient.core is not None:
        holder = process.holder_of_port(settings.web_port, "tcp")
        taken = _("Port %(port)s/tcp is taken by %(holder)s.", port=settings.web_port, holder=holder)
        silent = _("The admin does not answer on port %(port)s.", port=settings.web_port)
        yield error(
            "web-port",
            taken if holder else silent,
            _("It is started by “frontdesk up”, and started again when it ends; the log there tells more."),
        )
    else:
        yield from _check_free("web-port", patient, settings.web_port, ("tcp",))


def _is_frontdesk(bind: str, port: int) -> bool:
    host = "127.0.0.1" if bind in ("0.0.0.0", "::", "") else bind  # noqa: S104
    url = f"http://[{host}]:{port}/healthz" if ":" in host else f"http://{host}:{port}/healthz"
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=3) as answer:
            body = answer.read(10_000)
    except urllib.error.HTTPError as refused:
        body = refused.read(10_000)
    except (OSError, ValueError):
        return False
    try:
        found = json.loads(body)
    except ValueError:
        return False
    return isinstance(found, dict) and {"ok", "engine", "version"} <= found.keys()


def _home_of_holder(port: int) -> str | None:
    """The office's folder of the process that holds a TCP port, as its environment says; None where not to be seen."""
    pid = process.holder_of_port(port, "tcp").rpartition("(pid ")[2].rstrip(")")
    if not pid.isdecimal():
        return None
    try:
        pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    homes = [p.partition(b"=")[2].decode(errors="replace") for p in pairs if p.startswith(b"FRONTDESK_HOME=")]
    return homes[0] if homes and homes[0] else None


def _check_free(check_id: str, patient: Patient, port: int, transports: tuple[str, ...]) -> Iterator[Check]:
    for transport in transports:
        kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
        family = socket.AF_INET6 if ":" in patient.settings.bind else socket.AF_INET
        with socket.socket(family, kind) as probe:
            if transport == "tcp":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((patient.settings.bind, port))
            except OSError as fault:
                holder = process.holder_of_port(port, transport) or fault.strerror
                yield error(
                    check_id,
                    _(
                        "Port %(port)s/%(transport)s is taken by %(holder)s.",
                        port=port,
                        transport=transport,
                        holder=holder,
                    ),
                    _("End it, or choose other ports: FRONTDESK_SIP_PORT, FRONTDESK_WEB_PORT, FRONTDESK_RTP_PORTS."),
                )
                return
    yield ok(check_id, _("Port %(port)s is free.", port=port))


def _check_rtp(patient: Patient) -> Iterator[Check]:
    settings = patient.settings
    said = f"{settings.rtp_first}-{settings.rtp_last}"
    if settings.rtp_first <= settings.sip_port <= settings.rtp_last:
        yield error(
            "rtp-ports",
            _("The SIP port %(port)s lies within the ports for sound, %(range)s.", port=settings.sip_port, range=said),
            _("Choose another FRONTDESK_SIP_PORT or FRONTDESK_RTP_PORTS."),
        )
        return
    taken = set()
    if patient.core is None:
        for table in ("udp", "udp6"):
            taken |= _local_ports(Path("/proc/net") / table) & set(range(settings.rtp_first, settings.rtp_last + 1))
    if len(taken) * 2 > settings.rtp_last - settings.rtp_first:
        port = min(taken)
        holder = process.holder_of_port(port, "udp") or _("another program")
        yield warning(
            "rtp-ports",
            _(
                "Of the ports for sound, %(range)s, many are taken: %(port)s by %(holder)s.",
                range=said,
                port=port,
                holder=holder,
            ),
            _("Choose another range: FRONTDESK_RTP_PORTS."),
        )
    else:
        yield ok("rtp-ports", _("There are ports for sound: %(range)s.", range=said))


def _local_ports(table: Path) -> set[int]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:
        return set()
    return {int(line.split()[1].rpartition(":")[2], 16) for line in lines}
