"""What callers of a business live through, on simulated time."""

import asyncio
from datetime import UTC, datetime

import pytest

from appliance.switch.causes import Cause
from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers, refuses, rings_on

CALLER = Party("+989121234567")
BAKERY = "+982188001122"
CLINIC = "+982188003344"
EVENING = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)


def heard(leg) -> list[str]:
    return [what for _at, what in leg.heard]


def test_an_answered_call_is_greeted_rung_bridged_recorded_and_closed(play):
    async def story(world):
        world.switch.register("101", answers(after=3, talks=40))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id, call.ended_by, call.hangup_cause) == ("answered", "sara", "agent", "normal")
        assert call.wait_seconds == pytest.approx(4, abs=0.2)  # a second of greeting, three of ringing
        assert call.talk_seconds == pytest.approx(40, abs=0.2)
        assert await world.kinds(call.call_id) == [
            "arrived", "greeted", "waiting", "offered", "rang", "answered", "recording_started",
            "recording_ended", "ended",
        ]  # fmt: skip
        assert heard(caller) == ["greeting", "music", "voice of 101"]
        (recording,) = await world.rows("recordings")
        assert recording["state"] == "ready"
        assert recording["seconds"] == pytest.approx(40, abs=0.2)
        assert world.agent_state("sara") == "idle"

    play(story)


def test_the_agents_phone_shows_the_caller_and_the_business(play):
    async def story(world):
        world.switch.register("101", answers(talks=5))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await caller.wait_ended()
        phone = world.switch.legs[1]
        assert phone.shown == Party("+989121234567", "Nasim Bakery")

    play(story)


def test_nobody_answers_in_ring_seconds_and_the_caller_leaves_a_message(play):
    async def story(world):
        world.switch.register("101", rings_on())
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(1 + 20 + 0.5)
        call = await world.only_call()
        assert call.phase == "voicemail"
        await asyncio.sleep(3)
        caller.party_speaks(12)
        await asyncio.sleep(12)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by) == ("voicemail", "caller")
        (message,) = await world.rows("messages")
        assert (message["kind"], message["callback_number"]) == ("voicemail", CALLER.number)
        (mail,) = await world.rows("outbox")
        assert (mail["recipient"], mail["state"]) == ("owner@example.com", "waiting")
        assert world.agent_state("sara") == "idle"
        assert heard(caller)[:5] == ["greeting", "music", "no_one_answers", "leave_message", "tone"]

    play(story)


def test_no_phone_registered_means_voicemail_without_waiting(play):
    async def story(world):
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(1.5)
        assert (await world.only_call()).phase == "voicemail"
        caller.party_hangs_up()

    play(story)


def test_closed_callers_are_told_so_and_may_leave_a_message(play):
    async def story(world):
        world.switch.register("101", answers())
        caller = world.switch.dial_in(BAKERY, CALLER)
        caller.party_speaks(10)
        await asyncio.sleep(10)
        assert heard(caller) == ["closed", "leave_message", "tone"]
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.phase) == ("voicemail", "voicemail")

    play(story, begin=EVENING)


def test_a_caller_who_hangs_up_when_told_that_it_is_closed_gave_up_there(play):
    async def story(world):
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(0.5)
        assert (await world.only_call()).phase == "closed"
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.phase) == ("missed", "closed")

    play(story, begin=EVENING)


@pytest.mark.parametrize(
    ("seconds", "phase"),
    [(0.5, "greeting"), (4, "ringing"), (22.5, "voicemail")],
)
def test_a_caller_who_hangs_up_is_a_missed_call_with_where_and_how_long(play, seconds, phase):
    async def story(world):
        world.switch.register("101", rings_on())
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(seconds)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.phase, call.ended_by) == ("missed", phase, "caller")
        assert call.wait_seconds == pytest.approx(seconds, abs=0.1)
        assert world.agent_state("sara") == "idle"
        assert all(leg.ended for leg in world.switch.legs)
        assert await world.rows("messages") == []

    play(story)


