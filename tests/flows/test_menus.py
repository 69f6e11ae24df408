"""What a caller lives through who is offered a menu, on simulated time."""

import asyncio
from datetime import UTC, datetime

import pytest

from appliance.calls import service as calls
from appliance.flows.directory import load as load_directory
from appliance.flows.taking_up import GoingOn, take_up
from appliance.menus import service as menus
from appliance.switch.causes import Cause
from appliance.switch.port import Origin, Party, Survivor
from appliance.switch.simulator.engine import answers, refuses, rings_on
from appliance.switch.simulator.leg import SimulatedLeg, write_silence

CALLER = Party("+989121234567")
BAKERY = "+982188001122"
EVENING = datetime(2026, 11, 24, 17, 30, tzinfo=UTC)
MAIN = {"name": "Main", "text": "For orders press one.", "keys": {"1": "queue", "2": "person:102", "9": "voicemail"}}


def heard(leg) -> list[str]:
    return [what for _at, what in leg.heard]


async def furnish(world, **of_menus) -> None:
    """Give the bakery these menus; a menu named later may be led to by one named earlier."""

    def work(db):
        for menu_id, values in reversed(of_menus.items()):
            menus.save_menu(db, menu_id, "bakery", **values)

    await world.store.write(work)
    world.office.directory = await world.store.read(load_directory)


async def press(leg, digits: str, after: float = 0.0) -> None:
    await asyncio.sleep(after)
    leg.party_presses(digits)


async def chose(world) -> list[tuple[str, str, str]]:
    call = await world.only_call()
    found = [e for e in await world.store.read(calls.timeline, call.call_id) if e.kind == "chose"]
    return [(e.detail["digits"], e.detail["choice"], e.detail["target"]) for e in found]


def test_a_key_during_the_menu_interrupts_it_and_leads_to_the_queue(play):
    async def story(world):
        await furnish(world, main=MAIN)
        world.switch.register("101", answers(after=1, talks=5))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "1", after=1.5)
        await caller.wait_ended()
        await asyncio.sleep(1)
        assert heard(caller) == ["greeting", "menu-main", "music", "voice of 101"]
        assert await chose(world) == [("1", "queue", "")]
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "sara")
        assert call.wait_seconds == pytest.approx(2.5, abs=0.2)
        assert (await world.kinds(call.call_id))[:5] == ["arrived", "greeted", "menu", "chose", "waiting"]

    play(story)


def test_a_key_during_the_greeting_is_not_lost(play):
    async def story(world):
        await furnish(world, main=MAIN)
        world.switch.register("101", answers(after=1, talks=5))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "1", after=0.5)
        await caller.wait_ended()
        assert heard(caller) == ["greeting", "music", "voice of 101"]

    play(story)


def test_silence_plays_the_menu_again_and_after_the_tries_goes_on(play):
    async def story(world):
        await furnish(world, main={**MAIN, "tries": 2, "timeout_seconds": 4, "otherwise": "voicemail"})
        caller = world.switch.dial_in(BAKERY, CALLER)
        await asyncio.sleep(1 + 2 * 5 + 0.5)
        assert heard(caller)[:4] == ["greeting", "menu-main", "menu-main", "leave_message"]
        assert (await world.only_call()).phase == "voicemail"
        caller.party_hangs_up()

    play(story)


def test_a_wrong_key_is_said_to_be_one(play):
    async def story(world):
        await furnish(world, main=MAIN)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "5", after=2.5)
        await asyncio.sleep(0.5)
        assert heard(caller) == ["greeting", "menu-main", "wrong_key"]
        assert (await world.only_call()).phase == "menu"
        caller.party_hangs_up()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.phase) == ("missed", "menu")

    play(story)


def test_a_person_is_rung_and_talks(play):
    async def story(world):
        await furnish(world, main=MAIN)
        world.switch.register("102", answers(after=2, talks=9))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "2", after=1.5)
        await caller.wait_ended()
        await asyncio.sleep(1)
        call = await world.only_call()
        assert (call.state, call.agent_id) == ("answered", "ben")
        assert world.agent_state("ben") == "idle"

    play(story)


@pytest.mark.parametrize("phone", [None, refuses(), rings_on()])
def test_a_person_who_does_not_answer_means_a_message(play, phone):
    async def story(world):
        await furnish(world, main=MAIN)
        if phone:
            world.switch.register("102", phone)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "2", after=1.5)
        await asyncio.sleep(21)
        assert "not_available" in heard(caller)
        assert (await world.only_call()).phase == "voicemail"
        assert world.agent_state("ben") in ("idle", "offline")
        caller.party_hangs_up()

    play(story)


