"""What a real FreeSWITCH makes of our configuration: who gets in, who does not, and what happens without a core."""

import asyncio
import contextlib
import dataclasses
import re
import time
import wave
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from appliance.switch.causes import Cause
from appliance.switch.freeswitch.config import render
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.standby_books import forget_standby, read_standby
from appliance.switch.port import CallMeanwhile, LegEnded, PhoneAccount, SwitchConfig, TrunkAccount
from tests.appliance.switch.freeswitch.real_freeswitch import (
    RealOffice,
    TinyCore,
    free_port,
    in_a_loop,
    real_office,
    until,
    why_not,
)
from tests.peers.sip import Message
from tests.peers.softphone import Softphone

NUMBER = "+982188001122"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOffice]:
    if reason := why_not():
        pytest.skip(reason)
    with real_office(tmp_path_factory.mktemp("office")) as running:
        yield running


@contextlib.asynccontextmanager
async def phone(
    office: RealOffice, user: str = "101", password: str = "right-101", **more: object
) -> AsyncIterator[Softphone]:
    peer = await Softphone.open(user, password, tone=500, office_port=office.settings.sip_port, **more)
    try:
        yield peer
    finally:
        with contextlib.suppress(Exception):
            for call in list(peer.calls.values()):
                if call.is_up:
                    await call.hang_up()
        await asyncio.sleep(0)
        await peer.close()


def trunk(office: RealOffice):
    return phone(office, "+989121234567", "", port=office.trunk_port)


def test_it_loads_without_an_error(office):
    assert office.complaints_at_start == []


@in_a_loop
async def test_the_right_password_registers_and_any_other_does_not(office):
    async with phone(office) as right, phone(office, password="wrong") as wrong:
        assert (await right.register()).status == 200
        assert (await wrong.register()).status in (401, 403)
        assert (await right.register(expires=0)).status == 200


@in_a_loop
async def test_a_password_that_looks_like_a_variable_is_just_a_password(office):
    async with phone(office, "102", "$${base_dir}") as peer:
        assert (await peer.register()).status == 200
        await peer.register(expires=0)


@in_a_loop
async def test_a_scanner_cannot_tell_an_extension_from_none(office):
    answers = {}
    for user in ("101", "999", "nobody", ""):
        async with phone(office, user or "x", "guess") as peer:
            first = await peer.register(sign=False)
            second = await peer.register()
            answers[user] = (first.status, second.status, second.get("warning"), second.get("reason"))
    assert len(set(answers.values())) == 1, answers


@in_a_loop
async def test_a_strangers_call_is_challenged_and_reaches_nobody(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office, "stranger", "") as stranger:
        for number in (NUMBER, "101", "+88213000000", "9+88213000000", "gw+main"):
            call = await stranger.call(number, shows="stranger")
            assert await call.wait_ended() in ("401", "407")
        assert core.calls.empty()


@in_a_loop
async def test_a_forged_sender_is_challenged_all_the_same(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office, "x", "") as stranger:
        for forged in ("101", "+989121234567", "main", "frontdesk"):
            call = await stranger.call("+88213000000", shows=forged)
            assert await call.wait_ended() in ("401", "407")
        assert core.calls.empty()


@in_a_loop
async def test_a_trunks_call_reaches_core(office):
    async with TinyCore.running(office.secrets.core_port) as core, trunk(office) as carrier:
        call = await carrier.call("+982188001122")
        seen = await core.next_call()
        assert seen["variable_frontdesk_origin"] == "trunk"
        assert seen["variable_frontdesk_trunk"] == "main"
        assert seen["variable_frontdesk_dialled"] == NUMBER
        assert seen["variable_frontdesk_caller"] == "+989121234567"
        assert seen["Caller-Context"] == "public"
        await call.cancel()


