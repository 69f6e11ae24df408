"""Who is no trunk and no phone of ours gets nothing: no call, no registration, no word about who is here."""

import pytest

from tests.peers import sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench, password
from tests.peers.stories import next_call_works, put_through

pytestmark = pytest.mark.telephony


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
    await bench.office(None)
    answers = {}
    for method in ("SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "NOTIFY", "UPDATE", "BYE", "PRACK"):
        stranger = await bench.softphone("stranger")
        request = stranger.request(method, f"sip:101@127.0.0.1:{stranger.office[1]}")
        answers[method] = (await stranger.ask(request, sign=False)).status

    assert {method: status for method, status in answers.items() if status < 400} == {}


async def test_stranger_cannot_end_or_change_a_call_under_way(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    stranger = await bench.softphone("stranger")
    for method in ("BYE", "INVITE", "REFER", "INFO", "CANCEL"):
        request = stranger.request(method, caller.target, call_id=caller.call_id, cseq=900)
        request.headers = [(n, caller.local if n == "From" else caller.remote.split(";")[0] if n == "To" else v)
                           for n, v in request.headers]  # fmt: skip
        if method == "INVITE":
            request.headers.append(("Content-Type", "application/sdp"))
            request.body = sip.write_sdp(9, ["PCMU"])
        assert (await stranger.ask(request, sign=False)).status >= 400
    await caller.hang_up()

    assert await talks.wait_ended() == "BYE"
    assert (await office.wait_ended())["state"] == "answered"


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
