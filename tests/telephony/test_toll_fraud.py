"""Nobody spends the office's money: no stranger, no phone beyond its rights, no stolen answer to a challenge.

Every attack is for an expensive number. What proves it: the trunk was never asked to call it.
"""

import secrets
from collections.abc import Iterable

import pytest

from tests.peers import sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench, password
from tests.peers.rtp import Rtp
from tests.peers.sip import Message
from tests.peers.softcall import Outgoing
from tests.peers.softphone import Softphone
from tests.peers.stories import kinds, let_pass, put_through, wait_hears

pytestmark = pytest.mark.telephony
EXPENSIVE = (
    "+882161234567",
    "00882161234567",
    "+1900555123",
    "9900882161234567",
    "+2250712345678",
    "*21*+882161234567#",
)
REFUSED = {
    "401",
    "403",
    "404",
    "407",
    "416",
    "420",
    "480",
    "481",
    "482",
    "483",
    "484",
    "485",
    "488",
    "501",
    "503",
    "603",
}


async def dial(
    phone: Softphone, uri: str, *, from_: str = "", to: str = "", extra: Iterable[tuple[str, str]] = ()
) -> Outgoing:
    """An INVITE whose every line may be forged; a challenge is answered with the phone's own password."""
    call = Outgoing(phone, secrets.token_hex(12))
    phone.calls[call.call_id] = call
    call.rtp = await Rtp.open(phone.tone)
    call.peer, call.target = phone.office, uri
    call.local = from_ or f"<{phone.address_of_record}>;tag={secrets.token_hex(4)}"
    call.remote = to or f"<{uri}>"
    invite = phone.request("INVITE", uri, to=call.remote, call_id=call.call_id, from_=call.local)
    invite.headers += [("Contact", f"<{phone.contact}>"), ("Content-Type", "application/sdp"), *extra]
    invite.body = sip.write_sdp(call.rtp.port, call.codecs)
    phone.wire.spawn(call._go(invite))
    return call


def forged(phone: Softphone, number: str, user: str) -> str:
    """A From in somebody else's name."""
    return f"<sip:{user}@127.0.0.1:{phone.office[1]}>;tag={secrets.token_hex(4)}"


