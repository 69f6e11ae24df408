"""A call is answered: both hear each other, each recording channel holds who it should, the books are exact."""

import time

import pytest

from tests.peers import baresip, sipp, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench, password
from tests.peers.stories import (
    ANSWERED,
    clear,
    event,
    kinds,
    let_pass,
    put_through,
    ring_agent,
    wait_announced,
    wait_hears,
)
from tests.peers.waiting import free_port, wait_until

pytestmark = pytest.mark.telephony


async def test_answered_call_is_heard_recorded_and_written_down(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    began = time.monotonic()
    caller, rings = await ring_agent(trunk, agent)
    live = await office.wait_call(state="ringing", agent="agent101")
    answered_after = time.monotonic() - began
    await rings.answer()
    await wait_hears(caller, tones.AGENT)
    await wait_hears(rings, tones.CALLER)
    talking = await office.wait_call(state="talking")
    await let_pass(1.5)
    await caller.hang_up()
    ended = await rings.wait_ended()
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))

    assert ended == "BYE"
    assert rings.caller == CALLER_NUMBER
    assert (live["answered_at"], live["ended_at"]) == (None, None)
    assert talking["answered_at"]
    assert kinds(call) == ANSWERED
    assert (call["state"], call["hangup_cause"], call["direction"]) == ("answered", "normal", "inbound")
    assert (call["business"], call["agent"], call["caller"]) == ("bakery", "agent101", CALLER_NUMBER)
    assert event(call, "ended")["detail"]["by"] == "caller"
    assert call["wait_seconds"] == pytest.approx(answered_after, abs=0.6)
    assert call["talk_seconds"] == pytest.approx(rings.ended_at - rings.answered_at, abs=0.4)
    assert sound.rate == 8000
    assert sound.seconds == pytest.approx(call["talk_seconds"], abs=0.4)
    left, right = (tones.labels(channel[1600:-800]) for channel in sound.channels)
    assert tones.share(left, tones.CALLER) > clear(bench.engine)
    assert tones.share(right, tones.AGENT) > clear(bench.engine)
    assert caller.rtp.hearing().lost == rings.rtp.hearing().lost == 0
    assert caller.rtp.hearing(rings.answered_at + 0.5, caller.ended_at).longest_gap < 0.2


async def test_caller_hears_greeting_then_music_and_the_agent_hears_nobody_else(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, business={"greeting": "Thank you for calling Nasim Bakery. One moment please."})
    agent = await bench.phone("101")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await caller.wait_answered()
    await wait_announced(caller)
    greeted = await office.wait_call(state="waiting")
    rings = await agent.incoming(10)
    await rings.ring()
    offered = time.monotonic()
    await let_pass(2.0)
    music = caller.rtp.hearing(offered + 0.5)
    await rings.answer()
    await wait_hears(caller, tones.AGENT)
    await rings.hang_up()
    call = await office.wait_ended()

    assert [k for k in kinds(greeted) if k in {"arrived", "greeted"}] == ["arrived", "greeted"]
    assert music.sounding > 0.5
    assert music.longest_gap < 0.2
    assert await caller.wait_ended() == "BYE"
    assert event(call, "ended")["detail"]["by"] == "agent"


async def test_agents_display_shows_the_business_and_the_caller(bench: Bench):
    trunk = await bench.trunk()
    await bench.office(trunk)
    agent = await bench.phone("101")
    _caller, rings = await ring_agent(trunk, agent)

    assert rings.caller == CALLER_NUMBER
    assert "Nasim Bakery" in rings.invite.get("from")


@pytest.mark.parametrize(("callers", "agents"), [("PCMA", "PCMA"), ("PCMA", "PCMU")])
async def test_a_law_and_mu_law_talk_with_each_other(bench: Bench, callers: str, agents: str):
    trunk = await bench.trunk(codec=callers)
    office = await bench.office(trunk)
    agent = await bench.phone("101", codec=agents)
    caller, talks = await put_through(trunk, agent)
    await caller.hang_up()
    sound = tones.read_wav(await office.recording(await office.wait_ended()))

    assert (caller.rtp.codec, talks.rtp.codec) == (callers, agents)
    left, right = (tones.labels(channel[1600:-800]) for channel in sound.channels)
    assert tones.share(left, tones.CALLER) > clear(bench.engine)
    assert tones.share(right, tones.AGENT) > clear(bench.engine)


