"""Trunks: one that registers with us as client, a wrong password told in plain words, calls over it."""

import secrets

import pytest

from tests.peers import sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench
from tests.peers.office import Office
from tests.peers.rtp import Rtp
from tests.peers.sip import Message
from tests.peers.softcall import Outgoing
from tests.peers.softphone import Softphone
from tests.peers.stories import put_through, wait_hears
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
ACCOUNT = {"kind": "register", "username": "98218800", "password": "the-carriers-secret"}


class Registrar:
    """A carrier's registrar with Digest authentication, on a softphone's port."""

    def __init__(self, carrier: Softphone, algorithm: str = "MD5") -> None:
        self.algorithm, self.nonce = algorithm, secrets.token_hex(8)
        self.contact, self.expires, self.refused, self.accepted = "", "", 0, 0
        carrier.answers_to = self.answer

    def answer(self, message: Message) -> Message | None:
        """Challenge, check, bind."""
        if message.method != "REGISTER":
            return None
        given = sip.challenge_fields(message.get("authorization"))
        challenge = f'Digest realm="carrier.example", nonce="{self.nonce}", qop="auth", algorithm={self.algorithm}'
        if given.get("nonce") != self.nonce:
            return sip.reply(message, 401, "Unauthorized", to_tag="r", extra={"WWW-Authenticate": challenge})
        expected = self._expected(given, message)
        if given.get("response") != expected or given.get("username") != ACCOUNT["username"]:
            self.refused += 1
            return sip.reply(message, 403, "Forbidden", to_tag="r")
        self.accepted += 1
        self.contact = sip.uri_of(message.get("contact"))
        self.expires = message.get("expires") or sip.parameter(message.get("contact"), "expires")
        extra = {"Contact": f"<{self.contact}>;expires=60", "Expires": "60"}
        return sip.reply(message, 200, "OK", to_tag="r", extra=extra)

    def _expected(self, given: dict[str, str], message: Message) -> str:
        make = sip.hashlib.sha256 if self.algorithm == "SHA-256" else sip.hashlib.md5
        h = lambda text: make(text.encode()).hexdigest()  # noqa: E731
        secret = h(f"{ACCOUNT['username']}:carrier.example:{ACCOUNT['password']}")
        asked = h(f"REGISTER:{message.uri}")
        if "qop" in given:
            return h(f"{secret}:{self.nonce}:{given['nc']}:{given['cnonce']}:auth:{asked}")
        return h(f"{secret}:{self.nonce}:{asked}")


async def trunk_state(office: Office) -> dict:
    """The trunk as the API tells."""
    status = await office.get("/api/v1/status")
    return next(iter(status["trunks"]), {})


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_trunk_registers_and_carries_calls_both_ways(bench: Bench, algorithm: str):
    if (bench.engine, algorithm) == ("freeswitch", "SHA-256"):
        pytest.skip("FreeSWITCH signs in to a carrier with MD5 alone; one that asks for SHA-256 only is told as down")
    carrier = await bench.trunk()
    registrar = Registrar(carrier, algorithm)
    office = await bench.office(carrier, trunk_more=ACCOUNT)
    await wait_until(lambda: registrar.accepted, "the office registers", 10)

    async def up() -> bool:
        return (await trunk_state(office)).get("state") == "up"

    await wait_until(up, "the API says the trunk is up")
    agent = await bench.phone("101")
    caller, talks = await put_through(carrier, agent)
    await caller.hang_up()
    await talks.wait_ended()
    carrier.tone = tones.OUTSIDE
    calls = await agent.call(OUTSIDE_NUMBER)
    outside = await carrier.incoming()
    await outside.answer()
    await wait_hears(calls, tones.OUTSIDE)
    await calls.hang_up()
    await outside.wait_ended()

    assert outside.caller in {NUMBER, ACCOUNT["username"]}
    assert registrar.refused == 0


async def test_carrier_may_call_the_contact_we_registered(bench: Bench):
    carrier = await bench.trunk()
    registrar = Registrar(carrier)
    await bench.office(carrier, trunk_more=ACCOUNT)
    await wait_until(lambda: registrar.contact, "the office registers", 10)
    caller = await _call_contact(carrier, registrar.contact)
    await caller.wait_answered()
    await caller.hang_up()
    call = await bench.the_office.wait_ended()

    assert call["business"] == "bakery"


async def _call_contact(carrier: Softphone, contact: str):
    """INVITE with our contact as Request-URI and the number in To, as carriers do."""
    call = Outgoing(carrier, secrets.token_hex(12))
    carrier.calls[call.call_id] = call
    call.rtp = await Rtp.open(tones.CALLER)
    call.target, call.peer = contact, sip.target_of(contact)
    call.local = f"<sip:{CALLER_NUMBER}@carrier.example>;tag={secrets.token_hex(4)}"
    call.remote = f"<sip:{NUMBER}@carrier.example>"
    invite = carrier.request("INVITE", contact, to=call.remote, call_id=call.call_id, from_=call.local)
    invite.headers += [("Contact", f"<{carrier.contact}>"), ("Content-Type", "application/sdp")]
    invite.body = sip.write_sdp(call.rtp.port, call.codecs)
    carrier.wire.spawn(call._go(invite))
    return call


async def test_wrong_password_is_told_by_api_and_doctor(bench: Bench):
    carrier = await bench.trunk()
    registrar = Registrar(carrier)
    office = await bench.office(carrier, trunk_more=ACCOUNT | {"password": "mistyped"})
    await wait_until(lambda: registrar.refused, "the office tries", 10)

    async def down() -> bool:
        state = await trunk_state(office)
        return state.get("state") == "down" and "password" in str(state).lower()

    await wait_until(down, "the API says that the password is wrong")
    doctor = (await _doctor(office)).lower()

    assert "primary" in doctor
    assert "password" in doctor
    assert "mistyped" not in doctor


async def _doctor(office: Office) -> str:
    try:
        return await office.run("doctor")
    except AssertionError as error:  # it may exit with a failure when something is wrong
        return str(error)


async def test_trunk_that_does_not_answer_is_told(bench: Bench):
    carrier = await bench.trunk()
    carrier.wire.deaf = True
    office = await bench.office(carrier, trunk_more=ACCOUNT)

    async def down() -> bool:
        return (await trunk_state(office)).get("state") == "down"

    await wait_until(down, "the API says that the trunk is down", 40)

    assert "no answer" in str(await trunk_state(office)).lower() or "reason" in str(await trunk_state(office))


async def test_outbound_call_answers_the_carriers_challenge(bench: Bench):
    carrier = await bench.trunk(tone=tones.OUTSIDE)
    registrar = Registrar(carrier)
    await bench.office(carrier, trunk_more=ACCOUNT)
    await wait_until(lambda: registrar.accepted, "the office registers", 10)
    challenge = f'Digest realm="carrier.example", nonce="{secrets.token_hex(8)}", qop="auth", algorithm=MD5'
    plain = carrier.answers_to

    def challenge_invites(message: Message) -> Message | None:
        if message.method == "INVITE" and not message.get("proxy-authorization"):
            return sip.reply(
                message, 407, "Proxy Authentication Required", to_tag="c", extra={"Proxy-Authenticate": challenge}
            )
        return plain(message)

    carrier.answers_to = challenge_invites
    agent = await bench.phone("101")
    calls = await agent.call(OUTSIDE_NUMBER)
    outside = await carrier.incoming()
    await outside.answer()
    await wait_hears(calls, tones.OUTSIDE)

    assert sip.challenge_fields(outside.invite.get("proxy-authorization"))["username"] == ACCOUNT["username"]
