"""What goes wrong around a call stops no call, and the books tell it as it was."""

import asyncio
import sqlite3

from appliance.agents import service as agents
from appliance.flows.directory import load as load_directory
from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers, rings_on

CALLER = Party("+989121234567")
BAKERY = "+982188001122"


def test_a_caller_is_answered_though_the_contacts_cannot_be_read(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        await asyncio.sleep(1)

        async def read(*_args):
            raise sqlite3.OperationalError("disk I/O error")

        really_read, world.store.read = world.store.read, read
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        assert caller.peer is not None
        caller.party_hangs_up()
        await asyncio.sleep(1)
        world.store.read = really_read
        assert (await world.only_call()).state == "answered"
        assert world.office.runs == {}

    play(story)


def test_an_agent_removed_while_their_phone_rings_can_still_take_the_call(play):
    async def story(world):
        world.switch.register("101", answers(after=5, talks=30))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(3)
        await world.store.write(lambda db: agents.delete_agent(db, "sara"))
        world.office.directory = await world.store.read(load_directory)
        world.office.desk.configure(world.office.directory.agents.values())
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id, round(call.talk_seconds)) == ("answered", None, 30)

    play(story)


def test_a_business_removed_a_moment_ago_still_answers(play):
    async def story(world):
        world.switch.register("101", rings_on())
        await asyncio.sleep(1)
        await world.store.write(lambda db: db.execute("DELETE FROM businesses WHERE business_id = 'bakery'"))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.phase, call.business_id) == ("missed", "ringing", None)

    play(story)


def test_a_number_we_do_not_have_is_refused_by_the_office(play):
    async def story(world):
        caller = world.switch.dial_in("+982100000000", CALLER)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by, call.hangup_cause) == ("refused", "office", "unknown-number")

    play(story)


def test_an_entry_that_cannot_be_written_does_not_leave_the_call_open(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        really_write = world.store.write

        async def write(*_args):
            raise sqlite3.IntegrityError("no")

        world.store.write = write
        caller.party_presses("1")
        await asyncio.sleep(1)
        world.store.write = really_write
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.ended_by) == ("answered", "caller")

    play(story)
