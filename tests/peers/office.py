"""A running office, seen only from outside: its command, its ports, its API, its folder, the mails it sends.

Owns: starting and ending it, asking it. Leaves out: phones and trunks. Nothing of the product is imported.
"""

import asyncio
import contextlib
import email
import email.policy
import json
import os
import signal
import sqlite3
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from tests.peers import tones
from tests.peers.waiting import end, free_port, free_rtp_range, wait_until

FRONTDESK = Path(sys.executable).with_name("frontdesk")
LIVE = {"ringing", "waiting", "talking"}
Call = dict[str, Any]
_token: tuple[str, tuple[Any, ...]] | None = None  # that of this process's first office, and its row


class MailSink:
    """An SMTP server that keeps every mail."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = free_port()
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        """Keep one mail."""
        parsed = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append(parsed)
        return "250 kept"

    def start(self) -> None:
        """Listen."""
        self._controller.start()

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)


def _words_of(pid: int) -> str:
    """The command line of a process, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@dataclass
class Office:
    """One `frontdesk up`."""

    home: Path
    engine: str
    work: Path  # where the log and what is fetched lie: not in its home
    env_more: dict[str, str] = field(default_factory=dict)
    web_port: int = field(default_factory=free_port)
    sip_port: int = field(default_factory=free_port)
    rtp_ports: tuple[int, int] = field(default_factory=free_rtp_range)
    process: asyncio.subprocess.Process | None = None
    token: str = ""

    @property
    def env(self) -> dict[str, str]:
        """Its environment."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("FRONTDESK_") or k == "FRONTDESK_FREESWITCH"}
        first, last = self.rtp_ports
        return kept | {
            "FRONTDESK_HOME": str(self.home),
            "FRONTDESK_WEB_PORT": str(self.web_port),
            "FRONTDESK_SIP_PORT": str(self.sip_port),
            "FRONTDESK_RTP_PORTS": f"{first}-{last}",
            "FRONTDESK_SIP_TLS_PORT": "0",  # unless a test is about it: the port after ours may be somebody's
            "FRONTDESK_BIND": "127.0.0.1",
            "FRONTDESK_ENGINE": self.engine,
            **self.env_more,
        }

    @property
    def log_file(self) -> Path:
        """All that `frontdesk up` printed."""
        return self.work / "office.log"

    @property
    def log(self) -> str:
        """Its text."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    async def run(self, *words: str, fails: bool = False) -> str:
        """Run a frontdesk command; its output. Raises AssertionError when it fails, or does not though it should."""
        process = await asyncio.create_subprocess_exec(
            FRONTDESK, *words, env=self.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), 30)
        except TimeoutError:
            await end(process)
            raise
        text = output.decode(errors="replace")
        assert (process.returncode != 0) == fails, f"frontdesk {' '.join(words)} → {process.returncode}: {text}"
        return text

    async def apply(self, toml: str) -> str:
        """Apply an office file."""
        path = self.work / "office.toml"
        path.write_text(toml)
        return await self.run("apply", str(path))

    def replace_announcements(self, tone_of: dict[str, int], seconds: float = 0.5) -> None:
        """Put short tones in the place of announcements, as if the owner had uploaded them."""
        folder = self.home / "prompts" / "own"
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.home / "office.db")) as db, db:
            for prompt, frequency in tone_of.items():
                tones.write_wav(folder / f"{prompt}.wav", tones.tone(frequency, seconds))
                row = ("", prompt, "en", "upload", f"own/{prompt}.wav", seconds, "2026-01-01T00:00:00.000Z")
                db.execute("INSERT INTO prompts VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    async def start(self, timeout: float = 30.0) -> None:
        """`frontdesk up`; returns once /healthz says it is well."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                FRONTDESK, "up", "--home", str(self.home), env=self.env, stdout=log, stderr=log
            )
        await self.wait_well(timeout)

    async def wait_well(self, timeout: float = 30.0) -> None:
        """Wait until /healthz says ok."""
        try:
            await wait_until(self.is_well, "the office answers /healthz", timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log[-3000:]}") from error

    async def is_well(self) -> bool:
        """Whether /healthz says ok."""
        if self.process and self.process.returncode is not None:
            raise RuntimeError(f"frontdesk up ended with {self.process.returncode}:\n{self.log[-3000:]}")
        try:
            return bool((await self.get("/healthz")).get("ok"))
        except OSError:
            return False

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL for what outlives it. The exit status."""
        if self.process is None:
            return 0
        family = self.processes()
        status = await end(self.process, grace=20.0)
        for pid, words in family:
            if _words_of(pid) == words:
                os.kill(pid, signal.SIGKILL)
        self.process = None
        return status

    def end_switch(self) -> None:
        """Kill a FreeSWITCH of this office that has outlived it: where a test failed while nobody was there."""
        folder = self.home / "freeswitch"
        with contextlib.suppress(OSError, ValueError):
            pid = int((folder / "run" / "freeswitch.pid").read_text().strip("\0 \n"))
            if str(folder / "conf") in _words_of(pid):
                os.kill(pid, signal.SIGKILL)

    def processes(self) -> list[tuple[int, str]]:
        """The pids and command lines of all that `frontdesk up` started, the oldest first."""
        if self.process is None:
            return []
        parents, words = {}, {}
        for folder in Path("/proc").iterdir():
            if not folder.name.isdecimal():
                continue
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                words[int(folder.name)] = (
                    (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except OSError:
                continue
            parents[int(folder.name)] = int(fields[1]) if fields[0] != "Z" else -1
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return [(pid, words[pid]) for pid in sorted(family - {self.process.pid})]

    def pid_of(self, part: str) -> int:
        """The main process of the ``core`` or the ``web``. Raises LookupError while there is none."""
        mark = {"core": "appliance.daemon", "web": "gunicorn"}[part]
        for pid, words in self.processes():
            if mark in words:
                return pid
        raise LookupError(f"no {part} among {self.processes()}")

    def kill(self, part: str) -> None:
        """kill -9."""
        os.kill(self.pid_of(part), signal.SIGKILL)

    def memory_mb(self, part: str) -> float:
        """Resident memory of a part."""
        for line in Path(f"/proc/{self.pid_of(part)}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        raise LookupError(part)

    # --- the API ---
    async def make_token(self) -> None:
        """`frontdesk token create`, for the first office; those after it know the same one."""
        global _token
        with contextlib.closing(sqlite3.connect(self.home / "office.db", timeout=10)) as db, db:
            if _token is not None:
                self.token, row = _token
                db.execute(f"INSERT OR REPLACE INTO api_tokens VALUES ({', '.join('?' * len(row))})", row)
                return
        self.token = (await self.run("token", "create", "telephony-suite")).strip().splitlines()[-1].strip()
        with contextlib.closing(sqlite3.connect(self.home / "office.db", timeout=10)) as db:
            _token = self.token, db.execute("SELECT * FROM api_tokens").fetchone()

    def _fetch(self, path: str) -> tuple[int, bytes]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web_port}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    async def fetch(self, path: str) -> tuple[int, bytes]:
        """GET; status and body."""
        return await asyncio.to_thread(self._fetch, path)

    async def get(self, path: str) -> dict[str, Any]:
        """GET a JSON object. Raises AssertionError with the body unless 200 (503 from /healthz is read too)."""
        status, body = await self.fetch(path)
        assert status == 200 or path == "/healthz", f"{path} → {status}: {body[:500]!r}"
        try:
            return dict(json.loads(body))
        except ValueError:
            return {}

    async def calls(self) -> list[Call]:
        """The newest calls."""
        return list((await self.get("/api/v1/calls"))["items"])

    async def last_call(self) -> Call:
        """The newest call with its timeline; empty when there is none."""
        calls = await self.calls()
        return await self.get(f"/api/v1/calls/{calls[0]['id']}") if calls else {}

    async def wait_call(self, timeout: float = 8.0, **fields: Any) -> Call:
        """Wait until the newest call has these values; that call with its timeline."""
        last: Call = {}

        async def seen() -> Call:
            nonlocal last
            last = await self.last_call()
            return last if last and all(last.get(k) == v for k, v in fields.items()) else {}

        try:
            return await wait_until(seen, f"the newest call has {fields}", timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it is {last}") from None

    async def wait_ended(self, timeout: float = 8.0) -> Call:
        """Wait until no call is live; the newest one."""

        async def over() -> Call:
            call = await self.last_call()
            return call if call and call["state"] not in LIVE and call["ended_at"] else {}

        try:
            return await wait_until(over, "the newest call has ended", timeout)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it is {await self.last_call()}") from None

    async def recording(self, call: Call, timeout: float = 5.0) -> Path:
        """Wait for a call's recording and fetch it; the file."""

        async def there() -> bytes:
            path = (await self.get(f"/api/v1/calls/{call['id']}"))["recording"]
            if not path:
                return b""
            status, body = await self.fetch(path)
            return body if status == 200 and len(body) > 44 else b""

        body = await wait_until(there, f"call {call['id']} has a recording", timeout)
        file = self.work / f"{call['id']}-{time.monotonic_ns()}.wav"
        file.write_bytes(body)
        return file
