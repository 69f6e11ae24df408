"""SIP text for test peers: read, build, sign (RFC 3261 §7, RFC 7616), and the little SDP they need.

Owns: text in, text out. Leaves out: sockets (wire.py) and calls (softphone.py). True peer: no code of the product's.
"""

import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field

_SHORT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "l": "content-length",
    "c": "content-type",
}
_SHORT |= {"k": "supported", "r": "refer-to", "b": "referred-by", "o": "event", "x": "session-expires"}
Address = tuple[str, int]


@dataclass
class Message:
    """One SIP message, and when and whence it came."""

    first: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""
    at: float = field(default_factory=time.monotonic)
    sent: bool = False
    peer: Address = ("", 0)

    @classmethod
    def parse(cls, data: bytes, peer: Address = ("", 0)) -> "Message":
        """Read octets. Raises ValueError when that is no SIP message."""
        head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        if "SIP/2.0" not in first:
            raise ValueError(first)
        message = cls(first, body=body, peer=peer)
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            message.headers.append((_SHORT.get(name, name), value.strip()))
        return message

    def encode(self) -> bytes:
        """The octets to send; Content-Length is put in."""
        body = self.body.encode()
        lines = [self.first, *(f"{n}: {v}" for n, v in self.headers), f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode() + body

    def get(self, name: str) -> str:
        """The first header of that name, or an empty text."""
        return next((v for n, v in self.headers if n.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def status(self) -> int:
        """The status of a response, 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        """The method of a request, or that of the request a response belongs to."""
        return self.get("cseq").split()[-1] if self.status else self.first.split()[0]

    @property
    def uri(self) -> str:
        """The Request-URI."""
        return self.first.split()[1]

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self.get("call-id")

    @property
    def branch(self) -> str:
        """The branch of the top Via."""
        return parameter(self.get("via"), "branch")

    @property
    def cseq(self) -> int:
        """The number of the CSeq."""
        return int(self.get("cseq").split()[0])


def parameter(value: str, name: str) -> str:
    """A ``;name=value`` of a header, or an empty text."""
    found = re.search(rf";\s*{name}=([^;>\s,]+)", value)
    return found[1] if found else ""


def tag(value: str) -> str:
    """The tag of a From or To."""
    return parameter(value.rpartition(">")[2], "tag")


def uri_of(value: str) -> str:
    """The URI of a From, To, Contact or Refer-To."""
    found = re.search(r"<([^>]*)>", value)
    return found[1] if found else value.split(";")[0].strip()


def user_of(value: str) -> str:
    """The user part of a URI or of a header holding one."""
    found = re.match(r"sips?:([^@;]*)@", uri_of(value))
    return found[1] if found else ""


def target_of(uri: str) -> Address:
    """Host and port of a URI (5060 when it says none)."""
    found = re.match(r"sips?:(?:[^@]*@)?([^:;>]+)(?::(\d+))?", uri)
    if not found:
        raise ValueError(uri)
    return found[1], int(found[2] or 5060)


def new_branch() -> str:
    """A branch no one used."""
    return "z9hG4bK" + secrets.token_hex(8)


def reply(
    request: Message, status: int, reason: str, *, to_tag: str = "", extra: dict[str, str] | None = None
) -> Message:
    """A response with what RFC 3261 §8.2.6.2 copies."""
    headers = [(n, v) for n, v in request.headers if n in {"via", "record-route"}]
    to = request.get("to")
    if to_tag and not tag(to):
        to += f";tag={to_tag}"
    headers += [("From", request.get("from")), ("To", to), ("Call-ID", request.call_id), ("CSeq", request.get("cseq"))]
    return Message(f"SIP/2.0 {status} {reason}", headers + list((extra or {}).items()))


def challenge_fields(value: str) -> dict[str, str]:
    """The fields of a Digest challenge or answer."""
    return {k.lower(): a or b for k, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', value)}


def sign(challenge: str, *, method: str, uri: str, user: str, password: str, count: int = 1) -> str:
    """The Authorization for a Digest challenge (MD5 or SHA-256, qop auth or none)."""
    f = challenge_fields(challenge)
    algorithm = f.get("algorithm", "MD5")
    make = hashlib.sha256 if algorithm.upper().startswith("SHA-256") else hashlib.md5

    def h(text: str) -> str:
        return make(text.encode()).hexdigest()

    secret, request = h(f"{user}:{f['realm']}:{password}"), h(f"{method}:{uri}")
    parts = [f'username="{user}"', f'realm="{f["realm"]}"', f'nonce="{f["nonce"]}"', f'uri="{uri}"']
    if "auth" in f.get("qop", "").split(","):
        cnonce, nc = secrets.token_hex(8), f"{count:08x}"
        answer = h(f"{secret}:{f['nonce']}:{nc}:{cnonce}:auth:{request}")
        parts += ["qop=auth", f"nc={nc}", f'cnonce="{cnonce}"']
    else:
        answer = h(f"{secret}:{f['nonce']}:{request}")
    parts += [f'response="{answer}"', f"algorithm={algorithm}"]
    if "opaque" in f:
        parts.append(f'opaque="{f["opaque"]}"')
    return "Digest " + ", ".join(parts)


@dataclass(frozen=True)
class Media:
    """What an SDP body says of the audio."""

    address: Address
    codec: str
    dtmf_type: int | None
    direction: str  # sendrecv, sendonly, recvonly, inactive


def read_sdp(body: str) -> Media:
    """The first audio stream. Raises ValueError when there is none."""
    host = re.search(r"^c=IN IP4 (\S+)", body, re.M)
    audio = re.search(r"^m=audio (\d+) RTP/AVP (.*?)\r?$", body, re.M)
    if not host or not audio:
        raise ValueError(body)
    kinds = audio[2].split()
    names = {"0": "PCMU", "8": "PCMA"}
    codec = next((names[k] for k in kinds if k in names), "")
    event = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", body, re.M | re.I)
    found = re.search(r"^a=(sendrecv|sendonly|recvonly|inactive)", body, re.M)
    return Media((host[1], int(audio[1])), codec, int(event[1]) if event else None, found[1] if found else "sendrecv")


def write_sdp(
    port: int, codecs: list[str], *, direction: str = "sendrecv", version: int = 1, host: str = "127.0.0.1"
) -> str:
    """An offer or answer of G.711 with telephone events."""
    numbers = {"PCMU": "0", "PCMA": "8"}
    lines = ["v=0", f"o=peer 1 {version} IN IP4 {host}", "s=-", f"c=IN IP4 {host}", "t=0 0"]
    lines.append(f"m=audio {port} RTP/AVP {' '.join(numbers[c] for c in codecs)} 101")
    lines += [f"a=rtpmap:{numbers[c]} {c}/8000" for c in codecs]
    lines += ["a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", f"a={direction}"]
    return "\r\n".join(lines) + "\r\n"
