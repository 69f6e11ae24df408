"""A hand-written SIP peer and a bench around the engine: one socket, raw text, no code of the engine's.

Owns: what tests of the engine send and see. Leaves out: RTP (the endpoint is a fake that remembers).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from appliance.config import Settings
from appliance.switch.builtin.engine import BuiltinSwitch
from appliance.switch.builtin.timers import Timers
from appliance.switch.events import CallOffered, SwitchEvent
from appliance.switch.port import CallFigures, Leg, PhoneAccount, SwitchConfig, TrunkAccount

QUICK = Timers(t1=0.03, t2=0.12, t4=0.1)
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def free_port() -> int:
    """A port free for UDP and TCP a moment ago."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with contextlib.suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                return int(port)


@dataclass
class Seen:
    """One message that arrived."""

    first: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def parse(cls, data: bytes) -> Seen:
        head, _, body = data.decode().partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return cls(first, [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)], body)

    def __getitem__(self, name: str) -> str:
        return next((value for header, value in self.headers if header == name), "")

    def all(self, name: str) -> list[str]:
        return [value for header, value in self.headers if header == name]

    @property
    def status(self) -> int:
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0") else 0

    @property
    def method(self) -> str:
        return "" if self.status else self.first.split()[0]

    @property
    def uri(self) -> str:
        return self.first.split()[1]


def tag_of(value: str) -> str:
    """The tag of a From or To."""
    found = re.search(r";tag=([^;>\s]+)", value)
    return found[1] if found else ""


