"""The core dies, hangs or is not there: on a switch that outlives it no call does, and the books have no gap."""

import contextlib
import os
import random
import signal
import time
from collections.abc import AsyncIterator

import pytest

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, OUTSIDE_NUMBER, Bench
from tests.peers.office import LIVE, Call, Office
from tests.peers.softphone import Softphone
from tests.peers.stories import (
    event,
    first_to_ring,
    kinds,
    let_pass,
    next_call_works,
    put_through,
    ring_agent,
    wait_announced,
    wait_beep,
    wait_hears,
)
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
KILLS = int(os.environ.get("FRONTDESK_TEST_KILLS", "5"))  # more of them on a quiet night
PATIENCE_SECONDS = 13.0  # it takes a second or so (`make bench freeswitch`); a machine that does much else needs more
Scene = tuple[Softphone, Softphone, Office]


@pytest.fixture(autouse=True)
def outlives(engine: str) -> None:
    if engine == "builtin":
        pytest.skip("the built-in engine is part of the core: its calls end with it (test_killed.py)")


async def scene(bench: Bench, **options) -> Scene:
    trunk = await bench.trunk()
    office = await bench.office(trunk, **options)
    return trunk, await bench.phone("101", expires=3600), office


async def core_is_back(office: Office, before: int, timeout: float = 20.0) -> None:
    async def back() -> bool:
        core = (await office.get("/api/v1/status"))["core"]
        return core["running"] and core["pid"] != before and await office.is_well()

    await wait_until(back, "a new core is well", timeout)


async def kill_core(office: Office) -> None:
    before = office.pid_of("core")
    office.kill("core")
    await core_is_back(office, before)


@contextlib.asynccontextmanager
async def nobody_there(office: Office) -> AsyncIterator[None]:
    """Core, web and who starts them are killed, and started again at the end; FreeSWITCH goes on."""
    assert office.process is not None
    pids = [office.process.pid, office.pid_of("core"), office.pid_of("web")]
    for pid in pids:  # core and web end by themselves when who started them is killed: they may be gone
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await office.process.wait()
    yield
    await office.start()


def taken_up(call: Call) -> bool:
    return "core_back" in kinds(call)


async def wait_taken_up(office: Office, timeout: float = PATIENCE_SECONDS) -> Call:
    async def up() -> Call:
        call = await office.last_call()
        return call if call and taken_up(call) else {}

    return await wait_until(up, "the call is taken up", timeout)


async def test_a_caller_who_waits_goes_on_waiting_and_is_answered(bench: Bench):
    trunk, agent, office = await scene(bench)
    first, talks = await put_through(trunk, agent)
    second = await (await trunk.call(NUMBER, shows="+989120000002")).wait_answered()
    await office.wait_call(phase="waiting", caller="+989120000002")
    await kill_core(office)
    await wait_taken_up(office)
    await talks.hang_up()
    await first.wait_ended()
    await answer_whatever_rings(agent, second)
    await second.hang_up()
    await office.wait_ended()
    calls = await office.calls()

    assert [c["state"] for c in calls] == ["answered", "answered"]
    assert [c["hangup_cause"] for c in calls] == ["normal", "normal"]


@pytest.mark.parametrize("phase", ["greeting", "ringing"])
async def test_a_caller_not_yet_answered_is_answered_by_the_next_core(bench: Bench, phase: str):
    trunk, agent, office = await scene(bench)
    if phase == "ringing":
        caller, _rings = await ring_agent(trunk, agent)
        await office.wait_call(state="ringing", agent="agent101")
    else:
        caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
        await wait_announced(caller)
    await kill_core(office)
    call = await wait_taken_up(office)
    assert call["state"] in LIVE
    await answer_whatever_rings(agent, caller)
    await caller.hang_up()
    call = await office.wait_ended()
    await next_call_works(trunk, agent, office)

    assert (call["state"], call["hangup_cause"], call["agent"]) == ("answered", "normal", "agent101")