def test_an_extension_that_is_gone_is_never_dialled_as_a_number(play):
    async def story(world):
        await furnish(world, main=MAIN)
        world.office.directory.extension_names.pop("102")
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "2", after=1.5)
        await asyncio.sleep(1)
        assert len(world.switch.legs) == 1
        assert "not_available" in heard(caller)
        caller.party_hangs_up()

    play(story)


def test_an_outside_number_is_called_over_the_line_in_the_business_s_name(play):
    async def story(world):
        await furnish(world, main={**MAIN, "keys": {"3": "number:0912 000 0000"}})
        world.switch.world = answers(after=1, talks=5)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "3", after=1.5)
        await caller.wait_ended()
        await asyncio.sleep(1)
        assert world.switch.legs[1].shown == Party(BAKERY, "Nasim Bakery")
        assert (await world.only_call()).state == "answered"

    play(story)


def test_an_announcement_leads_back_to_its_menu(play):
    async def story(world):
        await furnish(world, main={**MAIN, "keys": {"1": "queue", "4": "announcement:We are at the square."}})
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "4", after=1.5)
        await asyncio.sleep(1.5)
        assert heard(caller) == ["greeting", "menu-main", "menu-main_4", "menu-main"]
        caller.party_hangs_up()

    play(story)


def test_a_menu_within_a_menu_and_back(play):
    async def story(world):
        inner = {"name": "Orders", "text": "Cakes or bread?", "plays": "submenu", "keys": {"1": "queue", "*": "back"}}
        await furnish(world, main={**MAIN, "keys": {"1": "menu:orders"}}, orders=inner)
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "1", after=1.5)
        await press(caller, "*", after=0.5)
        await asyncio.sleep(0.5)
        assert heard(caller) == ["greeting", "menu-main", "menu-orders", "menu-main"]
        assert await chose(world) == [("1", "menu", "orders"), ("*", "menu", "main")]
        caller.party_hangs_up()

    play(story)


def test_who_goes_round_for_ever_is_sent_on(play):
    async def story(world):
        await furnish(world, main={**MAIN, "keys": {"4": "announcement:Hello."}, "otherwise": "voicemail"})
        caller = world.switch.dial_in(BAKERY, CALLER)
        for _round in range(30):
            await press(caller, "4", after=0.5)
        await asyncio.sleep(2)
        assert (await world.only_call()).phase == "voicemail"
        assert heard(caller).count("menu-main_4") < 25
        caller.party_hangs_up()

    play(story)


def test_an_extension_of_the_business_may_be_dialled_and_no_other(play):
    async def story(world):
        await furnish(world, main={**MAIN, "direct_dial": True})
        world.switch.register("102", answers(after=1, talks=5))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "102", after=1.5)
        await caller.wait_ended()
        await asyncio.sleep(1)
        assert await chose(world) == [("102", "person", "102")]
        assert (await world.only_call()).agent_id == "ben"

    play(story)


def test_a_key_that_begins_an_extension_counts_when_nothing_follows(play):
    async def story(world):
        await furnish(world, main={**MAIN, "direct_dial": True})
        world.switch.register("101", answers(after=1, talks=5))
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "1", after=1.5)
        await caller.wait_ended()
        assert await chose(world) == [("1", "queue", "")]

    play(story)


def test_when_closed_the_closed_menu_is_played_and_no_other(play):
    async def story(world):
        await furnish(world, main=MAIN, night={**MAIN, "name": "Night", "plays": "closed", "keys": {"9": "voicemail"}})
        caller = world.switch.dial_in(BAKERY, CALLER)
        await press(caller, "9", after=1.5)
        await asyncio.sleep(2)
        assert heard(caller) == ["closed", "menu-night", "leave_message", "tone"]
        caller.party_hangs_up()

    play(story, begin=EVENING)


@pytest.mark.parametrize(("menu_id", "again"), [("main", ["menu-main"]), ("gone", ["greeting", "menu-main"])])
def test_a_core_that_comes_back_plays_the_menu_again(play, menu_id, again):
    async def story(world):
        await furnish(world, main=MAIN)
        call_id = "call_before"
        await world.store.write(
            lambda db: calls.start_call(
                db, call_id=call_id, direction="inbound", business_id="bakery", caller_number=CALLER.number, leg_id="x"
            )
        )
        await world.store.write(lambda db: calls.add_event(db, call_id, "greeted"))
        await world.store.write(lambda db: calls.add_event(db, call_id, "menu", menu_id=menu_id))
        call = await world.only_call()
        assert call.phase == "menu"
        leg = SimulatedLeg("in", CALLER, BAKERY, Origin("trunk", "primary"), write_silence)
        leg.party_answers()
        task = asyncio.create_task(take_up(world.office, GoingOn(call, (Survivor(leg),))))
        await asyncio.sleep(1.5)
        assert heard(leg) == again
        leg.party_hangs_up()
        await task
        assert (await world.only_call()).hangup_cause == Cause.NORMAL.value

    play(story)
