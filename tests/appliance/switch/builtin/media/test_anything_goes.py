"""Verbs in any order on legs that talk all the while: no fault, and one unbroken stream towards each party."""

import asyncio
import random
from itertools import pairwise

import pytest

from appliance.switch.builtin.media import RtpEndpoint
from tests.appliance.switch.builtin.media.stage import Phone, Stage, channels_of, tone, write_wav


def unbroken(phone: Phone) -> None:
    """One SSRC, no sequence number left out or used twice, timestamps that never go back nor ahead of time."""
    heard = phone.heard
    assert len({packet.ssrc for packet in heard}) == 1
    assert {(b.seq - a.seq) & 0xFFFF for a, b in pairwise(heard)} == {1}
    for a, b in pairwise(heard):
        leap = ((b.timestamp - a.timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        same_event = a.payload_type == b.payload_type == 101
        assert leap > 0 or (leap == 0 and same_event)
        assert leap < 8000 * 6
        assert leap <= 160 or b.marker or leap % 160 == 0
    spoken = (heard[-1].timestamp - heard[0].timestamp) & 0xFFFFFFFF
    assert spoken < 8000 * 6


@pytest.mark.parametrize("seed", range(4))
def test_each_party_hears_one_unbroken_stream(run, tmp_path, seed: int) -> None:
    chance = random.Random(seed)
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 0.13))
    music = write_wav(tmp_path / "music.wav", tone(350, 0.33))

    async def scene(stage: Stage) -> None:
        legs: list[RtpEndpoint] = []
        for index, codec in enumerate(["PCMU", "PCMA", "PCMU", "PCMA"]):
            leg, _ = await stage.leg(codec, ssrc=100 + index)
            leg.set_hold_music(music)
            legs.append(leg)
        tasks: list[asyncio.Task[object]] = []

        def do() -> None:
            leg, other = chance.sample(legs, 2)
            match chance.randrange(11):
                case 0 | 1:
                    leg.connect(other)
                case 2:
                    leg.disconnect()
                case 3:
                    leg.hold(True)
                case 4 | 5:
                    for one in legs:
                        one.hold(False)
                case 6:
                    leg.start_music(music)
                case 7:
                    leg.stop_music()
                case 8:
                    tasks.append(asyncio.ensure_future(leg.play([prompt], stop_on="12")))
                case 9:
                    tasks.append(asyncio.ensure_future(leg.send_digits(chance.choice("0123456789"))))
                case 10:
                    name = tmp_path / f"{len(tasks)}.wav"
                    tasks.append(asyncio.ensure_future(leg.record_party(name, most_seconds=0.3)))

        async def meddle() -> None:
            for _ in range(120):
                do()
                await asyncio.sleep(chance.random() * 0.05)
            for task in chance.sample(tasks, len(tasks) // 3):
                task.cancel()

        legs[0].start_recording(tmp_path / "call.wav")
        await asyncio.gather(*(phone.speak(tone(500, 3.5)) for phone in stage.phones), meddle())
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 10)
        faults = [result for task in tasks if not task.cancelled() and (result := task.exception())]
        assert not faults
        recorded = await legs[0].stop_recording()
        assert recorded is not None
        assert len(channels_of(recorded.path)) == 2
        for phone in stage.phones:
            unbroken(phone)

    run(scene)
