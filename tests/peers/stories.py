"""What happens in many tests, in one line each: a call is put through, two people hear each other.

Owns: steps made of the peers. Leaves out: what a test concludes.
"""

import asyncio
import time
from typing import Any

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER
from tests.peers.office import Office
from tests.peers.softcall import Call, Incoming, Outgoing
from tests.peers.softphone import Softphone
from tests.peers.waiting import wait_until

ANSWERED = [
    "arrived", "greeted", "waiting", "offered", "rang", "answered", "recording_started", "recording_ended", "ended",
]  # fmt: skip


def clear(engine: str) -> float:
    """How much of what was recorded must be the party's own tone.

    FreeSWITCH records by a beat of its own: what a busy machine delivers a beat late is 20 ms of silence there.
    """
    return {"builtin": 0.95, "freeswitch": 0.9}[engine]


def kinds(call: dict[str, Any]) -> list[str]:
    """The kinds of a call's timeline, in order; without how each leg sounded, which is no part of the story."""
    return [event["kind"] for event in call["timeline"] if event["kind"] != "line_quality"]


def event(call: dict[str, Any], kind: str) -> dict[str, Any]:
    """The last event of a kind."""
    return dict(next(e for e in reversed(call["timeline"]) if e["kind"] == kind))


def since(seconds: float) -> float:
    """That many seconds ago."""
    return time.monotonic() - seconds


async def let_pass(seconds: float) -> None:
    """Let a call go on for a while: this is the thing under test, not a wait for something to happen."""
    until = time.monotonic() + seconds
    await wait_until(lambda: time.monotonic() >= until, "time passes", seconds + 5)


async def wait_hears(call: Call, tone: int, *, seconds: float = 0.6, timeout: float = 6.0) -> None:
    """Wait until nothing but that tone was heard for so long."""

    def now() -> bool:
        heard = call.rtp.hearing(since(seconds))
        return len(heard.frames) >= 45 * seconds and heard.share(tone) > 0.95

    try:
        await wait_until(now, f"{tone} Hz is heard", timeout)
    except TimeoutError as error:
        heard = call.rtp.hearing(since(1.0))
        found = {f: round(heard.share(f), 2) for f in set(heard.frames)}
        raise TimeoutError(f"{error}; in the last second: {len(heard.packets)} packets, {found}") from None


async def wait_silent(call: Call, *, seconds: float = 0.5, timeout: float = 6.0) -> None:
    """Wait until no sound came for so long."""
    await wait_until(lambda: call.rtp.hearing(since(seconds)).sounding < 0.05, "silence", timeout)


async def wait_announced(call: Call, timeout: float = 8.0) -> None:
    """Wait until an announcement or music is heard: a sound that is no party's tone."""
    known = (tones.CALLER, tones.AGENT, tones.SECOND_AGENT, tones.OUTSIDE)

    def now() -> bool:
        frames = call.rtp.hearing(since(0.5)).frames
        return len(frames) > 15 and sum(f not in known and f != tones.SILENT for f in frames) > 0.3 * len(frames)

    await wait_until(now, "an announcement", timeout)


async def wait_beep(call: Call, timeout: float = 20.0) -> None:
    """Wait for the voicemail's tone to have sounded: the announcement, then silence."""
    await wait_announced(call)
    heard_before = 1.0

    def now() -> bool:
        heard = call.rtp.hearing(since(heard_before))
        return len(heard.packets) < 5 or heard.sounding < 0.02

    await wait_until(now, "the tone is over", timeout)


async def ring_agent(trunk: Softphone, agent: Softphone, *, timeout: float = 10.0) -> tuple[Outgoing, Incoming]:
    """A caller calls over the trunk; the agent's phone rings."""
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    rings = await agent.incoming(timeout)
    await rings.ring()
    return caller, rings


async def put_through(trunk: Softphone, agent: Softphone) -> tuple[Outgoing, Incoming]:
    """A caller calls over the trunk, the agent answers, they hear each other."""
    caller, talks = await ring_agent(trunk, agent)
    await talks.answer()
    await caller.wait_answered()
    await wait_hears(caller, agent.tone)
    await wait_hears(talks, trunk.tone)
    return caller, talks


async def first_to_ring(*phones: Softphone) -> tuple[Softphone, Incoming]:
    """Wait until one of the phones rings: that one, and its call."""
    asking = {asyncio.create_task(phone.incoming(10)): phone for phone in phones}
    done, pending = await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    first = done.pop()
    return asking[first], first.result()


async def next_call_works(trunk: Softphone, agent: Softphone, office: Office) -> None:
    """Whatever happened before, a new call goes through and ends well."""
    caller, talks = await put_through(trunk, agent)
    await caller.hang_up()
    assert await talks.wait_ended() == "BYE"
    call = await office.wait_ended()
    assert call["state"] == "answered", call
