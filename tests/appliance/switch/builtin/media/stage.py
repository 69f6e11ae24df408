"""A phone made of a real UDP socket, tones, and an ear that knows their frequency."""

import asyncio
import math
import socket
import struct
import wave
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from appliance.switch.builtin.media import PortPool, RecorderThread, RtpEndpoint, g711


def tone(hertz: float, seconds: float, level: int = 8000) -> bytes:
    """16-bit samples of a sine."""
    count = int(seconds * 8000)
    return struct.pack(f"<{count}h", *(int(level * math.sin(2 * math.pi * hertz * n / 8000)) for n in range(count)))


def power(samples: bytes, hertz: float) -> float:
    """Goertzel: the share (0 to 1) of the sound's power that lies at this frequency."""
    values = struct.unpack(f"<{len(samples) // 2}h", samples)
    total = sum(value * value for value in values)
    if not total:
        return 0.0
    factor = 2 * math.cos(2 * math.pi * hertz / 8000)
    one = two = 0.0
    for value in values:
        one, two = value + factor * one - two, one
    return 2 * (one * one + two * two - factor * one * two) / (len(values) * total)


def write_wav(path: Path, samples: bytes) -> Path:
    """An 8 kHz mono sound."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples)
    return path


def channels_of(path: Path) -> list[bytes]:
    """The samples of each channel of a recording."""
    with wave.open(str(path), "rb") as file:
        assert (file.getframerate(), file.getsampwidth()) == (8000, 2)
        count, raw = file.getnchannels(), file.readframes(file.getnframes())
    values = struct.unpack(f"<{len(raw) // 2}h", raw)
    return [struct.pack(f"<{len(values) // count}h", *values[channel::count]) for channel in range(count)]


class Packet:
    """One RTP packet as it came."""

    def __init__(self, raw: bytes) -> None:
        first, kind, self.seq, self.timestamp, self.ssrc = struct.unpack_from(">BBHII", raw)
        assert first == 0x80
        self.marker, self.payload_type, self.payload = kind >> 7, kind & 0x7F, raw[12:]


class Phone:
    """The far end of a leg: speaks what it is told, keeps what it hears."""

    def __init__(self, codec: str = "PCMU", ssrc: int = 0x1111) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.codec = codec
        self.payload_type = 0 if codec == "PCMU" else 8
        self.ssrc, self.seq, self.timestamp = ssrc, 65530, 4294967000
        self.heard: list[Packet] = []
        self.to: tuple[str, int] = ("127.0.0.1", 9)
        asyncio.get_running_loop().add_reader(self.socket, self._hear)

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def _hear(self) -> None:
        self.heard.append(Packet(self.socket.recv(4096)))

    def send(self, payload: bytes, *, payload_type: int | None = None, marker: bool = False, samples: int = -1) -> None:
        """One packet; then sequence and timestamp go on."""
        kind = (self.payload_type if payload_type is None else payload_type) | (0x80 if marker else 0)
        self.socket.sendto(struct.pack(">BBHII", 0x80, kind, self.seq, self.timestamp, self.ssrc) + payload, self.to)
        self.seq = (self.seq + 1) & 0xFFFF
        self.timestamp = (self.timestamp + (len(payload) if samples < 0 else samples)) & 0xFFFFFFFF

    async def speak(self, samples: bytes, *, skip: Callable[[int], bool] = lambda index: False) -> None:
        """Send a sound in real time; frames for which ``skip`` is true get lost on the way."""
        encoded = g711.encode_ulaw(samples)
        if self.codec == "PCMA":
            encoded = encoded.translate(g711.ALAW_FROM_ULAW)
        loop = asyncio.get_running_loop()
        start = loop.time()
        for index, at in enumerate(range(0, len(encoded), 160)):
            await asyncio.sleep(start + index * 0.02 - loop.time())
            if skip(index):
                self.seq = (self.seq + 1) & 0xFFFF
                self.timestamp = (self.timestamp + 160) & 0xFFFFFFFF
            else:
                self.send(encoded[at : at + 160], marker=index == 0)

    def sound(self) -> bytes:
        """What was heard, as samples, packet after packet."""
        payload = b"".join(packet.payload for packet in self.heard if packet.payload_type == self.payload_type)
        return g711.decode(payload, "PCMU" if self.codec == "PCMU" else "PCMA")

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


class Stage:
    """A pool, a recorder, and legs with phones at their far ends."""

    def __init__(self, recorder: RecorderThread) -> None:
        self.pool = PortPool("127.0.0.1", 30000 + id(self) % 20000, 65000)
        self.recorder = recorder
        self.phones: list[Phone] = []
        self.endpoints: list[RtpEndpoint] = []

    async def leg(
        self, codec: str = "PCMU", *, events: int | None = 101, ssrc: int = 0x1111
    ) -> tuple[RtpEndpoint, Phone]:
        """An endpoint that knows its phone, and the phone."""
        endpoint, phone = await RtpEndpoint.open(self.pool, self.recorder), Phone(codec, ssrc)
        self.endpoints.append(endpoint)
        self.phones.append(phone)
        phone.to = ("127.0.0.1", endpoint.port)
        law: Any = codec
        endpoint.set_remote("127.0.0.1", phone.port, law, phone.payload_type, events, sending=True, receiving=True)
        return endpoint, phone

    async def close(self) -> None:
        for endpoint in self.endpoints:
            await endpoint.close()
        for phone in self.phones:
            phone.close()
        assert self.pool.in_use == 0


@asynccontextmanager
async def staged(recorder: RecorderThread) -> AsyncIterator[Stage]:
    stage = Stage(recorder)
    try:
        yield stage
    finally:
        await stage.close()


Scene = Callable[[Stage], Coroutine[Any, Any, None]]


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  what is waited for are packets
            await asyncio.sleep(0.005)


def together(*speakers: Coroutine[Any, Any, None]) -> "asyncio.Future[list[None]]":
    """Let several speak at once."""
    return asyncio.gather(*speakers)
