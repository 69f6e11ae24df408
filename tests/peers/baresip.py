"""baresip as a phone: a real softphone, driven over its control port, sending a tone and keeping what it hears.

Owns: its folder of settings and its commands. Leaves out: what a test makes of it.
"""

import asyncio
import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from tests.peers import tones
from tests.peers.waiting import end, free_port, free_rtp_range, wait_until

_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
net_interface 127.0.0.1
audio_player aufile,{folder}/played.wav
audio_source aufile,{folder}/tone.wav
audio_alert aufile,{folder}/alert.wav
audio_channels 1
audio_srate 8000
ausrc_srate 8000
auplay_srate 8000
audio_buffer 20-160
call_local_timeout 60
call_max_calls 4
rtp_ports {first}-{last}
rtp_timeout 0
module_path {modules}
module g711.so
module g722.so
module srtp.so
sip_cafile {ca}
module aufile.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}/heard
"""


def is_installed() -> bool:
    """Whether this machine has baresip."""
    return shutil.which("baresip") is not None


class Baresip:
    """One baresip process: one account."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder, self.user = folder, user
        self.port, self.control = free_port(), free_port()
        self.events: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | None = None
        self._reader_task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    @classmethod
    async def start(
        cls,
        folder: Path,
        user: str,
        password: str,
        *,
        office_port: int,
        tone: int,
        transport: str = "udp",
        auto: bool = False,
        ca: Path | None = None,
        encrypts: str = "",
        codecs: str = "pcmu,pcma",
    ) -> "Baresip":
        """Start it and wait until its control port answers; it registers by itself.

        ``ca``: an authority it is told of (1.0 checks nothing); ``encrypts``: ``srtp`` (optional), ``srtp-mand``.
        """
        phone = cls(folder, user)
        (folder / "heard").mkdir(parents=True)
        first, last = free_rtp_range(20)
        places = {"folder": folder, "modules": _modules(), "ca": ca or ""}
        (folder / "config").write_text(
            _CONFIG.format(port=phone.port, control=phone.control, first=first, last=last, **places)
        )
        mode = (";answermode=auto" if auto else "") + (f";mediaenc={encrypts}" if encrypts else "")
        (folder / "accounts").write_text(
            f"<sip:{user}@127.0.0.1:{office_port};transport={transport}>;auth_user={user};auth_pass={password};"
            f"regint=60;audio_codecs={codecs};dtmfmode=rtpevent{mode}\n"
        )
        (folder / "contacts").write_text("")
        tones.write_wav(folder / "tone.wav", tones.tone(tone, 60))
        with (folder / "log").open("wb") as log:
            phone.process = await asyncio.create_subprocess_exec(
                "baresip", "-f", str(folder), stdout=log, stderr=log, stdin=asyncio.subprocess.PIPE, cwd=folder
            )
        reader = await wait_until(phone._connect, "baresip's control port answers", 10)
        phone._reader_task = asyncio.create_task(phone._read(reader))
        return phone

    async def _connect(self) -> asyncio.StreamReader | None:
        with contextlib.suppress(OSError):
            reader, self._writer = await asyncio.open_connection("127.0.0.1", self.control)
            return reader
        return None

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ValueError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                told = json.loads((await reader.readexactly(length + 1))[:-1])
                if told.get("event"):
                    self.events.append(told)
                else:
                    self._answers.put_nowait(told)

    async def command(self, command: str, params: str = "") -> str:
        """One command of its menu; what it said. Raises TimeoutError."""
        assert self._writer
        text = json.dumps({"command": command, "params": params, "token": "t"}).encode()
        self._writer.write(b"%d:%s," % (len(text), text))
        answer = await asyncio.wait_for(self._answers.get(), 5)
        return str(answer.get("data", ""))

    def had(self, kind: str) -> list[dict[str, Any]]:
        """The events of a type, such as REGISTER_OK, CALL_INCOMING, CALL_ESTABLISHED, CALL_CLOSED."""
        return [e for e in self.events if e.get("type") == kind]

    async def wait_registered(self, timeout: float = 8.0) -> None:
        """Wait until its registrar said 200; it may say so before its control port answers."""
        log = self.folder / "log"
        await wait_until(lambda: "} 200 OK" in log.read_text(), "baresip has registered", timeout)

    async def wait(self, kind: str, timeout: float = 8.0, count: int = 1) -> dict[str, Any]:
        """Wait for the n-th event of a type. Raises TimeoutError."""
        try:
            await wait_until(lambda: len(self.had(kind)) >= count, f"baresip says {kind}", timeout)
        except TimeoutError as error:
            kinds = [e.get("type") for e in self.events]
            raise TimeoutError(f"{error}; it said {kinds}\n{(self.folder / 'log').read_text()[-1500:]}") from None
        return self.had(kind)[count - 1]

    def heard(self) -> list[int]:
        """Labels of all the sound it has decoded in the newest call (tones.labels). The file may still grow."""
        files = sorted((self.folder / "heard").glob("*dec*.wav"), key=lambda p: p.stat().st_mtime)
        if not files:
            return []
        data = files[-1].read_bytes()[44:]
        samples = tones.np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2")
        return tones.labels(samples)

    async def stop(self) -> None:
        """End it."""
        if self._reader_task:
            self._reader_task.cancel()
        if self._writer:
            self._writer.close()
        if self.process:
            await end(self.process, grace=3.0)


def _modules() -> Path:
    for folder in (Path("/usr/lib/baresip/modules"), *Path("/usr/lib").glob("*/baresip/modules")):
        if folder.is_dir():
            return folder
    raise LookupError("baresip has no modules")
