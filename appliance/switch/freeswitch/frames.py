"""The Event Socket's framing, pure: bytes in, frames out.

Owns: headers, bodies, events as JSON and plain text. Leaves out: sockets (esl.py), what events mean (translate.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from appliance.switch.freeswitch.failures import BadFrame

# A channel's whole data are some 20 KB; thousands of channels as JSON a few MB
MOST_HEADER_BYTES = 1 << 20
MOST_BODY_BYTES = 64 << 20


class Event(Mapping[str, str]):
    """One event: its headers, decoded, and its body."""

    def __init__(self, headers: Mapping[str, str], body: str = "") -> None:
        self._headers = dict(headers)
        self.body = body

    def __getitem__(self, name: str) -> str:
        return self._headers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)

    def __repr__(self) -> str:
        return f"Event({self.name} {self.uuid})"

    @property
    def name(self) -> str:
        """CHANNEL_ANSWER, or the subclass of a CUSTOM one (sofia::register)."""
        name = self.get("Event-Name", "")
        return self.get("Event-Subclass", name) if name == "CUSTOM" else name

    @property
    def uuid(self) -> str:
        """The channel it is of; empty when of none."""
        return self.get("Unique-ID", "")

    def variable(self, name: str) -> str:
        """A channel variable; empty when it is not set."""
        return self.get(f"variable_{name}", "")


@dataclass(frozen=True)
class Frame:
    """Headers as they came, and a body."""

    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def content_type(self) -> str:
        """What kind of frame it is."""
        return self.headers.get("Content-Type", "")

    @property
    def text(self) -> str:
        """The answer: the body of an api's, the Reply-Text of another command's."""
        if self.content_type == "api/response":
            return self.body.decode(errors="replace").strip()
        return self.headers.get("Reply-Text", "").strip()

    def event(self) -> Event:
        """The event in it. Raises BadFrame."""
        if self.content_type == "text/event-json":
            return _from_json(self.body)
        if self.content_type == "text/event-plain":
            return _from_plain(self.body)
        # the answer to an outbound "connect": a channel's data as the headers themselves
        return Event({name: unquote(value) for name, value in self.headers.items()})


class FrameReader:
    """Cuts a stream into frames, however it is chopped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._headers: dict[str, str] | None = None
        self._length = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises BadFrame; the reader is of no use after that."""
        self._buffer += data
        frames = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def _next(self) -> Frame | None:
        if self._headers is None and not self._read_headers():
            return None
        if len(self._buffer) < self._length:
            return None
        assert self._headers is not None
        frame = Frame(self._headers, bytes(self._buffer[: self._length]))
        del self._buffer[: self._length]
        self._headers, self._length = None, 0
        return frame

    def _read_headers(self) -> bool:
        blank = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        if blank:  # between frames
            del self._buffer[:blank]
            self._searched = 0
        end = self._buffer.find(b"\n\n", max(0, self._searched - 1))
        self._searched = len(self._buffer)
        if max(end, 0) > MOST_HEADER_BYTES or (end < 0 and len(self._buffer) > MOST_HEADER_BYTES):
            raise BadFrame("headers without an end")
        if end < 0:
            return False
        self._headers = parse_headers(bytes(self._buffer[:end]))
        self._length = body_length(self._headers)
        del self._buffer[: end + 2]
        self._searched = 0
        return True


def parse_headers(block: bytes) -> dict[str, str]:
    """``Name: value`` lines. Raises BadFrame for a line that is none."""
    headers: dict[str, str] = {}
    for line in block.decode(errors="replace").split("\n"):
        name, colon, value = line.partition(":")
        if not colon or not name:
            raise BadFrame(f"the line {line[:40]!r}")
        headers[name] = value.strip()
    return headers


def body_length(headers: Mapping[str, str]) -> int:
    """What Content-Length says; 0 without one. Raises BadFrame."""
    text = headers.get("Content-Length", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 12 or int(text) > MOST_BODY_BYTES:
        raise BadFrame(f"a body of length {text[:20]!r}")
    return int(text)


def _from_json(body: bytes) -> Event:
    try:
        values = json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise BadFrame("an event that is no JSON") from error
    if not isinstance(values, dict):
        raise BadFrame("an event that is no object")
    text = str(values.pop("_body", ""))
    return Event({name: _flat(value) for name, value in values.items()}, text)


def _flat(value: object) -> str:
    """A header given several times comes as a list; its first value is what plain text would have told first."""
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return str(value)


def _from_plain(body: bytes) -> Event:
    head, _, rest = body.partition(b"\n\n")
    headers = parse_headers(head.rstrip(b"\n"))
    length = body_length(headers)
    return Event({n: unquote(v) for n, v in headers.items()}, rest[:length].decode(errors="replace"))
