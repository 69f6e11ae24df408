"""A core that comes back: which legs belong to which call, and where each call goes on."""

import asyncio
from datetime import timedelta

import pytest

from appliance import clock
from appliance.calls import service as calls
from appliance.calls.models import Call, Kind
from appliance.contacts import service as contacts
from appliance.flows import recovery, taking_up
from appliance.flows.taking_up import GoingOn, sort_out, strangers
from appliance.recordings import service as recordings
from appliance.switch.port import Origin, Party, Survivor
from appliance.switch.simulator.engine import answers, rings_on
from appliance.switch.simulator.leg import SimulatedLeg, write_silence

CALLER = Party("+989121234567")
BAKERY = "+982188001122"


def a_leg(direction="in", dialled=BAKERY, origin=None) -> SimulatedLeg:
    origin = origin or (Origin("trunk", "primary") if direction == "in" else None)
    leg = SimulatedLeg(direction, CALLER, dialled, origin, write_silence)
    leg.party_answers()
    return leg


def a_call(leg_id: str | None, started_at="2026-11-24T08:00:00.000Z", call_id="call_1") -> Call:
    return Call(call_id, "inbound", "waiting", "waiting", started_at, leg_id=leg_id)


def test_a_call_is_known_by_the_leg_that_began_it():
    leg = a_leg()
    going_on, left = sort_out([a_call(leg.leg_id), a_call("another", call_id="call_2")], [Survivor(leg)])
    assert [(one.call.call_id, one.legs[0].leg) for one in going_on] == [("call_1", leg)]
    assert left == []


def test_a_leg_we_rang_is_known_by_its_tag_and_comes_behind_the_one_that_began():
    leg, rung = a_leg(), a_leg("out", "101")
    ((one,), _left) = sort_out([a_call(leg.leg_id)], [Survivor(rung, tag="call_1"), Survivor(leg)])
    assert [s.leg for s in one.legs] == [leg, rung]


def test_whom_the_standby_connected_belongs_to_the_call():
    leg, rung = a_leg(), a_leg("out", "101")
    survivors = [Survivor(rung, bridged_with=leg), Survivor(leg, bridged_with=rung)]
    ((one,), left) = sort_out([a_call(leg.leg_id)], survivors)
    assert [s.leg for s in one.legs] == [leg, rung]
    assert left == []


def test_calls_are_taken_up_in_the_order_in_which_they_came():
    legs = [a_leg() for _ in range(3)]
    order = [2, 0, 1]
    live = [a_call(legs[n].leg_id, f"2026-11-24T08:00:0{order[n]}.000Z", f"call_{n}") for n in range(3)]
    going_on, _left = sort_out(live, [Survivor(leg) for leg in legs])
    assert [one.call.call_id for one in going_on] == ["call_1", "call_2", "call_0"]


def test_of_the_legs_of_no_call_new_callers_are_served_and_orphans_ended():
    new, orphan, talking, other = a_leg(), a_leg("out", "101"), a_leg(), a_leg("out", "102")
    speaks = a_leg()
    served, ended = strangers(
        [
            Survivor(new),
            Survivor(orphan),
            Survivor(talking, bridged_with=other),
            Survivor(other, bridged_with=talking),
            Survivor(speaks, is_left_alone=True),
        ]
    )
    assert (served, ended) == ([new], [orphan])


# --- the story of each call ---


async def in_the_books(world, leg: SimulatedLeg, *kinds: Kind, ago: float = 60.0, **detail) -> Call:
    """A call that the last core carried so far."""

    def work(db):
        at = clock.stamp(clock.now() - timedelta(seconds=ago))
        call_id = calls.start_call(
            db, direction="inbound", business_id="bakery", caller_number=CALLER.number, leg_id=leg.leg_id, at=at
        )
        for kind in kinds:
            calls.add_event(db, call_id, kind, t=1.0, **detail)
        return calls.get_call(db, call_id)

    return await world.store.write(work)


async def take_up(world, call: Call, *legs: Survivor) -> asyncio.Task[None]:
    return asyncio.ensure_future(taking_up.take_up(world.office, GoingOn(call, legs)))


def test_who_waited_hears_no_second_greeting_and_is_answered(play):
    async def story(world):
        world.switch.register("101", answers(after=2, talks=5))
        await asyncio.sleep(1)
        leg = a_leg()
        call = await in_the_books(world, leg, Kind.GREETED, Kind.WAITING)
        await (await take_up(world, call, Survivor(leg)))
        assert [what for _at, what in leg.heard if "greeting" in what] == []
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "sara")
        assert call.wait_seconds == pytest.approx(62, abs=1)

    play(story)


def test_who_had_not_been_greeted_is_greeted(play):
    async def story(world):
        world.switch.register("101", answers(after=2, talks=5))
        await asyncio.sleep(1)
        leg = a_leg()
        call = await in_the_books(world, leg)
        await (await take_up(world, call, Survivor(leg)))
        assert any("greeting" in what for _at, what in leg.heard)

    play(story)


def test_a_blocked_caller_is_refused_by_the_next_core_too(play):
    async def story(world):
        world.switch.register("101", answers(after=2, talks=5))
        await asyncio.sleep(1)
        await world.store.write(lambda db: contacts.set_blocked(db, "bakery", CALLER.number, blocked=True))
        leg = a_leg()
        call = await in_the_books(world, leg)
        await (await take_up(world, call, Survivor(leg)))
        assert leg.heard == []
        call = await world.only_call()
        assert (call.state, call.answered_at, leg.ended.by_party) == ("refused", None, False)

    play(story)


