"""Phones register: challenges, several phones, expiry, order, restarts."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from appliance import clock
from appliance.switch.builtin import digest
from appliance.switch.events import PhonesChanged
from appliance.switch.port import Binding, PhoneAccount, SwitchConfig
from tests.appliance.switch.builtin.peer import bench, credentials, register


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_phone_with_the_right_password_is_registered(tmp_path: Path, algorithm: str) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        response = await register(peer, algorithm=algorithm)
        assert response.status == 200
        assert "expires=60" in response["contact"]
        (binding,) = made.switch.bindings("101")
        assert binding.source == f"udp:127.0.0.1:{peer.port}"
        await asyncio.sleep(0)
        assert made.events == [PhonesChanged("101")]


async def test_a_wrong_password_and_an_unknown_user_get_the_same_answers(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        wrong = await register(peer, "101", "guess")
        unknown = await register(peer, "999", "guess")
        assert wrong.status == unknown.status == 403
        assert {name for name, _ in wrong.headers} == {name for name, _ in unknown.headers}
        assert not made.switch.bindings()


async def test_a_phone_may_not_register_for_another_extension(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        peer.request("REGISTER", user="102", to="102", headers=("Expires: 60",))
        challenge = await peer.next()
        proof = credentials(challenge, "101", "secret-101", "REGISTER", "sip:127.0.0.1")
        peer.request("REGISTER", "sip:127.0.0.1", user="102", to="102", cseq=2, headers=(proof,))
        assert (await peer.next()).status == 403


async def test_an_old_nonce_is_called_stale_and_a_used_one_is_not_taken_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        uri = "sip:127.0.0.1"
        peer.request("REGISTER", uri, user="101", call_id="one")
        challenge = await peer.next()
        proof = credentials(challenge, "101", "secret-101", "REGISTER", uri)
        peer.request("REGISTER", uri, user="101", call_id="one", cseq=2, headers=(proof,))
        assert (await peer.next()).status == 200
        peer.request("REGISTER", uri, user="101", call_id="one", cseq=3, headers=(proof,))
        replayed = await peer.next()
        assert replayed.status == 401
        assert "stale=true" in replayed["www-authenticate"]
        again = credentials(challenge, "101", "secret-101", "REGISTER", uri, count=2)
        peer.request("REGISTER", uri, user="101", call_id="one", cseq=4, headers=(again,))
        assert (await peer.next()).status == 200
        monkeypatch.setattr(digest, "NONCE_SECONDS", -1.0)
        late = credentials(challenge, "101", "secret-101", "REGISTER", uri, count=3)
        peer.request("REGISTER", uri, user="101", call_id="one", cseq=5, headers=(late,))
        assert "stale=true" in (await peer.next())["www-authenticate"]


async def test_several_phones_register_for_one_extension_and_leave_one_by_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        desk, mobile = await made.phone(), await made.phone()
        assert len(made.switch.bindings("101")) == 2
        await register(desk, expires=0)
        (left,) = made.switch.bindings("101")
        assert left.source.endswith(str(mobile.port))
        response = await register(mobile, expires=0, contact="*")
        assert response.status == 200
        assert not made.switch.bindings("101")


async def test_too_short_an_expiry_is_refused_with_the_least_allowed(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        response = await register(await made.peer(), expires=3)
        assert response.status == 423
        assert response["min-expires"] == "10"


async def test_a_query_without_contact_lists_the_phones(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        phone = await made.phone()
        response = await register(phone, contact="")
        assert response.status == 200
        assert f"127.0.0.1:{phone.port}" in response["contact"]


async def test_a_register_out_of_order_changes_nothing(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        await register(peer, call_id="one", cseq=10)
        assert (await register(peer, call_id="one", cseq=5, expires=0)).status == 500
        assert len(made.switch.bindings("101")) == 1


async def test_a_device_that_comes_back_from_another_port_replaces_itself(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        for _ in range(2):
            peer = await made.peer()
            contact = f'<sip:101@127.0.0.1:{peer.port}>;+sip.instance="<urn:uuid:1>"'
            assert (await register(peer, contact=contact)).status == 200
        assert len(made.switch.bindings("101")) == 1


async def test_a_registration_that_is_not_refreshed_expires(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        binding = Binding(
            "101",
            "sip:101@127.0.0.1:9",
            "udp:127.0.0.1:9",
            expires_at=clock.stamp(clock.now() + timedelta(seconds=0.2)),
        )
        made.switch.registrar.give_back([binding])
        assert made.switch.bindings("101")
        async with asyncio.timeout(3):
            while PhonesChanged("101") not in made.events:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert not made.switch.bindings("101")


async def test_bindings_live_through_a_restart_and_a_changed_password_ends_them(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        await made.phone()
        known = made.switch.bindings()
        await made.switch.stop()
        await made.switch.start(SwitchConfig(phones=[PhoneAccount("101", "secret-101")]), known)
        assert made.switch.bindings("101") == known
        await made.switch.configure(SwitchConfig(phones=[PhoneAccount("101", "another")]))
        assert not made.switch.bindings("101")


async def test_a_phone_behind_nat_is_kept_by_its_source_and_asked_to_refresh_often(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        response = await register(peer, expires=3600, contact="<sip:101@192.168.1.50:5060>")
        assert "expires=120" in response["contact"]
        assert made.switch.bindings()[0].source == f"udp:127.0.0.1:{peer.port}"


async def test_a_phone_that_falls_over_two_challenges_is_offered_one(tmp_path: Path) -> None:
    async with bench(tmp_path) as made:
        peer = await made.peer()
        peer.request("REGISTER", user="101", headers=("User-Agent: baresip v1.0.0 (x86_64/linux)",))
        assert len((await peer.next()).all("www-authenticate")) == 1
        for wanted in (2, 2, 1):
            peer.request("REGISTER", user="101", headers=("User-Agent: Other",))
            assert len((await peer.next()).all("www-authenticate")) == wanted
