"""Packets to messages: strict reading (RFC 3261 §7, RFC 4475).

Owns: what a valid request or response is, and the words the engine shares. Leaves out: sockets (transport.py),
responses (replies.py) and what a request means (dispatch.py).
"""

import logging
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from aiosipua.headers import Address, SipUri, Via, parse_via
from aiosipua.message import SipMessage, SipRequest, SipResponse

from appliance import __version__
from appliance.switch.builtin.uris import HOST, address, number, uri

# a stranger's malformed packet is counted (shield.py), never a line in the log
logging.getLogger("aiosipua").setLevel(logging.ERROR)

Transport = Literal["udp", "tcp"]
PRODUCT = f"Frontdesk/{__version__}"
METHODS = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, REFER, NOTIFY, REGISTER"
SUPPORTED = frozenset({"timer", "replaces", "norefersub"})  # what a Require may ask of us
COOKIE = "z9hG4bK"

_TOKEN = re.compile(r"^[A-Za-z0-9.!%*_+`'~-]+$")
_REQUEST_LINE = re.compile(r"^(\S+) (\S+) (SIP/\d+\.\d+)$")
_STATUS_LINE = re.compile(r"^SIP/2\.0 ([1-6]\d\d)( .*)?$")
_VERSION = re.compile(r"^SIP/\d\.\d$")
_SLASHES = re.compile(r"\s*/\s*")
_ONCE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length")
# RFC 3261 §7.3.3 forms the codec leaves alone
_COMPACT = {"refer-to": "r", "referred-by": "b", "event": "o", "session-expires": "x", "allow-events": "u"}

