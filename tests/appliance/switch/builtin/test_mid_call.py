"""What happens within a call: hold, digits, transfer, session timers, and requests that do not belong to it."""

import asyncio
from pathlib import Path

import pytest

from appliance.switch.builtin import session_timer
from appliance.switch.causes import Cause
from appliance.switch.events import DigitPressed, LegEvent, LegHeld, LegResumed, TransferAsked
from appliance.switch.port import LegEnded
from tests.appliance.switch.builtin.peer import SDP, Peer, Seen, bench_with_trunk, established, in_dialog, tag_of

_SDP2 = SDP.replace("o=- 1 1", "o=- 1 2")


@pytest.mark.parametrize(
    ("held_sdp", "answered"),
    [
        (_SDP2 + "a=sendonly\r\n", "recvonly"),
        (_SDP2 + "a=inactive\r\n", "inactive"),
        (_SDP2.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0"), "recvonly"),
        (_SDP2.replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n"), "recvonly"),
    ],
)
async def test_a_party_holds_and_takes_back(tmp_path: Path, held_sdp: str, answered: str) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        events = leg.events()
        in_dialog(trunk, "INVITE", ok, cseq=2, body=held_sdp)
        held = await trunk.expect(200)
        assert f"a={answered}" in held.body
        in_dialog(trunk, "ACK", ok, cseq=2)
        assert await anext(events) == LegHeld()
        endpoint = made.endpoints[0]
        assert (endpoint.remotes[-1]["sending"], endpoint.remotes[-1]["receiving"]) == (False, False)
        in_dialog(trunk, "INVITE", ok, cseq=3, body=SDP)
        assert "a=sendrecv" in (await trunk.expect(200)).body
        in_dialog(trunk, "ACK", ok, cseq=3)
        assert await anext(events) == LegResumed()
        assert endpoint.holds == [True, False]
        assert endpoint.remotes[-1]["sending"]


async def test_each_session_description_of_ours_has_a_newer_version(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        _, ok, _ = await established(made, trunk)
        in_dialog(trunk, "INVITE", ok, cseq=2, body=_SDP2)
        second = await trunk.expect(200)
        origin = [body.split("\r\n")[1].split() for body in (ok.body, second.body)]
        assert origin[0][1] == origin[1][1]
        assert int(origin[1][2]) == int(origin[0][2]) + 1


async def test_a_reinvite_without_a_common_codec_leaves_the_call_as_it_was(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        in_dialog(trunk, "INVITE", ok, cseq=2, body=SDP.replace("8 0 101", "18"))
        assert (await trunk.expect(488)).status == 488
        assert leg.is_answered


async def test_an_update_may_hold_too_and_without_sdp_only_refreshes(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        events = leg.events()
        in_dialog(trunk, "UPDATE", ok, cseq=2, body=_SDP2 + "a=sendonly\r\n")
        assert "a=recvonly" in (await trunk.expect(200)).body
        assert await anext(events) == LegHeld()
        in_dialog(trunk, "UPDATE", ok, cseq=3)
        assert (await trunk.expect(200)).body == ""


@pytest.mark.parametrize(
    ("kind", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= 10\r\n", "*"),
        ("application/dtmf", "#", "#"),
    ],
)
async def test_digits_come_by_info(tmp_path: Path, kind: str, body: str, digit: str) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        events = leg.events()
        in_dialog(trunk, "INFO", ok, cseq=2, headers=(f"Content-Type: {kind}",), body=body)
        assert (await trunk.expect(200)).status == 200
        assert await anext(events) == DigitPressed(digit)


@pytest.mark.parametrize(
    ("method", "more", "status"),
    [
        ("INFO", {"headers": ("Content-Type: text/plain",), "body": "hello"}, 415),
        ("OPTIONS", {}, 200),
        ("NOTIFY", {"headers": ("Event: keep-alive",)}, 200),
        ("MESSAGE", {}, 405),
        ("SUBSCRIBE", {"headers": ("Event: dialog",)}, 489),
        ("REFER", {}, 400),
        ("INVITE", {"headers": ("Require: gruu",)}, 420),
    ],
)
async def test_other_requests_in_the_call_get_their_answer(
    tmp_path: Path, method: str, more: dict[str, object], status: int
) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        in_dialog(trunk, method, ok, cseq=2, **more)
        assert (await trunk.expect(status)).status == status
        assert leg.is_answered


async def test_a_request_with_another_partys_tag_does_not_touch_the_call(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, call_id = await established(made, trunk)
        trunk.request("BYE", call_id=call_id, cseq=2, from_tag="forged", to_tag=tag_of(ok["to"]))
        assert (await trunk.expect(481)).status == 481
        trunk.request("BYE", call_id=call_id, cseq=2, from_tag="f1", to_tag="forged")
        assert (await trunk.expect(481)).status == 481
        assert leg.is_answered


async def test_a_request_older_than_the_last_is_refused(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk, cseq=1)
        in_dialog(trunk, "OPTIONS", ok, cseq=9)
        await trunk.expect(200)
        in_dialog(trunk, "BYE", ok, cseq=5)
        assert (await trunk.expect(500)).status == 500
        assert leg.is_answered


async def refer(trunk: Peer, ok: Seen, target: str) -> Seen:
    """Send a REFER; gives the 202."""
    in_dialog(trunk, "REFER", ok, cseq=2, headers=(f"Refer-To: {target}",))
    return await trunk.expect(202)


async def transfer(events: object) -> TransferAsked:
    event: LegEvent = await anext(events)  # type: ignore[call-overload]
    assert isinstance(event, TransferAsked)
    return event


async def test_a_blind_transfer_is_asked_of_the_flow_and_its_outcome_told(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        events = leg.events()
        await refer(trunk, ok, "<sip:102@127.0.0.1>")
        asked = await transfer(events)
        assert (asked.target, asked.replaces) == ("102", "")
        trying = await trunk.expect("NOTIFY")
        assert trying.body.startswith("SIP/2.0 100")
        assert trying["subscription-state"].startswith("active")
        assert trying["event"] == "refer;id=2"
        trunk.reply(trying, 200)
        await asked.answer.succeeded()
        done = await trunk.expect("NOTIFY")
        trunk.reply(done, 200)
        assert done.body.startswith("SIP/2.0 200")
        assert done["subscription-state"].startswith("terminated")


async def test_a_failed_transfer_is_told_with_its_status(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        events = leg.events()
        await refer(trunk, ok, "sip:102@127.0.0.1")
        asked = await transfer(events)
        trunk.reply(await trunk.expect("NOTIFY"), 200)
        await asked.answer.failed(486)
        done = await trunk.expect("NOTIFY")
        trunk.reply(done, 200)
        assert done.body.startswith("SIP/2.0 486")


async def test_an_attended_transfer_names_the_leg_it_replaces(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        other, other_ok, other_id = await established(made, trunk, from_tag="f2")
        events = leg.events()
        tags = f"to-tag%3D{tag_of(other_ok['to'])}%3Bfrom-tag%3Df2"
        await refer(trunk, ok, f"<sip:555@127.0.0.1?Replaces={other_id}%3B{tags}>")
        assert (await transfer(events)).replaces == other.leg_id


async def test_a_transfer_to_a_call_that_is_gone_or_that_nobody_handles_is_refused(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        _, ok, _ = await established(made, trunk)
        in_dialog(trunk, "REFER", ok, cseq=2, headers=("Refer-To: <sip:5@x?Replaces=no%3Bto-tag%3Da%3Bfrom-tag%3Db>",))
        assert (await trunk.expect(481)).status == 481
        in_dialog(trunk, "REFER", ok, cseq=3, headers=("Refer-To: <sip:102@127.0.0.1>",))
        assert (await trunk.expect(603)).status == 603


async def test_a_session_timer_is_agreed_and_refreshed_by_us_when_the_caller_wants_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_timer, "LEAST_SECONDS", 1)
    monkeypatch.setattr("appliance.switch.builtin.incoming.LEAST_SECONDS", 1)
    async with bench_with_trunk(tmp_path) as (made, trunk):
        headers = ("Session-Expires: 1;refresher=uas", "Supported: timer", "Allow: INVITE, UPDATE")
        leg, ok, _ = await established(made, trunk, headers=headers)
        assert ok["session-expires"] == "1;refresher=uas"
        update = await trunk.expect("UPDATE")
        assert update["session-expires"] == "1;refresher=uac"
        trunk.reply(update, 200, headers=("Session-Expires: 1;refresher=uac",))
        trunk.reply(await trunk.expect("UPDATE"), 481)
        trunk.reply(await trunk.expect("BYE"), 200)
        assert (await leg.wait_ended()).cause == Cause.SESSION_EXPIRED


async def test_a_party_without_update_is_refreshed_by_reinvite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "LEAST_SECONDS", 1)
    monkeypatch.setattr("appliance.switch.builtin.incoming.LEAST_SECONDS", 1)
    async with bench_with_trunk(tmp_path) as (made, trunk):
        headers = ("Session-Expires: 1;refresher=uas", "Supported: timer")
        leg, ok, _ = await established(made, trunk, headers=headers)
        reinvite = await trunk.expect("INVITE")
        assert "m=audio" in reinvite.body
        in_dialog(trunk, "INVITE", ok, cseq=2, body=SDP)  # glare
        assert (await trunk.expect(491)).status == 491
        trunk.reply(reinvite, 200, body=SDP, headers=("Session-Expires: 1800;refresher=uac",))
        assert (await trunk.expect("ACK"))["cseq"] == reinvite["cseq"].replace("INVITE", "ACK")
        assert leg.is_answered


async def test_a_session_nobody_refreshes_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_timer, "LEAST_SECONDS", 1)
    monkeypatch.setattr("appliance.switch.builtin.incoming.LEAST_SECONDS", 1)
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk, headers=("Session-Expires: 1", "Supported: timer"))
        assert ok["session-expires"] == "1;refresher=uac"
        assert ok["require"] == "timer"
        trunk.reply(await trunk.expect("BYE"), 200)
        assert leg.ended == LegEnded(Cause.SESSION_EXPIRED, False)


async def test_nothing_is_offered_twice_at_once(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, trunk):
        _, ok, _ = await established(made, trunk)
        in_dialog(trunk, "INVITE", ok, cseq=2)  # we offer; its answer comes with the ACK
        assert "m=audio" in (await trunk.expect(200)).body
        in_dialog(trunk, "INVITE", ok, cseq=3, body=SDP)
        assert (await trunk.expect(491)).status == 491
        in_dialog(trunk, "ACK", ok, cseq=2, body=SDP)
        await asyncio.sleep(0.02)
        in_dialog(trunk, "INVITE", ok, cseq=4, body=SDP)
        while (await trunk.expect(200))["cseq"] != "4 INVITE":
            pass
