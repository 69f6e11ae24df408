"""A whole office, `frontdesk up`: set-up latency of a call, registrations a second, resident memory.

The floor of the set-up latency is an OPTIONS to the same core in the same run: what the network, this process and
SIP itself cost. Speaks SIP with the test peers' own code (tests/peers), not the product's.
"""

import asyncio
import itertools
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.peers import sip
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench, password
from tests.peers.office import Office

CALLS = 100
PHONES = 20
REGISTER_SECONDS = 5.0
_TICK = os.sysconf("SC_CLK_TCK")


class Line(asyncio.DatagramProtocol):
    """One UDP port that asks, and hears the final answer with the moment it came."""

    def __init__(self) -> None:
        self.port = 0
        self.office = ("127.0.0.1", 0)
        self._transport: asyncio.DatagramTransport | None = None
        self.resent = 0
        self._waiting: dict[str, asyncio.Future[sip.Message]] = {}

    @classmethod
    async def open(cls) -> "Line":
        """Bind a free port."""
        transport, line = await asyncio.get_running_loop().create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        line._transport = transport
        line.port = transport.get_extra_info("sockname")[1]
        return line

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Take a final response; answer what the office asks us (BYE, OPTIONS) with 200."""
        message = sip.Message.parse(data, addr)
        if not message.status:
            if message.method != "ACK":
                self._put(sip.reply(message, 200, "OK", to_tag="bench"))
            return
        waiter = self._waiting.get(message.branch)
        if message.status >= 200 and waiter is not None and not waiter.done():
            waiter.set_result(message)

    def _put(self, message: sip.Message) -> None:
        assert self._transport is not None
        self._transport.sendto(message.encode(), self.office)

    def request(self, method: str, uri: str, more: dict[str, str], *, body: str = "") -> sip.Message:
        """A request with a Via of its own; ``more`` brings To, From, Call-ID and CSeq."""
        via = f"SIP/2.0/UDP 127.0.0.1:{self.port};rport;branch={sip.new_branch()}"
        headers = [("Via", via), ("Max-Forwards", "70"), ("Contact", f"<sip:bench@127.0.0.1:{self.port}>")]
        headers += list(more.items())
        if body:
            headers.append(("Content-Type", "application/sdp"))
        return sip.Message(f"{method} {uri} SIP/2.0", headers, body)

    async def ask(self, request: sip.Message, timeout: float = 10.0) -> tuple[sip.Message, float]:
        """The final response, and after how many seconds it came."""
        waiter = self._waiting[sip.parameter(request.headers[0][1], "branch")] = (
            asyncio.get_running_loop().create_future()
        )
        start = time.perf_counter()
        self._put(request)
        try:
            response = await self._resending(request, waiter, timeout)
        finally:
            self._waiting.pop(sip.parameter(request.headers[0][1], "branch"))
        return response, time.perf_counter() - start

    async def _resending(
        self, request: sip.Message, waiter: "asyncio.Future[sip.Message]", timeout: float
    ) -> sip.Message:
        """Send again after 0.5, 1, 2, 4 s, as RFC 3261 §17.1.2 asks of UDP."""
        wait, end = 0.5, time.perf_counter() + timeout
        while time.perf_counter() < end:
            done, _ = await asyncio.wait({waiter}, timeout=wait)
            if done:
                return waiter.result()
            self.resent += 1
            self._put(request)
            wait = min(4.0, wait * 2)
        raise TimeoutError(request.first)

    def send(self, request: sip.Message) -> None:
        """Send without waiting (ACK)."""
        self._put(request)

    def close(self) -> None:
        """Give the port back."""
        if self._transport is not None:
            self._transport.close()


_numbers = itertools.count(1)


def _headers(user: str, to: str, call_id: str, method: str, number: int, to_tag: str = "") -> dict[str, str]:
    return {
        "From": f"<sip:{user}@127.0.0.1>;tag=b{call_id}",
        "To": f"<sip:{to}@127.0.0.1>" + (f";tag={to_tag}" if to_tag else ""),
        "Call-ID": call_id,
        "CSeq": f"{number} {method}",
    }


async def set_up(line: Line, number: str = NUMBER) -> float:
    """Seconds from INVITE to 200 of one call, which then ends."""
    call_id, uri = f"bench-{next(_numbers)}", f"sip:{number}@127.0.0.1:{line.office[1]}"
    body = sip.write_sdp(40000, ["PCMU"])
    invite = line.request("INVITE", uri, _headers(CALLER_NUMBER, number, call_id, "INVITE", 1), body=body)
    response, seconds = await line.ask(invite)
    if response.status != 200:
        raise RuntimeError(response.first)
    to_tag = sip.tag(response.get("to"))
    line.send(line.request("ACK", uri, _headers(CALLER_NUMBER, number, call_id, "ACK", 1, to_tag)))
    await line.ask(line.request("BYE", uri, _headers(CALLER_NUMBER, number, call_id, "BYE", 2, to_tag)))
    return seconds


async def ping(line: Line) -> float:
    """Seconds from OPTIONS to its answer."""
    call_id, uri = f"bench-{next(_numbers)}", f"sip:127.0.0.1:{line.office[1]}"
    _, seconds = await line.ask(line.request("OPTIONS", uri, _headers("carrier", "office", call_id, "OPTIONS", 1)))
    return seconds


async def register(line: Line, extension: str) -> None:
    """One registration: refused with a challenge, then proved."""
    call_id, uri = f"bench-{next(_numbers)}", f"sip:127.0.0.1:{line.office[1]}"
    answer: dict[str, str] = {}
    for number in (1, 2):
        headers = _headers(extension, extension, call_id, "REGISTER", number) | {"Expires": "300"} | answer
        response, _ = await line.ask(line.request("REGISTER", uri, headers))
        if response.status == 200:
            return
        challenge = response.get("www-authenticate")
        signed = sip.sign(challenge, method="REGISTER", uri=uri, user=extension, password=password(extension))
        answer = {"Authorization": signed}
    raise RuntimeError(response.first)


@dataclass(frozen=True)
class Registrations:
    """What came of it."""

    made: int
    seconds: float
    cpu: float  # seconds of the core
    resent: int  # requests that got no answer within 0.5 s


async def registrations(office: Office, extensions: list[str]) -> "Registrations":
    """As many as so many phones at once can make in a while."""
    lines = [await Line.open() for _ in extensions]
    pid, made, end = office.pid_of("core"), 0, 0.0

    async def one(line: Line, extension: str) -> None:
        nonlocal made
        line.office = ("127.0.0.1", office.sip_port)
        while time.perf_counter() < end:
            await register(line, extension)
            made += 1

    before, start = cpu_of(pid), time.perf_counter()
    end = start + REGISTER_SECONDS
    await asyncio.gather(*(one(line, extension) for line, extension in zip(lines, extensions, strict=True)))
    seconds = time.perf_counter() - start
    for line in lines:
        line.close()
    return Registrations(made, seconds, cpu_of(pid) - before, sum(line.resent for line in lines))


def cpu_of(pid: int) -> float:
    """CPU seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def megabytes_of(pid: int) -> tuple[float, float]:
    """Resident memory of a process, and its proportional share of it (shared pages split among their users)."""
    values = {"Rss:": 0, "Pss:": 0}
    for text in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, *rest = text.split()
        if name in values:
            values[name] = int(rest[0])
    return values["Rss:"] / 1024, values["Pss:"] / 1024


