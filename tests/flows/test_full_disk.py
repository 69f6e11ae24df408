"""A disk that takes nothing stops no call; what happened is written as soon as it can be."""

import asyncio
import sqlite3

from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers

BAKERY = "+982188001122"


def test_a_call_on_a_full_disk_is_answered_and_enters_the_books_later(play):
    async def story(world):
        world.switch.register("101", answers(after=2, talks=30))
        await asyncio.sleep(1)
        really_write, full = world.store.write, True

        async def write(work, *args, **kwargs):
            if full:
                raise sqlite3.OperationalError("database or disk is full")
            return await really_write(work, *args, **kwargs)

        world.store.write = write
        caller = world.switch.dial_in(BAKERY, Party("+989121234567"))
        await asyncio.sleep(10)
        assert caller.peer is not None
        assert await world.all_calls() == []
        await caller.wait_ended()
        await asyncio.sleep(1)
        assert world.agent_state("sara") == "idle"
        assert world.office.books.kept > 0

        full = False
        assert await world.office.books.catch_up()
        call = await world.only_call()
        assert (call.state, call.agent_id, round(call.wait_seconds), round(call.talk_seconds)) == (
            "answered", "sara", 3, 30,
        )  # fmt: skip
        (recording,) = await world.rows("recordings")
        assert recording["state"] == "ready"

    play(story)


def test_two_people_are_connected_though_the_disk_hangs(play, monkeypatch):
    async def story(world):
        async def hangs(*_args, **_kwargs) -> None:
            await asyncio.Event().wait()

        world.switch.register("101", answers(after=2))
        monkeypatch.setattr(asyncio, "to_thread", hangs)
        caller = world.switch.dial_in(BAKERY, Party("+989121234567"))
        await asyncio.sleep(5)
        assert caller.peer is not None
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.recording_id) == ("answered", None)

    play(story)