def test_an_agent_who_declines_is_passed_over_for_the_next(play):
    async def story(world):
        world.switch.register("101", refuses())
        await asyncio.sleep(1)
        world.switch.register("102", answers(talks=5))
        await asyncio.sleep(1)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "ben")
        assert (await world.kinds(call.call_id)).count("offered") == 2

    play(story)


def test_an_agent_who_lets_it_ring_yields_to_a_free_colleague(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        world.switch.register("102", answers(after=1, talks=5))
        await asyncio.sleep(1)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "ben")
        assert call.wait_seconds == pytest.approx(1 + 12 + 1, abs=0.2)

    play(story)


def test_a_busy_agent_takes_the_next_caller_when_free(play):
    async def story(world):
        world.switch.register("101", answers(after=1, talks=8))
        first = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(3)
        second = world.switch.dial_in(BAKERY, Party("+989350000000"))
        await first.wait_ended()
        await second.wait_ended()
        await asyncio.sleep(1)
        assert [(c.caller_number, c.state) for c in await world.all_calls()] == [
            ("+989350000000", "answered"),
            (CALLER.number, "answered"),
        ]

    play(story)


def test_callers_are_served_in_the_order_of_their_coming(play):
    async def story(world):
        world.switch.register("101", answers(after=1, talks=3))
        legs = []
        for index in range(4):
            legs.append(world.switch.dial_in(BAKERY, Party(f"+98912000000{index}")))
            await asyncio.sleep(0.1)
        for leg in legs:
            await leg.wait_ended()
        await asyncio.sleep(1)
        answered = sorted((c for c in await world.all_calls()), key=lambda c: c.answered_at)
        assert [c.caller_number[-1] for c in answered] == ["0", "1", "2", "3"]

    play(story)


def test_nobody_gets_a_business_they_do_not_serve(play):
    async def story(world):
        world.switch.register("101", answers())
        caller = world.switch.dial_in(CLINIC, CALLER)
        await asyncio.sleep(3)
        call = await world.only_call()
        assert (call.business_id, call.phase) == ("clinic", "voicemail")
        caller.party_hangs_up()

    play(story)


def test_a_number_of_nobody_is_refused_and_kept_in_the_books(play):
    async def story(world):
        caller = world.switch.dial_in("+441632960000", CALLER)
        ended = await caller.wait_ended()
        await asyncio.sleep(1)
        assert ended.cause is Cause.UNKNOWN_NUMBER
        call = await world.only_call()
        assert (call.state, call.hangup_cause, call.business_id) == ("refused", "unknown-number", None)

    play(story)


def test_a_phone_that_vanishes_mid_call_ends_it_as_a_fault_of_the_network(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(10)
        world.switch.legs[1].party_vanishes()
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by, call.hangup_cause) == ("answered", "network", "media-timeout")

    play(story)