async def test_call_over_tcp_on_both_sides(bench: Bench):
    trunk = await bench.trunk(transport="tcp")
    office = await bench.office(trunk, trunk_more={"transport": "tcp"})
    agent = await bench.phone("101", transport="tcp")
    caller, talks = await put_through(trunk, agent)
    await talks.hang_up()

    assert await caller.wait_ended() == "BYE"
    assert (await office.wait_ended())["state"] == "answered"
    assert "/TCP" in talks.invite.get("via")


async def test_two_phones_of_an_extension_ring_and_the_first_to_answer_has_the_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    desk, mobile = await bench.phone("101", tone=tones.AGENT), await bench.phone("101", tone=tones.SECOND_AGENT)
    caller, at_desk = await ring_agent(trunk, desk)
    at_mobile = await mobile.incoming()
    await at_mobile.ring()
    await at_mobile.answer()
    await wait_hears(caller, tones.SECOND_AGENT)
    await wait_hears(at_mobile, tones.CALLER)
    lost = await at_desk.wait_ended()
    await at_mobile.hang_up()
    await caller.wait_ended()
    call = await office.wait_ended()

    assert lost == "CANCEL"
    assert abs(at_desk.arrived_at - at_mobile.arrived_at) < 0.2
    assert "elsewhere" in desk.requests("CANCEL")[0].get("reason").lower() or "200" in desk.requests("CANCEL")[0].get(
        "reason"
    )
    assert (call["state"], kinds(call).count("answered")) == ("answered", 1)


@pytest.mark.skipif(not baresip.is_installed(), reason="baresip (Debian's baresip-core) is not installed")
async def test_baresip_answers_a_caller(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    phone = await bench.baresip("101")
    await phone.wait_registered()
    await wait_until(lambda: _is_idle(office), "the agent is idle")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await phone.wait("CALL_INCOMING")
    await phone.command("accept")
    await phone.wait("CALL_ESTABLISHED")
    await wait_hears(caller, tones.AGENT)
    await wait_until(lambda: tones.share(phone.heard()[-50:], tones.CALLER) > 0.9, "baresip hears the caller")
    await phone.command("hangup")
    ended = await caller.wait_ended()
    call = await office.wait_ended()

    assert ended == "BYE"
    assert kinds(call) == ANSWERED
    assert event(call, "ended")["detail"]["by"] == "agent"


async def _is_idle(office) -> bool:
    return any(a["state"] == "idle" for a in (await office.get("/api/v1/agents"))["items"])


@pytest.mark.skipif(not sipp.is_installed(), reason="SIPp (Debian's sip-tester) is not installed")
async def test_sipp_trunk_calls_a_sipp_phone_and_both_tones_are_recorded(bench: Bench):
    trunk_port, phone_port = free_port(), free_port()
    office = await bench.office(trunk_port)
    keys = {"user": "101"}
    register = await bench.sipp("register", port=phone_port, user="101", password=password("101"), keys=keys)
    registered = await register.result()
    phone = await bench.sipp("phone", port=phone_port, media_port=free_port(), tone=tones.AGENT)
    keys = {"number": NUMBER, "shows": CALLER_NUMBER, "talk_ms": "6000"}
    caller = await bench.sipp("caller", port=trunk_port, media_port=free_port(), tone=tones.CALLER, keys=keys)
    called = await caller.result()
    answered = await phone.result()
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))

    assert registered.status == 0, registered.errors
    assert called.status == 0, called.errors
    assert answered.status == 0, answered.errors
    assert kinds(call) == ANSWERED
    left, right = (tones.labels(channel[3200:-1600]) for channel in sound.channels)
    assert tones.share(left, tones.CALLER) > 0.9
    assert tones.share(right, tones.AGENT) > 0.9
