"""What goes wrong around a call stops no call, and the books tell it as it was."""

import asyncio
import sqlite3

import pytest

from appliance.agents import service as agents
from appliance.flows.directory import load as load_directory
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
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


def test_an_agent_gone_in_the_moment_of_their_answer_costs_the_caller_nothing(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        really_bridge, times = world.switch.bridge, 0

        async def bridge(first, second):
            nonlocal times
            times += 1
            if times == 1:
                second.party_hangs_up()
            await really_bridge(first, second)

        world.switch.bridge = bridge
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(6)
        assert caller.peer is not None
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id, call.ended_by) == ("answered", "sara", "caller")

    play(story)


def test_a_phone_that_always_answers_and_is_gone_leads_to_the_voicemail(play):
    async def story(world):
        world.switch.register("101", answers(after=1))

        async def bridge(_first, second):
            second.party_hangs_up()
            raise LegGone(Cause.NORMAL)

        world.switch.bridge = bridge
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(10)
        assert (await world.only_call()).phase == "voicemail"
        caller.party_hangs_up()

    play(story)


def test_a_caller_sent_on_to_nobody_by_an_agent_who_left_may_leave_a_message(play):
    async def story(world):
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        world.switch.register("102", rings_on())
        phone = world.switch.legs[1]
        phone.party_asks_transfer("102")
        await asyncio.sleep(1)
        phone.party_hangs_up()
        await asyncio.sleep(29)
        assert world.agent_state("sara") == "idle"
        caller.party_speaks(5)
        await asyncio.sleep(5)
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        kinds = {row["recording_id"]: row["kind"] for row in await world.rows("recordings")}
        assert (call.state, call.agent_id, kinds[call.recording_id]) == ("answered", "sara", "call")
        assert len(await world.rows("messages")) == 1

    play(story)


def test_a_caller_gone_in_the_moment_the_tone_ends_leaves_no_open_recording(play):
    async def story(world):
        caller = world.switch.dial_in("+982188003344", CALLER)
        really_write = world.store.write

        async def write(*args):
            result = await really_write(*args)
            if await world.rows("recordings"):
                caller.party_hangs_up()
            return result

        world.store.write = write
        await caller.wait_ended()
        await asyncio.sleep(1)
        assert [row["state"] for row in await world.rows("recordings")] == ["empty"]
        assert (await world.only_call()).state == "missed"

    play(story)


@pytest.mark.parametrize(
    ("column", "value"), [("hours", '{"someday": "09:00-18:00"}'), ("timezone", "Mars/Olympus_Mons")]
)
def test_hours_that_cannot_be_read_keep_nobody_from_being_answered(play, column, value):
    async def story(world):
        await world.store.write(lambda db: db.execute(f"UPDATE businesses SET {column} = ?", [value]))
        if column == "timezone":
            await world.store.write(lambda db: db.execute('UPDATE businesses SET hours = \'{"mon": "09:00-10:00"}\''))
        world.office.directory = await world.store.read(load_directory)
        world.switch.register("101", answers(after=1))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(5)
        assert caller.peer is not None
        caller.party_hangs_up()

    play(story)
