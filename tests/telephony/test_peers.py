"""The peers measure rightly: proved against each other, with no office between them."""

import time

import pytest

from tests.peers import baresip, sip, sipp, tones
from tests.peers.bench import NUMBER, Bench
from tests.peers.rtp import Rtp
from tests.peers.sip import Message
from tests.peers.waiting import free_port, wait_until

pytestmark = pytest.mark.telephony


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("frequency", [tones.CALLER, tones.AGENT, tones.OUTSIDE])
def test_tone_survives_g711_and_is_told_from_the_others(codec, frequency):
    sound = tones.decode(tones.encode(tones.tone(frequency, 0.4), codec), codec)

    assert set(tones.labels(sound)) == {frequency}


def test_two_tones_at_once_silence_and_noise_are_not_taken_for_one_tone():
    both = tones.tone(tones.CALLER, 0.1) + tones.tone(tones.AGENT, 0.1)
    noise = tones.np.random.default_rng(1).normal(0, 3000, 800).astype("int16")

    assert set(tones.labels(both)) == {tones.OTHER}
    assert set(tones.labels(tones.tone(tones.CALLER, 0.1, 0))) == {tones.SILENT}
    assert set(tones.labels(noise)) == {tones.OTHER}


async def test_softphones_hear_each_other_hold_and_hang_up(peers: Bench):
    one = await peers.softphone("one", tone=tones.CALLER)
    two = await peers.softphone("two", tone=tones.AGENT)
    out = await one.call("two", to=("127.0.0.1", two.port))
    taken = await two.incoming()
    await taken.ring()
    await out.wait_ringing()
    await taken.answer()
    await out.wait_answered()
    start = time.monotonic()
    await wait_until(lambda: len(out.rtp.hearing(start).frames) > 25, "half a second of sound")
    held = await out.hold()
    out.rtp.press("4#")
    await wait_until(lambda: taken.rtp.digits_heard == "4#", "the keys arrive")
    await taken.hang_up()

    assert out.rtp.hearing(start).share(tones.AGENT) > 0.95
    assert taken.rtp.hearing(start).share(tones.CALLER) > 0.95
    assert out.rtp.hearing(start).lost == 0
    assert held.status == 200
    assert sip.read_sdp(taken.reinvites[0].body).direction == "sendonly"
    assert await out.wait_ended() == "BYE"


async def test_softphone_over_tcp_is_refused_and_cancelled(peers: Bench):
    one = await peers.softphone("one", transport="tcp")
    two = await peers.softphone("two", transport="tcp")
    refused = await one.call("two", to=("127.0.0.1", two.port))
    await (await two.incoming()).reject((486, "Busy Here"))
    cancelled = await one.call("two", to=("127.0.0.1", two.port))
    ringing = await two.incoming()
    await ringing.ring()
    await cancelled.wait_ringing()
    await cancelled.cancel()

    assert await refused.wait_ended() == "486"
    assert await cancelled.wait_ended() == "487"
    assert await ringing.wait_ended() == "CANCEL"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest_answers_as_rfc_7616_section_3_9_1(algorithm, monkeypatch):
    monkeypatch.setattr(sip.secrets, "token_hex", lambda _n: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ")
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth", nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        f"algorithm={algorithm}"
    )
    value = sip.sign(challenge, method="GET", uri="/dir/index.html", user="Mufasa", password="Circle of Life")

    expected = {
        "MD5": "8ca523f5e9506fed4657c9700eebdbec",
        "SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
    }
    assert sip.challenge_fields(value)["response"] == expected[algorithm]


@pytest.mark.skipif(not sipp.is_installed(), reason="SIPp (Debian's sip-tester) is not installed")
async def test_sipp_calls_a_softphone_and_its_tone_is_heard(peers: Bench):
    phone = await peers.softphone("two", tone=tones.AGENT)
    phone.auto_answer = True
    keys = {"number": NUMBER, "shows": "+989121234567", "talk_ms": "1000"}
    run = await peers.sipp("caller", office_port=phone.port, media_port=free_port(), calls=2, keys=keys)
    first, second = await phone.incoming(), await phone.incoming()
    result = await run.result()

    assert (result.status, result.successful, result.failed) == (0, 2, 0), result.errors or result.screen
    for call in (first, second):
        assert call.rtp.hearing().share(tones.CALLER) > 0.9
        assert call.caller == "+989121234567"
        assert await call.wait_ended() == "BYE"


@pytest.mark.skipif(not sipp.is_installed(), reason="SIPp (Debian's sip-tester) is not installed")
async def test_softphone_calls_sipp_and_hears_its_tone(peers: Bench):
    phone = await peers.softphone("one")
    port = free_port()
    run = await peers.sipp("phone", office_port=phone.port, port=port, media_port=free_port(), tone=tones.AGENT)
    call = await (await phone.call("sipp", to=("127.0.0.1", port))).wait_answered()
    await wait_until(lambda: call.rtp.hearing().share(tones.AGENT) > 0.5 and len(call.rtp.packets) > 20, "its tone")
    await call.hang_up()

    assert (await run.result()).status == 0


@pytest.mark.skipif(not baresip.is_installed(), reason="baresip (Debian's baresip-core) is not installed")
async def test_baresip_registers_and_talks_with_a_softphone(peers: Bench):
    registrar = await peers.softphone("office", tone=tones.CALLER)
    registrar.answers_to = _register_anyone
    phone = await peers.baresip("101", office_port=registrar.port, auto=True)
    await phone.wait_registered()
    call = await (await registrar.call("101", to=("127.0.0.1", phone.port))).wait_answered()
    await wait_until(lambda: len(call.rtp.packets) > 50, "a second of sound")
    await wait_until(lambda: phone.heard().count(tones.CALLER) > 20, "baresip hears the caller")
    await call.hang_up()
    await phone.wait("CALL_CLOSED")

    assert call.rtp.hearing(call.answered_at + 0.4).share(tones.AGENT) > 0.9


async def test_rtp_loss_and_gaps_are_counted(peers: Bench):
    one, two = await Rtp.open(tones.CALLER), await Rtp.open(tones.AGENT)
    one.start(("127.0.0.1", two.port))
    try:
        await wait_until(lambda: len(two.packets) > 5, "sound")
        one.sending = False
        until = time.monotonic() + 0.3
        await wait_until(lambda: time.monotonic() > until, "a pause")
        one.sending = True
        before = len(two.packets)
        await wait_until(lambda: len(two.packets) > before + 5, "sound again")
    finally:
        await one.close()
        await two.close()

    assert 10 <= two.hearing().lost <= 17
    assert two.hearing().longest_gap > 0.25


def _register_anyone(message: Message) -> Message | None:
    if message.method != "REGISTER":
        return None
    return sip.reply(
        message, 200, "OK", to_tag="r", extra={"Contact": f"{message.get('contact')};expires=60", "Expires": "60"}
    )
