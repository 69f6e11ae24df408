"""Digits between phones, endpoints and peers, over real sockets."""

import asyncio
from itertools import pairwise

import pytest

from appliance.switch.builtin.media import RtpEndpoint
from appliance.switch.builtin.media.packets import DIGITS, event_of, event_payload
from tests.appliance.switch.builtin.media.stage import Phone, Stage, power, tone, until, write_wav


def told_by(leg: RtpEndpoint) -> list[str]:
    told: list[str] = []
    leg.on_digit = told.append
    return told


async def press_on(phone: Phone, digits: str, *, payload_type: int = 101, gap: float = 0.02) -> None:
    """The phone's keys, as telephone events."""
    for digit in digits:
        for index in range(8):
            payload = event_payload(DIGITS.index(digit), 160 * min(index + 1, 6), ended=index >= 5)
            phone.send(payload, payload_type=payload_type, marker=index == 0, samples=1600 if index == 7 else 0)
            await asyncio.sleep(0.002)
        await asyncio.sleep(gap)


def test_a_key_is_told_once_and_reaches_the_peer_under_its_own_payload_type(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, caller = await stage.leg(events=101)
        agent_leg, agent = await stage.leg(events=96, ssrc=2)
        leg.connect(agent_leg)
        told = told_by(leg)
        await press_on(caller, "19#")
        await until(lambda: len(agent.heard) == 24)
        assert told == ["1", "9", "#"]
        assert {packet.payload_type for packet in agent.heard} == {96}
        assert len({packet.timestamp for packet in agent.heard}) == 3
        assert [packet.marker for packet in agent.heard].count(True) == 3

    run(scene)


def test_a_peer_without_telephone_events_gets_none_but_the_key_is_told(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, caller = await stage.leg(events=101)
        agent_leg, agent = await stage.leg(events=None, ssrc=2)
        leg.connect(agent_leg)
        told = told_by(leg)
        await press_on(caller, "5")
        await caller.speak(tone(500, 0.1))
        await until(lambda: len(agent.heard) == 5)
        assert told == ["5"]
        assert {packet.payload_type for packet in agent.heard} == {0}

    run(scene)


def test_digits_by_sip_info_are_told_too_and_nonsense_is_not(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, _ = await stage.leg()
        told = told_by(leg)
        for digit in ("7", "d", "", "12", "!", "٣"):
            leg.digit_arrived(digit)
        assert told == ["7", "D"]

    run(scene)


def test_digits_are_collected_up_to_the_ending_one(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        collecting = asyncio.ensure_future(leg.collect_digits(most=9, first_seconds=5))
        await asyncio.sleep(0.05)
        await press_on(phone, "1234#9")
        assert await collecting == "1234"
        assert phone.heard  # silence that keeps the NAT open

    run(scene)


@pytest.mark.parametrize(("pressed", "most", "expected"), [("123", 2, "12"), ("", 4, ""), ("12", 4, "12")])
def test_collecting_ends_by_count_or_by_patience(run, pressed: str, most: int, expected: str) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        collecting = asyncio.ensure_future(leg.collect_digits(most=most, first_seconds=0.2, between_seconds=0.2))
        await asyncio.sleep(0.02)
        await press_on(phone, pressed, gap=0.01)
        assert await collecting == expected

    run(scene)


def test_keys_we_press_are_proper_events_within_one_stream(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg(events=97)
        hearer_leg, hearer = await stage.leg(events=101, ssrc=2)
        told = told_by(hearer_leg)
        await asyncio.gather(leg.send_digits("42"), leg.send_digits("*"))
        assert {packet.payload_type for packet in phone.heard} == {97}
        steps = {(packet.seq - phone.heard[0].seq) & 0xFFFF for packet in phone.heard}
        assert steps == set(range(len(phone.heard)))
        for packet in phone.heard:  # what it heard, said to another leg of ours
            hearer.timestamp = packet.timestamp
            hearer.send(packet.payload, payload_type=101, marker=packet.marker, samples=0)
        await until(lambda: told == ["4", "2", "*"])
        ends = [event for packet in phone.heard if (event := event_of(packet.payload)) and event.ended]
        assert len(ends) == 9

    run(scene)


def test_digits_cannot_be_sent_to_a_party_without_events(run) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg(events=None)
        await leg.send_digits("42")
        assert not phone.heard

    run(scene)


def test_the_peer_is_heard_again_after_digits(run, tmp_path) -> None:
    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        peer_leg, peer = await stage.leg(ssrc=2)
        leg.connect(peer_leg)
        await asyncio.gather(peer.speak(tone(700, 1.0)), leg.send_digits("1"))
        await asyncio.sleep(0.05)
        assert power(phone.sound(), 700) > 0.95
        times = [packet.timestamp for packet in phone.heard]
        assert all(((b - a) & 0xFFFFFFFF) < 4000 for a, b in pairwise(times))

    run(scene)


def test_a_stop_digit_by_telephone_event_ends_the_prompt(run, tmp_path) -> None:
    prompt = write_wav(tmp_path / "prompt.wav", tone(440, 5.0))

    async def scene(stage: Stage) -> None:
        leg, phone = await stage.leg()
        playing = asyncio.ensure_future(leg.play([prompt], stop_on="0123456789"))
        await until(lambda: len(phone.heard) > 3)
        await press_on(phone, "3")
        assert await playing == "3"

    run(scene)
