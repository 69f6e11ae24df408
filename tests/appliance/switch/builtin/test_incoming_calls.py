"""Calls from a trunk: ring, answer, reject, CANCEL, and what INVITEs are refused."""

import asyncio
from pathlib import Path

import pytest

from appliance.switch.builtin.media import PortsExhausted
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.port import LegEnded, Origin, Party
from tests.appliance.switch.builtin.peer import SDP, bench_with_trunk, established, in_dialog, tag_of


async def test_a_trunks_call_is_offered_rung_answered_and_hung_up_by_the_caller(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", to="+982188001122", user="+49301234", call_id="one", body=SDP)
        assert (await trunk.next()).status == 100
        leg = await made.offered()
        assert (leg.origin, leg.dialled, leg.party) == (
            Origin("trunk", "trunk0"),
            "+982188001122",
            Party("+49301234", "Peer"),
        )
        await leg.ring()
        ringing = await trunk.next()
        assert ringing.status == 180
        assert ringing.body == ""
        answering = asyncio.create_task(leg.answer())
        ok = await trunk.next()
        assert ok.status == 200
        assert "m=audio" in ok.body
        assert not answering.done()
        in_dialog(trunk, "ACK", ok, cseq=1)
        await answering
        assert leg.is_answered
        in_dialog(trunk, "BYE", ok, cseq=2)
        assert (await trunk.next()).status == 200
        assert await leg.wait_ended() == LegEnded(Cause.NORMAL, True)
    assert made.open_ports == set()


async def test_we_hang_up_with_a_bye_that_tells_the_cause(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, _, call_id = await established(made, trunk)
        await leg.hang_up()
        bye = await trunk.expect("BYE")
        assert bye["call-id"] == call_id
        assert bye["reason"] == "Q.850;cause=16"
        trunk.reply(bye, 200)
        assert leg.ended == LegEnded(Cause.NORMAL, False)
        await leg.hang_up()
        with pytest.raises(LegGone):
            await leg.ring()


async def test_a_caller_who_gives_up_gets_487_and_the_leg_says_cancelled(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", branch="z9hG4bKone", body=SDP)
        leg = await made.offered()
        await leg.ring()
        trunk.request("CANCEL", call_id="one", branch="z9hG4bKone")
        assert (await trunk.expect(200))["cseq"] == "1 CANCEL"
        refused = await trunk.expect(487)
        assert refused["cseq"] == "1 INVITE"
        trunk.request("ACK", call_id="one", branch="z9hG4bKone")
        assert await leg.wait_ended() == LegEnded(Cause.CANCELLED, True)
        with pytest.raises(LegGone):
            await leg.answer()


@pytest.mark.parametrize(
    ("cause", "status"),
    [(Cause.BUSY, 486), (Cause.UNKNOWN_NUMBER, 404), (Cause.CONGESTION, 503), (Cause.REJECTED, 603)],
)
async def test_a_rejected_call_gets_the_status_of_its_cause(tmp_path: Path, cause: Cause, status: int) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", branch="z9hG4bKone", body=SDP)
        leg = await made.offered()
        await leg.reject(cause)
        assert (await trunk.expect(status)).status == status
        assert (await trunk.expect(status)).status == status  # repeated until its ACK
        trunk.request("ACK", call_id="one", branch="z9hG4bKone")
        assert leg.ended == LegEnded(cause, False)


async def test_an_answer_is_repeated_until_its_ack_and_never_after(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        leg = await made.offered()
        answering = asyncio.create_task(leg.answer())
        first = await trunk.expect(200)
        assert (await trunk.expect(200)).body == first.body
        in_dialog(trunk, "ACK", first, cseq=1)
        await answering
        while not trunk.inbox.empty():
            trunk.inbox.get_nowait()
        assert await trunk.silence(0.3)


async def test_a_leg_whose_answer_is_never_confirmed_ends_with_timeout_and_bye(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        leg = await made.offered()
        with pytest.raises(LegGone):
            await leg.answer()
        assert leg.ended == LegEnded(Cause.TIMEOUT, False)
        trunk.reply(await trunk.expect("BYE"), 200)
    assert made.open_ports == set()


async def test_a_bye_waits_for_the_ack_of_our_answer(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        leg = await made.offered()
        answering = asyncio.create_task(leg.answer())
        ok = await trunk.expect(200)
        await leg.hang_up()
        with pytest.raises(LegGone):
            await answering
        assert not any(seen.method == "BYE" for seen in trunk.everything)
        in_dialog(trunk, "ACK", ok, cseq=1)
        trunk.reply(await trunk.expect("BYE"), 200)
        assert not made.open_ports
        assert not made.switch.exchange.dialogs


async def test_a_bye_that_crosses_ours_is_answered_200(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        await leg.hang_up()
        trunk.reply(await trunk.expect("BYE"), 200)
        in_dialog(trunk, "BYE", ok, cseq=2)
        assert (await trunk.expect(200))["cseq"] == "2 BYE"


async def test_repeats_of_an_invite_are_absorbed(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        text = trunk.request("INVITE", call_id="one", body=SDP)
        trunk.send(text)
        trunk.send(text)
        leg = await made.offered()
        await leg.ring()
        trunk.send(text)
        await trunk.expect(180)
        assert (await trunk.next()).status == 180
        assert made.calls.empty()


async def test_the_same_invite_over_two_ways_is_refused_as_merged(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        await made.offered()
        trunk.request("INVITE", call_id="one", body=SDP)
        assert (await trunk.expect(482)).status == 482


async def test_a_late_offer_is_answered_in_the_ack(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one")
        leg = await made.offered()
        answering = asyncio.create_task(leg.answer())
        ok = await trunk.expect(200)
        assert "m=audio" in ok.body
        assert " 0 8 101" in ok.body
        in_dialog(trunk, "ACK", ok, cseq=1, body=SDP)
        await answering
        assert made.endpoints[0].remotes[-1]["codec"] == "PCMA"


async def test_a_late_offer_without_an_answer_ends_the_call(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one")
        leg = await made.offered()
        answering = asyncio.create_task(leg.answer())
        in_dialog(trunk, "ACK", await trunk.expect(200), cseq=1)
        await trunk.expect("BYE")
        with pytest.raises(LegGone):
            await answering
        assert (await leg.wait_ended()).cause == Cause.INCOMPATIBLE


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"body": SDP.replace("8 0 101", "18").replace("a=rtpmap:101 telephone-event/8000\r\n", "")}, 488),
        ({"body": SDP.replace("RTP/AVP", "RTP/SAVP")}, 488),
        ({"body": "v=0\r\nm=audio x y z\r\n"}, 488),
        ({"body": SDP, "headers": ("Require: 100rel",)}, 420),
        ({"body": SDP, "headers": ("Session-Expires: 30",)}, 422),
        ({"body": SDP, "to_tag": "unknown"}, 481),
        ({"body": SDP, "contact": ""}, 400),
        ({"body": SDP, "uri": "sip:127.0.0.1"}, 404),
    ],
)
async def test_an_invite_that_cannot_be_served_is_refused(tmp_path: Path, more: dict[str, object], status: int) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", **more)  # type: ignore[arg-type]
        while (seen := await trunk.next()).status == 100:
            pass
        assert seen.status == status
        assert made.calls.empty()
        assert not made.switch.exchange.legs


async def test_a_withheld_caller_has_no_number(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", user="+4930", headers=("Privacy: id",), body=SDP)
        assert (await made.offered()).party == Party("")


async def test_a_carriers_asserted_identity_goes_before_from(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", headers=('P-Asserted-Identity: "Nasim" <sip:+982144@x.example>',), body=SDP)
        assert (await made.offered()).party == Party("+982144", "Nasim")


async def test_audio_that_stops_coming_ends_the_leg(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, _, _ = await established(made, trunk)
        assert made.endpoints[0].on_silence
        made.endpoints[0].on_silence()
        trunk.reply(await trunk.expect("BYE"), 200)
        assert await leg.wait_ended() == LegEnded(Cause.MEDIA_TIMEOUT, False)


async def test_a_verb_that_waits_raises_leg_gone_when_the_caller_hangs_up(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        playing = asyncio.create_task(leg.play([Path("greeting.wav")]))
        await asyncio.sleep(0)
        in_dialog(trunk, "BYE", ok, cseq=2)
        with pytest.raises(LegGone) as caught:
            await playing
        assert caught.value.cause == Cause.NORMAL


async def test_stopping_ends_every_call_as_interrupted(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        answered, _, _ = await established(made, trunk)
        trunk.request("INVITE", call_id="two", body=SDP)
        waiting = await made.offered()
        stopping = asyncio.create_task(made.switch.stop())
        trunk.reply(await trunk.expect("BYE"), 200)
        await stopping
        assert answered.ended == waiting.ended == LegEnded(Cause.INTERRUPTED, False)
        assert any(seen.status == 480 for seen in trunk.everything)


async def test_no_audio_port_left_is_told_with_503(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):

        async def none_left() -> None:
            raise PortsExhausted(1, 2)

        made.switch.exchange.open_endpoint = none_left  # type: ignore[assignment]
        trunk.request("INVITE", body=SDP)
        leg = await made.offered()
        with pytest.raises(LegGone):
            await leg.answer()
        assert (await trunk.expect(503)).status == 503
        assert leg.ended == LegEnded(Cause.CONGESTION, False)


async def test_an_early_bye_with_another_partys_tag_does_not_end_the_call(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        leg = await made.offered()
        await leg.ring()
        ringing = await trunk.expect(180)
        trunk.request("BYE", call_id="one", cseq=2, from_tag="forged", to_tag=tag_of(ringing["to"]))
        assert (await trunk.expect(481)).status == 481
        assert leg.ended is None
        trunk.request("BYE", call_id="one", cseq=2, to_tag=tag_of(ringing["to"]))
        await trunk.expect(487)
        assert await leg.wait_ended() == LegEnded(Cause.CANCELLED, True)


async def test_an_ack_with_another_partys_tag_confirms_nothing(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        trunk.request("INVITE", call_id="one", body=SDP)
        leg = await made.offered()
        answering = asyncio.create_task(leg.answer())
        ok = await trunk.expect(200)
        trunk.request("ACK", call_id="one", from_tag="forged", to_tag=tag_of(ok["to"]))
        await trunk.expect(200)
        assert not answering.done()
        in_dialog(trunk, "ACK", ok, cseq=1)
        await answering


async def test_what_a_stranger_writes_is_printable_and_short_before_anyone_sees_it(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        identity = f'P-Asserted-Identity: "{"N" * 3000}" <sip:+98%00%0a21{"9" * 3000}@x.example>'
        trunk.request("INVITE", headers=(identity,), body=SDP)
        party = (await made.offered()).party
        assert party.number.startswith("+98219")
        assert (len(party.number), len(party.name)) == (100, 100)
