"""The engine beside a real FreeSWITCH: what it knows when the connection was gone, or somebody else ended a call."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.switch.causes import Cause
from appliance.switch.events import CallOffered
from appliance.switch.freeswitch.engine import FreeSwitch
from appliance.switch.freeswitch.secrets import load_secrets
from appliance.switch.port import (
    ExtensionTarget,
    Leg,
    LegEnded,
    Party,
    PhoneAccount,
    Standby,
    SwitchConfig,
    TrunkAccount,
)
from tests.appliance.switch.freeswitch.real_freeswitch import free_port, in_a_loop, settings_in, until, why_not
from tests.peers import tones
from tests.peers.softphone import Softphone

NUMBER = "+982188001122"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    if reason := why_not():
        pytest.skip(reason)
    return tmp_path


class Scene:
    """An engine, the calls it was offered, a trunk and an agent's phone."""

    def __init__(self, switch: FreeSwitch, trunk: Softphone, phone: Softphone) -> None:
        self.switch, self.trunk, self.phone = switch, trunk, phone
        self.offered: asyncio.Queue[Leg] = asyncio.Queue()

    async def listen(self) -> None:
        async for event in self.switch.events():
            if isinstance(event, CallOffered):
                self.offered.put_nowait(event.leg)

    async def call_in(self):
        call = await self.trunk.call(NUMBER)
        async with asyncio.timeout(8):
            leg = await self.offered.get()
        await leg.answer()
        await call.wait_answered()
        return call, leg

    async def call_phone(self, waiting: Leg):
        leg = await self.switch.call(ExtensionTarget("101"), show=Party("1"), tag="call_1", waiting=waiting)
        rings = await self.phone.incoming()
        await rings.answer()
        await leg.wait_answered()
        return rings, leg

    async def ask(self, text: str) -> str:
        return await self.switch.exchange.socket().api(text)


@contextlib.asynccontextmanager
async def scene(home: Path) -> AsyncIterator[Scene]:
    settings, trunk_port = settings_in(home), free_port()
    config = SwitchConfig(
        phones=[PhoneAccount("101", "right-101")],
        trunks=[TrunkAccount("main", "peer", f"127.0.0.1:{trunk_port}")],
        standby=[Standby("acme", [NUMBER], ["101"], ring_seconds=3, voicemail_seconds=10)],
    )
    load_secrets(settings)
    switch = FreeSwitch(settings)
    await switch.start(config)
    office = {"office_port": settings.sip_port}
    trunk = await Softphone.open("+989121234567", "", tone=tones.CALLER, port=trunk_port, **office)
    phone = await Softphone.open("101", "right-101", tone=tones.AGENT, **office)
    here = Scene(switch, trunk, phone)
    listening = asyncio.create_task(here.listen())
    try:
        await phone.register()
        await until(lambda: switch.bindings("101"))
        yield here
    finally:
        await switch.stop()
        await listening
        await trunk.close()
        await phone.close()


@in_a_loop
async def test_a_leg_that_ended_while_the_connection_was_gone_is_known_to_have_ended(home):
    async with scene(home) as here:
        call, leg = await here.call_in()
        here.switch.exchange.socket().abort("the test")
        await call.hang_up()
        async with asyncio.timeout(10):
            assert await leg.wait_ended() == LegEnded(Cause.NORMAL, True)


@in_a_loop
async def test_a_leg_that_lives_while_the_connection_was_gone_lives_on(home):
    async with scene(home) as here:
        call, leg = await here.call_in()
        rings, agent = await here.call_phone(leg)
        await here.switch.bridge(leg, agent)
        here.switch.exchange.socket().abort("the test")
        await until(lambda: here.switch.exchange.link.is_up)
        await asyncio.sleep(0)
        assert leg.ended is None
        await until(lambda: call.rtp.hearing().share(tones.AGENT) > 0.3)
        await rings.hang_up()
        async with asyncio.timeout(8):
            assert (await agent.wait_ended()).by_party


@in_a_loop
async def test_a_channel_that_somebody_else_killed_ends_its_leg(home):
    async with scene(home) as here:
        _call, leg = await here.call_in()
        await here.ask(f"uuid_kill {leg.leg_id}")
        async with asyncio.timeout(5):
            await leg.wait_ended()


@in_a_loop
async def test_a_phone_that_is_picked_up_and_down_at_once_leaves_no_leg(home):
    async with scene(home) as here:
        _call, leg = await here.call_in()
        agent = await here.switch.call(ExtensionTarget("101"), show=Party("1"), waiting=leg)
        rings = await here.phone.incoming()
        await rings.answer()
        await rings.hang_up()
        async with asyncio.timeout(8):
            await agent.wait_ended()
        assert leg.ended is None
        assert here.switch.exchange.living() == [leg]


@in_a_loop
async def test_of_several_phones_that_are_picked_up_together_one_has_the_call(home):
    async with scene(home) as here:
        second = await Softphone.open("101", "right-101", tone=tones.AGENT, office_port=here.phone.office[1])
        await second.register()
        await until(lambda: len(here.switch.bindings("101")) == 2)
        call, leg = await here.call_in()
        agent = await here.switch.call(ExtensionTarget("101"), show=Party("1"), waiting=leg)
        both = await asyncio.gather(here.phone.incoming(), second.incoming())
        await asyncio.gather(*(one.answer() for one in both))
        async with asyncio.timeout(8):
            await agent.wait_answered()
        await here.switch.bridge(leg, agent)
        await until(lambda: call.rtp.hearing().share(tones.AGENT) > 0.3)
        await until(lambda: [one.is_up for one in both].count(True) == 1)
        await agent.hang_up()
        await second.close()


@in_a_loop
async def test_parted_legs_are_in_hand_and_can_be_bridged_again(home):
    async with scene(home) as here:
        call, leg = await here.call_in()
        _rings, agent = await here.call_phone(leg)
        for _ in range(3):
            await here.switch.bridge(leg, agent)
            await here.switch.unbridge(leg)
        dump = await here.ask(f"uuid_getvar {leg.leg_id} socket_resume")
        assert dump == "true", "should core die now, the standby has the caller"
        await here.switch.bridge(leg, agent)
        since = asyncio.get_running_loop().time()
        await until(lambda: call.rtp.hearing(since).share(tones.AGENT) > 0.5)
