"""FreeSWITCH with our flows on it, beside the same FreeSWITCH with a bare dialplan and with mod_callcenter.

Both run at once and are asked in turn, so that what else the machine does meets both alike.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from bench.bare import Bare
from bench.office import Line, cpu_of, percentile, set_up, warm
from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Office
from tests.peers.options import why_not
from tests.peers.softcall import Outgoing
from tests.peers.softphone import Softphone
from tests.peers.stories import put_through
from tests.peers.waiting import wait_until

CALLS = 100
ROUNDS = 14
KILLS = 5
SET_UP_BAR, QUEUE_BAR = 1.3, 0.1


async def measure(folder: Path, calls: int = CALLS, rounds: int = ROUNDS, kills: int = KILLS) -> dict[str, float]:
    """All figures: milliseconds, and ratios of ours to theirs."""
    (folder / "office").mkdir()
    bench, bare = Bench("freeswitch", folder / "office"), Bare(folder / "bare")
    ours, theirs = await Line.open(), await Line.open()
    phone = await Softphone.open("101", tone=tones.AGENT)
    try:
        office = await bench.office(ours.port, agents=["101"])
        await bare.start(phone.port)
        await warm(office)
        ours.office, theirs.office = ("127.0.0.1", office.sip_port), ("127.0.0.1", bare.port)
        figures = await _set_up(ours, theirs, office.pid_of("core"), calls)
        if missing := bare.lacks():
            print(f"Not compared with mod_callcenter: there is no {missing}")
            return figures
        agent = await bench.phone("101")
        phone.office = theirs.office
        ours.close()
        return figures | await _queues(office, ours.port, agent, bare.port, phone, (rounds, kills))
    finally:
        await phone.close()
        for line in (ours, theirs):
            line.close()
        await bench.close()
        await bare.stop()


async def _set_up(ours: Line, theirs: Line, core: int, calls: int) -> dict[str, float]:
    """INVITE to 200: through core and our flow, and by a dialplan that answers and records."""
    times: dict[str, list[float]] = {"ours": [], "a bare dialplan": []}
    before = cpu_of(core)
    for index in range(calls + 5):
        pair = (await set_up(ours), await set_up(theirs, "answer"))
        if index >= 5:
            for one, seconds in zip(times.values(), pair, strict=True):
                one.append(seconds)
        await asyncio.sleep(0.02)
    cpu = 1000 * (cpu_of(core) - before) / (calls + 5)
    for name, one in times.items():
        low, high = percentile(one, 0.5), percentile(one, 0.95)
        print(f"INVITE to 200, {name}: p50 {low:.1f} ms, p95 {high:.1f} ms, {len(one)} calls")
    ratio = statistics.median(times["ours"]) / statistics.median(times["a bare dialplan"])
    print(f"  ratio of the medians {ratio:.2f} (bar {SET_UP_BAR}: {'met' if ratio <= SET_UP_BAR else 'MISSED'})")
    print(f"  core's CPU for a call that is answered and hangs up: {cpu:.1f} ms")
    return {"set_up_ratio": ratio, "core_cpu_ms": cpu}


async def _queues(
    office: Office, trunk_port: int, agent: Softphone, bare_port: int, phone: Softphone, times: tuple[int, int]
) -> dict[str, float]:
    """A core killed: how soon are its calls taken up? An agent hangs up while another waits: when does it ring?"""
    ours: list[float] = []
    theirs: list[float] = []
    stuck = 0
    trunk = await _at_port(trunk_port, office.sip_port)
    callers = await Softphone.open("caller", tone=tones.CALLER, office_port=bare_port)
    try:
        taken_up = [await _taken_up(office, trunk, agent) for _ in range(times[1])]
        _tell("core killed under a conversation, until the next one has taken it up", taken_up)
        for _ in range(times[0]):
            await asyncio.sleep(0.5)  # theirs looks at its agents now and then
            ours.append(await _next_ring(trunk, agent, NUMBER))
            try:
                theirs.append(await _next_ring(callers, phone, "queue"))
            except TimeoutError:  # its agent hangs in a state; known of it, and told below
                stuck += 1
                break
    finally:
        await trunk.close()
        await callers.close()
    if stuck:
        print(f"mod_callcenter rang its agent no more after {len(theirs)} rounds")
    if not theirs:
        return {}
    ratio = statistics.median(ours) / statistics.median(theirs)
    _tell("free agent to the next caller's INVITE at the phone, ours", ours)
    _tell("free agent to the next caller's INVITE at the phone, mod_callcenter", theirs)
    print(f"  ratio of the medians {ratio:.3f} (bar {QUEUE_BAR}: {'met' if ratio <= QUEUE_BAR else 'MISSED'})")
    return {"queue_ratio": ratio, "taken_up_seconds": statistics.median(taken_up)}


async def _taken_up(office: Office, trunk: Softphone, agent: Softphone) -> float:
    """Seconds from kill -9 to the moment that the next core writes down."""
    caller, talks = await put_through(trunk, agent)
    killed = time.time()
    office.kill("core")

    async def back() -> str:
        call = await office.last_call()
        return next((str(e["at"]) for e in call.get("timeline", ()) if e["kind"] == "core_back"), "")

    at = await wait_until(back, "the next core has taken it up", 20)
    await talks.hang_up()
    await caller.wait_ended()
    await office.wait_ended()
    return datetime.fromisoformat(at).timestamp() - killed


async def _at_port(port: int, office_port: int) -> Softphone:
    """A phone at the trunk's port, which the office knows; it is given back with one of the loop's next turns."""
    deadline = time.monotonic() + 5
    while True:
        try:
            return await Softphone.open("carrier", tone=tones.CALLER, office_port=office_port, port=port)
        except OSError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.01)


async def _next_ring(callers: Softphone, agent: Softphone, number: str) -> float:
    """Seconds from the agent's BYE to the next INVITE; two callers, both served and gone afterwards."""
    first = await _call(callers, number)
    rings = await agent.incoming(20)
    await rings.answer()
    second = await _call(callers, number)
    await asyncio.sleep(1.5)  # past the greeting, and waiting
    start = time.perf_counter()
    await rings.hang_up()
    again = await agent.incoming(20)
    seconds = time.perf_counter() - start
    await again.answer()
    for call in (again, first, second):
        if call.is_up:
            await call.hang_up()
    await wait_until(lambda: not any(call.is_up for call in agent.calls.values()), "the agent is free", 10)
    return seconds


async def _call(callers: Softphone, number: str) -> Outgoing:
    return await (await callers.call(number, shows=CALLER_NUMBER)).wait_answered(15)


def _tell(what: str, seconds: Sequence[float]) -> None:
    values = [1000 * value for value in seconds]
    middle, low, high = statistics.median(values), min(values), max(values)
    print(f"{what}: median {middle:.1f} ms [{low:.1f} .. {high:.1f}], {len(values)} times")


def main(_: list[str]) -> int:
    """Print the figures, or why there are none."""
    if reason := why_not("freeswitch"):
        print(f"FreeSWITCH was not measured: {reason}")
        return 0
    print("FreeSWITCH with our flows, beside the same one without:")
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as folder:
        asyncio.run(measure(Path(folder)))
    return 0
