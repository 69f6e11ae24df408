"""Calls we place: to every phone of an extension, and over trunks."""

import asyncio
from pathlib import Path

import pytest

from appliance.switch.causes import Cause
from appliance.switch.errors import CallRejected, LegGone
from appliance.switch.events import LegRang
from appliance.switch.port import ExtensionTarget, LegEnded, Party, TrunkAccount, TrunkTarget
from tests.appliance.switch.builtin.peer import (
    SDP,
    bench,
    bench_with_trunk,
    established,
    free_port,
    in_dialog,
    tag_of,
)

CALLER = Party("+49301234", 'Nasim "the baker"')


async def test_a_phone_rings_answers_and_hangs_up(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER, headers={"Alert-Info": "<http://x>"})
        events = leg.events()
        invite = await phone.expect("INVITE")
        assert invite.uri == f"sip:101@127.0.0.1:{phone.port}"
        assert invite["from"].startswith('"Nasim \\"the baker\\"" <sip:+49301234@')
        assert invite["alert-info"] == "<http://x>"
        assert "100rel" not in invite["supported"]
        phone.reply(invite, 180)
        assert await anext(events) == LegRang()
        phone.reply(invite, 200, body=SDP)
        await leg.wait_answered()
        ack = await phone.expect("ACK")
        assert tag_of(ack["to"]) == "peer"
        assert leg.is_answered
        assert leg.party == Party("101", "Sara Karimi")
        phone.request(
            "BYE",
            f"sip:127.0.0.1:{made.port}",
            call_id=invite["call-id"],
            from_tag="peer",
            to_tag=tag_of(invite["from"]),
        )
        assert (await phone.expect(200)).status == 200
        assert await leg.wait_ended() == LegEnded(Cause.NORMAL, True)
        assert [event async for event in events] == []
    assert made.open_ports == set()


