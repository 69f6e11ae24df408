"""A caller hangs up in each phase: a missed call, with how long they waited and where they gave up."""

import time

import pytest

from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Call, Office
from tests.peers.stories import event, kinds, let_pass, ring_agent, wait_announced, wait_beep
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
LONG = "Thank you for calling Nasim Bakery, the best bread in town since nineteen seventy. One moment please."


def missed(call: Call, phase: str, waited: float) -> None:
    """It is a missed call of that phase and that length."""
    assert (call["state"], call["phase"]) == ("missed", phase), call
    assert event(call, "ended")["detail"]["by"] == "caller"
    assert call["answered_at"] is None
    assert call["talk_seconds"] == 0
    assert call["wait_seconds"] == pytest.approx(waited, abs=0.5)
    assert call["recording"] is None


async def agents_are(office: Office, state: str) -> None:
    """Wait until the agent is in that state."""

    async def so() -> bool:
        return [a["state"] for a in (await office.get("/api/v1/agents"))["items"]] == [state]

    await wait_until(so, f"the agent is {state}")


async def test_caller_who_cancels_at_once_is_a_missed_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_until(lambda: caller.invite and caller.statuses, "a first response")
    if not caller.is_up:
        await caller.cancel()
    await wait_until(lambda: caller.ended_at or caller.is_up, "it ends or was answered meanwhile")
    await caller.hang_up()
    call = await office.wait_ended()

    assert (call["state"], call["answered_at"]) == ("missed", None)
    assert call["phase"] in {"arrived", "greeting"}


async def test_caller_gives_up_during_the_greeting(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, business={"greeting": LONG})
    agent = await bench.phone("101")
    began = time.monotonic()
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()
    await wait_announced(caller)
    await caller.hang_up()
    waited = time.monotonic() - began
    call = await office.wait_ended()

    missed(call, "greeting", waited)
    assert kinds(call) == ["arrived", "greeted", "ended"]
    assert not agent.requests("INVITE")


async def test_caller_gives_up_while_waiting_for_a_busy_agent(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    first, talks = await ring_agent(trunk, agent)
    await talks.answer()
    await office.wait_call(state="talking")
    began = time.monotonic()
    second = await trunk.call(NUMBER, shows="+989120000002")
    await office.wait_call(state="waiting", phase="waiting", caller="+989120000002")
    await let_pass(0.5)
    await second.hang_up()
    waited = time.monotonic() - began
    call = await office.wait_call(state="missed")
    await first.hang_up()

    missed(call, "waiting", waited)
    assert kinds(call) == ["arrived", "greeted", "waiting", "ended"]


async def test_caller_gives_up_while_the_agent_rings(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    began = time.monotonic()
    caller, rings = await ring_agent(trunk, agent)
    await office.wait_call(state="ringing", agent="agent101")
    await let_pass(0.4)
    await caller.hang_up()
    waited = time.monotonic() - began
    stopped = await rings.wait_ended()
    call = await office.wait_ended()

    assert stopped == "CANCEL"
    missed(call, "ringing", waited)
    assert kinds(call) == ["arrived", "greeted", "waiting", "offered", "rang", "offer_ended", "ended"]
    assert event(call, "offer_ended")["detail"]["cause"] == "cancelled"
    await agents_are(office, "idle")


async def test_caller_gives_up_during_the_voicemail_announcement(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    began = time.monotonic()
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await office.wait_call(phase="voicemail")
    await let_pass(0.5)
    await caller.hang_up()
    waited = time.monotonic() - began
    call = await office.wait_ended()

    missed(call, "voicemail", waited)
    assert kinds(call) == ["arrived", "greeted", "waiting", "voicemail_asked", "ended"]


async def test_caller_who_says_nothing_after_the_tone_left_no_voicemail(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    trunk.tone = 0
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_beep(caller)
    await caller.hang_up()
    call = await office.wait_ended()

    assert (call["state"], call["phase"]) == ("missed", "voicemail")
    assert (await office.get("/api/v1/messages"))["items"] == []