def test_hold_and_digits_are_in_the_timeline(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        phone = world.switch.legs[1]
        phone.party_holds(True)
        await asyncio.sleep(2)
        phone.party_holds(False)
        caller.party_presses("7")
        await asyncio.sleep(1)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        kinds = await world.kinds((await world.only_call()).call_id)
        assert [k for k in kinds if k in ("held", "resumed", "digit")] == ["held", "resumed", "digit"]

    play(story)


def test_a_blind_transfer_sends_the_caller_to_a_colleague(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        world.switch.register("102", answers(after=2, talks=10))
        answer = world.switch.legs[1].party_asks_transfer("102")
        await asyncio.sleep(4)
        assert answer.outcome == 200
        assert world.switch.legs[1].ended
        assert (world.agent_state("sara"), world.agent_state("ben")) == ("idle", "in_call")
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "ben")
        assert world.agent_state("ben") == "idle"

    play(story)


def test_a_transfer_to_somebody_who_declines_gives_the_call_back(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        world.switch.register("102", refuses(Cause.BUSY))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        phone = next(leg for leg in world.switch.legs[1:] if leg.is_answered)
        answer = phone.party_asks_transfer("102" if phone.dialled == "101" else "101")
        await asyncio.sleep(3)
        assert answer.outcome == 503
        assert caller.peer is phone
        caller.party_hangs_up()

    play(story)


def test_an_agent_calls_out_in_the_name_of_the_business(play):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.world = answers(after=2, talks=10)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await own.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.direction, call.state, call.dialled) == ("outbound", "answered", "+989121234567")
        assert (call.agent_id, call.ended_by) == ("sara", "callee")
        assert world.switch.legs[1].shown == Party(BAKERY, "Nasim Bakery")
        assert world.agent_state("sara") == "idle"

    play(story)


def test_a_phone_without_an_agent_may_not_call_outside(play):
    async def story(world):
        with_extension = world.office.directory.extension_names
        with_extension["200"] = "Kitchen"
        own = world.switch.dial_in("+441632960000", Party("200"), extension="200")
        ended = await own.wait_ended()
        assert ended.cause is Cause.FORBIDDEN
        await asyncio.sleep(1)
        assert (await world.only_call()).state == "refused"

    play(story)


def test_our_own_phone_reaches_a_business_by_its_number(play):
    async def story(world):
        world.switch.register("101", answers(after=1, talks=5))
        caller = world.switch.dial_in("02188001122", Party("102"), extension="102")
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.direction, call.state, call.business_id) == ("inbound", "answered", "bakery")

    play(story)


def test_a_silent_caller_leaves_no_message(play):
    async def story(world):
        caller = world.switch.dial_in(BAKERY, CALLER)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by) == ("missed", "office")
        assert "message_saved" not in heard(caller)
        assert await world.rows("messages") == []
        (recording,) = await world.rows("recordings")
        assert recording["state"] == "empty"

    play(story)


def test_every_free_agent_is_offered_a_caller_at_once(play):
    async def story(world):
        for extension in ("101", "102"):
            world.switch.register(extension, answers(after=3, talks=5))
        legs = [world.switch.dial_in(BAKERY, Party(f"+98912000000{n}")) for n in range(2)]
        await asyncio.sleep(2)
        assert {world.agent_state("sara"), world.agent_state("ben")} == {"ringing"}
        for leg in legs:
            await leg.wait_ended()
        await asyncio.sleep(1)
        assert {c.agent_id for c in await world.all_calls()} == {"sara", "ben"}

    play(story)


def test_colleagues_among_themselves_are_not_recorded(play):
    async def story(world):
        world.switch.register("102", answers(after=1, talks=5))
        caller = world.switch.dial_in("102", Party("101"), extension="101")
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.direction, call.state, call.business_id, call.recording_id) == ("internal", "answered", None, None)
        assert await world.rows("recordings") == []

    play(story)


def test_what_the_network_says_before_the_answer_is_heard_by_who_dials(play):
    async def story(world):
        async def speaks_and_answers(leg):
            leg.party_rings(has_audio=True)
            await asyncio.sleep(5)
            leg.party_answers()

        world.switch.register("101", rings_on())
        world.switch.world = speaks_and_answers
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await asyncio.sleep(3)
        assert not own.is_answered
        assert own.peer is world.switch.legs[1]
        await asyncio.sleep(5)
        assert own.is_answered
        own.party_hangs_up()
        await asyncio.sleep(1)
        assert (await world.only_call()).state == "answered"

    play(story)


def test_a_key_pressed_in_the_first_moment_of_a_conversation_is_in_the_timeline(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        really_bridge = world.switch.bridge

        async def bridge(first, second):
            await really_bridge(first, second)
            first.party_presses("1")

        world.switch.bridge = bridge
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        assert "digit" in await world.kinds((await world.only_call()).call_id)

    play(story)
