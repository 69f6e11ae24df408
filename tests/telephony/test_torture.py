"""A hostile network: malformed, random and huge packets and scanners, with a call going on undisturbed."""

import asyncio
import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.peers import attacks, tones
from tests.peers.bench import Bench, password
from tests.peers.office import Office
from tests.peers.rtp import Rtp
from tests.peers.softcall import Incoming, Outgoing
from tests.peers.stories import next_call_works, put_through
from tests.peers.waiting import end

pytestmark = pytest.mark.telephony
MESSAGES = attacks.torture_messages(Path(__file__).parent / "torture" / "messages.toml")
SCANNED = 10_000
# Valid, and beyond what the SIP library of an engine reads: whoever sends such a thing is not served
NOT_READ = {"freeswitch": {"a short tortuous INVITE", "every character a token may have"}}

# FreeSWITCH keeps a beat of its own: a packet that this machine delivers a beat late is 20 ms of silence there
LEAST_HEARD = {"builtin": 0.99, "freeswitch": 0.93}


def undisturbed(bench: Bench, caller: Outgoing, talks: Incoming, since: float, reference: Rtp) -> None:
    """Both have heard nothing but each other, with no packet lost and no gap that a direct tone did not have too."""
    stall = reference.hearing(since).longest_gap
    for call, tone in ((caller, tones.AGENT), (talks, tones.CALLER)):
        heard = call.rtp.hearing(since)
        assert call.is_up
        assert heard.lost == 0
        assert heard.share(tone) > LEAST_HEARD[bench.engine]
        assert heard.longest_gap < stall + 0.2
        assert len(heard.packets) > 0.97 * len(reference.hearing(since).packets) - 10


def unshaken(office: Office, core: int, memory_mb: float) -> None:
    """The core is the same process, has not grown, and told no traceback."""
    assert office.pid_of("core") == core
    assert office.memory_mb("core") < memory_mb + 40
    assert "Traceback" not in office.log, office.log[office.log.index("Traceback") - 500 :][:3000]


def judge(message: attacks.Torture, statuses: list[int]) -> str:
    """What is wrong about the office's answer; empty when nothing is."""
    final = statuses[-1] if statuses else 0
    if message.verdict == "valid" and (final < 200 or final == 400 or final in {500, 503}):
        return f"{message.section} {message.name}: valid, but answered {statuses}"
    if message.verdict == "invalid" and 0 < final < 400:
        return f"{message.section} {message.name}: invalid, but answered {statuses}"
    if message.verdict == "response" and statuses:
        return f"{message.section} {message.name}: a stray response was answered {statuses}"
    return ""


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_torture_messages_of_rfc_4475_are_answered_rightly_beside_a_call(bench: Bench, transport: str):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    reference = await bench.reference()
    core, memory, start = office.pid_of("core"), office.memory_mb("core"), time.monotonic()
    exchange = attacks.udp_exchange if transport == "udp" else attacks.tcp_exchange
    chosen = [m for m in MESSAGES if transport == "udp" or not m.udp_only]
    answers = await asyncio.gather(*(attacks.in_thread(exchange, m, office.sip_port, 2.0) for m in chosen))
    undisturbed(bench, caller, talks, start, reference)
    await caller.hang_up()
    await talks.wait_ended()
    await next_call_works(trunk, agent, office)

    unshaken(office, core, memory)
    not_read = NOT_READ.get(bench.engine, set())
    wrong = [w for m, a in zip(chosen, answers, strict=True) if m.name not in not_read and (w := judge(m, a))]
    assert wrong == []


async def test_random_and_huge_packets_do_not_disturb_a_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    reference = await bench.reference()
    core, memory, start = office.pid_of("core"), office.memory_mb("core"), time.monotonic()
    await attacks.in_thread(attacks.flood, attacks.random_packets(3000), office.sip_port, 1000, 50)
    await attacks.in_thread(attacks.flood, attacks.huge_packets(300), office.sip_port, 200, 10)
    await _junk_over_tcp(office)
    undisturbed(bench, caller, talks, start, reference)
    await talks.hang_up()
    await caller.wait_ended()
    await next_call_works(trunk, agent, office)

    unshaken(office, core, memory)