class Peer(asyncio.DatagramProtocol):
    """A UDP socket that speaks SIP as it is told to."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[Seen] = asyncio.Queue()
        self.everything: list[Seen] = []
        self.on_message: Callable[[Seen], bool] | None = None  # True: taken, not put into the inbox

    async def open(self, office_port: int, port: int = 0) -> None:
        self.office = ("127.0.0.1", office_port)
        self.transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", port)
        )
        self.port: int = self.transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        seen = Seen.parse(data)
        self.everything.append(seen)
        if self.on_message is None or not self.on_message(seen):
            self.inbox.put_nowait(seen)

    def send(self, text: str | bytes) -> None:
        self.transport.sendto(text.encode() if isinstance(text, str) else text, self.office)

    async def next(self, seconds: float = 3.0) -> Seen:
        async with asyncio.timeout(seconds):
            return await self.inbox.get()

    async def expect(self, what: int | str, seconds: float = 3.0) -> Seen:
        """The next message with that status or method; others before it are skipped."""
        async with asyncio.timeout(seconds):
            while True:
                seen = await self.inbox.get()
                if what in (seen.status, seen.method):
                    return seen

    async def silence(self, seconds: float = 0.15) -> bool:
        """Whether nothing comes for a while."""
        try:
            await self.next(seconds)
        except TimeoutError:
            return True
        return False

    def branch(self) -> str:
        return "z9hG4bK" + secrets.token_hex(8)

    def request(
        self,
        method: str,
        uri: str = "",
        *,
        user: str = "555",
        to: str = "101",
        call_id: str = "",
        cseq: int = 1,
        from_tag: str = "f1",
        to_tag: str = "",
        branch: str = "",
        headers: tuple[str, ...] = (),
        body: str = "",
        contact: str | None = None,
    ) -> str:
        """Send a request; gives its text, to be sent again."""
        uri = uri or f"sip:{to}@127.0.0.1:{self.office[1]}"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch={branch or self.branch()};rport",
            "Max-Forwards: 70",
            f'From: "Peer" <sip:{user}@127.0.0.1>;tag={from_tag}',
            f"To: <sip:{to}@127.0.0.1>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call_id or secrets.token_hex(8)}",
            f"CSeq: {cseq} {method}",
            *([f"Contact: {contact}"] if contact else []),
            *([f"Contact: <sip:{user}@127.0.0.1:{self.port}>"] if contact is None else []),
            *headers,
            *(["Content-Type: application/sdp"] if body.startswith("v=0") else []),
            f"Content-Length: {len(body)}",
        ]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.send(text)
        return text

    def reply(
        self, request: Seen, status: int, *, tag: str = "peer", body: str = "", headers: tuple[str, ...] = ()
    ) -> str:
        """Answer a request."""
        to = request["to"] + ("" if "tag=" in request["to"] or status == 100 else f";tag={tag}")
        lines = [
            f"SIP/2.0 {status} Whatever",
            *(f"Via: {via}" for via in request.all("via")),
            f"From: {request['from']}",
            f"To: {to}",
            f"Call-ID: {request['call-id']}",
            f"CSeq: {request['cseq']}",
            f"Contact: <sip:peer@127.0.0.1:{self.port}>",
            *headers,
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        text = "\r\n".join(lines) + "\r\n\r\n" + body
        self.send(text)
        return text


def credentials(
    challenge: Seen, user: str, password: str, method: str, uri: str, *, algorithm: str = "MD5", count: int = 1
) -> str:
    """An Authorization header for the challenge of that algorithm."""
    value = next(v for v in challenge.all("www-authenticate") if f"algorithm={algorithm}" in v)
    nonce = re.search(r'nonce="([^"]+)"', value)
    realm = re.search(r'realm="([^"]+)"', value)
    assert nonce
    assert realm

    def h(text: str) -> str:
        return hashlib.new("sha256" if algorithm == "SHA-256" else "md5", text.encode()).hexdigest()

    nc = f"{count:08x}"
    answer = h(f"{h(f'{user}:{realm[1]}:{password}')}:{nonce[1]}:{nc}:cn:auth:{h(f'{method}:{uri}')}")
    return (
        f'Authorization: Digest username="{user}", realm="{realm[1]}", nonce="{nonce[1]}", uri="{uri}", '
        f'response="{answer}", algorithm={algorithm}, qop=auth, nc={nc}, cnonce="cn"'
    )


@dataclass
class FakeEndpoint:
    """An endpoint without sockets, that remembers what it was told."""

    port: int
    open_now: set[int]
    remotes: list[dict[str, Any]] = field(default_factory=list)
    holds: list[bool] = field(default_factory=list)
    peer: FakeEndpoint | None = None
    on_digit: Callable[[str], None] | None = None
    on_silence: Callable[[], None] | None = None
    is_closed: bool = False

    def set_remote(
        self,
        address: str,
        port: int,
        codec: str,
        payload_type: int,
        digits: int | None,
        *,
        sending: bool,
        receiving: bool,
    ) -> None:
        self.remotes.append(
            {
                "address": address,
                "port": port,
                "codec": codec,
                "payload_type": payload_type,
                "digits": digits,
                "sending": sending,
                "receiving": receiving,
            }
        )

    def digit_arrived(self, digit: str) -> None:
        assert self.on_digit
        self.on_digit(digit)

    def connect(self, other: FakeEndpoint) -> None:
        self.peer, other.peer = other, self

    def disconnect(self) -> None:
        if self.peer is not None:
            self.peer.peer = None
        self.peer = None

    def hold(self, held: bool) -> None:
        self.holds.append(held)

    def set_hold_music(self, sound: Path | None) -> None:
        pass

    async def play(self, sounds: Any, *, stop_on: str = "") -> str:
        await asyncio.Event().wait()
        return ""

    async def stop_recording(self) -> None:
        return None

    def figures(self) -> CallFigures:
        return CallFigures()

    async def close(self) -> None:
        self.is_closed = True
        self.open_now.discard(self.port)


class Bench:
    """An engine with a fake for audio, and its peers."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.port = free_port()
        self.settings = Settings(home=folder, bind="127.0.0.1", sip_port=self.port, **settings)
        self.open_ports: set[int] = set()
        self.endpoints: list[FakeEndpoint] = []
        self._next_port = 20000
        self.switch = BuiltinSwitch(self.settings, endpoint_factory=self._endpoint, timers=QUICK)
        self.events: list[SwitchEvent] = []
        self.calls: asyncio.Queue[Leg] = asyncio.Queue()
        self.peers: list[Peer] = []

    async def _endpoint(self) -> Any:
        self._next_port += 2
        endpoint = FakeEndpoint(self._next_port, self.open_ports)
        self.open_ports.add(endpoint.port)
        self.endpoints.append(endpoint)
        return endpoint

    async def peer(self, port: int = 0) -> Peer:
        peer = Peer()
        await peer.open(self.port, port)
        self.peers.append(peer)
        return peer

    async def phone(self, extension: str = "101", password: str = "secret-101", **more: Any) -> Peer:
        """A peer that has registered."""
        peer = await self.peer()
        response = await register(peer, extension, password, **more)
        assert response.status == 200, response
        return peer

    async def listen(self) -> None:
        async for event in self.switch.events():
            self.events.append(event)
            if isinstance(event, CallOffered):
                self.calls.put_nowait(event.leg)

    async def offered(self) -> Leg:
        async with asyncio.timeout(3):
            return await self.calls.get()


