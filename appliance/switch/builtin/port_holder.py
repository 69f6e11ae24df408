"""Who has a port: /proc/net → inode → process, for an error a person can act on."""

import contextlib
from pathlib import Path


def holder_of(port: int, transport: str, proc: Path = Path("/proc")) -> str:
    """``name (pid 123)``, or "" when it cannot be told (another user's process)."""
    inodes = _inodes(port, transport, proc)
    if not inodes:
        return ""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for process in proc.iterdir():
        if process.name.isdigit() and _holds(process, wanted):
            with contextlib.suppress(OSError):
                return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return ""


def _inodes(port: int, transport: str, proc: Path) -> set[str]:
    found = set()
    for table in (transport, f"{transport}6"):
        with contextlib.suppress(OSError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                columns = line.split()
                if int(columns[1].rpartition(":")[2], 16) == port and (transport == "udp" or columns[3] == "0A"):
                    found.add(columns[9])
    return found


def _holds(process: Path, wanted: set[str]) -> bool:
    with contextlib.suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with contextlib.suppress(OSError):
                if str(descriptor.readlink()) in wanted:
                    return True
    return False
