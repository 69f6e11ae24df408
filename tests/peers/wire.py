"""The wire of a test peer: one UDP and one TCP port, a log of every message, request resending (RFC 3261 §17.1).

Owns: sockets, framing, client transactions. Leaves out: what the messages mean (softphone.py).
"""

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine

from tests.peers.sip import Address, Message, target_of

T1 = 0.5


class Wire(asyncio.DatagramProtocol):
    """Sends and receives SIP on 127.0.0.1. ``deaf`` drops all that comes and sends nothing: the plug is out."""

    def __init__(self, transport: str, on_request: Callable[[Message], None]) -> None:
        self.transport, self.on_request = transport, on_request
        self.on_stray_response: Callable[[Message], None] = lambda _m: None
        self.log: list[Message] = []
        self.port = 0
        self.deaf = False
        self.loses: Callable[[Message], bool] = lambda _m: False  # what gets lost on its way in or out
        self._waiting: dict[tuple[str, str], asyncio.Queue[Message]] = {}
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._streams: dict[Address, asyncio.StreamWriter] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, port: int = 0) -> None:
        """Bind the same port number for UDP and TCP; a free one unless given."""
        loop = asyncio.get_running_loop()
        for _ in range(20):
            self._udp, _p = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
            self.port = self._udp.get_extra_info("sockname")[1]
            try:
                self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
                return
            except OSError:
                self._udp.close()
                if port:
                    raise
        raise OSError("no port is free for both UDP and TCP")

    async def close(self) -> None:
        """Give the ports back."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._udp:
            self._udp.close()
        for writer in self._streams.values():
            writer.close()
        if self._server:
            self._server.close()

    def spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run something that ends, at the latest, when the wire is closed."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def via(self, branch: str) -> str:
        """Our Via."""
        return f"SIP/2.0/{self.transport.upper()} 127.0.0.1:{self.port};branch={branch};rport"

    async def request(self, message: Message, to: Address, *, timeout: float = 8.0) -> "asyncio.Queue[Message]":
        """Send a request, over UDP again and again until something answers; its responses come in the queue."""
        responses: asyncio.Queue[Message] = asyncio.Queue()
        self._waiting[(message.branch, message.method)] = responses
        await self.send(message, to)
        if self.transport == "udp" and message.method != "ACK":
            self.spawn(self._resend(message, to, timeout))
        return responses

    async def _resend(self, message: Message, to: Address, timeout: float) -> None:
        pause, spent = T1, 0.0
        while spent < timeout:
            await asyncio.sleep(pause)
            spent += pause
            if any(m.branch == message.branch and m.status and m.method == message.method for m in self.received):
                return
            await self.send(message, to)
            pause = min(2 * pause, 4.0)

    @property
    def received(self) -> list[Message]:
        """All that came in."""
        return [m for m in self.log if not m.sent]

    async def send(self, message: Message, to: Address) -> None:
        """Put it on the wire."""
        if self.deaf:
            return
        copy = Message(message.first, list(message.headers), message.body, sent=True, peer=to)
        self.log.append(copy)
        if self.loses(copy):
            return
        if self.transport == "udp":
            if self._udp and not self._udp.is_closing():
                self._udp.sendto(message.encode(), to)
            return
        if to not in self._streams or self._streams[to].is_closing():
            reader, writer = await asyncio.open_connection(*to)
            self._streams[to] = writer
            self.spawn(self._read(reader, writer))
        self._streams[to].write(message.encode())

    async def answer(self, request: Message, response: Message) -> None:
        """Send a response to where the request came from."""
        await self.send(response, request.peer)

    def drop_connections(self) -> None:
        """Cut every TCP connection."""
        for writer in self._streams.values():
            writer.close()
        self._streams.clear()

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """A packet came."""
        self._take(data, addr)

    def error_received(self, _exc: Exception) -> None:
        """ICMP port unreachable: the office is away; resending goes on."""

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams[writer.get_extra_info("peername")[:2]] = writer
        await self._read(reader, writer)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")[:2]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.strip():
                    continue
                length = re.search(rb"\r\n(?:content-length|l)\s*:\s*(\d+)", head, re.I)
                body = await reader.readexactly(int(length[1]) if length else 0)
                self._take(head.lstrip() + body, peer)

    def _take(self, data: bytes, peer: Address) -> None:
        if self.deaf or not data.strip():
            return
        try:
            message = Message.parse(data, peer)
        except ValueError:
            return
        self.log.append(message)
        if self.loses(message):
            return
        if not message.status:
            self.on_request(message)
        elif (message.branch, message.method) in self._waiting:
            self._waiting[(message.branch, message.method)].put_nowait(message)
        else:
            self.on_stray_response(message)

    def next_hop(self, uri: str, proxy: Address | None) -> Address:
        """Where a request for that URI goes."""
        return proxy or target_of(uri)