@in_a_loop
async def test_a_trunk_over_tcp_is_known_by_address_and_via(office):
    port = free_port()
    trunks = [*office.config.trunks, TrunkAccount("bytcp", "peer", f"127.0.0.1:{port}", transport="tcp")]
    await take(office, dataclasses.replace(office.config, trunks=trunks))
    try:
        async with TinyCore.running(office.secrets.core_port) as core:
            async with phone(office, "+989121234567", "", port=port, transport="tcp") as carrier:
                call = await carrier.call(NUMBER)
                assert (await core.next_call())["variable_frontdesk_trunk"] == "bytcp"
                await call.cancel()
                await call.wait_ended()
            for transport in ("udp", "tcp"):
                async with phone(office, "stranger", "", transport=transport) as stranger:
                    assert await (await stranger.call(NUMBER)).wait_ended() in ("401", "403", "407")
            assert core.calls.empty()
    finally:
        await take(office, office.config)


@in_a_loop
async def test_a_phones_call_reaches_core_under_the_name_it_proved(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office) as peer:
        call = await peer.call("102")
        seen = await core.next_call()
        assert seen["variable_frontdesk_origin"] == "extension"
        assert seen["variable_frontdesk_extension"] == "101"
        assert seen["variable_frontdesk_dialled"] == "102"
        assert seen["Caller-Context"] == "phones"
        await call.cancel()


@in_a_loop
async def test_a_trunk_that_says_it_is_a_phone_is_refused(office):
    async with TinyCore.running(office.secrets.core_port) as core, trunk(office) as carrier:
        call = await carrier.call("+88213000000", shows="101")
        assert await call.wait_ended() == "403"
        assert core.calls.empty()


@in_a_loop
async def test_an_answer_to_a_challenge_works_once(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office) as peer:
        call = await peer.call("102")
        await core.next_call()
        stolen = call.invite
        assert stolen is not None
        await call.cancel()
        await call.wait_ended()
        async with phone(office, "thief", "") as thief:
            headers = {"Via": thief.wire.via("z9hG4bKstolen"), "Call-ID": "stolen", "Contact": f"<{thief.contact}>"}
            again = Message(stolen.first, [(n, headers.get(n, v)) for n, v in stolen.headers], stolen.body)
            assert (await thief.ask(again, sign=False)).status in (401, 403, 407)
        assert core.calls.empty()


@in_a_loop
async def test_text_from_callers_runs_nothing(office, tmp_path):
    trap = tmp_path / "sprung"
    words = f"${{system(touch {trap})}}"
    async with trunk(office) as carrier:
        call = await carrier.call(NUMBER, shows="%24%7Bsystem(touch%20" + str(trap) + ")%7D", name=words)
        await call.wait_answered(timeout=15)
        await call.hang_up()
        odd = await carrier.call("%24%7Bsystem(touch%20" + str(trap) + ")%7D", shows="5", name=words)
        assert (await odd.wait_ended()).startswith("4")
    assert not trap.exists()


@in_a_loop
async def test_without_a_core_the_phones_ring_and_can_answer(office):
    async with phone(office) as agent, trunk(office) as carrier:
        await agent.register()
        call = await carrier.call(NUMBER)
        ringing = await agent.incoming()
        await ringing.answer()
        await call.wait_answered()
        await asyncio.sleep(1.0)
        assert call.rtp.hearing().share(500) > 0.5
        await ringing.hang_up()
        assert await call.wait_ended() == "BYE"
        await agent.register(expires=0)
    mine = await kept(office, lambda one: one.began_at and one.answered_by)
    assert mine.answered_by == "101"
    assert mine.began_at <= mine.bridged_at <= mine.ended_at
    assert mine.message is None
    assert mine.ended is not None
    assert not mine.ended.by_party  # the agent hung up


@in_a_loop
async def test_a_phone_behind_a_router_is_rung_where_it_came_from(office):
    async with phone(office) as agent, trunk(office) as carrier:
        agent.host = "192.168.77.5"  # what it believes, and writes into Contact and SDP
        await agent.register()
        call = await carrier.call(NUMBER)
        ringing = await agent.incoming()
        await ringing.answer()
        await call.wait_answered()
        await until(lambda: call.rtp.hearing().share(500) > 0.5)
        await until(lambda: ringing.rtp.hearing().share(500) > 0.5)  # back to where its audio comes from
        await call.hang_up()
        assert await ringing.wait_ended() == "BYE"
        await agent.register(expires=0)


