"""A leg's audio over real sockets: relay, prompts, music, hold, recordings."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from appliance.switch.builtin.media import RtpEndpoint
from tests.appliance.switch.builtin.media.stage import Stage, channels_of, power, tone, until, write_wav


@pytest.mark.parametrize(("caller_law", "agent_law"), [("PCMU", "PCMU"), ("PCMU", "PCMA"), ("PCMA", "PCMU")])
def test_bridged_parties_hear_each_other_and_both_are_on_their_channel(run, tmp_path, caller_law, agent_law) -> None:
    path = tmp_path / "call.wav"

    async def scene(stage: Stage) -> None:
        caller_leg, caller = await stage.leg(caller_law)
        agent_leg, agent = await stage.leg(agent_law, ssrc=0x2222)
        caller_leg.connect(agent_leg)
        caller_leg.start_recording(path)
        await asyncio.gather(caller.speak(tone(500, 1.5)), agent.speak(tone(700, 1.5)))
        await until(lambda: len(agent.heard) == 75 and len(caller.heard) == 75)
        recorded = await caller_leg.stop_recording()
        assert power(caller.sound(), 700) > 0.98
        assert power(agent.sound(), 500) > 0.98
        assert recorded is not None
        assert recorded.channels == 2
        assert recorded.seconds == pytest.approx(1.5, abs=0.2)

    run(scene)
    left, right = channels_of(path)
    assert power(left, 500) > 0.9
    assert power(right, 700) > 0.9
    assert power(left, 700) < 0.01
    assert power(right, 500) < 0.01


def test_one_stream_goes_on_whatever_speaks(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 0.3))
    music = write_wav(tmp_path / "music.wav", tone(350, 0.25))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        agent_leg, agent = await stage.leg("PCMA", ssrc=0x2222)
        other_leg, other = await stage.leg(ssrc=0x3333)
        assert await leg.play([prompt, prompt]) == ""
        leg.start_music(music)
        await asyncio.sleep(0.4)
        leg.connect(agent_leg)
        await agent.speak(tone(700, 0.3))
        leg.connect(other_leg)
        await other.speak(tone(600, 0.3))
        leg.disconnect()
        await asyncio.sleep(0.2)
        assert await leg.play([prompt]) == ""
        heard = phone.heard
        assert len({packet.ssrc for packet in heard}) == 1
        steps = [(b.seq - a.seq) & 0xFFFF for a, b in pairwise(heard)]
        assert set(steps) == {1}
        leaps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(heard)]
        assert all(160 <= leap < 4000 for leap in leaps)
        starts = [b.marker for leap, b in zip(leaps, heard[1:], strict=False) if leap != 160]
        assert all(starts)
        assert sum(packet.marker for packet in heard) in (5, 6)

    run(scene)


def test_prompt_is_heard_in_time_and_whole(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 1.0))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg("PCMA")
        loop = asyncio.get_running_loop()
        start = loop.time()
        assert await leg.play([prompt]) == ""
        assert 0.95 < loop.time() - start < 1.4
        await until(lambda: len(phone.heard) == 50)
        assert power(phone.sound(), 440) > 0.98

    run(scene)


def test_a_stop_digit_cuts_the_prompt_short(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 5.0))

    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        playing = asyncio.ensure_future(leg.play([prompt], stop_on="12"))
        await asyncio.sleep(0.1)
        leg.digit_arrived("5")
        await asyncio.sleep(0.1)
        assert not playing.done()
        leg.digit_arrived("2")
        assert await playing == "2"

    run(scene)


def test_a_cancelled_prompt_falls_silent_at_once(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 5.0))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        playing = asyncio.ensure_future(leg.play([prompt]))
        await until(lambda: len(phone.heard) > 5)
        playing.cancel()
        await asyncio.wait({playing})
        await asyncio.sleep(0.01)
        count = len(phone.heard)
        await asyncio.sleep(0.1)
        assert len(phone.heard) == count

    run(scene)


def test_a_sound_that_cannot_be_played_is_left_out(run, tmp_path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF....WAVE nothing")
    good = write_wav(tmp_path / "good.wav", tone(440, 0.1))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        assert await leg.play([broken, tmp_path / "absent.wav", good]) == ""
        await until(lambda: len(phone.heard) == 5)

    run(scene)


def test_holding_party_hears_nothing_and_its_peer_music(run, tmp_path) -> None:
    music = write_wav(tmp_path / "music.wav", tone(350, 0.5))

    async def scene(stage: Stage) -> None:
        leg, caller = await stage.leg()
        agent_leg, agent = await stage.leg(ssrc=0x2222)
        agent_leg.set_hold_music(music)
        leg.connect(agent_leg)
        await asyncio.gather(caller.speak(tone(500, 0.2)), agent.speak(tone(700, 0.2)))
        agent_leg.hold(True)
        await asyncio.sleep(0.05)
        agent.heard.clear()
        caller.heard.clear()
        await asyncio.gather(caller.speak(tone(500, 0.5)), agent.speak(tone(700, 0.5)))
        assert not agent.heard
        assert power(caller.sound(), 350) > 0.95
        agent_leg.hold(False)
        await asyncio.sleep(0.05)
        agent.heard.clear()
        caller.heard.clear()
        await asyncio.gather(caller.speak(tone(500, 0.3)), agent.speak(tone(700, 0.3)))
        await until(lambda: len(agent.heard) == 15)
        assert power(caller.sound(), 700) > 0.95
        assert power(agent.sound(), 500) > 0.95

    run(scene)


def test_lost_packets_stay_lost_and_leave_silence_in_the_recording(run, tmp_path) -> None:
    path = tmp_path / "call.wav"

    async def scene(stage: Stage) -> None:
        leg, caller = await stage.leg()
        agent_leg, agent = await stage.leg(ssrc=0x2222)
        leg.connect(agent_leg)
        leg.start_recording(path)
        await caller.speak(tone(500, 1.0), skip=lambda index: 20 <= index < 30)
        await until(lambda: len(agent.heard) == 40)
        steps = [(b.seq - a.seq) & 0xFFFF for a, b in pairwise(agent.heard)]
        assert sorted(steps)[-2:] == [1, 11]
        await leg.stop_recording()
        assert leg.figures().packets_lost == 10
        assert leg.figures().packets_received == 40

    run(scene)
    left, _ = channels_of(path)
    begin = next(at for at in range(0, len(left), 2) if left[at : at + 2] not in (b"\0\0", b"\xff\xff"))
    assert not any(left[begin + 2 * 3210 : begin + 2 * 4700])
    assert power(left[begin + 2 * 4900 : begin + 2 * 6400], 500) > 0.98


def test_a_prompt_while_recorded_is_on_the_right_channel(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 0.5))
    path = tmp_path / "call.wav"

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        leg.start_recording(path)
        await asyncio.gather(phone.speak(tone(500, 0.5)), leg.play([prompt]))
        await leg.close()
        first = await leg.stop_recording()
        assert first is not None
        assert await leg.stop_recording() == first

    run(scene)
    left, right = channels_of(path)
    assert power(left, 500) > 0.9
    assert power(right, 440) > 0.9


def test_no_recording_to_stop_is_none(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        assert await leg.stop_recording() is None

    run(scene)


@pytest.mark.parametrize("how", ["digit", "limit", "silence", "caller"])
def test_a_message_ends_by_digit_limit_silence_or_the_caller(run, tmp_path: Path, how: str) -> None:
    path = tmp_path / "message.wav"

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        taking = asyncio.ensure_future(
            leg.record_party(path, most_seconds=0.8 if how == "limit" else 10, silence_seconds=0.6, stop_on="#")
        )
        await phone.speak(tone(500, 1.0))
        if how == "digit":
            leg.digit_arrived("#")
        elif how == "caller":
            await leg.close()
        message = await taking
        assert message.ended_by == how
        assert message.digit == ("#" if how == "digit" else "")
        expected = {"digit": 1.0, "caller": 1.0, "limit": 0.8, "silence": 1.6}[how]
        assert message.seconds == pytest.approx(expected, abs=0.25)
        assert phone.heard  # silence that keeps the NAT open

    run(scene)
    (sound,) = channels_of(path)
    assert power(sound[: 2 * 6400], 500) > 0.9


def test_verbs_of_a_closed_endpoint_return(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        await leg.close()
        await leg.close()
        assert await leg.play([tmp_path / "x.wav"]) == ""
        assert await leg.collect_digits(most=4, first_seconds=9) == ""
        assert (await leg.record_party(tmp_path / "x.wav", most_seconds=9)).ended_by == "caller"
        await leg.send_digits("1")
        leg.start_music(tmp_path / "x.wav")
        leg.hold(True)
        leg.disconnect()

    run(scene)


def test_closing_ends_what_waits(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 5.0))

    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        waiting = asyncio.gather(
            leg.play([prompt]), leg.collect_digits(most=4, first_seconds=9), leg.send_digits("123456789")
        )
        await asyncio.sleep(0.1)
        await leg.close()
        assert (await asyncio.wait_for(waiting, 1))[:2] == ["", ""]

    run(scene)


def test_a_party_that_should_speak_and_does_not_is_told_once(run) -> None:
    async def scene(stage: Stage) -> None:
        told: list[RtpEndpoint] = []
        leg, phone = await stage.leg()
        leg.rtp_timeout = 0.2
        leg.on_silence = lambda: told.append(leg)
        leg.set_remote("127.0.0.1", phone.port, "PCMU", 0, 101, sending=True, receiving=False)
        await asyncio.sleep(0.3)
        assert not told
        leg.set_remote("127.0.0.1", phone.port, "PCMU", 0, 101, sending=True, receiving=True)
        leg.hold(True)
        await asyncio.sleep(0.5)
        assert not told
        leg.hold(False)
        await phone.speak(tone(500, 0.4))
        assert not told
        await asyncio.sleep(0.6)
        assert told == [leg]

    run(scene)