async def answer_whatever_rings(agent: Softphone, caller) -> None:
    """The phone rings for a core that died, for the standby, and for the new core: whoever is last has the caller."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        rings = await agent.incoming(15)
        with contextlib.suppress(Exception):
            await rings.answer()
            await wait_hears(caller, tones.AGENT, timeout=2.0)
            return
    raise TimeoutError("nobody reached the caller")


async def test_who_talks_does_not_notice_and_the_recording_is_whole(bench: Bench):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    began = time.monotonic()
    await kill_core(office)
    call = await wait_taken_up(office)
    assert (call["state"], call["agent"]) == ("talking", "agent101")
    await let_pass(1.0)
    heard = [one.rtp.hearing(began) for one in (caller, talks)]
    talked = time.monotonic() - talks.answered_at
    await talks.hang_up()
    assert await caller.wait_ended() == "BYE"
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))
    await next_call_works(trunk, agent, office)

    assert [h.lost for h in heard] == [0, 0]
    assert min(heard[0].share(tones.AGENT), heard[1].share(tones.CALLER)) > 0.93  # see stories.clear
    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")
    assert event(call, "ended")["detail"]["by"] == "agent"
    assert kinds(call).count("answered") == kinds(call).count("recording_started") == 1
    assert sound.seconds == pytest.approx(talked, abs=0.5)
    assert tones.share(tones.labels(sound.channels[0][3200:-1600]), tones.CALLER) > 0.98


async def test_who_is_on_hold_is_taken_back_after_it(bench: Bench):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    await talks.hold()
    await wait_announced(caller)
    await kill_core(office)
    await wait_taken_up(office)
    await talks.resume()
    await wait_hears(caller, tones.AGENT)
    await caller.hang_up()
    await talks.wait_ended()
    call = await office.wait_ended()

    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")
    assert kinds(call).count("held") == 1
    assert "resumed" in kinds(call)


async def test_who_is_being_transferred_reaches_somebody(bench: Bench):
    trunk, agent, office = await scene(bench, agents=("101", "102"))
    colleague = await bench.phone("102")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    first, talks = await first_to_ring(agent, colleague)
    target = colleague if first is agent else agent
    await talks.answer()
    await wait_hears(caller, first.tone)
    await talks.refer(target.user)
    rings = await target.incoming(10)
    await rings.ring()
    await kill_core(office)
    with contextlib.suppress(Exception):
        await rings.answer()
    call = await wait_taken_up(office)

    async def with_somebody() -> bool:
        heard = caller.rtp.hearing(time.monotonic() - 0.6)
        return max(heard.share(tones.AGENT), heard.share(tones.SECOND_AGENT)) > 0.9

    await wait_until(with_somebody, "the caller hears an agent", 15)
    await caller.hang_up()
    call = await office.wait_ended()
    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")


async def test_who_leaves_a_message_is_not_disturbed_and_it_is_mailed(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, mail=True)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    caller.rtp.sending = False
    await wait_beep(caller)
    caller.rtp.sending = True
    await let_pass(1.5)
    await kill_core(office)
    await let_pass(1.5)
    await caller.hang_up()
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))
    assert bench.mail
    await wait_until(lambda: bench.mail.mails, "the mail arrives", 15)

    assert (call["state"], call["hangup_cause"]) == ("voicemail", "normal")
    assert tones.labels(sound.channels[0]).count(tones.CALLER) * 0.02 > 3.0
    assert len(bench.mail.mails) == 1


async def test_a_call_an_agent_placed_is_taken_up_too(bench: Bench):
    trunk, agent, office = await scene(bench)
    call = await agent.call(OUTSIDE_NUMBER)
    outside = await trunk.incoming()
    await outside.answer()
    await call.wait_answered()
    await wait_hears(call, trunk.tone)
    await kill_core(office)
    await wait_taken_up(office)
    await wait_hears(call, trunk.tone)
    await outside.hang_up()
    assert await call.wait_ended() == "BYE"
    ended = await office.wait_ended()

    assert (ended["direction"], ended["state"], ended["hangup_cause"]) == ("outbound", "answered", "normal")
    assert event(ended, "ended")["detail"]["by"] == "callee"


async def test_a_call_being_placed_is_connected_without_a_core(bench: Bench):
    trunk, agent, office = await scene(bench)
    call = await agent.call(OUTSIDE_NUMBER)
    outside = await trunk.incoming()
    await outside.ring()
    async with nobody_there(office):
        await outside.answer()
        await wait_hears(outside, tones.AGENT)
        await wait_hears(call, trunk.tone)
    await wait_taken_up(office)
    await outside.hang_up()
    ended = await office.wait_ended()

    assert (ended["state"], ended["hangup_cause"]) == ("answered", "normal")


async def test_a_call_that_ended_meanwhile_is_closed_as_it_ended(bench: Bench):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    async with nobody_there(office):
        await let_pass(1.5)
        await caller.hang_up()
        assert await talks.wait_ended() == "BYE"
        talked = time.monotonic() - talks.answered_at
    call = await office.last_call()
    sound = tones.read_wav(await office.recording(call))
    await next_call_works(trunk, agent, office)

    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")
    assert event(call, "ended")["detail"]["by"] == "caller"
    assert call["talk_seconds"] == pytest.approx(talked, abs=1.5)
    assert sound.seconds == pytest.approx(talked, abs=0.5)


async def test_calls_without_a_core_are_in_the_books_when_it_is_back(bench: Bench):
    trunk, agent, office = await scene(bench, mail=True, business={"ring_seconds": 5})
    async with nobody_there(office):
        caller, talks = await ring_agent(trunk, agent)
        await talks.answer()
        await wait_hears(caller, tones.AGENT)
        await talks.hang_up()
        await caller.wait_ended()
        second = await trunk.call(NUMBER, shows="+989120000002")
        rings = await agent.incoming()
        await rings.reject((486, "Busy Here"))
        second.rtp.sending = False
        await wait_beep(second)
        second.rtp.sending = True
        await let_pass(2.5)
        await second.hang_up()
    # FreeSWITCH tells whole seconds: of two that came in the same one, nobody knows which was first
    newest, oldest = sorted(await office.calls(), key=lambda call: str(call["caller"]))
    messages = (await office.get("/api/v1/messages"))["items"]
    assert bench.mail
    await wait_until(lambda: bench.mail.mails, "the mail arrives", 15)
    await next_call_works(trunk, agent, office)

    assert (oldest["state"], oldest["agent"], oldest["caller"]) == ("answered", "agent101", CALLER_NUMBER)
    assert (newest["state"], newest["caller"], newest["hangup_cause"]) == ("voicemail", "+989120000002", "normal")
    assert [m["call"] for m in messages] == [newest["id"]]
    assert len(bench.mail.mails) == 1


async def test_who_came_without_a_core_and_still_talks_is_taken_up(bench: Bench):
    trunk, agent, office = await scene(bench)
    async with nobody_there(office):
        caller, talks = await ring_agent(trunk, agent)
        await talks.answer()
        await wait_hears(caller, tones.AGENT)
    call = await wait_taken_up(office)
    await let_pass(1.0)
    await talks.hang_up()
    assert await caller.wait_ended() == "BYE"
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))

    assert (call["state"], call["agent"], call["caller"]) == ("answered", "agent101", CALLER_NUMBER)
    assert sound.seconds > 0.8, "recorded from the moment core was there"


async def test_a_core_that_hangs_is_no_better_than_a_dead_one(bench: Bench):
    trunk, agent, office = await scene(bench)
    first, talks = await put_through(trunk, agent)
    core = office.pid_of("core")
    os.kill(core, signal.SIGSTOP)
    second = await trunk.call(NUMBER, shows="+989120000002")
    rings = await agent.incoming(8)  # within six seconds the standby rings, core or no core
    await rings.ring()
    assert first.is_up
    assert talks.is_up
    await core_is_back(office, core, 40)
    await wait_hears(first, tones.AGENT)
    await talks.hang_up()
    await first.wait_ended()
    await answer_whatever_rings(agent, second)
    await second.hang_up()
    await office.wait_ended()

    assert {c["state"] for c in await office.calls()} == {"answered"}


async def test_a_core_that_stood_still_begins_anew(bench: Bench):
    trunk, agent, office = await scene(bench)
    core = office.pid_of("core")
    os.kill(core, signal.SIGSTOP)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await (await agent.incoming(8)).ring()  # the standby has it
    os.kill(core, signal.SIGCONT)
    await core_is_back(office, core)
    await wait_taken_up(office)
    await answer_whatever_rings(agent, caller)
    await caller.hang_up()
    call = await office.wait_ended()

    assert "stood still" in office.log
    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")


async def test_a_core_told_to_leave_is_followed_by_another_and_nobody_notices(bench: Bench):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    core = office.pid_of("core")
    began = time.monotonic()
    said = await office.run("restart-core")
    assert "calls went on" in said
    assert office.pid_of("core") != core
    await wait_taken_up(office)
    heard = caller.rtp.hearing(began)
    await talks.hang_up()
    await caller.wait_ended()
    call = await office.wait_ended()

    assert heard.lost == 0
    assert heard.share(tones.AGENT) > 0.93
    assert (call["state"], call["hangup_cause"]) == ("answered", "normal")


async def test_a_core_killed_at_any_moment_loses_no_call(bench: Bench):
    dice = random.Random(9)
    trunk, agent, office = await scene(bench)
    agent.auto_answer = True
    for n in range(KILLS):
        number = f"+98912000{n:04d}"
        caller = await trunk.call(NUMBER, shows=number)
        await let_pass(dice.uniform(0.0, 2.5))
        await kill_core(office)
        await wait_hears(caller, tones.AGENT, timeout=15)
        await caller.hang_up()
        call = await office.wait_ended()
        assert (call["caller"], call["state"], call["hangup_cause"]) == (number, "answered", "normal")
        await no_leg_is_left(agent)
    known = (await office.get("/api/v1/calls?limit=200"))["items"]
    assert len(known) == min(KILLS, 200)


async def no_leg_is_left(phone: Softphone) -> None:
    await wait_until(lambda: not [c for c in phone.calls.values() if c.is_up], "the phone is free", 10)


async def test_whom_the_standby_connected_talks_on_when_the_hung_core_is_ended(bench: Bench):
    trunk, agent, office = await scene(bench)
    core = office.pid_of("core")
    os.kill(core, signal.SIGSTOP)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    talks = await agent.incoming(8)
    await talks.answer()
    await wait_hears(caller, tones.AGENT)
    await core_is_back(office, core, 40)
    call = await wait_taken_up(office)
    await wait_hears(caller, tones.AGENT)
    assert talks.is_up
    await talks.hang_up()
    await caller.wait_ended()
    ended = await office.wait_ended()

    assert (call["state"], ended["state"], ended["agent"]) == ("talking", "answered", "agent101")


async def test_a_phone_that_is_picked_up_late_takes_nobody_out_of_a_conversation(bench: Bench):
    trunk, agent, office = await scene(bench, agents=("101", "102"))
    colleague = await bench.phone("102")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    first, late = await first_to_ring(agent, colleague)
    await late.ring()
    other = colleague if first is agent else agent
    async with nobody_there(office):
        rings = await other.incoming(10)
        await rings.answer()
        await wait_hears(caller, other.tone)
        await late.answer()
        await late.wait_ended()
        assert rings.is_up
        await wait_hears(caller, other.tone)
    await wait_taken_up(office)
    await caller.hang_up()
    assert (await office.wait_ended())["state"] == "answered"


async def test_a_call_being_placed_goes_on_with_a_core_that_is_back_before_the_answer(bench: Bench):
    trunk, agent, office = await scene(bench)
    call = await agent.call(OUTSIDE_NUMBER)
    outside = await trunk.incoming()
    await outside.ring()
    await kill_core(office)
    again = await trunk.incoming(10)
    await again.answer()
    await wait_hears(again, tones.AGENT)
    await wait_hears(call, trunk.tone)
    await call.hang_up()
    ended = await office.wait_ended()

    assert (ended["state"], ended["hangup_cause"]) == ("answered", "normal")


async def test_a_transfer_made_without_a_core_is_not_torn_apart(bench: Bench):
    trunk, agent, office = await scene(bench, agents=("101", "102"))
    colleague = await bench.phone("102")
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    first, talks = await first_to_ring(agent, colleague)
    other = colleague if first is agent else agent
    await talks.answer()
    await wait_hears(caller, first.tone)
    async with nobody_there(office):
        await talks.refer(other.user)
        rings = await other.incoming(10)
        await rings.answer()
        await wait_hears(caller, other.tone)
    await wait_taken_up(office)
    assert rings.is_up
    await wait_hears(caller, other.tone)
    await caller.hang_up()
    assert (await office.wait_ended())["state"] == "answered"


async def test_a_core_that_cannot_begin_ends_no_call(bench: Bench):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    socket = office.home / "run" / "core.sock"
    office.kill("core")
    await wait_until(lambda: not socket.exists() or socket.is_socket(), "the core is gone")
    socket.unlink(missing_ok=True)
    (socket / "in the way").mkdir(parents=True)
    await wait_until(lambda: "cannot begin" in office.log, "the next core fails", 15)
    await wait_hears(caller, tones.AGENT)
    (socket / "in the way").rmdir()
    socket.rmdir()
    await wait_taken_up(office, 25)
    assert talks.is_up
    await talks.hang_up()
    await caller.wait_ended()
    assert (await office.wait_ended())["state"] == "answered"