def percentile(values: list[float], share: float) -> float:
    """In milliseconds."""
    values = sorted(values)
    return 1000 * values[min(len(values) - 1, int(share * len(values)))]


async def measure(folder: Path) -> None:
    """One office, all its figures."""
    bench = Bench("builtin", folder)
    trunk = await Line.open()
    extensions = [str(101 + index) for index in range(PHONES)]
    try:
        office = await bench.office(trunk.port, agents=extensions)
        trunk.office = ("127.0.0.1", office.sip_port)
        await warm(office)
        show_memory(office)
        floor, latencies = [], []
        for index in range(CALLS + 5):
            pinged, answered = await ping(trunk), await set_up(trunk)
            if index >= 5:
                floor.append(pinged)
                latencies.append(answered)
            await asyncio.sleep(0.02)
        show_latency(floor, latencies)
        done = await registrations(office, extensions)
        print(
            f"registrations, {PHONES} phones at once, each challenged and proved:"
            f" {done.made / done.seconds:.0f} a second,"
            f" core's CPU {done.cpu / done.seconds:.0%} of a core ({1000 * done.cpu / done.made:.1f} ms each),"
            f" requests sent again {done.resent}"
        )
    finally:
        trunk.close()
        await bench.close()


async def warm(office: Office) -> None:
    """Wait until announcements are spoken and the start is over: no other child for two seconds."""
    quiet, end = 0, time.perf_counter() + 60
    while quiet < 20 and time.perf_counter() < end:
        quiet = 0 if any("prompts" in words for _, words in office.processes()) else quiet + 1
        await asyncio.sleep(0.1)


def show_memory(office: Office) -> None:
    """The family of processes, idle."""
    total_rss = total_pss = 0.0
    for pid, words in office.processes():
        rss, pss = megabytes_of(pid)
        total_rss, total_pss = total_rss + rss, total_pss + pss
        name = "core" if "appliance.daemon" in words else "web" if "gunicorn" in words else words[:40]
        print(f"memory, idle, {name}: {rss:.0f} MB resident, {pss:.0f} MB as its share")
    print(f"memory, idle, core + web: {total_rss:.0f} MB resident, {total_pss:.0f} MB as their share (bar 150 MB)")


def show_latency(floor: list[float], latencies: list[float]) -> None:
    """Set-up latency beside its floor."""
    low, high = percentile(latencies, 0.5), percentile(latencies, 0.99)
    base, base_high = percentile(floor, 0.5), percentile(floor, 0.99)
    print(
        f"call set-up, INVITE to 200, {len(latencies)} calls: p50 {low:.1f} ms, p99 {high:.1f} ms;"
        f" OPTIONS in the same run: p50 {base:.1f} ms, p99 {base_high:.1f} ms; ratio p50 {low / base:.1f}"
    )


def main(_: list[str]) -> int:
    """Print the figures."""
    print("A whole office, frontdesk up on the built-in engine:")
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        asyncio.run(measure(Path(folder)))
    return 0
