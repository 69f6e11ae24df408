"""A supervisor in a conversation: rung, let in, let go; and when there is nobody to listen to."""

import asyncio

import pytest

from appliance.flows.listening import ListenerNotReached, NobodyTalks, listen_in
from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers, refuses, rings_on

BAKERY = "+982188001122"


async def talking(world):
    world.switch.register("101", answers(after=1))
    caller = world.switch.dial_in(BAKERY, Party("+989121234567"))
    await asyncio.sleep(10)
    (run,) = world.office.runs.values()
    return caller, run


def test_a_supervisor_is_rung_and_let_in_and_let_go_with_the_call(play):
    async def story(world):
        caller, run = await talking(world)
        world.switch.register("102", answers(after=2))
        await listen_in(world.office, run, "102", "listen")
        listener = world.switch.legs[-1]
        await listen_in(world.office, run, "102", "join")
        assert [what for _at, what in listener.heard] == ["listen: 101", "join: 101"]
        assert len(world.switch.legs) == 3, "who listens already is not rung again"
        caller.party_hangs_up()
        await asyncio.sleep(1)
        assert listener.ended is not None
        assert (await world.only_call()).state == "answered"

    play(story)


def test_a_supervisor_who_leaves_touches_nobody(play):
    async def story(world):
        caller, run = await talking(world)
        world.switch.register("102", answers(after=2, talks=3))
        await listen_in(world.office, run, "102", "whisper")
        await asyncio.sleep(10)
        assert run.listeners == {}
        assert caller.ended is None
        caller.party_hangs_up()

    play(story)


@pytest.mark.parametrize("phone", [refuses(), rings_on(), None])
def test_a_phone_that_is_not_picked_up_is_told(play, phone):
    async def story(world):
        caller, run = await talking(world)
        if phone is not None:
            world.switch.register("102", phone)
        with pytest.raises(ListenerNotReached):
            await listen_in(world.office, run, "102", "listen")
        assert caller.ended is None
        caller.party_hangs_up()

    play(story)


def test_a_call_in_which_nobody_talks_cannot_be_listened_to(play):
    async def story(world):
        world.switch.register("101", rings_on())
        caller = world.switch.dial_in(BAKERY, Party("+989121234567"))
        await asyncio.sleep(5)
        (run,) = world.office.runs.values()
        with pytest.raises(NobodyTalks):
            await listen_in(world.office, run, "102", "listen")
        caller.party_hangs_up()

    play(story)
