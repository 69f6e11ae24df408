"""Offers and answers for one stream of G.711 (RFC 3264, RFC 4566, RFC 4733).

Owns: reading what a party offers or answers, writing ours.
Leaves out: when they are exchanged (incoming.py, outgoing.py, mid_call.py).
"""

from dataclasses import dataclass
from typing import Literal

from aiosipua.sdp import MediaDescription, SdpMessage, parse_sdp

Codec = Literal["PCMU", "PCMA"]
CONTENT_TYPE = "application/sdp"
_DIGITS_TYPE = 101
_OURS = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


class Unacceptable(Exception):
    """Session descriptions we cannot take part in: no codec in common, or no SDP at all."""


class UnknownBody(Unacceptable):
    """A body that is no session description."""


@dataclass(frozen=True)
class Remote:
    """The party's side of the stream."""

    address: str
    port: int
    codec: Codec
    payload_type: int
    digits_type: int | None
    direction: str  # as the party sees it

    @property
    def is_held(self) -> bool:
        """Whether the party does not want to hear us."""
        return self.direction in ("sendonly", "inactive") or not self.address or self.address == "0.0.0.0"  # noqa: S104

    @property
    def listens(self) -> bool:
        """Whether we may send to it."""
        return not self.is_held and self.port != 0

    @property
    def speaks(self) -> bool:
        """Whether packets from it are to be expected."""
        return self.direction == "sendrecv" and not self.is_held


@dataclass(frozen=True)
class Offer:
    """A party's offer and which of its streams we take."""

    streams: tuple[MediaDescription, ...]
    taken: int
    remote: Remote


def _parse(text: str) -> SdpMessage:
    try:
        return parse_sdp(text)
    except (ValueError, TypeError) as error:
        raise Unacceptable(f"unreadable SDP: {error}") from None


def _remote(sdp: SdpMessage, stream: MediaDescription) -> Remote | None:
    """The party's side if the stream is one we speak."""
    if stream.media != "audio" or stream.proto.upper() != "RTP/AVP" or not 0 < stream.port <= 65535:
        return None
    chosen: tuple[Codec, int] | None = None
    digits = None
    for codec in stream.codecs:
        name = codec.encoding_name.upper()
        if codec.clock_rate != 8000:
            continue
        if chosen is None and name == "PCMU":
            chosen = ("PCMU", codec.payload_type)
        elif chosen is None and name == "PCMA":
            chosen = ("PCMA", codec.payload_type)
        elif digits is None and name == "TELEPHONE-EVENT":
            digits = codec.payload_type
    connection = stream.connection or sdp.connection
    if chosen is None or connection is None:
        return None
    return Remote(connection.address, stream.port, *chosen, digits, _direction(sdp, stream))


def _direction(sdp: SdpMessage, stream: MediaDescription) -> str:
    for attributes in (stream.attributes, sdp.attributes):
        for direction in _OURS:
            if direction in attributes:
                return direction
    return "sendrecv"


def read_offer(text: str) -> Offer:
    """Choose the stream and the codec the party prefers. Raises Unacceptable."""
    sdp = _parse(text)
    for index, stream in enumerate(sdp.media):
        remote = _remote(sdp, stream)
        if remote is not None:
            return Offer(tuple(sdp.media), index, remote)
    raise Unacceptable("no stream of G.711")


def read_answer(text: str) -> Remote:
    """The party's answer to our offer. Raises Unacceptable."""
    sdp = _parse(text)
    for stream in sdp.media:
        remote = _remote(sdp, stream)
        if remote is not None:
            return remote
    raise Unacceptable("the answer takes no stream of G.711")


@dataclass
class LocalSide:
    """Our side of the stream: what we write into offers and answers."""

    address: str
    port: int
    session_id: int
    version: int = 0

    def offer(self, direction: str = "sendrecv") -> str:
        """Our offer; each one has a new version."""
        self.version += 1
        formats = [("PCMU", 0), ("PCMA", 8), ("telephone-event", _DIGITS_TYPE)]
        return self._head() + self._stream("audio", formats, direction)

    def answer(self, offer: Offer) -> str:
        """Our answer: the codec the party prefers; streams we do not speak are declined with port 0."""
        self.version += 1
        text = self._head()
        for index, stream in enumerate(offer.streams):
            if index != offer.taken:
                formats = " ".join(stream.formats) or "0"
                text += f"m={stream.media} 0 {stream.proto} {formats}\r\n"
                continue
            remote = offer.remote
            formats_taken: list[tuple[str, int]] = [(remote.codec, remote.payload_type)]
            if remote.digits_type is not None:
                formats_taken.append(("telephone-event", remote.digits_type))
            direction = "recvonly" if remote.is_held and remote.direction == "sendrecv" else _OURS[remote.direction]
            text += self._stream(stream.media, formats_taken, direction)
        return text

    def _head(self) -> str:
        family = "IP6" if ":" in self.address else "IP4"
        return (
            f"v=0\r\no=frontdesk {self.session_id} {self.version} IN {family} {self.address}\r\n"
            f"s=-\r\nc=IN {family} {self.address}\r\nt=0 0\r\n"
        )

    def _stream(self, media: str, formats: list[tuple[str, int]], direction: str) -> str:
        lines = [f"m={media} {self.port} RTP/AVP {' '.join(str(number) for _, number in formats)}"]
        for name, number in formats:
            lines.append(f"a=rtpmap:{number} {name}/8000")
            if name == "telephone-event":
                lines.append(f"a=fmtp:{number} 0-15")
        lines += ["a=ptime:20", f"a={direction}"]
        return "\r\n".join(lines) + "\r\n"