async def _junk_over_tcp(office: Office) -> None:
    """Junk, a header without end, and a hundred connections that say nothing."""
    idle = []
    try:
        for packet in (b"\xff" * 100_000, b"OPTIONS sip:x SIP/2.0\r\nX: " + b"a" * 2_000_000, b"\r\n" * 50_000):
            _reader, writer = await asyncio.open_connection("127.0.0.1", office.sip_port)
            idle.append(writer)
            try:
                writer.write(packet)
                await asyncio.wait_for(writer.drain(), 3)
            except (OSError, TimeoutError):
                continue
        for _ in range(100):
            _reader, writer = await asyncio.open_connection("127.0.0.1", office.sip_port)
            idle.append(writer)
    except OSError:
        pass  # refusing more connections is a right answer too
    finally:
        for writer in idle:
            writer.close()


async def test_ten_thousand_packets_of_a_scanner_do_not_disturb_a_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    reference = await bench.reference()
    core, memory, start = office.pid_of("core"), office.memory_mb("core"), time.monotonic()
    answered = await attacks.in_thread(attacks.flood, attacks.scanner_packets(SCANNED), office.sip_port, 1500)
    undisturbed(bench, caller, talks, start, reference)
    await caller.hang_up()
    await talks.wait_ended()
    await next_call_works(trunk, agent, office)

    unshaken(office, core, memory)
    if (
        bench.engine == "builtin"
    ):  # FreeSWITCH answers whoever asks; silence is a firewall's to give (docs/freeswitch.md)
        assert answered < SCANNED / 10, "a scanner is met with silence"
    assert len(agent.requests("INVITE")) == 2


@pytest.mark.skipif(not shutil.which("svwar"), reason="sipvicious (Debian's sipvicious) is not installed")
async def test_sipvicious_learns_no_extension_and_no_password(bench: Bench, tmp_path: Path):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    words = tmp_path / "passwords.txt"
    words.write_text("".join(f"guess{n}\n" for n in range(400)) + password("101") + "\n")
    caller, talks = await put_through(trunk, agent)
    reference = await bench.reference()
    core, memory, start = office.pid_of("core"), office.memory_mb("core"), time.monotonic()
    target = ["-p", str(office.sip_port)]
    found = await asyncio.gather(
        _sipvicious(tmp_path, "svmap", *target, "127.0.0.1"),
        _sipvicious(tmp_path, "svwar", *target, "-e100-120", "-m", "REGISTER", "127.0.0.1"),
        _sipvicious(tmp_path, "svwar", *target, "-e100-120", "-m", "INVITE", "127.0.0.1"),
        _sipvicious(tmp_path, "svcrack", *target, "-u", "101", "-d", str(words), "127.0.0.1"),
    )
    undisturbed(bench, caller, talks, start, reference)
    await caller.hang_up()
    await talks.wait_ended()
    await next_call_works(trunk, agent, office)

    unshaken(office, core, memory)
    for text in found[1:3]:
        lines = {line.split("|")[1].strip(): line.split("|")[2].strip() for line in text.splitlines() if "| 1" in line}
        assert lines.get("101") == lines.get("102"), text
    assert password("101") not in found[3], found[3]


async def _sipvicious(folder: Path, tool: str, *arguments: str, seconds: float = 12.0) -> str:
    process = await asyncio.create_subprocess_exec(
        tool, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"},
    )  # fmt: skip
    output = asyncio.create_task(process.stdout.read()) if process.stdout else None
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        await end(process, grace=2.0)
    text = (await output).decode(errors="replace") if output else ""
    print(f"--- {tool}\n{text}", file=sys.stderr)
    return text
