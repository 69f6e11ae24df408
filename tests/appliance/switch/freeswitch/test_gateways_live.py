"""A carrier that a real FreeSWITCH registers with, by our configuration."""

import asyncio
import contextlib
import dataclasses
import hashlib
from collections.abc import Iterator

import pytest

from appliance.switch.port import TrunkAccount
from tests.appliance.switch.freeswitch.real_freeswitch import (
    RealOffice,
    TinyCore,
    in_a_loop,
    real_office,
    until,
    why_not,
)
from tests.appliance.switch.freeswitch.test_config_live import NUMBER, ask, phone, take, until_says
from tests.peers import sip
from tests.peers.sip import Message
from tests.peers.softphone import Softphone

PASSWORD = 'p"w<&$${base_dir}${uuid}'


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealOffice]:
    if reason := why_not():
        pytest.skip(reason)
    with real_office(tmp_path_factory.mktemp("office")) as running:
        yield running


class Registrar:
    """A carrier's registrar, in a realm that is not its address."""

    challenge = 'Digest realm="carrier.example", nonce="n0nce", algorithm=MD5'

    def __init__(self, carrier: Softphone) -> None:
        self.contact, self.refused, self.seen_users = "", 0, set[str]()
        carrier.answers_to = self.answer

    def answer(self, message: Message) -> Message | None:
        if message.method not in ("REGISTER", "INVITE") or (message.method == "INVITE" and "tag=" in message.get("to")):
            return None
        given = sip.challenge_fields(message.get("authorization") or message.get("proxy-authorization"))
        if not given:
            name = "WWW-Authenticate" if message.method == "REGISTER" else "Proxy-Authenticate"
            status = 401 if message.method == "REGISTER" else 407
            return sip.reply(message, status, "Authenticate", to_tag="r", extra={name: self.challenge})
        h = lambda text: hashlib.md5(text.encode()).hexdigest()  # noqa: E731
        asked = h(f"{message.method}:{given['uri']}")
        middle = ":".join(given[k] for k in ("nc", "cnonce", "qop")) if "qop" in given else ""
        secret = h(f"acct:carrier.example:{PASSWORD}")
        if given["response"] != h(":".join(part for part in (secret, "n0nce", middle, asked) if part)):
            self.refused += 1
            return sip.reply(message, 403, "Forbidden", to_tag="r")
        self.seen_users.add(given["username"])
        if message.method == "INVITE":
            return None
        self.contact = sip.uri_of(message.get("contact"))
        return sip.reply(message, 200, "OK", to_tag="r", extra={"Contact": f"<{self.contact}>;expires=60"})


@contextlib.asynccontextmanager
async def registering(office: RealOffice, password: str = PASSWORD, **more: object):
    """A carrier, its registrar, and the trunk to it configured."""
    async with phone(office, "acct", "") as carrier:
        registrar = Registrar(carrier)
        account = TrunkAccount("carrier", "register", f"127.0.0.1:{carrier.port}", username="acct", password=password)
        await take(office, dataclasses.replace(office.config, trunks=[*office.config.trunks, account]))
        try:
            yield carrier, registrar
        finally:
            await take(office, office.config)


@in_a_loop
async def test_it_registers_whatever_is_in_the_password(office):
    async with registering(office) as (_carrier, registrar):
        await until(lambda: registrar.contact)
        await until_says(office, "sofia status gateway carrier", r"State\s+REGED")
        assert registrar.refused == 0


@in_a_loop
async def test_a_wrong_password_shows_in_the_gateways_state(office):
    async with registering(office, password="wrong") as (_carrier, registrar):
        await until(lambda: registrar.refused)
        await until_says(office, "sofia status gateway carrier", r"State\s+(FAIL_WAIT|FAILED)")


@in_a_loop
async def test_a_call_to_our_contact_is_for_the_number_in_to(office):
    async with registering(office) as (carrier, registrar), TinyCore.running(office.secrets.core_port) as core:
        await until(lambda: registrar.contact)
        invite = carrier.request("INVITE", registrar.contact, to=f"<sip:{NUMBER}@carrier.example>")
        invite.headers += [("Contact", f"<{carrier.contact}>"), ("Content-Type", "application/sdp")]
        invite.body = sip.write_sdp(carrier.port, ["PCMU"], direction="sendrecv", version=1, host="127.0.0.1")
        placed = asyncio.create_task(carrier.ask(invite, sign=False, timeout=20))
        seen = await core.next_call()
        assert seen["variable_frontdesk_trunk"] == "carrier"
        assert seen["variable_sip_req_user"] == sip.user_of(registrar.contact)
        assert seen["variable_frontdesk_dialled"] == NUMBER
        await ask(office, f"uuid_kill {seen['Unique-ID']}")
        assert (await placed).status >= 400

        call = await carrier.call(NUMBER, shows="+989121234567")
        assert (await core.next_call())["variable_frontdesk_dialled"] == NUMBER
        await call.cancel()
        await call.wait_ended()


@in_a_loop
async def test_a_call_over_it_is_signed_with_the_account(office):
    async with registering(office) as (carrier, registrar):
        await until_says(office, "sofia status gateway carrier", r"State\s+REGED")
        registrar.seen_users.clear()
        placed = asyncio.create_task(ask(office, "originate sofia/gateway/carrier/+989120000000 &park()"))
        arrived = await carrier.incoming()
        await arrived.answer()
        assert (await placed).startswith("+OK")
        assert registrar.seen_users == {"acct"}
        await arrived.hang_up()
