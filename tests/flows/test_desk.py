"""What the desk knows of its agents stays true, whatever happens at once."""

import asyncio
from dataclasses import replace

from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers, rings_on

CALLER = Party("+989121234567")
BAKERY = "+982188001122"


def test_an_agent_who_rings_a_colleague_with_a_caller_on_hold_is_offered_nobody_else(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        asks = world.switch.dial_in("09121234567", Party("101"), extension="101")
        await asyncio.sleep(2)
        assert world.agent_state("sara") == "in_call"
        asks.party_hangs_up()
        await asyncio.sleep(1)
        assert world.agent_state("sara") == "in_call"
        second = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        assert [leg.dialled for leg in world.switch.legs].count("101") == 1
        second.party_hangs_up()
        caller.party_hangs_up()
        await asyncio.sleep(1)
        assert world.agent_state("sara") == "idle"

    play(story)


def test_an_agent_who_has_logged_out_during_a_call_is_gone_after_it(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        desk = world.office.desk
        desk.configure([replace(a, status="logged_out") for a in world.office.directory.agents.values()])
        caller.party_hangs_up()
        await asyncio.sleep(1)
        assert world.agent_state("sara") == "offline"

    play(story)


def test_what_happens_while_a_state_is_being_written_is_not_undone(play):
    async def story(world):
        desk, books = world.office.desk, world.office.books
        world.switch.phones |= {"101": rings_on(), "102": rings_on()}
        really_write, slow = books.write, asyncio.Event()

        async def write(work, **kwargs):
            await slow.wait()
            await really_write(work, **kwargs)

        books.write = write
        reconciling = asyncio.create_task(desk.reconcile())  # waits for the disk with the first of the two agents
        await asyncio.sleep(1)
        ringing = [asyncio.create_task(desk.occupy(agent, "in_call", "call_1")) for agent in ("sara", "ben")]
        desk.configure([replace(a, status="on_break") for a in world.office.directory.agents.values()])
        await asyncio.sleep(1)
        slow.set()
        await asyncio.gather(reconciling, *ringing)
        for name in ("sara", "ben"):
            agent = desk.agent(name)
            assert (agent.state, agent.status, agent.call_id) == ("in_call", "on_break", "call_1")

    play(story)


def test_an_agent_on_a_call_that_nobody_carries_is_freed(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        await world.office.desk.occupy("sara", "in_call", "call_gone")
        await world.office.desk.reconcile(set())
        assert world.agent_state("sara") == "idle"

    play(story)
