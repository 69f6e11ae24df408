"""What our processes have in common: logs, dying with their parent, who holds a port."""

import contextlib
import ctypes
import fcntl
import logging
import os
import resource
import signal
import sys
from pathlib import Path
from typing import IO

from appliance.config import Settings
from appliance.errors import Conflict
from appliance.i18n import gettext as _

_PR_SET_PDEATHSIG = 1  # prctl(2)


class AlreadyRuns(Conflict):
    """Another process does this work in this folder."""

    code = "already-runs"


def hold(settings: Settings, what: str) -> IO[str]:
    """Be the only one to do something in an office, until closed or dead. Raises AlreadyRuns."""
    file = (settings.run / f"{what}.lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise AlreadyRuns(
            _("The office in %(home)s is already running.", home=str(settings.home)),
            hint=_("End it with Ctrl-C where it was started, or use another folder: --home."),
        ) from error
    return file


def log_to_stderr(name: str) -> None:
    """One line per record: time, process, level, text; ``FRONTDESK_LOG`` sets the level."""
    logging.basicConfig(
        level=os.environ.get("FRONTDESK_LOG", "INFO").upper(),
        format=f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )


def allow_many_sockets() -> None:
    """Lift the usual 1024 open files to what the system allows: each call has four sockets and a file."""
    _soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if most == resource.RLIM_INFINITY else min(most, 65_536)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send this process a signal when its parent dies, however it dies: SIGTERM ends it in order."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, by, 0, 0, 0)


def holder_of_port(port: int, transport: str = "tcp") -> str:
    """``name (pid 123)`` of who holds a local port, "" where that cannot be seen. Reads /proc (Linux)."""
    inodes = set()
    for table in (transport, f"{transport}6"):
        try:
            lines = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            listening = transport == "udp" or fields[3] == "0A"
            if listening and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for process in Path("/proc").iterdir():
        if process.name.isdecimal() and _holds(process, inodes):
            try:
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
            except OSError:
                continue
    return ""


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(str(fd.readlink()) in inodes for fd in (process / "fd").iterdir())
    except OSError:
        return False  # gone, or not ours to look into
