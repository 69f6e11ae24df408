"""One TCP connection: messages cut out of a stream by Content-Length (RFC 3261 §18.3).

Owns: framing, keep-alives (RFC 5626 §3.5.1), caps that keep a stranger from filling memory.
Leaves out: which connections there may be (transport.py).
"""

import asyncio
import re
import socket
from collections.abc import Callable

from appliance.switch.builtin.wire import Place

MOST_HEADER_BYTES = 16_384
MOST_BODY_BYTES = 65_536
_MOST_UNSENT_BYTES = 262_144
_PATIENCE_SECONDS = 30.0  # for the first message, and for the rest of one that began
_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d{1,7})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


class Connection(asyncio.Protocol):
    """A framed connection. Closes itself when what comes cannot be SIP."""

    def __init__(
        self,
        on_packet: Callable[[bytes, Place], None],
        on_open: Callable[["Connection"], bool],
        on_close: Callable[["Connection"], None],
    ) -> None:
        """``on_open`` says whether the connection may stay."""
        self._on_packet, self._on_open, self._on_close = on_packet, on_open, on_close
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.place = Place("tcp", "", 0)
        self.was_accepted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername") or ("", 0)
        self.place = Place("tcp", peer[0], peer[1])
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self._on_open(self):
            transport.abort()
        elif self.was_accepted:
            self._wait()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (message := self._next()) is not None:
            self._relax()
            self._on_packet(message, self.place)
        if self._buffer and self._patience is None:
            self._wait()

    def _next(self) -> bytes | None:
        """The next whole message, cut off the buffer."""
        self._skip_keep_alives()
        if not self._buffer:
            self._relax()
            return None
        end, gap = self._buffer.find(b"\r\n\r\n"), 4
        if end < 0:
            end, gap = self._buffer.find(b"\n\n"), 2
        if end < 0:
            if len(self._buffer) > MOST_HEADER_BYTES:
                self.abort()
            return None
        found = _LENGTH.search(bytes(self._buffer[: end + 2]))
        length = int(found[1]) if found else 0
        if end > MOST_HEADER_BYTES or length > MOST_BODY_BYTES:
            self.abort()
            return None
        total = end + gap + length
        if len(self._buffer) < total:
            return None
        message = bytes(self._buffer[:total])
        del self._buffer[:total]
        return message

    def _skip_keep_alives(self) -> None:
        skipped = 0
        while skipped < len(self._buffer) and self._buffer[skipped] in b"\r\n":
            skipped += 1
        if not skipped:
            return
        if self._buffer[:4] == b"\r\n\r\n":
            self.send(b"\r\n")
        del self._buffer[:skipped]

    def _wait(self) -> None:
        self._relax()
        self._patience = asyncio.get_running_loop().call_later(_PATIENCE_SECONDS, self.abort)

    def _relax(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def send(self, data: bytes) -> bool:
        """Send; False when the connection is gone or its far end has stopped reading."""
        if self._transport is None or self._transport.is_closing():
            return False
        if self._transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self.abort()
            return False
        self._transport.write(data)
        return True

    def abort(self) -> None:
        """Drop the connection at once."""
        self._buffer.clear()
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close after what was written is sent."""
        if self._transport is not None:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._relax()
        self._buffer.clear()
        self._on_close(self)
