"""Twenty calls at once: each caller hears their own agent and nobody else."""

import asyncio

import pytest

from tests.peers import tones
from tests.peers.bench import NUMBER, Bench
from tests.peers.stories import let_pass, since
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
CALLS = 20
TONES = list(range(300, 300 + 2 * CALLS * 50, 50))  # multiples of 50 Hz: each party its own


@pytest.mark.timeout(180)
async def test_twenty_calls_at_once_each_hears_their_own(bench: Bench):
    trunk = await bench.trunk()
    extensions = [str(101 + n) for n in range(CALLS)]
    office = await bench.office(trunk, agents=extensions, business={"ring_seconds": 60, "greeting": "Hello."})
    phones = [await bench.phone(e, tone=TONES[CALLS + n]) for n, e in enumerate(extensions)]
    callers = []
    for n in range(CALLS):
        trunk.tone = TONES[n]
        callers.append(await trunk.call(NUMBER, shows=f"+9891200001{n:02d}"))
    taken = await asyncio.gather(*(phone.incoming(30) for phone in phones))
    for talks in taken:
        await talks.ring()
        await talks.answer()
    by_number = {talks.caller: talks for talks in taken}
    pairs = [(caller, by_number[f"+9891200001{n:02d}"]) for n, caller in enumerate(callers)]

    async def all_talk() -> bool:
        return [c["state"] for c in await office.calls()].count("talking") == CALLS

    await wait_until(all_talk, "twenty calls talk", 20)
    await let_pass(3.0)
    start = since(2.0)
    for caller, talks in pairs:
        assert _share(caller, talks.phone.tone, start) > 0.95
        assert _share(talks, caller.rtp.tone, start) > 0.95
        assert caller.rtp.hearing(start).lost == talks.rtp.hearing(start).lost == 0
    for caller, _talks in pairs:
        await caller.hang_up()
    await asyncio.gather(*(talks.wait_ended() for talks in taken))

    async def all_ended() -> bool:
        return [c["state"] for c in await office.calls()].count("answered") == CALLS

    await wait_until(all_ended, "twenty calls are over", 15)
    for call in await office.calls():
        sound = tones.read_wav(await office.recording(call))
        n = int(call["caller"][-2:])
        agents_tone = by_number[call["caller"]].phone.tone
        assert tones.share(tones.labels(sound.channels[0][3200:-1600], [TONES[n], agents_tone]), TONES[n]) > 0.9
        assert tones.share(tones.labels(sound.channels[1][3200:-1600], [TONES[n], agents_tone]), agents_tone) > 0.9


def _share(call, tone: int, start: float) -> float:
    packets = call.rtp.hearing(start).packets
    assert len(packets) > 80
    sound = b"".join(p.payload for p in packets if p.payload_type == 0)
    frames = tones.labels(tones.decode(sound, "PCMU"), TONES)
    return tones.share(frames, tone)
