"""SIPp as trunk, caller and phone: scenarios of ours, run in the background, with their results.

Owns: running `sipp` and reading what it says. Leaves out: the scenarios (scenarios/*.xml).
"""

import asyncio
import csv
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.peers import tones
from tests.peers.waiting import end

SCENARIOS = Path(__file__).parent / "scenarios"


def is_installed() -> bool:
    """Whether this machine has SIPp."""
    return shutil.which("sipp") is not None


@dataclass
class SippResult:
    """What a run came to."""

    status: int  # 0: every call went as the scenario says
    successful: int
    failed: int
    screen: str
    errors: str
    messages: str


class Sipp:
    """One `sipp` process."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.process: asyncio.subprocess.Process | None = None

    @classmethod
    async def start(
        cls,
        folder: Path,
        scenario: str,
        *,
        office_port: int,
        port: int,
        media_port: int = 6000,
        calls: int = 1,
        rate: float = 10,
        seconds: float = 30,
        transport: str = "u1",
        tone: int = tones.CALLER,
        echo: bool = False,
        user: str = "",
        password: str = "",
        keys: dict[str, str] | None = None,
        options: tuple[str, ...] = (),
    ) -> "Sipp":
        """Run a scenario; it ends by itself after ``calls`` calls or ``seconds``."""
        run = cls(folder, f"{scenario}-{port}")
        file = run._write_scenario(scenario, tone, keys or {})
        words = ["sipp", f"127.0.0.1:{office_port}", "-sf", str(file), "-i", "127.0.0.1", "-p", str(port)]
        words += ["-mi", "127.0.0.1", "-mp", str(media_port), "-m", str(calls), "-r", str(rate), "-t", transport]
        words += ["-timeout", f"{seconds:.0f}s", "-timeout_error", "-nostdin", "-trace_stat", "-fd", "1"]
        words += ["-stf", str(folder / f"{run.name}.csv"), "-trace_err", "-error_file", str(folder / f"{run.name}.err")]
        words += ["-trace_msg", "-message_file", str(folder / f"{run.name}.msg"), "-cid_str", "%u-%p-" + run.name]
        words += ["-rtp_echo"] if echo else []
        words += ["-au", user, "-ap", password] if user else []
        with (folder / f"{run.name}.out").open("wb") as out:
            run.process = await asyncio.create_subprocess_exec(*words, *options, stdout=out, stderr=out, cwd=folder)
        return run

    def _write_scenario(self, scenario: str, tone: int, keys: dict[str, str]) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        sound = self.folder / f"tone-{tone}.ulaw"
        if not sound.exists():
            sound.write_bytes(tones.encode(tones.tone(tone, 1.0), "PCMU"))
        text = (SCENARIOS / f"{scenario}.xml").read_text().replace("{tone_file}", str(sound))
        for key, value in keys.items():
            text = text.replace(f"{{{key}}}", value)
        file = self.folder / f"{self.name}.xml"
        file.write_text(text)
        return file

    async def result(self, timeout: float = 40.0) -> SippResult:
        """Wait for its end. Raises TimeoutError."""
        assert self.process
        await asyncio.wait_for(self.process.wait(), timeout)
        successful = failed = 0
        table = self.folder / f"{self.name}.csv"
        if table.exists():
            rows = list(csv.DictReader(table.read_text().splitlines(), delimiter=";"))
            if rows:
                successful, failed = int(rows[-1]["SuccessfulCall(C)"]), int(rows[-1]["FailedCall(C)"])
        return SippResult(
            self.process.returncode or 0, successful, failed, self._text("out"), self._text("err"), self._text("msg")
        )

    async def stop(self) -> None:
        """End it now."""
        if self.process:
            await end(self.process, grace=2.0)

    @property
    def messages(self) -> str:
        """The messages so far."""
        return self._text("msg")

    def _text(self, kind: str) -> str:
        path = self.folder / f"{self.name}.{kind}"
        return path.read_text(errors="replace") if path.exists() else ""