def test_who_talks_goes_on_talking_and_the_agent_is_not_offered_another_call(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        leg, agents_leg = a_leg(), a_leg("out", "101")
        await world.switch.bridge(leg, agents_leg)
        call = await in_the_books(world, leg, Kind.ANSWERED, agent_id="sara")
        await world.store.write(lambda db: recordings.begin(db, "rec_1", call.call_id, "call", "x.wav", 2))
        file = world.office.settings.recordings / "x.wav"
        survivor = Survivor(leg, bridged_with=agents_leg, recording=file)
        task = await take_up(world, call, survivor, Survivor(agents_leg, bridged_with=leg))
        await asyncio.sleep(5)
        assert world.agent_state("sara") == "in_call"
        agents_leg.party_hangs_up()
        await task
        assert world.agent_state("sara") == "idle"
        call = await world.only_call()
        assert (call.state, call.ended_by) == ("answered", "agent")
        assert [row["recording_id"] for row in await world.rows("recordings")] == ["rec_1"]
        assert (await world.kinds(call.call_id)).count("answered") == 1

    play(story)


def test_whom_the_standby_connected_counts_as_answered_since_then(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        leg, agents_leg = a_leg(), a_leg("out", "101")
        await world.switch.bridge(leg, agents_leg)
        call = await in_the_books(world, leg)
        since = clock.now().timestamp() - 20
        survivors = (Survivor(leg, bridged_with=agents_leg, bridged_at=since), Survivor(agents_leg, bridged_with=leg))
        task = await take_up(world, call, *survivors)
        await asyncio.sleep(10)
        leg.party_hangs_up()
        await task
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "sara")
        assert call.talk_seconds == pytest.approx(30, abs=1)

    play(story)


def test_who_was_being_transferred_has_the_agent_back(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        leg, agents_leg = a_leg(), a_leg("out", "101")
        call = await in_the_books(world, leg, Kind.ANSWERED, Kind.TRANSFER_ASKED, agent_id="sara", target="102")
        task = await take_up(world, call, Survivor(leg), Survivor(agents_leg, tag=call.call_id))
        await asyncio.sleep(1)
        assert leg.peer is agents_leg
        leg.party_hangs_up()
        await task
        assert (await world.only_call()).state == "answered"

    play(story)


def test_who_leaves_a_message_is_left_alone_and_it_is_kept(play):
    async def story(world):
        leg = a_leg()
        call = await in_the_books(world, leg, Kind.VOICEMAIL_ASKED)
        path = recordings.path_for(call.call_id, "voicemail", call.started_at)
        await world.store.write(lambda db: recordings.begin(db, "rec_1", call.call_id, "voicemail", path, 1))
        task = await take_up(world, call, Survivor(leg, is_left_alone=True))
        await asyncio.sleep(5)
        assert leg.heard == []
        file = world.office.settings.recordings / path
        file.parent.mkdir(parents=True)
        write_silence(file, 7, 1)
        leg.party_hangs_up()
        await task
        assert (await world.only_call()).state == "voicemail"
        assert len(await world.rows("messages")) == 1

    play(story)


def test_who_had_left_a_message_is_not_asked_for_another(play):
    async def story(world):
        leg = a_leg()
        call = await in_the_books(world, leg, Kind.VOICEMAIL_ASKED, Kind.VOICEMAIL_LEFT)
        await (await take_up(world, call, Survivor(leg)))
        assert [what for _at, what in leg.heard if "leave_message" in what] == []
        assert leg.ended is not None
        assert (await world.only_call()).state == "voicemail"

    play(story)


def test_a_call_that_goes_on_is_not_closed_with_the_dead(play):
    async def story(world):
        leg = a_leg()
        goes_on = await in_the_books(world, leg, Kind.WAITING)
        cut_off = await in_the_books(world, a_leg(), Kind.WAITING)
        await world.store.write(
            lambda db: recovery.close_what_was_cut_off(db, world.office.settings, going_on={goes_on.call_id})
        )
        states = {call.call_id: call.is_live for call in await world.all_calls()}
        assert states == {goes_on.call_id: True, cut_off.call_id: False}

    play(story)


def test_a_message_that_was_spoken_but_not_entered_is_kept_and_not_asked_for_again(play):
    async def story(world):
        leg = a_leg()
        call = await in_the_books(world, leg, Kind.VOICEMAIL_ASKED)
        path = recordings.path_for(call.call_id, "voicemail", call.started_at)
        file = world.office.settings.recordings / path
        file.parent.mkdir(parents=True)
        write_silence(file, 7, 1)
        await world.store.write(lambda db: recordings.begin(db, "rec_1", call.call_id, "voicemail", path, 1))
        await (await take_up(world, call, Survivor(leg)))
        assert [what for _at, what in leg.heard if "leave_message" in what] == []
        assert len(await world.rows("messages")) == 1

    play(story)


def test_a_second_conversation_of_a_call_is_not_recorded_over_the_first(play):
    async def story(world):
        world.switch.register("101", answers(after=2, talks=5))
        await asyncio.sleep(1)
        leg = a_leg()
        call = await in_the_books(world, leg, Kind.ANSWERED, agent_id="ben")
        first = world.office.settings.recordings / recordings.path_for(call.call_id, "call", call.started_at)
        first.parent.mkdir(parents=True)
        write_silence(first, 9, 2)
        size = first.stat().st_size
        await (await take_up(world, call, Survivor(leg)))
        assert first.stat().st_size == size
        assert [row["path"] for row in await world.rows("recordings")] == [
            recordings.path_for(call.call_id, "call", call.started_at, 2)
        ]

    play(story)
