"""One connection to FreeSWITCH's Event Socket.

Owns: signing in, commands and their answers in order, background jobs, events. Leaves out: trying again (link.py),
the text of commands (commands.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Sequence

from appliance.ids import new_id
from appliance.switch.freeswitch.failures import (
    BadFrame,
    BadPassword,
    ConnectionRefused,
    EventSocketError,
    NoAnswer,
    Refused,
    SocketAway,
    WrongVersion,
)
from appliance.switch.freeswitch.frames import Event, Frame, FrameReader

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
OLDEST = (1, 10)
JOB = "BACKGROUND_JOB"


class EventSocket:
    """Inbound: we connect to FreeSWITCH. Made by ``connect``; it never comes back once it is closed."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_event: Callable[[Event], None]
    ) -> None:
        self._reader, self._writer = reader, writer
        self._on_event = on_event
        self._frames = FrameReader()
        self._waiting: deque[tuple[str, asyncio.Future[Frame]]] = deque()
        self._jobs: dict[str, asyncio.Future[str]] = {}
        self._greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._refusal = ""
        self._reading = asyncio.create_task(self._read(), name="event socket")
        self.version = ""

    # --- life ---
    @classmethod
    async def connect(cls, host: str, port: int, password: str, on_event: Callable[[Event], None]) -> EventSocket:
        """Sign in and see whom we talk with. Raises ConnectionRefused, BadPassword, WrongVersion, NoAnswer."""
        place = f"{host}:{port}"
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(host, port)
        except (OSError, TimeoutError) as error:
            raise ConnectionRefused(place, str(error) or "no answer") from error
        socket = cls(reader, writer, on_event)
        try:
            await socket._sign_in(password)
        except BaseException:
            await socket.close()
            raise
        return socket

    async def _sign_in(self, password: str) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._greeted
        except TimeoutError:
            raise NoAnswer("hello", CONNECT_SECONDS) from None
        try:
            await self.command(f"auth {one_line(password)}")
        except (Refused, SocketAway):
            raise BadPassword from None
        self.version = await self.api("version")
        found = re.search(r"FreeSWITCH Version (\d+)\.(\d+)", self.version)
        if not found or (int(found[1]), int(found[2])) < OLDEST:
            raise WrongVersion(self.version)

    @property
    def is_open(self) -> bool:
        """Whether commands can be sent."""
        return not self._reading.done()

    async def wait_closed(self) -> str:
        """Wait for the end of the connection; why it ended."""
        await asyncio.wait({self._reading})
        return self._refusal

    async def close(self) -> None:
        """End it. Safe to repeat."""
        self._reading.cancel()
        await asyncio.wait({self._reading})
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    def abort(self, why: str) -> None:
        """Give it up at once: nothing more is expected of it."""
        self._refusal = self._refusal or why
        self._writer.transport.abort()

    # --- commands ---
    async def command(self, text: str, *, timeout: float = ANSWER_SECONDS) -> str:
        """Send a command; its answer. Raises Refused, NoAnswer, SocketAway."""
        frame = await self._ask(text, timeout)
        reply = frame.text
        if reply.startswith("-ERR"):
            raise Refused(_first_words(text), reply.removeprefix("-ERR").strip())
        return reply

    async def api(self, text: str, *, timeout: float = ANSWER_SECONDS) -> str:
        """Ask an API; its answer as text. Raises Refused for -ERR and -USAGE, NoAnswer, SocketAway."""
        answer = (await self._ask(f"api {one_line(text)}", timeout)).text
        for mark in ("-ERR", "-USAGE"):
            if answer.startswith(mark):
                raise Refused(_first_words(text), answer.removeprefix(mark).strip(" :"))
        return answer

    async def bgapi(self, text: str) -> asyncio.Future[str]:
        """Start a job; a future of its result (``+OK …`` or ``-ERR …``), which fails with SocketAway, accepted."""
        job_id = new_id("job")
        result: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        result.add_done_callback(_seen)
        self._jobs[job_id] = result
        try:
            await self.command(f"bgapi {one_line(text)}\nJob-UUID: {job_id}")
        except BaseException:
            self._jobs.pop(job_id, None)
            raise
        return result

    async def subscribe(self, names: Sequence[str], subclasses: Sequence[str] = ()) -> None:
        """Have these events sent, as JSON."""
        await self.command(f"event json {' '.join([*names, JOB])}")
        if subclasses:
            await self.command(f"event json CUSTOM {' '.join(subclasses)}")

    async def filter(self, header: str, value: str) -> None:
        """Have only events sent whose header has that value; each further filter lets more through."""
        await self.command(f"filter {one_line(header)} {one_line(value)}")

    async def _ask(self, text: str, timeout: float) -> Frame:
        if not self.is_open or self._writer.is_closing():
            raise SocketAway
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(_seen)
        self._waiting.append((_first_words(text), answer))
        self._writer.write(f"{text}\n\n".encode())
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise NoAnswer(_first_words(text), timeout) from None

    # --- what comes ---
    async def _read(self) -> None:
        try:
            while data := await self._reader.read(READ_BYTES):
                for frame in self._frames.feed(data):
                    self._take(frame)
        except (OSError, BadFrame) as error:
            self._refusal = self._refusal or str(error)
            log.warning("event socket: %s", error)
        finally:
            self._lose_all()

    def _lose_all(self) -> None:
        self._writer.close()
        why = self._refusal or "FreeSWITCH closed the connection"
        for command, answer in self._waiting:
            if not answer.done():
                answer.set_exception(SocketAway(f"“{command}” was not answered: {why}.", reached="unconfirmed"))
        for job in self._jobs.values():
            if not job.done():
                job.set_exception(SocketAway(f"The result of a job is not known: {why}.", reached="accepted"))
        self._waiting.clear()
        self._jobs.clear()
        if not self._greeted.done():
            self._greeted.set_exception(SocketAway(f"No Event Socket there: {why}."))
            self._greeted.exception()

    def _take(self, frame: Frame) -> None:
        match frame.content_type:
            case "command/reply" | "api/response":
                if self._waiting and not (answer := self._waiting.popleft()[1]).done():
                    answer.set_result(frame)
            case "text/event-json" | "text/event-plain":
                self._take_event(frame.event())
            case "auth/request":
                if not self._greeted.done():
                    self._greeted.set_result(None)
            case "text/rude-rejection":
                self._refusal = "its access list keeps us out"
            case "text/disconnect-notice":
                log.debug("event socket: disconnect notice")

    def _take_event(self, event: Event) -> None:
        if event.name == JOB:
            job = self._jobs.pop(event.get("Job-UUID", ""), None)
            if job is not None and not job.done():
                job.set_result(event.body.strip())
            return
        try:
            self._on_event(event)
        except Exception:  # the loop boundary: a fault over one event must not end the connection
            log.exception("event %s", event)


def one_line(text: str) -> str:
    """Text that ends no command early. Raises EventSocketError for a line break."""
    if any(char in text for char in "\r\n\0"):
        raise EventSocketError("A command must be one line.", reached="not-sent")
    return text


def _first_words(text: str) -> str:
    """What a command is called in messages: never its values, which may be secrets or callers' numbers."""
    words = text.split(None, 2)
    return " ".join(words[:2]) if words and words[0] in ("api", "bgapi") else (words or [""])[0]


def _seen(future: asyncio.Future[Frame] | asyncio.Future[str]) -> None:
    """A failure that nobody waits for any more is no news."""
    if not future.cancelled():
        future.exception()