@in_a_loop
async def test_without_a_core_and_an_answer_the_caller_leaves_a_message(office):
    folder = office.settings.recordings / "fallback" / "acme"
    before = set(folder.glob("*.wav"))
    async with trunk(office) as carrier:
        call = await carrier.call("02188001122")
        await call.wait_answered(timeout=15)
        made = await until(lambda: set(folder.glob("*.wav")) - before)
        await asyncio.sleep(2.0)
        await call.hang_up()
    path = made.pop()
    await until(lambda: _seconds(path) > 1.0)
    uuid = path.stem.partition("_")[2]
    mine = await kept(office, lambda one: one.message == path and one.ended)
    assert (mine.leg_id, mine.business_id, mine.trunk_id) == (uuid, "acme", "main")
    assert (mine.dialled, mine.caller) == ("02188001122", "+989121234567")
    assert mine.ended == LegEnded(Cause.NORMAL, True)
    assert not mine.answered_by
    assert mine.ended_at >= mine.began_at + 2
    await forget_standby(lambda text: ask(office, text), uuid)
    left = await read_standby(lambda text: ask(office, text), office.settings)
    assert uuid not in {call.leg_id for call in left}


async def kept(office: RealOffice, which: Callable[[CallMeanwhile], object]) -> CallMeanwhile:
    """Wait until such a call is kept; the newest one."""
    deadline = time.monotonic() + 10
    while not (
        found := [one for one in await read_standby(lambda text: ask(office, text), office.settings) if which(one)]
    ):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return found[-1]


async def ask(office: RealOffice, command: str) -> str:
    place = ("127.0.0.1", office.secrets.event_socket_port, office.secrets.event_socket_password)
    connection = await EventSocket.connect(*place, lambda _event: None)
    try:
        return await connection.api(command)
    finally:
        await connection.close()


async def until_says(office: RealOffice, command: str, pattern: str) -> str:
    deadline = time.monotonic() + 10
    while not re.search(pattern, answer := await ask(office, command)):
        assert time.monotonic() < deadline, answer
        await asyncio.sleep(0.1)
    return answer


def _seconds(path) -> float:
    try:
        with wave.open(str(path)) as sound:
            assert sound.getframerate() == 8000
            assert sound.getnchannels() == 1
            return sound.getnframes() / 8000
    except (wave.Error, EOFError):
        return 0.0


@in_a_loop
async def test_a_core_that_dies_leaves_its_caller_to_the_standby(office):
    async with TinyCore.running(office.secrets.core_port) as core, trunk(office) as carrier:
        call = await carrier.call(NUMBER)
        await core.next_call()
        assert not call.is_up
        core.close()
        await call.wait_answered(timeout=5)
        await call.hang_up()


@in_a_loop
async def test_a_core_that_hangs_is_treated_as_dead_within_seven_seconds(office):
    async with TinyCore.running(office.secrets.core_port) as core, trunk(office) as carrier:
        call = await carrier.call(NUMBER)
        await core.next_call()
        began = time.monotonic()
        await call.wait_answered(timeout=10)
        assert time.monotonic() - began < 8
        await call.hang_up()


@in_a_loop
async def test_a_blind_transfer_by_a_phone_asks_core_and_dials_nothing_by_itself(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office) as agent, trunk(office) as carrier:
        await agent.register()
        call = await carrier.call(NUMBER)
        caller = (await core.next_call())["Unique-ID"]
        await ask(office, f"sched_del {caller}")
        await ask(office, f"uuid_setvar {caller} socket_resume false")
        offer = asyncio.create_task(ask(office, f"originate user/101@frontdesk &intercept({caller})"))
        ringing = await agent.incoming()
        await ringing.answer()
        await offer
        await call.wait_answered()
        # a REFER in the very moment of the bridge is lost in FreeSWITCH; people take longer
        await until(lambda: call.rtp.hearing().share(500) > 0.5 and ringing.rtp.hearing().share(500) > 0.5)
        assert (await ringing.refer("+88213000000")).status == 202
        handed_over = await core.next_call()
        assert handed_over["Unique-ID"] == caller
        assert handed_over["Caller-Context"] == "transfers"
        assert handed_over["variable_frontdesk_transfer_target"] == "+88213000000"
        assert carrier.arrived.empty()
        await call.hang_up()
        await agent.register(expires=0)


