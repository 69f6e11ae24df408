"""Trunks: registering with a carrier, pinging a peer, reasons a person understands, and who is known."""

import asyncio
from pathlib import Path

import pytest

from appliance.switch.builtin import trunk_client
from appliance.switch.builtin.addresses import Resolver
from appliance.switch.builtin.trunks import Trunks
from appliance.switch.builtin.wire import Place, Request, read
from appliance.switch.events import TrunkChanged
from appliance.switch.port import SwitchConfig, TrunkAccount
from tests.appliance.switch.builtin.peer import SDP, Bench, bench, free_port

CHALLENGE = ('WWW-Authenticate: Digest realm="carrier", nonce="abc", qop="auth", algorithm=MD5',)


async def state(made: Bench, wanted: str) -> TrunkChanged:
    """The first change to that state."""
    async with asyncio.timeout(5):
        while True:
            for event in made.events:
                if isinstance(event, TrunkChanged) and event.state == wanted:
                    return event
            await asyncio.sleep(0.01)


def carrier_account(port: int) -> TrunkAccount:
    return TrunkAccount("carrier", "register", f"127.0.0.1:{port}", username="box", password="key")


async def test_we_register_refresh_and_unregister_when_stopped(tmp_path: Path) -> None:
    port = free_port()
    async with bench(tmp_path) as made:
        carrier = await made.peer(port)
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        first = await carrier.expect("REGISTER")
        assert first["to"] == f"<sip:box@127.0.0.1:{port}>"
        carrier.reply(first, 401, headers=CHALLENGE)
        proven = await carrier.expect("REGISTER")
        assert 'username="box"' in proven["authorization"]
        carrier.reply(proven, 200, headers=(f"Contact: <sip:box@127.0.0.1:{made.port}>;expires=7",))
        assert (await state(made, "up")).reason == ""
        refresh = await carrier.expect("REGISTER", 8)
        assert refresh["call-id"] == first["call-id"]
        carrier.reply(refresh, 200, headers=(f"Contact: <sip:box@127.0.0.1:{made.port}>;expires=3600",))
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(made.switch.stop())
        goodbye = await carrier.expect("REGISTER")
        assert goodbye["expires"] == "0"
        carrier.reply(goodbye, 200)
        await stopping


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (401, "wrong password"),
        (403, "wrong password"),
        (404, "unknown user name"),
        (500, "The carrier has a fault (SIP 500)"),
    ],
)
async def test_a_refused_registration_says_why(tmp_path: Path, status: int, reason: str) -> None:
    port = free_port()
    async with bench(tmp_path) as made:
        carrier = await made.peer(port)
        carrier.on_message = lambda seen: bool(carrier.reply(seen, status, headers=CHALLENGE))
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        assert (await state(made, "down")).reason == reason
        assert len(carrier.everything) <= 2  # no hammering with a password that is wrong


async def test_a_carrier_that_says_nothing_is_down_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_client, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(trunk_client, "_FIRST_RETRY_SECONDS", 0.2)
    port = free_port()
    async with bench(tmp_path) as made:
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        assert (await state(made, "down")).reason == "no answer"
        carrier = await made.peer(port)
        carrier.reply(await carrier.expect("REGISTER"), 200)
        await state(made, "up")


async def test_a_peer_is_pinged_and_its_state_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trunk_client, "_ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(trunk_client, "_PING_DOWN_SECONDS", 0.2)
    port = free_port()
    async with bench(tmp_path, trunk_ports=(port,)) as made:
        assert (await state(made, "down")).reason == "no answer"
        peer = await made.peer(port)
        peer.reply(await peer.expect("OPTIONS"), 404)
        assert (await state(made, "up")).trunk_id == "trunk0"


async def test_a_call_shows_that_a_peer_lives_even_if_it_answers_no_ping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_client, "_ANSWER_SECONDS", 0.4)
    port = free_port()
    async with bench(tmp_path, trunk_ports=(port,)) as made:
        peer = await made.peer(port)
        await peer.expect("OPTIONS")
        peer.request("INVITE", body=SDP)
        await state(made, "up")
        await asyncio.sleep(0.5)
        assert [e.state for e in made.events if isinstance(e, TrunkChanged)] == ["up"]


