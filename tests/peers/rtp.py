"""One RTP socket of a test peer: sends a tone, keeps all it hears, presses keys (RFC 3550, RFC 4733).

Owns: the packets and their times. Leaves out: SIP. True peer: shares no code with the product.
"""

import asyncio
import contextlib
import functools
import random
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.peers import tones

EVENTS = "0123456789*#ABCD"
CODECS = {"PCMU": 0, "PCMA": 8}


@functools.cache
def _frame(tone: int, codec: str) -> bytes:
    return tones.encode(tones.tone(tone, 0.02), codec)


@dataclass(frozen=True)
class Packet:
    """One RTP packet as it came."""

    at: float  # time.monotonic()
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    payload: bytes
    source: tuple[str, int]


@dataclass(frozen=True)
class Hearing:
    """What was heard in a stretch of time, frame by frame."""

    packets: list[Packet]
    frames: list[int]

    def share(self, frequency: int) -> float:
        """Which part carries that tone, 0 to 1; 0 when nothing came."""
        return tones.share(self.frames, frequency)

    @property
    def sounding(self) -> float:
        """Which part is not silence."""
        return 1.0 - self.share(tones.SILENT) if self.frames else 0.0

    @property
    def longest_gap(self) -> float:
        """Seconds between the two packets furthest apart in arrival."""
        return max((b.at - a.at for a, b in zip(self.packets, self.packets[1:], strict=False)), default=0.0)

    @property
    def lost(self) -> int:
        """Sequence numbers that are missing, as far as one stream goes."""
        gaps = 0
        for a, b in zip(self.packets, self.packets[1:], strict=False):
            step = (b.sequence - a.sequence) & 0xFFFF
            if a.ssrc == b.ssrc and 1 < step < 3000:
                gaps += step - 1
        return gaps


class Rtp(asyncio.DatagramProtocol):
    """A two-way audio stream. ``tone`` in Hz may be changed while it runs; 0 sends silence."""

    def __init__(self, tone: int, codec: str = "PCMU") -> None:
        self.tone, self.codec, self.dtmf_type = tone, codec, 101
        self.remote: tuple[str, int] | None = None
        self.sending = True  # False: falls silent on the wire, as an unplugged phone
        self.loses: Callable[[int], bool] = lambda _n: False  # which of its packets the network loses, by number
        self.packets: list[Packet] = []
        self.sent = 0
        self.port = 0
        self._sequence, self._timestamp = random.randrange(1 << 15), random.randrange(1 << 30)
        self._ssrc = random.randrange(1, 1 << 32)
        self._task: asyncio.Task[None] | None = None
        self._digits: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    @classmethod
    async def open(cls, tone: int, codec: str = "PCMU", host: str = "127.0.0.1") -> "Rtp":
        """Bind a free port."""
        transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: cls(tone, codec), local_addr=(host, 0)
        )
        protocol._transport = transport
        protocol.port = transport.get_extra_info("sockname")[1]
        return protocol

    def start(self, remote: tuple[str, int]) -> None:
        """Send to that address from now on; called again it only turns to the new address."""
        self.remote = remote
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop sending and give the port back; what was heard stays."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._transport:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Keep it if it is RTP."""
        if len(data) < 12 or data[0] >> 6 != 2 or 72 <= data[1] & 0x7F <= 76:
            return
        sequence, timestamp, ssrc = struct.unpack("!HII", data[2:12])
        start = 12 + 4 * (data[0] & 15)
        self.packets.append(
            Packet(
                time.monotonic(), sequence, timestamp, ssrc, data[1] & 0x7F, bool(data[1] & 0x80), data[start:], addr
            )
        )

    def hearing(self, since: float = 0.0, until: float = float("inf")) -> Hearing:
        """What was heard between two moments (time.monotonic())."""
        packets = [p for p in self.packets if since <= p.at <= until]
        frames: list[int] = []
        for codec, number in CODECS.items():
            sound = b"".join(p.payload for p in packets if p.payload_type == number)
            frames += tones.labels(tones.decode(sound, codec))
        return Hearing(packets, frames)

    @property
    def digits_heard(self) -> str:
        """Keys the other side pressed, one for each event timestamp."""
        seen: dict[tuple[int, int], str] = {}
        for p in self.packets:
            if p.payload_type == self.dtmf_type and len(p.payload) >= 4 and p.payload[0] < len(EVENTS):
                seen.setdefault((p.ssrc, p.timestamp), EVENTS[p.payload[0]])
        return "".join(seen.values())

    def press(self, digits: str) -> None:
        """Press keys, 100 ms each with 60 ms between (RFC 4733)."""
        self._digits += digits

    async def _run(self) -> None:
        due = time.monotonic()
        while True:
            if self._digits:
                due = await self._send_digit(self._digits.pop(0), due)
            if self.sending:
                self._send(CODECS[self.codec], _frame(self.tone, self.codec))
            self._sequence, self._timestamp = self._sequence + 1, self._timestamp + tones.FRAME
            due = await self._next(due)

    async def _next(self, due: float) -> float:
        due = max(due + 0.02, time.monotonic() - 0.2)  # after a stall do not send a burst
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        return due

    async def _send_digit(self, digit: str, due: float) -> float:
        start = self._timestamp
        for step in range(1, 9):
            ended = step > 5
            body = struct.pack("!BBH", EVENTS.index(digit), (0x80 if ended else 0) | 10, min(step, 6) * tones.FRAME)
            self._send(self.dtmf_type, body, marker=step == 1, timestamp=start)
            self._sequence += 1
            if not ended:
                self._timestamp += tones.FRAME
                due = await self._next(due)
        for _ in range(3):
            self._timestamp += tones.FRAME
            due = await self._next(due)
        return due

    def _send(self, kind: int, payload: bytes, *, marker: bool = False, timestamp: int | None = None) -> None:
        if self.remote is None or self._transport is None or self._transport.is_closing() or not self.sending:
            return
        header = struct.pack(
            "!BBHII",
            0x80,
            kind | (0x80 if marker else 0),
            self._sequence & 0xFFFF,
            (self._timestamp if timestamp is None else timestamp) & 0xFFFFFFFF,
            self._ssrc,
        )
        self.sent += 1
        if not self.loses(self.sent):
            self._transport.sendto(header + payload, self.remote)
