"""Lines that lose packets, phones behind NAT, everybody acting at the same moment."""

import asyncio
import random

import pytest

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench
from tests.peers.sip import Message
from tests.peers.stories import event, let_pass, next_call_works, put_through, ring_agent, wait_hears
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
# FreeSWITCH drops what has piled up when it connects two legs: some packets in the first seconds of a short call
A_FEW_PERCENT = 3
# FreeSWITCH sends it at 0, 1 and 3 s: what is not answered within 4 s is given up, so that a call finds the next trunk
BYES_LOST = {"builtin": 3, "freeswitch": 2}


async def test_phone_behind_nat_is_rung_and_heard_where_its_packets_come_from(bench: Bench):
    trunk = await bench.trunk()
    await bench.office(trunk)
    phone = await bench.softphone("101", "only-for-the-bench-101", tone=tones.AGENT)
    phone.host = "192.0.2.7"  # what it writes into Contact and SDP leads nowhere
    registered = await phone.register()
    caller, rings = await ring_agent(trunk, phone)
    await rings.answer()
    await wait_hears(caller, tones.AGENT)
    await wait_hears(rings, tones.CALLER)
    await caller.hang_up()
    ended = await rings.wait_ended()

    assert registered.status == 200
    assert ended == "BYE"


async def test_invite_that_comes_twice_is_one_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    lost = []

    def first_answers(message: Message) -> bool:
        if not message.sent and message.method == "INVITE" and message.status and len(lost) < 3:
            lost.append(message)
            return True
        return False

    trunk.wire.loses = first_answers
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()
    await caller.hang_up()
    await office.wait_ended()

    assert len(lost) == 3
    assert len(await office.calls()) == 1


