"""Nobody answers: the caller is asked for a message, which is recorded and mailed with its sound."""

import io
import time
import wave

import pytest

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Office
from tests.peers.softcall import BUSY, DECLINE, Outgoing
from tests.peers.stories import event, kinds, let_pass, ring_agent, wait_beep, wait_hears
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
# T1 of RFC 3261; FreeSWITCH's SIP library sends nothing again sooner than after a second, whatever it is told
FIRST_RESEND_SECONDS = {"builtin": 0.5, "freeswitch": 1.0}


async def leave_message(caller: Outgoing, seconds: float = 2.5) -> None:
    """Wait for the tone, speak, hang up."""
    caller.rtp.sending = False
    await wait_beep(caller)
    caller.rtp.sending = True
    await let_pass(seconds)
    await caller.hang_up()


async def proves_voicemail(bench: Bench, office: Office, seconds: float = 2.5) -> dict:
    """The newest call is a voicemail that can be played, is a message, and was mailed with the sound."""
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))
    message = (await office.get("/api/v1/messages"))["items"][0]
    assert (call["state"], call["answered_at"]) == ("voicemail", None)
    assert len(sound.channels) == 1
    spoken = tones.labels(sound.channels[0]).count(tones.CALLER) * 0.02
    assert spoken == pytest.approx(seconds, abs=0.5)
    assert (message["kind"], message["call"]) == ("voicemail", call["id"])
    assert bench.mail
    await wait_until(lambda: bench.mail.mails, "the mail arrives", 10)
    mail = bench.mail.mails[0]
    assert "owner@example.com" in str(mail["To"])
    assert CALLER_NUMBER.lstrip("+") in mail.as_string().replace(" ", "") or "912" in str(mail.get_body())
    attached = next(part for part in mail.iter_attachments() if part.get_content_maintype() == "audio")
    with wave.open(io.BytesIO(attached.get_content())) as file:
        assert file.getnframes() / file.getframerate() == pytest.approx(sound.seconds, abs=0.1)
    return call


@pytest.mark.parametrize(("answer", "cause"), [(DECLINE, "rejected"), (BUSY, "busy")])
async def test_agent_who_refuses_sends_the_caller_to_voicemail_at_once(bench: Bench, answer, cause):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True)
    agent = await bench.phone("101")
    caller, rings = await ring_agent(trunk, agent)
    refused = time.monotonic()
    await rings.reject(answer)
    await office.wait_call(phase="voicemail")
    asked = time.monotonic() - refused
    await leave_message(caller)
    call = await proves_voicemail(bench, office)

    assert asked < 1.5
    assert kinds(call)[:7] == ["arrived", "greeted", "waiting", "offered", "rang", "offer_ended", "voicemail_asked"]
    assert kinds(call)[7:] == ["voicemail_left", "ended"]
    assert event(call, "offer_ended")["detail"]["cause"] == cause


async def test_agent_who_does_not_answer_sends_the_caller_to_voicemail_in_time(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True, business={"ring_seconds": 2})
    agent = await bench.phone("101")
    caller, rings = await ring_agent(trunk, agent)
    stopped = await rings.wait_ended()
    rang = rings.ended_at - rings.arrived_at
    await leave_message(caller)
    call = await proves_voicemail(bench, office)

    assert stopped == "CANCEL"
    assert rang == pytest.approx(2.0, abs=0.5)
    assert event(call, "offer_ended")["detail"]["cause"] == "no-answer"


async def test_phone_that_never_responds_is_given_up_and_its_invite_was_resent(bench: Bench):
    first = FIRST_RESEND_SECONDS[bench.engine]
    trunk = await bench.trunk()
    office = await bench.office(trunk, business={"ring_seconds": round(6.5 * first)})
    agent = await bench.phone("101")
    agent.answers_to = lambda m: None
    agent._arrive = _ignore
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await office.wait_call(phase="voicemail", timeout=12)
    await caller.hang_up()
    call = await office.wait_ended()
    invites = agent.requests("INVITE")

    assert 3 <= len(invites) <= 4, "RFC 3261 17.1.1.2: at 0, T1, 3 T1"
    assert invites[1].at - invites[0].at == pytest.approx(first, abs=0.2)
    assert invites[2].at - invites[1].at == pytest.approx(2 * first, abs=0.2)
    assert len({m.branch for m in invites}) == 1
    assert call["state"] == "missed"
    assert "rang" not in kinds(call)


async def _ignore(_message) -> None:
    return


async def test_second_agent_is_offered_the_caller_whom_the_first_refused(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, agents=("101", "102"))
    phones = {e: await bench.phone(e) for e in ("101", "102")}
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_until(lambda: any(p.requests("INVITE") for p in phones.values()), "a phone rings", 10)
    first = next(p for p in phones.values() if p.requests("INVITE"))
    second = next(p for p in phones.values() if p is not first)
    await (await first.incoming()).reject(DECLINE)
    talks = await second.incoming()
    await talks.ring()
    await talks.answer()
    await office.wait_call(state="talking")
    await caller.hang_up()
    call = await office.wait_ended()

    assert kinds(call).count("offered") == 2
    assert call["agent"] == f"agent{second.user}"


async def test_no_phone_registered_means_voicemail_without_ringing(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True, spoken=True)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await leave_message(caller)
    call = await proves_voicemail(bench, office)

    assert "offered" not in kinds(call)


async def test_closed_business_says_so_and_takes_a_message(bench: Bench):
    day = time.strftime("%a", time.gmtime(time.time() + 3.5 * 3600 - 2 * 86400)).lower()
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True, business={"hours": {day: "09:00-09:01"}})
    agent = await bench.phone("101")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_hears(caller, tones.CLOSED, seconds=0.3)
    await wait_hears(caller, tones.LEAVE, seconds=0.3)
    await leave_message(caller)
    call = await proves_voicemail(bench, office)

    assert kinds(call) == ["arrived", "closed", "voicemail_asked", "voicemail_left", "ended"]
    assert not agent.requests("INVITE")


async def test_hash_key_ends_the_message_and_the_caller_is_thanked(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    caller.rtp.sending = False
    await wait_beep(caller)
    caller.rtp.sending = True
    await let_pass(2.0)
    caller.rtp.press("#")
    await wait_hears(caller, tones.SAVED, seconds=0.3)
    ended = await caller.wait_ended(10)
    call = await proves_voicemail(bench, office, 2.0)

    assert ended == "BYE"
    assert event(call, "ended")["detail"]["by"] == "office"


async def test_voicemail_ends_at_its_limit(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True, business={"voicemail_seconds": 5})
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    caller.rtp.sending = False
    await wait_beep(caller)
    caller.rtp.sending = True
    ended = await caller.wait_ended(15)
    await proves_voicemail(bench, office, 5.0 - 1.0)

    assert ended == "BYE"
