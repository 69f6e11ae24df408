"""A supervisor listens, whispers, steps in: who hears whom, measured; the conversation is never touched."""

import asyncio
import json
import urllib.error
import urllib.request

import pytest

from tests.peers import tones
from tests.peers.bench import Bench
from tests.peers.office import Office
from tests.peers.softcall import Incoming, Outgoing
from tests.peers.softphone import Softphone
from tests.peers.stories import let_pass, put_through, since
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
SUPERVISOR = tones.SECOND_AGENT


@pytest.fixture(autouse=True)
def can_listen(engine: str) -> None:
    if engine == "builtin":
        pytest.skip("the built-in engine cannot mix a third party in yet")


async def ask(office: Office, call_id: str, mode: str, extension: str = "102") -> int:
    def post() -> int:
        request = urllib.request.Request(
            f"http://127.0.0.1:{office.web_port}/api/v1/calls/{call_id}/listen",
            data=json.dumps({"extension": extension, "mode": mode}).encode(),
            headers={"Authorization": f"Bearer {office.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=45) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code

    return await asyncio.to_thread(post)


class Conversation:
    """Caller and agent talk, a supervisor's phone is there."""

    def __init__(self, office: Office, caller: Outgoing, agent: Incoming, phone: Softphone, call_id: str) -> None:
        self.office, self.caller, self.agent, self.phone, self.call_id = office, caller, agent, phone, call_id

    async def begin(self, mode: str) -> Incoming:
        asking = asyncio.create_task(ask(self.office, self.call_id, mode))
        supervisor = await self.phone.incoming(10)
        await supervisor.answer()
        assert await asking == 200
        return supervisor


async def talking(bench: Bench) -> Conversation:
    trunk = await bench.trunk()
    office = await bench.office(trunk, agents=("101", "102"))
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    phone = await bench.phone("102")

    async def is_known() -> bool:
        return '"102"' in json.dumps((await office.get("/api/v1/status"))["phones"])

    await wait_until(is_known, "the office knows the supervisor's phone")
    call_id = str((await office.last_call())["id"])
    return Conversation(office, caller, talks, phone, call_id)


async def wait_heard(call: Outgoing | Incoming, *expected: int, never: tuple[int, ...] = ()) -> None:
    """Wait until each of these tones, or their mixture, is heard, and none of the others."""
    both = len(expected) > 1

    def now() -> bool:
        heard = call.rtp.hearing(since(0.8))
        if len(heard.frames) < 30 or any(heard.share(tone) > 0.05 for tone in never):
            return False
        # two tones at once are neither: sound that is no party's alone
        return heard.sounding > 0.9 if both else heard.share(expected[0]) > 0.9

    await wait_until(now, f"{expected} is heard, {never} is not", 8)


async def test_who_listens_hears_both_and_is_heard_by_nobody(bench: Bench):
    here = await talking(bench)
    supervisor = await here.begin("listen")
    await wait_heard(supervisor, tones.CALLER, tones.AGENT)
    await wait_heard(here.caller, tones.AGENT, never=(SUPERVISOR,))
    await wait_heard(here.agent, tones.CALLER, never=(SUPERVISOR,))


async def test_who_whispers_is_heard_by_the_agent_alone(bench: Bench):
    here = await talking(bench)
    await here.begin("whisper")
    here.caller.rtp.tone = 0
    await wait_heard(here.agent, SUPERVISOR)
    await wait_heard(here.caller, tones.AGENT, never=(SUPERVISOR,))


async def test_who_steps_in_is_heard_by_both(bench: Bench):
    here = await talking(bench)
    await here.begin("join")
    here.caller.rtp.tone = here.agent.rtp.tone = 0
    await wait_heard(here.agent, SUPERVISOR)
    await wait_heard(here.caller, SUPERVISOR)


async def test_the_mode_changes_while_one_listens(bench: Bench):
    here = await talking(bench)
    await here.begin("listen")
    here.caller.rtp.tone = 0
    assert await ask(here.office, here.call_id, "whisper") == 200
    await wait_heard(here.agent, SUPERVISOR)
    here.agent.rtp.tone = 0
    assert await ask(here.office, here.call_id, "join") == 200
    await wait_heard(here.caller, SUPERVISOR)
    assert await ask(here.office, here.call_id, "listen") == 200
    await wait_until(lambda: here.caller.rtp.hearing(since(0.6)).sounding < 0.05, "the supervisor is silent again", 8)


async def test_a_listener_who_leaves_touches_nobody_and_the_recording_has_the_two_alone(bench: Bench):
    here = await talking(bench)
    supervisor = await here.begin("listen")
    await let_pass(1.0)
    await supervisor.hang_up()
    await let_pass(1.0)
    await wait_heard(here.caller, tones.AGENT)
    await here.caller.hang_up()
    call = await here.office.wait_ended()
    sound = tones.read_wav(await here.office.recording(call))
    assert call["state"] == "answered"
    assert tones.share(tones.labels(sound.channels[0][3200:-1600]), tones.CALLER) > 0.95
    assert tones.share(tones.labels(sound.channels[1][3200:-1600]), tones.AGENT) > 0.95


async def test_a_listener_is_let_go_with_the_conversation(bench: Bench):
    here = await talking(bench)
    supervisor = await here.begin("listen")
    await here.agent.hang_up()
    assert await here.caller.wait_ended() == "BYE"
    assert await supervisor.wait_ended() == "BYE"


async def test_a_core_killed_meanwhile_leaves_the_conversation_alone(bench: Bench):
    here = await talking(bench)
    await here.begin("listen")
    here.office.kill("core")
    await let_pass(2.0)
    await wait_heard(here.caller, tones.AGENT)
    assert here.agent.is_up


async def test_what_cannot_be_listened_to_is_told(bench: Bench):
    here = await talking(bench)
    assert await ask(here.office, "call_none", "listen") == 404
    assert await ask(here.office, here.call_id, "listen", extension="999") == 404
    assert await ask(here.office, here.call_id, "shout") == 400
    await here.caller.hang_up()
    await here.office.wait_ended()
    assert await ask(here.office, here.call_id, "listen") == 409