@in_a_loop
async def test_without_a_core_a_phone_dials_no_number_outside(office):
    async with phone(office) as peer, trunk(office) as carrier:
        call = await peer.call("+88213000000")
        assert await call.wait_ended() == "503"
        assert carrier.arrived.empty()


@in_a_loop
async def test_a_registered_phone_cannot_speak_for_another(office):
    async with TinyCore.running(office.secrets.core_port) as core, phone(office, "102", "right-101") as peer:
        call = await peer.call("999")
        peer.user = "101"  # the one it proves to be; From says 102
        seen = await core.next_call()
        assert seen["variable_sip_from_user"] == "102"
        assert seen["variable_frontdesk_extension"] == "101"
        assert seen["variable_frontdesk_caller"] == "101"
        core.close()
        assert await call.wait_ended() == "503"


@in_a_loop
async def test_a_refer_out_of_the_blue_dials_nothing(office):
    async with trunk(office) as carrier, phone(office, "stranger", "") as stranger:
        refer = stranger.request("REFER", f"sip:101@127.0.0.1:{office.settings.sip_port}")
        refer.headers += [
            ("Contact", f"<{stranger.contact}>"),
            ("Refer-To", f"<sip:+88213000000@127.0.0.1:{office.trunk_port}>"),
        ]
        await stranger.ask(refer, sign=False)
        with pytest.raises(TimeoutError):
            await carrier.incoming(timeout=1.5)


@in_a_loop
async def test_what_is_added_while_a_call_is_up_works_at_once_and_leaves_it_alone(office):
    other_port = free_port()
    phones = [*office.config.phones, PhoneAccount("103", "right-103")]
    trunks = [*office.config.trunks, TrunkAccount("second", "peer", f"127.0.0.1:{other_port}")]
    async with phone(office) as agent, trunk(office) as carrier:
        await agent.register()
        call = await carrier.call(NUMBER)
        ringing = await agent.incoming()
        await ringing.answer()
        await call.wait_answered()
        began = time.monotonic()

        async with phone(office, "103", "right-103") as early:
            assert (await early.register()).status in (401, 403)
        await take(office, dataclasses.replace(office.config, phones=phones, trunks=trunks))
        async with phone(office, "103", "right-103") as late:
            assert (await late.register()).status == 200
        async with (
            TinyCore.running(office.secrets.core_port) as core,
            phone(office, "+989120000000", "", port=other_port) as second,
        ):
            other = await second.call(NUMBER)
            assert (await core.next_call())["variable_frontdesk_trunk"] == "second"
            await other.cancel()
            await other.wait_ended()

        await take(office, office.config)
        async with phone(office, "103", "right-103") as gone:
            assert (await gone.register()).status in (401, 403)
        async with phone(office, "+989120000000", "", port=other_port) as second:
            assert await (await second.call(NUMBER)).wait_ended() in ("401", "407")

        assert call.is_up
        assert ringing.is_up
        heard = call.rtp.hearing(since=began + 0.2)
        assert heard.longest_gap < 0.25, "the audio went on"
        await call.hang_up()
        await agent.register(expires=0)


async def take(office: RealOffice, config: SwitchConfig) -> None:
    """Render, and have FreeSWITCH read it, as the engine does."""
    changes = render(office.settings, config, office.secrets)
    for gateway in changes.gateways_to_drop:
        await ask(office, f"sofia profile office killgw {gateway}")
        await until_says(office, "sofia status", rf"(?s)\A(?!.*::{gateway}\b)")
    assert "[Success]" in await ask(office, "reloadxml")
    await ask(office, "reloadacl")
    await ask(office, "sofia profile office rescan")
