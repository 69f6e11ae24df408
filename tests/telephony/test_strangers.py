"""Who is no trunk and no phone of ours gets nothing: no call, no registration, no word about who is here."""

import pytest

from tests.peers import sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench, password
from tests.peers.stories import ANSWERED, kinds, next_call_works, put_through, wait_hears

pytestmark = pytest.mark.telephony

# What FreeSWITCH says to these outside of a call, whoever asks, before any rule of ours is looked at. Nothing comes of
# it: that is what the tests below see to.
EMPTY_WORDS = {"freeswitch": {"REFER": 202, "INFO": 200}}


async def test_stranger_cannot_call_the_business_nor_out(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    stranger = await bench.softphone("stranger", tone=tones.OUTSIDE)
    ends = []
    for number in (NUMBER, OUTSIDE_NUMBER, "101"):
        call = await stranger.call(number, shows=CALLER_NUMBER)
        ends.append(await call.wait_ended())

    assert set(ends) <= {"401", "403", "407"}
    assert await office.calls() == []
    assert not agent.requests("INVITE")
    assert not trunk.requests("INVITE")


async def test_stranger_who_names_an_extension_is_challenged_and_without_password_refused(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    stranger = await bench.softphone("101", "guessed")
    call = await stranger.call(OUTSIDE_NUMBER)
    ended = await call.wait_ended()

    assert ended in {"401", "403", "407"}
    assert await office.calls() == []


async def test_known_and_unknown_extensions_are_answered_alike(bench: Bench):
    await bench.office(None)
    answers = []
    for user in ("101", "199"):
        stranger = await bench.softphone(user, "wrong")
        first = await stranger.register(sign=False)
        second = await stranger.register()
        answers.append((first.status, second.status, sorted(n for n, _v in second.headers)))

    assert answers[0] == answers[1]
    assert answers[0][:2] in {(401, 401), (401, 403)}


async def test_peer_trunk_is_known_by_its_port_too(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    other = await bench.softphone("carrier")
    call = await other.call(NUMBER, shows=CALLER_NUMBER)

    assert await call.wait_ended() in {"401", "403", "407"}
    assert await office.calls() == []


async def test_other_requests_from_strangers_are_refused(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    answers = {}
    for method in ("SUBSCRIBE", "MESSAGE", "PUBLISH", "NOTIFY", "UPDATE", "BYE", "PRACK", "REFER"):
        stranger = await bench.softphone("stranger")
        request = stranger.request(method, f"sip:101@127.0.0.1:{stranger.office[1]}")
        if method == "REFER":
            request.headers.append(("Refer-To", f"<sip:{OUTSIDE_NUMBER}@127.0.0.1:{trunk.port}>"))
        answers[method] = (await stranger.ask(request, sign=False)).status
    await next_call_works(trunk, agent, office)

    accepted = {method: status for method, status in answers.items() if status < 400}
    assert accepted.items() <= EMPTY_WORDS.get(bench.engine, {}).items()
    assert not trunk.requests("INVITE"), "nobody is called because a stranger asks for it"
    assert len(agent.requests("INVITE")) == 1
    assert len(await office.calls()) == 1


@pytest.mark.parametrize("knows", ["the Call-ID", "the caller's tag too"])
async def test_stranger_cannot_end_or_change_a_call_under_way(bench: Bench, knows: str):
    if (bench.engine, knows) == ("freeswitch", "the caller's tag too"):
        pytest.skip("FreeSWITCH's SIP library needs no To tag to find a call: who has read the INVITE can end it")
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    stranger = await bench.softphone("stranger")
    bodies = {
        "INVITE": ("application/sdp", sip.write_sdp(9, ["PCMU"])),
        "INFO": ("application/dtmf-relay", "Signal=7\r\nDuration=160\r\n"),
    }
    answers = {}
    for method in ("BYE", "INVITE", "REFER", "INFO", "CANCEL"):
        request = stranger.request(method, caller.target, call_id=caller.call_id, cseq=900)
        changed = {"To": caller.remote.split(";")[0]}
        if knows != "the Call-ID":
            changed["From"] = caller.local
        request.headers = [(name, changed.get(name, value)) for name, value in request.headers]
        if method == "REFER":
            request.headers.append(("Refer-To", f"<sip:{OUTSIDE_NUMBER}@127.0.0.1>"))
        if method in bodies:
            kind, request.body = bodies[method]
            request.headers.append(("Content-Type", kind))
        answers[method] = (await stranger.ask(request, sign=False)).status
    await wait_hears(caller, tones.AGENT)
    await wait_hears(talks, tones.CALLER)
    await caller.hang_up()
    ended = await talks.wait_ended()
    call = await office.wait_ended()

    accepted = {method: status for method, status in answers.items() if status < 400}
    assert accepted.items() <= EMPTY_WORDS.get(bench.engine, {}).items()
    assert ended == "BYE"
    assert call["state"] == "answered"
    assert kinds(call) == ANSWERED, "no key, no transfer, no hold"
    assert not trunk.requests("INVITE")


async def test_replayed_authorization_with_a_stale_nonce_is_challenged_afresh(bench: Bench):
    await bench.office(None)
    phone = await bench.phone("101")
    old = next(m for m in phone.wire.log if m.sent and m.get("Authorization"))
    other = await bench.softphone("101", password("101"))
    request = other.request("REGISTER", old.uri, to=old.get("To"))
    request.headers += [("Contact", f"<{other.contact}>"), ("Authorization", old.get("Authorization"))]
    response = await other.ask(request, sign=False)

    assert response.status in {401, 403}, "the same nonce count twice is a replay"


async def test_phone_leaves_and_is_rung_no_more(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    left = await agent.register(expires=0)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await office.wait_call(phase="voicemail")
    await caller.hang_up()
    await office.wait_ended()
    back = await agent.register()
    await next_call_works(trunk, agent, office)

    assert (left.status, back.status) == (200, 200)
    assert len(agent.requests("INVITE")) == 1


async def test_registration_that_is_not_renewed_expires(bench: Bench):
    await bench.office(None)
    agent = await bench.phone("101", expires=60)
    granted = [m for m in agent.wire.received if m.status == 200][-1]

    assert 1 <= int(sip.parameter(granted.get("contact"), "expires") or granted.get("expires")) <= 60
