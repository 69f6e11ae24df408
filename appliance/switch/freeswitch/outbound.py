"""Outbound sockets: FreeSWITCH connects to us for each call that its dialplan hands over.

Owns: the listener, the connect reply, linger, holding the connection for the call's life. Leaves out: what the call
does; its commands and events go over the inbound connection, where there is one order for all of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from appliance.switch.freeswitch.failures import BadFrame, EventSocketError, NoAnswer, Refused, SocketAway
from appliance.switch.freeswitch.frames import Event, Frame, FrameReader

log = logging.getLogger(__name__)

READ_BYTES = 1 << 16
ANSWER_SECONDS = 3.0
LINGER_SECONDS = 2


class OutboundCall:
    """One call's connection: as long as it is open, the call is ours; closed, the dialplan goes on behind it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._frames = FrameReader()
        self._came: list[Frame] = []
        self.data = Event({})
        self.events: asyncio.Queue[Event] = asyncio.Queue()

    async def begin(self) -> None:
        """Take the call over. Raises EventSocketError when there is none behind this connection."""
        self.data = (await self._ask("connect")).event()
        if not self.data.uuid:
            raise BadFrame("a connect reply without a channel")
        await self._ask(f"linger {LINGER_SECONDS}")

    async def take_events(self) -> None:
        """Have this call's events sent here, as JSON: into ``events``, while wait_closed runs."""
        await self._ask("myevents json")

    async def send_message(self, application: str, argument: str, *, event_lock: bool = False) -> None:
        """Have an application run on the call. Raises Refused, NoAnswer, SocketAway."""
        if any(char in application + argument for char in "\r\n\0"):
            raise EventSocketError("A message must be one line a value.", reached="not-sent")
        lines = ["sendmsg", "call-command: execute", f"execute-app-name: {application}", f"execute-app-arg: {argument}"]
        if event_lock:
            lines.append("event-lock: true")
        await self._ask("\n".join(lines))

    async def wait_closed(self) -> None:
        """Read until the end of the call, or of the connection."""
        with contextlib.suppress(OSError, BadFrame):
            while (frame := await self._frame()) is not None:
                if frame.content_type == "text/event-json":
                    self.events.put_nowait(frame.event())
                elif frame.headers.get("Content-Disposition") in ("linger", "disconnect"):
                    break  # the channel has ended; its books come over the inbound connection
        await self.close()

    async def close(self) -> None:
        """Let the call go on in the dialplan, if it lives. Safe to repeat."""
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                await self._writer.wait_closed()

    async def _ask(self, text: str) -> Frame:
        words = text.split()[0]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._writer.write(f"{text}\n\n".encode())
                while (frame := await self._frame()) is not None:
                    if frame.content_type.startswith("text/event"):
                        self.events.put_nowait(frame.event())
                    elif "Reply-Text" in frame.headers:
                        break
        except TimeoutError:
            raise NoAnswer(words, ANSWER_SECONDS) from None
        except OSError as error:
            raise SocketAway(f"The call's connection is gone ({error}).", reached="unconfirmed") from error
        if frame is None:
            raise SocketAway("The call's connection is gone.", reached="unconfirmed")
        if frame.text.startswith("-ERR"):
            raise Refused(words, frame.text.removeprefix("-ERR").strip())
        return frame

    async def _frame(self) -> Frame | None:
        while not self._came:
            data = await self._reader.read(READ_BYTES)
            if not data:
                return None
            self._came = self._frames.feed(data)
        return self._came.pop(0)


class OutboundServer:
    """Listens on the loopback for calls from FreeSWITCH."""

    def __init__(self, on_call: Callable[[Event], None]) -> None:
        """``on_call`` gets the data of each channel handed over, once it is ours."""
        self._on_call = on_call
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError when the port is taken."""
        self._server = await asyncio.start_server(self._connected, host, port)

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close everything: calls that live go on in the dialplan. Safe to repeat."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._hold(OutboundCall(reader, writer)), name="outbound socket")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hold(self, call: OutboundCall) -> None:
        try:
            await call.begin()
            self._on_call(call.data)
            await call.wait_closed()
        except EventSocketError as error:
            log.warning("outbound socket: %s", error.message)
        finally:
            await call.close()
