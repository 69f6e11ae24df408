"""Who may send whom where, and what becomes of everyone when it goes wrong."""

import asyncio

import pytest

from appliance.calls import service as calls
from appliance.flows.directory import load as load_directory
from appliance.flows.session import TransferRequest
from appliance.switch.causes import Cause
from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers, refuses, rings_on

CALLER = Party("+989121234567")
BAKERY = "+982188001122"


def test_a_party_outside_cannot_have_us_dial(play):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.world = answers(after=1)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await asyncio.sleep(5)
        outside = world.switch.legs[1]
        answer = outside.party_asks_transfer("+882100000000")
        await asyncio.sleep(5)
        assert answer.outcome == 403
        assert len(world.switch.legs) == 2
        assert own.peer is outside
        own.party_hangs_up()

    play(story)


def test_a_caller_from_outside_cannot_have_us_dial(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        answer = caller.party_asks_transfer("+882100000000")
        await asyncio.sleep(5)
        assert answer.outcome == 403
        assert len(world.switch.legs) == 2
        caller.party_hangs_up()

    play(story)


def test_colleagues_among_themselves_reach_nobody_outside_by_a_transfer(play):
    async def story(world):
        world.switch.register("102", answers(after=1))
        world.switch.world = answers(after=1)
        await asyncio.sleep(1)
        own = world.switch.dial_in("102", Party("109"), extension="109")
        await asyncio.sleep(5)
        answer = world.switch.legs[1].party_asks_transfer("+882100000000")
        await asyncio.sleep(5)
        assert answer.outcome == 503
        assert len(world.switch.legs) == 2
        own.party_hangs_up()

    play(story)


def test_a_transfer_nobody_took_is_not_why_the_call_ended(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        world.switch.register("102", rings_on())
        phone = world.switch.legs[1]
        phone.party_asks_transfer("102")
        await asyncio.sleep(30)
        assert caller.peer is phone
        phone.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by, call.hangup_cause) == ("answered", "agent", "normal")

    play(story)


@pytest.mark.parametrize("stays", [True, False])
def test_somebody_who_takes_a_transfer_and_is_gone_at_once_gives_the_caller_back(play, stays):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        world.switch.register("102", answers(after=2))
        phone = world.switch.legs[1]
        really_bridge = world.switch.bridge

        async def bridge(first, second):
            if second.dialled == "102":
                second.party_hangs_up()
                if not stays:
                    phone.party_hangs_up()
            await really_bridge(first, second)

        world.switch.bridge = bridge
        answer = phone.party_asks_transfer("102")
        await asyncio.sleep(4)
        assert answer.outcome == 503
        assert world.agent_state("ben") == "idle"
        assert caller.peer is (phone if stays else None)
        caller.party_hangs_up()

    play(story)


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED])
def test_a_number_that_declines_is_said_to_have_declined(play, cause):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.world = refuses(cause)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await own.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by, call.hangup_cause) == ("missed", "callee", cause.value)

    play(story)


def test_who_held_an_outgoing_call_is_said_as_it_was(play):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.world = answers(after=1)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await asyncio.sleep(5)
        for leg in (own, world.switch.legs[1]):
            leg.party_holds(True)
            leg.party_holds(False)
            await asyncio.sleep(1)
        own.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        events = await world.store.read(lambda db: calls.timeline(db, call.call_id))
        assert [e.detail["by"] for e in events if e.kind == "held"] == ["agent", "callee"]

    play(story)


@pytest.mark.parametrize("by", ["phone", "console"])
def test_an_agent_who_called_out_sends_the_one_they_called_to_a_colleague(play, by):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.register("102", answers(after=1))
        world.switch.world = answers(after=1)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await asyncio.sleep(5)
        outside = world.switch.legs[1]
        (run,) = world.office.runs.values()
        if by == "phone":
            own.party_asks_transfer("102")
        else:
            await run.transfers.put(TransferRequest("102", asyncio.get_running_loop().create_future()))
        await asyncio.sleep(5)
        assert own.ended
        assert outside.peer is world.switch.legs[2]
        assert (world.agent_state("sara"), world.agent_state("ben")) == ("idle", "in_call")
        world.switch.legs[2].party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id, call.ended_by) == ("answered", "ben", "agent")
        assert outside.ended
        assert world.agent_state("ben") == "idle"

    play(story)


@pytest.mark.parametrize(("who", "said"), [("own", "agent"), ("outside", "callee")])
def test_who_ended_an_outgoing_call_is_said_as_it_was(play, who, said):
    async def story(world):
        world.switch.register("101", rings_on())
        world.switch.world = answers(after=1)
        await asyncio.sleep(1)
        own = world.switch.dial_in("09121234567", Party("101", "Sara"), extension="101")
        await asyncio.sleep(5)
        (own if who == "own" else world.switch.legs[1]).party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by, call.hangup_cause) == ("answered", said, "normal")
        (recording,) = await world.rows("recordings")
        assert recording["state"] == "ready"
        assert world.agent_state("sara") == "idle"

    play(story)


def test_a_call_to_a_phone_of_nobody_stays_the_agents_who_placed_it(play):
    async def story(world):
        await world.store.write(lambda db: db.execute("INSERT INTO extensions VALUES ('109', 'x', 'Door')"))
        world.office.directory = await world.store.read(load_directory)
        world.switch.register("101", rings_on())
        world.switch.register("109", answers(after=1, talks=5))
        await asyncio.sleep(1)
        own = world.switch.dial_in("109", Party("101"), extension="101")
        await own.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.direction, call.state, call.agent_id) == ("internal", "answered", "sara")
        assert world.agent_state("sara") == "idle"

    play(story)
