"""Calls that agents place: out over the trunk in the business's name, and to each other."""

import pytest

from tests.peers import baresip, sip, tones
from tests.peers.bench import NUMBER, OUTSIDE_NUMBER, Bench
from tests.peers.softcall import BUSY
from tests.peers.stories import clear, event, kinds, let_pass, wait_hears

pytestmark = pytest.mark.telephony


async def test_agent_calls_out_over_the_trunk_with_the_businesss_number_shown(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    rings = await trunk.incoming()
    await rings.ring()
    await calls.wait_ringing()
    live = await office.wait_call(direction="outbound")
    await rings.answer()
    await wait_hears(calls, tones.OUTSIDE)
    await wait_hears(rings, tones.AGENT)
    await let_pass(1.5)
    await rings.hang_up()
    ended = await calls.wait_ended()
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))

    assert sip.user_of(rings.invite.uri) == OUTSIDE_NUMBER
    assert rings.caller == NUMBER
    assert live["state"] in {"ringing", "waiting"}
    assert ended == "BYE"
    assert (call["state"], call["direction"], call["agent"]) == ("answered", "outbound", "agent101")
    assert event(call, "ended")["detail"]["by"] == "callee"
    left, right = (tones.labels(channel[1600:-800]) for channel in sound.channels)
    assert tones.share(left, tones.OUTSIDE) > clear(bench.engine)
    assert tones.share(right, tones.AGENT) > clear(bench.engine)


async def test_number_as_a_person_dials_it_goes_out_in_e164(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call("02177001122")
    rings = await trunk.incoming()
    await rings.reject(BUSY)

    assert sip.user_of(rings.invite.uri) == "+982177001122"
    assert await calls.wait_ended() == "486"


async def test_busy_callee_is_told_to_the_agent_and_written_down(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    await (await trunk.incoming()).reject(BUSY)
    ended = await calls.wait_ended()
    call = await office.wait_ended()

    assert ended == "486"
    assert (call["state"], call["hangup_cause"]) == ("missed", "busy")


async def test_agents_call_each_other_without_the_trunk_and_unrecorded(bench: Bench):
    office = await bench.office(None, agents=("101", "102"))
    one, two = await bench.phone("101"), await bench.phone("102")
    calls = await one.call("102")
    rings = await two.incoming()
    await rings.ring()
    await rings.answer()
    await wait_hears(calls, tones.SECOND_AGENT)
    await wait_hears(rings, tones.AGENT)
    await calls.hang_up()
    ended = await rings.wait_ended()
    call = await office.wait_ended()

    assert ended == "BYE"
    assert (call["direction"], call["recording"]) == ("internal", None)
    assert "recording_started" not in kinds(call)


@pytest.mark.skipif(not baresip.is_installed(), reason="baresip (Debian's baresip-core) is not installed")
async def test_baresip_dials_out(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk)
    phone = await bench.baresip("101")
    await phone.wait_registered()
    await phone.command("dial", f"sip:{OUTSIDE_NUMBER}@127.0.0.1:{office.sip_port}")
    rings = await trunk.incoming()
    await rings.answer()
    await phone.wait("CALL_ESTABLISHED")
    await wait_hears(rings, tones.AGENT)
    await phone.command("hangup")

    assert await rings.wait_ended() == "BYE"
    assert (await office.wait_ended())["state"] == "answered"
