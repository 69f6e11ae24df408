"""A menu with real keys: they interrupt what is played, none is lost, and an extension can be dialled through it."""

import pytest

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench, toml
from tests.peers.softcall import Outgoing
from tests.peers.softphone import Softphone
from tests.peers.stories import event, kinds, wait_hears

pytestmark = pytest.mark.telephony

MENU_TONE = tones.CLOSED  # of a business that is always open: nothing else sounds so
MENU = {
    "id": "main",
    "business": "bakery",
    "name": "Main",
    "text": "Press a key.",
    "keys": {"1": "queue", "2": "person:102", "9": "voicemail"},
    "direct_dial": True,
}


async def in_the_menu(bench: Bench, trunk: Softphone) -> Outgoing:
    """A caller who hears the menu of an office with two agents; the menu would go on for a long time."""
    office = await bench.office(trunk, agents=("101", "102"))
    text = bench.office_file(trunk.port, ("101", "102"), {}, {})
    await office.apply(f"{text}\n[[menu]]\n{toml(MENU)}")
    office.replace_announcements({"menu-main": MENU_TONE}, seconds=20)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_hears(caller, MENU_TONE, timeout=15)
    return caller


@pytest.mark.parametrize(("keys", "extension", "choice"), [("2", "102", "person"), ("101", "101", "person")])
async def test_a_key_during_the_menu_rings_whom_it_leads_to(bench: Bench, keys, extension, choice):
    trunk = await bench.trunk()
    caller = await in_the_menu(bench, trunk)
    assert bench.the_office
    agent = await bench.phone(extension)
    caller.rtp.press(keys)
    rings = await agent.incoming(10)
    await rings.ring()
    await rings.answer()
    await wait_hears(caller, agent.tone)
    await wait_hears(rings, trunk.tone)
    await caller.hang_up()
    call = await bench.the_office.wait_ended()

    chosen = event(call, "chose")["detail"]
    assert (chosen["digits"], chosen["choice"], chosen["target"]) == (keys, choice, extension)
    assert kinds(call)[:5] == ["arrived", "greeted", "menu", "chose", "waiting"]
    assert (call["state"], call["agent"]) == ("answered", f"agent{extension}")


async def test_a_key_for_voicemail_takes_a_message(bench: Bench):
    trunk = await bench.trunk()
    caller = await in_the_menu(bench, trunk)
    assert bench.the_office
    caller.rtp.press("9")
    await wait_hears(caller, tones.LEAVE, seconds=0.3)
    call = await bench.the_office.wait_call(phase="voicemail")
    await caller.hang_up()
    assert event(await bench.the_office.last_call(), "chose")["detail"]["choice"] == "voicemail"
    assert call["state"] == "waiting"
