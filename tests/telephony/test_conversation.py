"""While two people talk: keys, hold, transfers, and a phone whose plug is pulled."""

import time

import pytest

from tests.peers import baresip, sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench
from tests.peers.softcall import DECLINE, Call
from tests.peers.stories import (
    event,
    kinds,
    let_pass,
    next_call_works,
    put_through,
    wait_announced,
    wait_hears,
)
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony


def digits(call: dict, by: str) -> str:
    """The keys of a timeline."""
    return "".join(e["detail"]["digit"] for e in call["timeline"] if e["kind"] == "digit" and e["detail"]["by"] == by)


async def wait_notified(call: Call, text: str, timeout: float = 8.0) -> None:
    """Wait for a NOTIFY whose sipfrag says that."""
    await wait_until(lambda: any(text in n.body for n in call.notifies), f"NOTIFY {text}", timeout)


async def test_keys_by_rfc_4733_reach_the_other_phone_and_the_timeline(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    caller.rtp.press("123456789*0#")
    await wait_until(lambda: talks.rtp.digits_heard == "123456789*0#", "the agent's phone hears the keys", 10)
    talks.rtp.press("42")
    await wait_until(lambda: caller.rtp.digits_heard == "42", "the caller's phone hears the keys")
    await wait_hears(caller, tones.AGENT)
    await caller.hang_up()
    call = await office.wait_ended()

    assert digits(call, "caller") == "123456789*0#"
    assert digits(call, "agent") == "42"


async def test_keys_by_sip_info_reach_the_timeline(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    statuses = [(await caller.press_by_info(d)).status for d in "159#"]
    statuses += [(await talks.press_by_info(d)).status for d in "7*"]
    await wait_hears(caller, tones.AGENT)
    await caller.hang_up()
    call = await office.wait_ended()

    assert statuses == [200] * 6
    assert digits(call, "caller") == "159#"
    assert digits(call, "agent") == "7*"


async def test_caller_hears_music_while_the_agent_holds(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    held = await talks.hold()
    await wait_announced(caller)
    start = time.monotonic()
    await let_pass(1.5)
    music = caller.rtp.hearing(start)
    resumed = await talks.resume()
    await wait_hears(caller, tones.AGENT)
    await wait_hears(talks, tones.CALLER)
    await talks.hang_up()
    call = await office.wait_ended()

    assert (held.status, resumed.status) == (200, 200)
    assert sip.read_sdp(held.body).direction in {"recvonly", "inactive"}
    assert music.sounding > 0.5
    assert music.share(tones.AGENT) == 0
    assert music.longest_gap < 0.2
    assert [k for k in kinds(call) if k in {"held", "resumed"}] == ["held", "resumed"]
    assert event(call, "held")["detail"]["by"] == "agent"


async def test_agent_hears_music_while_the_caller_holds(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    await caller.hold()
    await wait_announced(talks)
    await caller.resume()
    await wait_hears(talks, tones.CALLER)
    await caller.hang_up()
    call = await office.wait_ended()

    assert event(call, "held")["detail"]["by"] == "caller"


async def test_blind_transfer_to_another_agent(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, agents=("101",))
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    await office.apply(bench.office_file(trunk.port, ("101", "102"), {}, {}))
    second = await _registered(bench, "102")
    accepted = await talks.refer("102")
    rings = await second.incoming()
    await rings.ring()
    await wait_announced(caller)
    await rings.answer()
    await wait_hears(caller, tones.SECOND_AGENT)
    await wait_hears(rings, tones.CALLER)
    await wait_notified(talks, "200")
    left = await talks.wait_ended()
    await caller.hang_up()
    ended = await rings.wait_ended()
    call = await office.wait_ended()

    assert accepted.status == 202
    assert left in {"BYE", "hung up"}
    assert ended == "BYE"
    assert rings.caller == CALLER_NUMBER
    assert (call["state"], call["agent"]) == ("answered", "agent102")
    assert "transferred" in kinds(call)


async def _registered(bench: Bench, extension: str):
    async def try_it():
        phone = await bench.softphone(extension, f"only-for-the-bench-{extension}", tone=tones.SECOND_AGENT)
        return phone if (await phone.register()).status == 200 else None

    return await wait_until(try_it, f"{extension} may register after the configuration was applied", 5)


async def test_blind_transfer_to_an_outside_number_shows_the_businesss_number(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    trunk.tone = tones.OUTSIDE
    await talks.refer(OUTSIDE_NUMBER)
    outside = await trunk.incoming()
    await outside.ring()
    await outside.answer()
    await wait_hears(caller, tones.OUTSIDE)
    await wait_hears(outside, tones.CALLER)
    await talks.wait_ended()
    await outside.hang_up()
    ended = await caller.wait_ended()
    call = await office.wait_ended()

    assert sip.user_of(outside.invite.uri) == OUTSIDE_NUMBER
    assert outside.caller == NUMBER
    assert ended == "BYE"
    assert event(call, "transferred")["detail"]["target"] == OUTSIDE_NUMBER


async def test_transfer_nobody_takes_gives_the_agent_the_caller_back(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, agents=("101", "102"))
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    second = await bench.phone("102")
    await talks.refer("102")
    await (await second.incoming()).reject(DECLINE)
    await wait_notified(talks, "SIP/2.0 ")
    await wait_hears(caller, tones.AGENT)
    await wait_hears(talks, tones.CALLER)
    await wait_until(lambda: not talks.notifies[-1].body.startswith("SIP/2.0 1"), "the last NOTIFY")
    last = talks.notifies[-1].body
    await talks.hang_up()
    call = await office.wait_ended()

    assert not last.startswith(("SIP/2.0 2", "SIP/2.0 1"))
    assert event(call, "transfer_failed")["detail"]["cause"] == "rejected"
    assert call["agent"] == "agent101"


@pytest.mark.skipif(not baresip.is_installed(), reason="baresip (Debian's baresip-core) is not installed")
async def test_baresip_holds_resumes_and_transfers(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, agents=("101", "102"))
    phone = await bench.baresip("101", auto=True)
    await phone.wait_registered()
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await phone.wait("CALL_ESTABLISHED", 10)
    await wait_hears(caller, tones.AGENT)
    await phone.command("hold")
    await wait_announced(caller)
    await phone.command("resume")
    await wait_hears(caller, tones.AGENT)
    second = await bench.phone("102")
    await phone.command("transfer", f"sip:102@127.0.0.1:{office.sip_port}")
    rings = await second.incoming()
    await rings.answer()
    await wait_hears(caller, tones.SECOND_AGENT)
    await caller.hang_up()
    call = await office.wait_ended()

    assert [k for k in kinds(call) if k in {"held", "resumed", "transferred"}][:2] == ["held", "resumed"]
    assert "transferred" in kinds(call)


@pytest.mark.timeout(90)
async def test_agent_who_unplugs_mid_call_is_noticed_and_the_recording_kept(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    unplugged = time.monotonic()
    agent.unplug()
    ended = await caller.wait_ended(45)
    after = caller.ended_at - unplugged
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))
    second = await bench.phone("101")
    await next_call_works(trunk, second, office)

    assert ended == "BYE"
    assert after == pytest.approx(30, abs=6)
    assert (call["state"], call["hangup_cause"]) == ("answered", "media-timeout")
    assert event(call, "ended")["detail"]["by"] == "network"
    assert tones.share(tones.labels(sound.channels[0][8000:-8000]), tones.CALLER) > 0.95
    assert talks.ended_at == 0