async def test_nothing_registered_is_told_at_once(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        with pytest.raises(CallRejected) as caught:
            await made.switch.call(ExtensionTarget("101"), show=CALLER)
        assert caught.value.cause == Cause.NOT_REGISTERED
        with pytest.raises(CallRejected):
            await made.switch.call(TrunkTarget("none", "+1"), show=CALLER)
        assert not made.switch.exchange.legs


async def test_the_first_phone_to_answer_wins_and_the_others_are_told_why_they_stop(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        desk, mobile = await made.phone(), await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        at_desk, at_mobile = await desk.expect("INVITE"), await mobile.expect("INVITE")
        desk.reply(at_desk, 180)
        mobile.reply(at_mobile, 180)
        await asyncio.sleep(0.05)
        mobile.reply(at_mobile, 200, body=SDP)
        await leg.wait_answered()
        cancel = await desk.expect("CANCEL")
        assert "Call completed elsewhere" in cancel["reason"]
        assert cancel["via"] == at_desk["via"]
        desk.reply(cancel, 200)
        desk.reply(at_desk, 487)
        assert (await desk.expect("ACK"))["cseq"] == at_desk["cseq"].replace("INVITE", "ACK")
        assert leg.is_answered


async def test_a_late_answer_of_a_second_phone_is_confirmed_and_hung_up(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        desk, mobile = await made.phone(), await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        at_desk, at_mobile = await desk.expect("INVITE"), await mobile.expect("INVITE")
        mobile.reply(at_mobile, 200, body=SDP)
        desk.reply(at_desk, 200, body=SDP)
        await leg.wait_answered()
        loser, invite = (desk, at_desk) if leg.sip_call_id == at_mobile["call-id"] else (mobile, at_mobile)
        await loser.expect("ACK")
        bye = await loser.expect("BYE")
        assert bye["call-id"] == invite["call-id"]
        assert leg.is_answered


async def test_giving_up_cancels_only_after_the_phone_has_said_something(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        invite = await phone.expect("INVITE")
        await leg.hang_up(Cause.NO_ANSWER)
        assert not any(seen.method == "CANCEL" for seen in phone.everything)
        phone.reply(invite, 180)
        phone.reply(await phone.expect("CANCEL"), 200)
        phone.reply(invite, 487)
        await phone.expect("ACK")
        with pytest.raises(CallRejected):
            await leg.wait_answered()


async def test_an_answer_that_crosses_our_cancel_is_confirmed_and_hung_up(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        invite = await phone.expect("INVITE")
        phone.reply(invite, 180)
        await leg.hang_up()
        phone.reply(invite, 200, body=SDP)
        await phone.expect("ACK")
        phone.reply(await phone.expect("BYE"), 200)


@pytest.mark.parametrize(
    ("status", "cause"),
    [(486, Cause.BUSY), (603, Cause.REJECTED), (404, Cause.UNKNOWN_NUMBER), (488, Cause.INCOMPATIBLE)],
)
async def test_a_refusal_is_told_with_its_cause(tmp_path: Path, status: int, cause: Cause) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        phone.reply(await phone.expect("INVITE"), status)
        with pytest.raises(CallRejected) as caught:
            await leg.wait_answered()
        assert (caught.value.cause, caught.value.sip_status) == (cause, status)
        await phone.expect("ACK")
        await leg.hang_up()
    assert made.open_ports == set()


async def test_one_busy_phone_leaves_the_other_ringing_and_a_decline_ends_all(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        desk, mobile = await made.phone(), await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        at_desk, at_mobile = await desk.expect("INVITE"), await mobile.expect("INVITE")
        mobile.reply(at_mobile, 180)
        desk.reply(at_desk, 486)
        await asyncio.sleep(0.05)
        assert leg.ended is None
        mobile.reply(at_mobile, 603)
        with pytest.raises(CallRejected) as caught:
            await leg.wait_answered()
        assert caught.value.cause == Cause.REJECTED


async def test_a_deaf_phone_is_asked_again_and_again_and_then_given_up(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        with pytest.raises(CallRejected) as caught:
            await leg.wait_answered()
        assert caught.value.cause == Cause.TIMEOUT
        # RFC 3261 §17.1.1.2: seven; at these timers the last falls almost together with timer B
        assert sum(seen.method == "INVITE" for seen in phone.everything) in (6, 7)


async def test_a_repeated_200_is_confirmed_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        invite = await phone.expect("INVITE")
        ok = phone.reply(invite, 200, body=SDP)
        await leg.wait_answered()
        first = await phone.expect("ACK")
        phone.send(ok)
        assert (await phone.expect("ACK")).headers == first.headers


async def test_an_answer_without_a_codec_in_common_is_hung_up(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        leg = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        phone.reply(await phone.expect("INVITE"), 200)
        await phone.expect("ACK")
        await phone.expect("BYE")
        with pytest.raises((CallRejected, LegGone)):
            await leg.wait_answered()
        assert leg.ended == LegEnded(Cause.INCOMPATIBLE, False)


async def test_a_call_over_a_trunk_shows_the_number_and_answers_a_challenge(tmp_path: Path) -> None:
    port = free_port()
    account = TrunkAccount("carrier", "peer", f"127.0.0.1:{port}", username="box", password="key")
    async with bench(tmp_path, trunks=(account,)) as made:
        carrier = await made.peer(port)
        carrier.on_message = lambda seen: seen.method == "OPTIONS" and bool(carrier.reply(seen, 200))
        leg = await made.switch.call(TrunkTarget("carrier", "+4930999"), show=CALLER)
        invite = await carrier.expect("INVITE")
        assert invite.uri == f"sip:+4930999@127.0.0.1:{port}"
        challenge = 'Proxy-Authenticate: Digest realm="c", nonce="n", qop="auth"'
        carrier.reply(invite, 407, headers=(challenge,))
        await carrier.expect("ACK")
        again = await carrier.expect("INVITE")
        assert again["cseq"] == "2 INVITE"
        assert 'username="box"' in again["proxy-authorization"]
        carrier.reply(again, 200, body=SDP)
        await leg.wait_answered()


async def test_a_carrier_that_keeps_challenging_is_taken_as_a_refusal(tmp_path: Path) -> None:
    port = free_port()
    account = TrunkAccount("carrier", "peer", f"127.0.0.1:{port}", username="box", password="key")
    async with bench(tmp_path, trunks=(account,)) as made:
        carrier = await made.peer(port)
        challenge = 'Proxy-Authenticate: Digest realm="c", nonce="n", qop="auth"'
        carrier.on_message = lambda seen: (
            seen.method == "INVITE" and bool(carrier.reply(seen, 407, headers=(challenge,)))
        )
        leg = await made.switch.call(TrunkTarget("carrier", "+4930999"), show=CALLER)
        with pytest.raises(CallRejected) as caught:
            await leg.wait_answered()
        assert caught.value.cause == Cause.FORBIDDEN


async def test_requests_of_ours_follow_the_route_the_answer_recorded(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        proxy = await made.peer()
        leg = await made.switch.call(TrunkTarget("trunk0", "+4930999"), show=CALLER)
        route = f"Record-Route: <sip:127.0.0.1:{proxy.port};lr>"
        trunk.reply(await trunk.expect("INVITE"), 200, body=SDP, headers=(route,))
        await leg.wait_answered()
        ack = await proxy.expect("ACK")
        assert ack["route"] == f"<sip:127.0.0.1:{proxy.port};lr>"
        await leg.hang_up()
        proxy.reply(await proxy.expect("BYE"), 200)


async def test_two_answered_legs_are_bridged_and_the_one_left_lives_on(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        phone = await made.phone()
        caller, ok, _ = await established(made, trunk)
        agent = await made.switch.call(ExtensionTarget("101"), show=CALLER)
        phone.reply(await phone.expect("INVITE"), 200, body=SDP)
        await agent.wait_answered()
        await made.switch.bridge(caller, agent)
        first, second = made.endpoints
        assert first.peer is second
        in_dialog(trunk, "BYE", ok, cseq=2)
        await caller.wait_ended()
        assert second.peer is None
        assert agent.is_answered
        await agent.hang_up()
        with pytest.raises(LegGone):
            await made.switch.bridge(caller, agent)
