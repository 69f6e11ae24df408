"""What a hostile network sends: torture messages, random bytes, huge packets, scanners' floods.

Owns: making and sending them from ports of their own. Leaves out: what must come of it.
"""

import asyncio
import itertools
import random
import socket
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_ids = itertools.count(1)


@dataclass(frozen=True)
class Torture:
    """One message that exercises a point of RFC 4475."""

    name: str
    section: str
    verdict: str  # valid, invalid, any, response
    text: str
    udp_only: bool = False

    def octets(self, office_port: int, my_port: int, transport: str = "UDP") -> bytes:
        """The message as it goes out."""
        values = {"office": f"127.0.0.1:{office_port}", "me": f"127.0.0.1:{my_port}", "transport": transport}
        values |= {"id": f"{next(_ids)}", "long": "v" * 300}
        text = self.text.replace("\n", "\r\n")
        values["length"] = str(len(text.partition("\r\n\r\n")[2]))
        for key, value in values.items():
            text = text.replace(f"{{{key}}}", value)
        return text.encode("latin-1")


def torture_messages(file: Path) -> list[Torture]:
    """All of a file."""
    return [Torture(**entry) for entry in tomllib.loads(file.read_text())["message"]]


def status_of(octets: bytes) -> int:
    """The status of a response, 0 for anything else."""
    words = octets.split(b" ", 2)
    return int(words[1]) if len(words) > 1 and words[0] == b"SIP/2.0" and words[1].isdigit() else 0


def udp_exchange(message: Torture, office_port: int, timeout: float = 1.0) -> list[int]:
    """Send it from a port of its own; the statuses that came back until a final one or the time-out."""
    statuses: list[int] = []
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(timeout)
        sock.sendto(message.octets(office_port, sock.getsockname()[1]), ("127.0.0.1", office_port))
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                data = sock.recv(65535)
            except TimeoutError:
                break
            statuses.append(status_of(data))
            if statuses[-1] >= 200:
                break
    return statuses


def tcp_exchange(message: Torture, office_port: int, timeout: float = 1.0) -> list[int]:
    """The same over a TCP connection of its own."""
    statuses: list[int] = []
    with socket.create_connection(("127.0.0.1", office_port), timeout=timeout) as sock:
        try:
            sock.sendall(message.octets(office_port, sock.getsockname()[1], "TCP"))
            while not statuses or statuses[-1] < 200:
                data = sock.recv(65535)
                if not data:
                    break
                statuses.append(status_of(data))
        except OSError:
            pass
    return statuses


def random_packets(count: int, seed: int = 4475) -> Iterable[bytes]:
    """Random bytes, and SIP with random damage."""
    dice = random.Random(seed)
    sound = (
        b"INVITE sip:101@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:101@127.0.0.1>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
        b"Contact: <sip:a@127.0.0.1:9>\r\n"
        b"Content-Type: application/sdp\r\nContent-Length: 4\r\n\r\nv=0\r\n"
    )
    for n in range(count):
        if n % 2:
            yield dice.randbytes(dice.randrange(0, 1400))
            continue
        damaged = bytearray(sound)
        for _ in range(dice.randrange(1, 20)):
            at = dice.randrange(len(damaged))
            damaged[at : at + dice.randrange(3)] = dice.randbytes(dice.randrange(4))
        yield bytes(damaged)


def huge_packets(count: int) -> Iterable[bytes]:
    """As large as UDP carries: junk, one endless header, thousands of headers."""
    head = b"OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKhuge\r\n"
    kinds = (b"\xff" * 65000, head + b"X: " + b"a" * 64000 + b"\r\n\r\n", head + b"A: b\r\n" * 10000 + b"\r\n")
    return itertools.islice(itertools.cycle(kinds), count)


def scanner_packets(count: int) -> Iterable[bytes]:
    """What sipvicious sends: OPTIONS, and REGISTER and INVITE for one extension after the other."""
    for n in range(count):
        method = ("OPTIONS", "REGISTER", "INVITE")[n % 3]
        user = str(100 + n % 900)
        yield (
            f"{method} sip:{user}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.1.1:5060;branch=z9hG4bK-{n};rport\r\n"
            f'Content-Length: 0\r\nFrom: "sipvicious"<sip:{user}@1.1.1.1>;tag={n:08x}\r\nAccept: application/sdp\r\n'
            f'User-Agent: friendly-scanner\r\nTo: "sipvicious"<sip:{user}@1.1.1.1>\r\n'
            f"Contact: sip:{user}@127.0.1.1:5060\r\n"
            f"CSeq: 1 {method}\r\nCall-ID: {n}scan\r\nMax-Forwards: 70\r\n\r\n"
        ).encode()


def flood(packets: Iterable[bytes], office_port: int, per_second: float, sources: int = 1) -> int:
    """Send them all at that rate, from so many ports in turn; how many responses came."""
    socks = [socket.socket(type=socket.SOCK_DGRAM) for _ in range(sources)]
    answers, due = 0, time.monotonic()
    try:
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
            sock.setblocking(False)
        for n, packet in enumerate(packets):
            sock = socks[n % sources]
            sock.sendto(packet, ("127.0.0.1", office_port))
            due += 1 / per_second
            if (ahead := due - time.monotonic()) > 0.005:
                time.sleep(ahead)
            while True:
                try:
                    sock.recv(65535)
                    answers += 1
                except BlockingIOError:
                    break
    finally:
        for sock in socks:
            sock.close()
    return answers


async def in_thread(work, *arguments):  # type: ignore[no-untyped-def]
    """Do it beside the test's own loop, whose tones must not falter."""
    return await asyncio.to_thread(work, *arguments)
