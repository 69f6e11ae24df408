"""A FreeSWITCH with nothing of ours: what the same machine does with a bare dialplan, or with mod_callcenter.

Owns: its process; its configuration is bare.xml beside this file. Leaves out: what is measured (freeswitch.py).
"""

import asyncio
import os
import subprocess
from pathlib import Path

from tests.peers.options import freeswitch
from tests.peers.waiting import end, free_port, free_rtp_range, wait_until

MODULES = (
    "mod_commands",
    "mod_dptools",
    "mod_db",
    "mod_dialplan_xml",
    "mod_sndfile",
    "mod_tone_stream",
    "mod_callcenter",
    "mod_sofia",
)
_FOLDERS = ("conf", "log", "db", "run", "storage", "cache", "sounds", "certs", "scripts", "recordings", "temp")


class Bare:
    """One running FreeSWITCH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.process: asyncio.subprocess.Process | None = None

    def lacks(self) -> str:
        """The modules that this machine's FreeSWITCH has not got; empty when it has all."""
        return ", ".join(name for name in MODULES if not (_module_folder() / f"{name}.so").exists())

    async def start(self, phone_port: int) -> None:
        """Run it; mod_callcenter rings the phone at that port. Raises TimeoutError."""
        program = freeswitch()
        assert program is not None
        for name in _FOLDERS:
            (self.folder / name).mkdir(parents=True)
        first, last = free_rtp_range(200)
        text = Path(__file__).with_name("bare.xml").read_text()
        modules = "".join(f'<load module="{name}"/>' for name in MODULES)
        values = {"modules": modules, "first": first, "last": last, "port": self.port, "phone": phone_port}
        (self.folder / "conf" / "freeswitch.xml").write_text(text.format(folder=self.folder, **values))
        words = [word for name in _FOLDERS for word in (f"-{name}", str(self.folder / name))]
        self.process = await asyncio.create_subprocess_exec(
            program,
            *("-np", "-nonat", "-nc", "-nf", *words, "-mod", str(_module_folder())),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await wait_until(self._listens, "the bare FreeSWITCH listens", 30)

    def _listens(self) -> bool:
        places = [line.split()[1] for line in Path("/proc/net/udp").read_text().splitlines()[1:]]
        return any(place.endswith(f":{self.port:04X}") for place in places)

    async def stop(self) -> None:
        """End it."""
        if self.process is not None:
            await end(self.process)


def _module_folder() -> Path:
    program = freeswitch()
    assert program is not None
    prefix = Path(os.path.realpath(program)).parent.parent
    places = [prefix / "mod", prefix / "lib/freeswitch/mod", Path("/usr/lib/freeswitch/mod")]
    return next((place for place in places if place.is_dir()), places[0])