PHRASES = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 408: "Request Timeout",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension",
    422: "Session Interval Too Small", 423: "Interval Too Brief", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 483: "Too Many Hops", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere", 603: "Decline",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where packets come from or go to. Of TCP, the far end of one connection."""

    transport: Transport
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport}:{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Place":
        """The place behind ``udp:192.0.2.7:5060``. Raises ValueError."""
        transport, _, rest = text.partition(":")
        host, _, port = rest.rpartition(":")
        if transport not in ("udp", "tcp") or not host:
            raise ValueError(f"{text!r} is no place")
        return cls("tcp" if transport == "tcp" else "udp", host, int(port))


class Malformed(Exception):
    """A packet that is no valid SIP message. ``request`` is set where it can still be answered with ``status``."""

    def __init__(self, why: str, *, status: int = 400, request: SipRequest | None = None) -> None:
        super().__init__(why)
        self.status = status
        self.request = request


@dataclass(slots=True)
class Request:
    """A valid request and where it came from."""

    message: SipRequest
    method: str
    uri: SipUri
    via: Via
    sender: Address
    to: Address
    call_id: str
    cseq: int
    source: Place

    @property
    def from_tag(self) -> str:
        """The sender's tag."""
        return self.sender.tag or ""

    @property
    def to_tag(self) -> str:
        """Our tag, empty outside a dialog."""
        return self.to.tag or ""

    def header(self, name: str) -> str:
        """The first value of a header, compact form included; "" when it is missing."""
        return header(self.message, name)

    def tokens(self, name: str) -> set[str]:
        """The lower-case tokens of a list header such as Supported."""
        return {value.strip().lower() for value in self.message.get_header_values(name) if value.strip()}


@dataclass(slots=True)
class Response:
    """A valid response and where it came from."""

    message: SipResponse
    status: int
    via: Via
    to_tag: str
    call_id: str
    cseq: int
    method: str
    source: Place

    def header(self, name: str) -> str:
        """The first value of a header, compact form included; "" when it is missing."""
        return header(self.message, name)


def header(message: SipMessage, name: str) -> str:
    """The first value of a header or of its compact form; "" when there is none."""
    value = message.get_header(name)
    if value is None and name.lower() in _COMPACT:
        value = message.get_header(_COMPACT[name.lower()])
    return value or ""


def via_of(text: str) -> Via:
    """A Via value. Raises ValueError."""
    sent, semicolon, parameters = text.partition(";")
    via = parse_via(_SLASHES.sub("/", sent, count=2) + semicolon + parameters)
    if not _VERSION.match(via.protocol.upper()) or not _TOKEN.match(via.transport) or not HOST.match(via.host.strip()):
        raise ValueError(f"bad Via {text[:80]!r}")
    if via.port is not None and not 0 < via.port <= 65535:
        raise ValueError("bad port in Via")
    via.host = via.host.strip()
    return via


def read(data: bytes, source: Place) -> Request | Response:
    """The message in a packet. Raises Malformed."""
    line = data.split(b"\n", 1)[0].rstrip(b"\r").decode("utf-8", "replace")
    is_response = line.startswith("SIP/")
    if is_response and not _STATUS_LINE.match(line):
        raise Malformed("bad status line")
    try:
        message = SipMessage.parse(data)
    except ValueError as error:
        raise Malformed(str(error)) from None
    if isinstance(message, SipResponse):
        return _response(message, source)
    try:
        return _request(message, line, data, source)
    except _Refused as refused:
        raise Malformed(str(refused), status=refused.status, request=_answerable(message)) from None
    except ValueError as error:
        raise Malformed(str(error), request=_answerable(message)) from None


class _Refused(ValueError):
    def __init__(self, why: str, status: int) -> None:
        super().__init__(why)
        self.status = status


def _answerable(message: SipRequest) -> SipRequest | None:
    """The request if a response could find its way back and be matched; never an ACK."""
    vias = message.get_header_values("via")
    if not vias or message.method == "ACK" or not message.call_id or not message.get_header("from"):
        return None
    try:
        via_of(vias[0])
    except ValueError:
        return None
    return message


def _request(message: SipRequest, line: str, data: bytes, source: Place) -> Request:
    for name in _ONCE:
        values = message.get_header_values(name)
        if name == "content-length":
            values = list(dict.fromkeys(values))  # said twice alike is no contradiction
        if len(values) > 1 or (not values and name not in ("max-forwards", "content-length")):
            raise ValueError(f"{name} is there {len(values)} times")
    via = via_of(message.get_header_values("via")[0] if message.get_header_values("via") else "")
    matched = _REQUEST_LINE.match(line)
    if matched is None or not _TOKEN.match(matched[1]):
        raise ValueError("bad request line")
    if matched[3] != "SIP/2.0":
        raise _Refused("another version of SIP", 505)
    if via.protocol.upper() != "SIP/2.0":
        raise ValueError("another version in Via")
    cseq, cseq_method = _cseq(message)
    if cseq_method != message.method:
        raise ValueError("CSeq names another method")
    number(message.get_header("max-forwards") or "70", 255)
    length = number(message.get_header("content-length") or str(len(message.body)), 2**31)
    if length > len(message.body):
        raise ValueError("the body is cut off")
    sender, to = address(message.get_header("from") or ""), address(message.get_header("to") or "")
    if any(character in matched[2] for character in '<>"'):
        raise ValueError("a bracket in the Request-URI")
    if any("tag" in party.params and not _TOKEN.match(party.tag or "") for party in (sender, to)):
        raise ValueError("a tag that is no token")
    if matched[2].partition(":")[0].lower() not in ("sip", "sips", "tel"):
        raise _Refused("unknown URI scheme", 416)
    return Request(
        message=message,
        method=message.method,
        uri=uri(matched[2]),
        via=via,
        sender=sender,
        to=to,
        call_id=message.call_id or "",
        cseq=cseq,
        source=source,
    )


def _cseq(message: SipMessage) -> tuple[int, str]:
    parts = (message.get_header("cseq") or "").split()
    if len(parts) != 2:
        raise ValueError("bad CSeq")
    return number(parts[0], 2**31 - 1), parts[1]


def _response(message: SipResponse, source: Place) -> Response:
    try:
        vias = message.get_header_values("via")
        if len(vias) != 1:
            raise ValueError("a response of someone else's request")
        cseq, method = _cseq(message)
        return Response(
            message=message,
            status=message.status_code,
            via=via_of(vias[0]),
            to_tag=address(message.get_header("to") or "").tag or "",
            call_id=message.call_id or "",
            cseq=cseq,
            method=method,
            source=source,
        )
    except ValueError as error:
        raise Malformed(str(error)) from None


def new_tag() -> str:
    """A tag nobody guesses (RFC 3261 §19.3)."""
    return secrets.token_hex(8)


def new_branch() -> str:
    """A branch of our own (RFC 3261 §8.1.1.7)."""
    return COOKIE + secrets.token_hex(10)


def new_call_id() -> str:
    """A Call-ID that tells nothing about this machine."""
    return secrets.token_hex(16)