async def register(
    peer: Peer,
    extension: str = "101",
    password: str = "secret-101",
    *,
    algorithm: str = "MD5",
    expires: int = 60,
    call_id: str = "",
    cseq: int = 1,
    contact: str | None = None,
) -> Seen:
    """REGISTER with a challenge; gives the last response."""
    call_id, uri = call_id or secrets.token_hex(8), f"sip:127.0.0.1:{peer.office[1]}"
    about: dict[str, Any] = {"user": extension, "to": extension, "call_id": call_id, "contact": contact}
    peer.request("REGISTER", uri, cseq=cseq, headers=(f"Expires: {expires}",), **about)
    challenge = await peer.next()
    if challenge.status != 401:
        return challenge
    proof = credentials(challenge, extension, password, "REGISTER", uri, algorithm=algorithm)
    peer.request("REGISTER", uri, cseq=cseq + 1, headers=(f"Expires: {expires}", proof), **about)
    return await peer.next()


@contextlib.asynccontextmanager
async def bench(
    folder: Path,
    *,
    trunk_ports: tuple[int, ...] = (),
    trunks: tuple[TrunkAccount, ...] = (),
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A running engine with extensions 101 and 102 and a peer trunk for each port; all is ended after the block."""
    made = Bench(folder, **settings)
    peers = [TrunkAccount(f"trunk{n}", "peer", f"127.0.0.1:{port}") for n, port in enumerate(trunk_ports)]
    phones = [PhoneAccount("101", "secret-101", "Sara Karimi"), PhoneAccount("102", "secret-102", "Ben")]
    await made.switch.start(SwitchConfig(phones=phones, trunks=[*peers, *trunks]))
    listening = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        await made.switch.stop()
        await listening
        for peer in made.peers:
            peer.transport.close()


@contextlib.asynccontextmanager
async def bench_with_trunk(folder: Path) -> AsyncIterator[tuple[Bench, Peer]]:
    """An engine and the peer that is its trunk."""
    port = free_port()
    async with bench(folder, trunk_ports=(port,)) as made:
        trunk = await made.peer(port)
        trunk.on_message = lambda seen: seen.method == "OPTIONS" and bool(trunk.reply(seen, 200))
        yield made, trunk


async def established(made: Bench, trunk: Peer, **more: Any) -> tuple[Leg, Seen, str]:
    """A call from the trunk, answered and confirmed: the leg, its 200 and the Call-ID."""
    call_id = secrets.token_hex(8)
    more.setdefault("body", SDP)
    trunk.request("INVITE", call_id=call_id, to="+982188001122", **more)
    leg = await made.offered()
    answering = asyncio.create_task(leg.answer())
    ok = await trunk.expect(200)
    in_dialog(trunk, "ACK", ok, cseq=1)
    await answering
    return leg, ok, call_id


def in_dialog(peer: Peer, method: str, ok: Seen, *, cseq: int, **more: Any) -> str:
    """A request within the dialog that a 200 of the engine made."""
    contact = re.search(r"<([^>]+)>", ok["contact"])
    assert contact
    return peer.request(
        method,
        contact[1],
        call_id=ok["call-id"],
        cseq=cseq,
        from_tag=tag_of(ok["from"]),
        to_tag=tag_of(ok["to"]),
        to="+982188001122",
        **more,
    )
