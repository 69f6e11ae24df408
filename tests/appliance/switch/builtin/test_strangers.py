"""Who is listened to: challenges, forged names, torture, floods, and what stays undisturbed."""

import asyncio
import logging
import random
from pathlib import Path

import pytest

from appliance.switch.builtin.shield import Shield
from appliance.switch.builtin.wire import Place
from tests.appliance.switch.builtin.peer import (
    SDP,
    Bench,
    Peer,
    bench,
    bench_with_trunk,
    credentials,
    established,
    in_dialog,
    register,
)


async def proven_invite(peer: Peer, account: str, password: str, claimed: str) -> None:
    """An INVITE for 102 with a digest."""
    uri = f"sip:102@127.0.0.1:{peer.office[1]}"
    peer.request("INVITE", uri, user=claimed, to="102", call_id="one", branch="z9hG4bKx1", body=SDP)
    challenge = await peer.expect(401)
    peer.request("ACK", uri, user=claimed, to="102", call_id="one", branch="z9hG4bKx1")
    proof = credentials(challenge, account, password, "INVITE", uri)
    peer.request("INVITE", uri, user=claimed, to="102", call_id="one", cseq=2, headers=(proof,), body=SDP)


async def test_a_phone_proves_its_password_to_call(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await proven_invite(await made.peer(), "101", "secret-101", "101")
        leg = await made.offered()
        assert leg.origin is not None
        assert (leg.origin.kind, leg.origin.name, leg.dialled) == ("extension", "101", "102")


@pytest.mark.parametrize(
    ("account", "password", "claimed"), [("101", "secret-101", "102"), ("101", "no", "101"), ("no", "no", "no")]
)
async def test_a_forged_name_or_wrong_password_is_refused(
    tmp_path: Path, account: str, password: str, claimed: str
) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        await proven_invite(peer, account, password, claimed)
        assert (await peer.expect(403)).status == 403
        assert made.calls.empty()


async def test_an_invite_from_the_trunks_address_but_another_port_is_challenged(tmp_path: Path) -> None:
    async with bench_with_trunk(tmp_path) as (made, _):
        stranger = await made.peer()
        stranger.request("INVITE", to="+982188001122", body=SDP)
        assert (await stranger.next()).status == 401
        assert made.calls.empty()


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("OPTIONS", 200),
        ("BYE", 481),
        ("CANCEL", 481),
        ("UPDATE", 481),
        ("INFO", 481),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 489),
        ("NOTIFY", 489),
        ("PUBLISH", 489),
        ("NEWMETHOD", 405),
    ],
)
async def test_requests_outside_any_call_get_their_answer(tmp_path: Path, method: str, status: int) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        peer.request(method)
        assert (await peer.next()).status == status


async def test_a_request_that_went_through_too_many_hands_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        peer.send(peer.request("OPTIONS").replace("Max-Forwards: 70", "Max-Forwards: 0").replace("branch=", "branch=z"))
        assert {(await peer.next()).status, (await peer.next()).status} == {200, 483}


async def garbage(made: Bench, peer: Peer, count: int) -> None:
    """Random octets, and real requests cut and bent at random."""
    chance = random.Random(7)
    whole = peer.request("OPTIONS").encode()
    for n in range(count):
        if n % 2:
            data = chance.randbytes(chance.randrange(1, 400))
        else:
            data = bytearray(whole[: chance.randrange(10, len(whole))])
            for _ in range(5):
                data[chance.randrange(len(data))] = chance.randrange(256)
        peer.send(bytes(data))
        if n % 20 == 0:
            await asyncio.sleep(0)


async def test_ten_thousand_broken_packets_leave_no_traceback_and_the_call_undisturbed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with bench_with_trunk(tmp_path) as (made, trunk):
        leg, ok, _ = await established(made, trunk)
        attackers = [await made.peer() for _ in range(20)]
        for attacker in attackers:
            attacker.on_message = lambda _: True
            await garbage(made, attacker, 500)
            trunk.send(b"\x00\xff" * 50)
        in_dialog(trunk, "OPTIONS", ok, cseq=2)
        assert (await trunk.expect(200)).status == 200
        assert leg.is_answered
        assert made.switch.shield.counted["malformed"] > 1000
        assert made.switch.shield.counted["fault"] == 0
        assert not caplog.records


async def test_a_huge_packet_is_counted_and_dropped(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        peer.request("OPTIONS", headers=("X: " + "a" * 30_000,))
        peer.request("OPTIONS", call_id="small")
        assert (await peer.next())["call-id"] == "small"
        assert made.switch.shield.counted["huge"] == 1


async def test_guessing_passwords_meets_silence_while_others_are_served(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        guesser, phone = await made.peer(), await made.phone("102", "secret-102")
        answers = 0
        for _ in range(20):
            try:
                async with asyncio.timeout(0.3):
                    await register(guesser, "101", "guess")
                answers += 1
            except TimeoutError:
                break
        assert 3 <= answers < 20
        assert (await register(phone, "102", "secret-102", expires=60)).status == 200


def shielded(known: set[str] | None = None) -> tuple[Shield, list[float]]:
    """A shield with a clock that a test moves."""
    now = [1000.0]
    return Shield(lambda: now[0], lambda host: host in (known or set())), now


def test_silence_doubles_with_each_return_and_ends() -> None:
    shield, now = shielded()
    place, silences = Place("udp", "203.0.113.9", 5060), []
    for _ in range(4):
        while shield.listens_to(place):
            shield.offence(place, "wrong-password")
        start = now[0]
        while not shield.listens_to(place):
            now[0] += 0.5
        silences.append(now[0] - start)
    assert silences == [2, 4, 8, 16]


def test_a_known_phone_behind_the_same_router_is_heard_while_its_neighbour_is_not() -> None:
    shield, _ = shielded({"203.0.113.9"})
    bad, good = Place("udp", "203.0.113.9", 1111), Place("udp", "203.0.113.9", 2222)
    for _ in range(10):
        shield.offence(bad, "wrong-password")
    assert not shield.listens_to(bad)
    assert shield.listens_to(good)


def test_a_million_sources_take_bounded_memory() -> None:
    shield, _ = shielded()
    for n in range(20_000):
        shield.offence(Place("udp", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", 5060), "malformed")
    assert len(shield) == 4096


def test_a_proven_password_forgives_everything() -> None:
    shield, _ = shielded()
    place = Place("udp", "203.0.113.9", 5060)
    for _ in range(20):
        shield.offence(place, "challenged")
    shield.proved(place)
    assert len(shield) == 0