async def test_only_a_changed_trunk_is_touched(tmp_path: Path) -> None:
    first, second = free_port(), free_port()
    accounts = [TrunkAccount("a", "peer", f"127.0.0.1:{first}"), TrunkAccount("b", "peer", f"127.0.0.1:{second}")]
    async with bench(tmp_path, trunks=tuple(accounts)) as made:
        a, b = await made.peer(first), await made.peer(second)
        for peer in (a, b):
            peer.reply(await peer.expect("OPTIONS"), 200)
        moved = TrunkAccount("b", "peer", f"127.0.0.1:{second}", username="new")
        await made.switch.configure(SwitchConfig(trunks=[accounts[0], moved]))
        b.reply(await b.expect("OPTIONS"), 200)
        assert await a.silence()


async def test_a_registered_trunks_call_is_for_the_number_in_to(tmp_path: Path) -> None:
    port = free_port()
    async with bench(tmp_path) as made:
        carrier = await made.peer(port)
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        carrier.reply(await carrier.expect("REGISTER"), 200)
        carrier.request("INVITE", f"sip:box@127.0.0.1:{made.port}", to="+982188001122", body=SDP)
        assert (await made.offered()).dialled == "+982188001122"


def request_from(place: Place, *, via_port: int = 5060, user: str = "1") -> Request:
    text = (
        f"INVITE sip:{user}@b SIP/2.0\r\nVia: SIP/2.0/TCP x:{via_port};branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        f"To: <sip:{user}@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n"
    )
    request = read(text.encode(), place)
    assert isinstance(request, Request)
    return request


@pytest.mark.parametrize(
    ("place", "via_port", "user", "trunk"),
    [
        (Place("udp", "192.0.2.1", 5090), 5060, "1", "exact"),
        (Place("udp", "192.0.2.1", 5091), 5090, "1", None),
        (Place("tcp", "192.0.2.1", 40000), 5090, "1", "exact"),
        (Place("tcp", "192.0.2.1", 5090), 5060, "1", None),
        (Place("udp", "192.0.2.2", 9), 5060, "1", "anyport"),
        (Place("udp", "192.168.7.200", 9), 5060, "1", "network"),
        (Place("udp", "192.0.2.9", 9), 5060, "second", "carrier2"),
        (Place("udp", "203.0.113.1", 5060), 5060, "1", None),
    ],
)
def test_the_known_trunk_rule(place: Place, via_port: int, user: str, trunk: str | None) -> None:
    trunks = Trunks(Resolver())
    trunks.configure(
        [
            TrunkAccount("exact", "peer", "192.0.2.1:5090"),
            TrunkAccount("anyport", "peer", "192.0.2.2"),
            TrunkAccount("network", "peer", "192.168.7.0/24"),
            TrunkAccount("carrier1", "register", "192.0.2.9:5060", username="first"),
            TrunkAccount("carrier2", "register", "192.0.2.9:5060", username="second"),
        ]
    )
    found = trunks.of(request_from(place, via_port=via_port, user=user))
    assert (found.trunk_id if found else None) == trunk


async def test_the_way_from_the_carrier_through_a_router_is_kept_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_client, "_KEEP_OPEN_SECONDS", 0.05)
    port = free_port()
    async with bench(tmp_path) as made:
        carrier = await made.peer(port)
        take, kept = carrier.datagram_received, asyncio.Event()
        monkeypatch.setattr(
            carrier, "datagram_received", lambda data, addr: take(data, addr) if data.strip() else kept.set()
        )
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        asked = await carrier.expect("REGISTER")
        assert not kept.is_set()
        carrier.reply(asked, 200, headers=(f"Contact: <sip:box@127.0.0.1:{made.port}>;expires=3600",))
        async with asyncio.timeout(3):
            await kept.wait()
        assert await carrier.silence()  # and no REGISTER before its time
        carrier.on_message = lambda seen: carrier.reply(seen, 200) is None


async def test_a_fault_while_registering_does_not_give_the_carrier_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trunk_client, "_FIRST_RETRY_SECONDS", 0.05)
    really, tries = trunk_client.place_of, 0

    async def place_of(*args):
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("a fault")
        return await really(*args)

    monkeypatch.setattr(trunk_client, "place_of", place_of)
    port = free_port()
    async with bench(tmp_path) as made:
        carrier = await made.peer(port)
        await made.switch.configure(SwitchConfig(trunks=[carrier_account(port)]))
        assert (await state(made, "down")).reason == "no connection"
        carrier.reply(await carrier.expect("REGISTER"), 200)
        await state(made, "up")