async def test_answer_is_repeated_until_the_ack_comes(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    acks = []

    def two_acks(message: Message) -> bool:
        if message.sent and message.method == "ACK" and len(acks) < 2:
            acks.append(message)
            return True
        return False

    trunk.wire.loses = two_acks
    caller = await (await trunk.call(NUMBER, shows=CALLER_NUMBER)).wait_answered()

    def answers() -> list[Message]:
        return [m for m in trunk.wire.received if m.status == 200 and m.method == "INVITE"]

    await wait_until(lambda: len(answers()) >= 3, "the answer comes a third time")
    await office.wait_call(phase="voicemail", timeout=12)
    await caller.hang_up()
    await office.wait_ended()

    assert len(answers()) == 3
    assert answers()[1].at - answers()[0].at == pytest.approx(0.5, abs=0.2)


async def test_bye_is_repeated_until_it_is_answered(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    agent.wire.loses = lambda m: m.method == "BYE" and not m.sent
    await caller.hang_up()
    lost = BYES_LOST[bench.engine]
    await wait_until(lambda: len(agent.requests("BYE")) >= lost, "the BYE is sent again", 6)
    agent.wire.loses = lambda _m: False
    ended = await talks.wait_ended()

    assert ended == "BYE"
    assert (await office.wait_ended())["hangup_cause"] == "normal"


async def test_call_on_a_line_that_loses_a_tenth_of_its_signalling_still_works(bench: Bench):
    dice = random.Random(3261)
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    trunk.wire.loses = agent.wire.loses = lambda _m: dice.random() < 0.1
    for _ in range(3):
        caller, rings = await ring_agent(trunk, agent, timeout=15)
        await rings.answer()
        await caller.wait_answered()
        await wait_hears(caller, tones.AGENT)
        await caller.hang_up()
        await rings.wait_ended(15)
        assert (await office.wait_ended(15))["state"] == "answered"


async def test_caller_and_agent_act_at_the_same_moment_and_nothing_is_left_behind(bench: Bench):
    dice = random.Random(8)
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    for _ in range(6):
        caller, rings = await ring_agent(trunk, agent)
        await asyncio.gather(_after(dice.random() * 0.02, rings.answer), _after(dice.random() * 0.02, caller.hang_up))
        await wait_until(lambda c=rings: c.ended_at, "the agent's phone is told")
        await office.wait_ended()
    await next_call_works(trunk, agent, office)
    states = {c["state"] for c in await office.calls()}

    assert states <= {"answered", "missed"}
    assert (await office.get("/api/v1/status"))["live_calls"] == 0


async def _after(seconds: float, act) -> None:
    await asyncio.sleep(seconds)
    await act()


async def test_both_hang_up_at_once(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    await asyncio.gather(caller.hang_up(), talks.hang_up())
    call = await office.wait_ended()

    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")
    assert event(call, "ended")["detail"]["by"] in {"caller", "agent"}


async def test_unknown_number_is_refused_and_written_down(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    caller = await trunk.call("+982100000000", shows=CALLER_NUMBER)
    ended = await caller.wait_ended()
    call = await office.wait_ended()

    assert ended == "404"
    assert (call["state"], call["hangup_cause"]) == ("refused", "unknown-number")


async def test_withheld_number_is_answered_and_kept_empty(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    caller = await (await trunk.call(NUMBER, shows="anonymous", name="Anonymous")).wait_answered()
    await caller.hang_up()

    assert (await office.wait_ended())["caller"] == ""


async def test_what_the_carrier_says_before_the_answer_is_heard_by_the_agent(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    rings = await trunk.incoming()
    await rings.progress()
    await wait_hears(calls, tones.OUTSIDE)
    answered_early = calls.is_up
    await rings.answer()
    await calls.wait_answered()
    await let_pass(0.2)
    await calls.hang_up()

    assert not answered_early


async def test_carrier_that_says_why_and_refuses_is_heard_and_its_reason_kept(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    rings = await trunk.incoming()
    await rings.progress()
    await wait_hears(calls, tones.OUTSIDE)
    await rings.reject((404, "Not Found"))
    ended = await calls.wait_ended()
    call = await office.wait_ended()
    trunk.tone = tones.CALLER
    await next_call_works(trunk, agent, office)

    assert ended == "404"
    assert (call["state"], call["hangup_cause"]) == ("missed", "unknown-number")


async def test_agent_who_gives_up_while_the_carrier_speaks_ends_the_call_there(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    rings = await trunk.incoming()
    await rings.progress()
    await wait_hears(calls, tones.OUTSIDE)
    await calls.cancel()
    ended = await rings.wait_ended()
    call = await office.wait_ended()

    assert ended == "CANCEL"
    assert await calls.wait_ended() == "487"
    assert (call["state"], call["hangup_cause"]) == ("missed", "cancelled")


async def test_packets_lost_on_the_way_are_told_with_the_call(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, _talks = await put_through(trunk, agent)
    caller.rtp.loses = lambda n: n % 10 == 0
    await let_pass(6.0)
    await caller.hang_up()
    call = await office.wait_ended()
    told = {e["detail"]["leg"]: e["detail"] for e in call["timeline"] if e["kind"] == "line_quality"}

    assert set(told) == {"caller", "agent"}
    assert 6 < told["caller"]["loss_percent"] < 14
    assert told["agent"]["loss_percent"] < A_FEW_PERCENT
    assert told["caller"]["mos"] < told["agent"]["mos"] <= 4.5
    assert told["caller"]["codec"] == "PCMU"


async def test_a_line_that_loses_nothing_is_told_to_be_good(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, _talks = await put_through(trunk, agent)
    await let_pass(5.0)
    await caller.hang_up()
    call = await office.wait_ended()
    told = {e["detail"]["leg"]: e["detail"] for e in call["timeline"] if e["kind"] == "line_quality"}

    assert set(told) == {"caller", "agent"}
    for line in told.values():
        assert line["loss_percent"] < A_FEW_PERCENT
        assert line["jitter_ms"] < 10
        assert line["mos"] > 4.0