async def test_stranger_reaches_no_expensive_number(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    await bench.phone("101")
    ends = []
    for number in EXPENSIVE:
        stranger = await bench.softphone("stranger", tone=tones.OUTSIDE)
        ends.append(await (await stranger.call(number, shows=NUMBER)).wait_ended())
        ends.append(await (await stranger.call(number, shows="101")).wait_ended())

    assert set(ends) <= REFUSED
    assert not trunk.requests("INVITE")
    assert await office.calls() == []


TRICKS = {
    "a Diversion from our number": [("Diversion", f"<sip:{NUMBER}@127.0.0.1>;reason=unconditional")],
    "a History-Info of ours": [("History-Info", f"<sip:{NUMBER}@127.0.0.1>;index=1")],
    "an asserted identity": [("P-Asserted-Identity", "<sip:101@127.0.0.1>")],
    "a preferred identity": [
        ("P-Preferred-Identity", "<sip:101@127.0.0.1>"),
        ("Remote-Party-ID", "<sip:101@127.0.0.1>"),
    ],
    "a Replaces of nothing": [("Replaces", "a@b;from-tag=1;to-tag=2")],
    "the names of our own variables": [("X-Frontdesk-Extension", "101"), ("variable_frontdesk_origin", "trunk")],
}


@pytest.mark.parametrize("trick", [*TRICKS, "a Route to the trunk", "a maddr of the trunk", "user=phone", "a tel URI"])
async def test_strangers_trick_reaches_nobody(bench: Bench, trick: str):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    stranger = await bench.softphone("101", "guessed", tone=tones.OUTSIDE)
    here, there = f"127.0.0.1:{office.sip_port}", f"127.0.0.1:{trunk.port}"
    uri, extra = f"sip:{EXPENSIVE[0]}@{here}", TRICKS.get(trick, [])
    if trick == "a Route to the trunk":
        extra = [("Route", f"<sip:{here};lr>"), ("Route", f"<sip:{there};lr>")]
        uri = f"sip:{EXPENSIVE[0]}@{there}"
    elif trick == "a maddr of the trunk":
        uri += f";maddr={there.partition(':')[0]};transport=udp"
    elif trick == "user=phone":
        uri += ";user=phone"
    elif trick == "a tel URI":
        uri = f"tel:{EXPENSIVE[0]}"
    call = await dial(stranger, uri, extra=extra)
    ended = await call.wait_ended()

    assert ended in REFUSED | {"400"}
    assert not trunk.requests("INVITE")
    assert not agent.requests("INVITE")
    assert await office.calls() == []


async def phone_at_the_door(bench: Bench, trunk: Softphone) -> Softphone:
    """A phone that is registered and belongs to no agent: the one at the door."""
    office = bench.the_office
    assert office
    text = bench.office_file(trunk.port, ("101",), {}, {})
    text += f'\n[[phone]]\nextension = "201"\nname = "Door"\nsip_password = "{password("201")}"\n'
    await office.apply(text)
    phone = await bench.softphone("201", password("201"), tone=tones.OUTSIDE)
    assert (await phone.register()).status == 200
    return phone


async def test_phone_of_no_agent_calls_nobody_outside(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    await bench.phone("101")
    door = await phone_at_the_door(bench, trunk)
    ends = [await (await door.call(number)).wait_ended() for number in (*EXPENSIVE, OUTSIDE_NUMBER)]
    await office.wait_ended()
    calls = await office.calls()

    assert set(ends) <= REFUSED
    assert not trunk.requests("INVITE")
    assert {c["state"] for c in calls} <= {"refused", "missed"}
    assert {c["hangup_cause"] for c in calls} <= {"forbidden", "unknown-number"}


async def test_phone_of_no_agent_does_not_become_one_by_what_it_writes(bench: Bench):
    trunk = await bench.trunk()
    await bench.office(trunk)
    agent = await bench.phone("101")
    door = await phone_at_the_door(bench, trunk)
    uri = f"sip:{OUTSIDE_NUMBER}@127.0.0.1:{door.office[1]}"
    ends = []
    for from_, extra in (
        (forged(door, OUTSIDE_NUMBER, "101"), []),
        (forged(door, OUTSIDE_NUMBER, NUMBER), []),
        ("", [("P-Asserted-Identity", f"<sip:101@127.0.0.1:{door.office[1]}>")]),
        ("", [("Remote-Party-ID", f"<sip:101@127.0.0.1:{door.office[1]}>;party=calling")]),
        ("", [("Contact", f"<{agent.contact}>")]),
    ):
        ends.append(await (await dial(door, uri, from_=from_, extra=extra)).wait_ended())

    assert set(ends) <= REFUSED | {"400"}
    assert not trunk.requests("INVITE")


async def test_agent_calls_out_only_as_who_they_proved_to_be(bench: Bench):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    office = await bench.office(trunk, agents=("101", "102"))
    agent = await bench.phone("101")
    uri = f"sip:{OUTSIDE_NUMBER}@127.0.0.1:{office.sip_port}"
    extra = [("P-Asserted-Identity", f'"The Bank" <sip:+989121110000@127.0.0.1:{office.sip_port}>')]
    calls = await dial(agent, uri, from_=forged(agent, OUTSIDE_NUMBER, "102"), extra=extra)
    ended = ""
    try:
        rings = await trunk.incoming(3)
    except TimeoutError:
        ended = await calls.wait_ended()
    else:
        shown, asserted = rings.caller, rings.invite.get("p-asserted-identity") + rings.invite.get("remote-party-id")
        await rings.answer()
        await wait_hears(calls, tones.OUTSIDE)
        await rings.hang_up()
        await calls.wait_ended()
        assert shown == NUMBER
        assert "989121110000" not in asserted
        assert "Bank" not in rings.invite.get("from")
    call = await office.wait_ended() if await office.calls() else {}

    assert ended in {"", *REFUSED}
    assert call.get("agent") in {"agent101", None}, "never the one whose name was written"


async def captured(bench: Bench, agent: Softphone, trunk: Softphone) -> Message:
    """An INVITE of the agent with its Authorization, as one who reads the packets has it; its call is over."""
    calls = await agent.call(OUTSIDE_NUMBER)
    rings = await trunk.incoming()
    await rings.reject((486, "Busy Here"))
    await calls.wait_ended()
    assert calls.invite is not None
    return calls.invite


@pytest.mark.parametrize(
    "how", ["as it was", "for another number", "as another method", "with another URI in it", "again and again"]
)
async def test_stolen_authorization_calls_nobody(bench: Bench, how: str):
    trunk = await bench.trunk(tone=tones.OUTSIDE)
    await bench.office(trunk)
    agent = await bench.phone("101")
    invite = await captured(bench, agent, trunk)
    trunk.wire.log.clear()
    name = next(n for n, _v in invite.headers if "uthorization" in n)
    stolen = invite.get(name)
    thief = await bench.softphone("101", tone=tones.AGENT)
    here = f"127.0.0.1:{thief.office[1]}"
    statuses = []
    if how == "as another method":
        request = thief.request("REGISTER", f"sip:{here}", to=f"<sip:101@{here}>")
        request.headers += [("Contact", f"<{thief.contact}>"), ("Authorization", stolen)]
        statuses.append((await thief.ask(request, sign=False)).status)
    else:
        number = OUTSIDE_NUMBER if how in {"as it was", "again and again"} else EXPENSIVE[0]
        if how == "with another URI in it":
            before = sip.challenge_fields(stolen)["uri"]
            stolen = stolen.replace(before, f"sip:{number}@{here}")
        for _ in range(5 if how == "again and again" else 1):
            call = await dial(thief, f"sip:{number}@{here}", from_=invite.get("From"), extra=[(name, stolen)])
            statuses.append(int(await call.wait_ended()))

    assert set(statuses) <= {401, 403, 407}
    assert not trunk.requests("INVITE")


async def test_nonce_is_of_no_use_without_the_password(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    await bench.phone("101")
    thief = await bench.softphone("101", tone=tones.AGENT)
    unsigned = await dial(thief, f"sip:{OUTSIDE_NUMBER}@127.0.0.1:{office.sip_port}")
    await unsigned.wait_ended()
    challenge = unsigned.responses[-1]
    uri = f"sip:{EXPENSIVE[0]}@127.0.0.1:{thief.office[1]}"
    name = "WWW-Authenticate" if challenge.status == 401 else "Proxy-Authenticate"
    answer = "Authorization" if challenge.status == 401 else "Proxy-Authorization"
    ends = []
    for guess in ("", "101", "none"):
        value = sip.sign(challenge.get(name), method="INVITE", uri=uri, user="101", password=guess)
        ends.append(await (await dial(thief, uri, extra=[(answer, value)])).wait_ended())

    assert set(ends) <= {"401", "403", "407"}
    assert not trunk.requests("INVITE")


async def test_caller_from_outside_sends_nobody_on_to_an_expensive_number(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    asked = await caller.refer(EXPENSIVE[0])
    await wait_hears(caller, tones.AGENT)
    await wait_hears(talks, tones.CALLER)
    await caller.hang_up()
    await talks.wait_ended()
    call = await office.wait_ended()

    assert asked.status >= 202
    assert not trunk.requests("INVITE")
    assert "transferred" not in kinds(call)
    assert call["state"] == "answered"


async def test_call_from_the_trunk_to_a_number_that_is_not_ours_does_not_go_out_again(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    await bench.phone("101")
    ends = []
    for number in (*EXPENSIVE, OUTSIDE_NUMBER):
        ends.append(await (await trunk.call(number, shows=CALLER_NUMBER)).wait_ended())
        uri = f"sip:{number}@127.0.0.1:{office.sip_port}"
        extra = [("Diversion", f"<sip:{NUMBER}@127.0.0.1>"), ("P-Asserted-Identity", "<sip:101@127.0.0.1>")]
        ends.append(await (await dial(trunk, uri, extra=extra)).wait_ended())

    assert set(ends) <= REFUSED
    assert not trunk.requests("INVITE")


async def test_a_party_that_refers_the_other_to_a_dialog_elsewhere_has_us_dial_nobody(bench: Bench):
    trunk = await bench.trunk()
    await bench.office(trunk)
    agent = await bench.phone("101")
    elsewhere = await bench.softphone("elsewhere")
    caller, talks = await put_through(trunk, agent)
    for one in (caller, talks):
        uri = f"sip:+900123456@127.0.0.1:{elsewhere.port}?Replaces=none%40x%3Bto-tag%3D1%3Bfrom-tag%3D2"
        await one.ask("REFER", extra=[("Refer-To", f"<{uri}>")])
    await let_pass(2.0)
    assert elsewhere.requests("INVITE") == []
    assert len(trunk.requests("INVITE")) == 0
