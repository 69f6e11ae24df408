"""FreeSWITCH fails: killed, hung, slow, of the wrong kind. Its calls end in the books, and the next one works."""

import asyncio
import os
import signal
import socket
import stat
import time
from pathlib import Path

import pytest

from tests.peers import options, sip, tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Office
from tests.peers.sip import Message
from tests.peers.softphone import Softphone
from tests.peers.stories import let_pass, next_call_works, put_through, wait_beep
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony
FAULTS = [signal.SIGKILL, signal.SIGSTOP]
NOTICED_SECONDS = 30.0  # until another one runs: noticed, ended, started
BACK_SECONDS = 10.0  # the promise: so long after its return everything is as before
Scene = tuple[Softphone, Softphone, Office]


@pytest.fixture(autouse=True)
def is_freeswitch(engine: str) -> None:
    if engine != "freeswitch":
        pytest.skip("there is no FreeSWITCH to fail in the built-in engine")


async def scene(bench: Bench, **more) -> Scene:
    trunk = await bench.trunk()
    office = await bench.office(trunk, **more)
    return trunk, await bench.phone("101"), office


def pid_of(office: Office) -> int:
    """The office's FreeSWITCH, 0 while there is none."""
    try:
        return int((office.home / "freeswitch" / "run" / "freeswitch.pid").read_text().strip("\0 \n"))
    except (OSError, ValueError):
        return 0


async def fails(office: Office, how: signal.Signals, peer: Softphone) -> None:
    """It fails; returns when another one serves whoever asks."""
    before = pid_of(office)
    os.kill(before, how)

    async def another() -> bool:
        if pid_of(office) in {0, before}:
            return False
        try:
            return (await peer.register(sign=False, timeout=0.5)).status in {401, 403}  # not 503: it is starting
        except TimeoutError:
            return False

    await wait_until(another, "another FreeSWITCH answers", NOTICED_SECONDS)


async def all_is_as_before(office: Office, trunk: Softphone, agent: Softphone) -> None:
    """The agent is free, and within the time promised a call goes through; no phone has to register again."""

    async def idle() -> bool:
        return {a["state"] for a in (await office.get("/api/v1/agents"))["items"]} == {"idle"}

    async with asyncio.timeout(BACK_SECONDS):
        await wait_until(idle, "the agent is free", BACK_SECONDS)
        await next_call_works(trunk, agent, office)
    assert agent.register_count == 2


@pytest.mark.parametrize("how", FAULTS)
async def test_conversation_is_closed_and_recorded_to_the_last_second_written(bench: Bench, how: signal.Signals):
    trunk, agent, office = await scene(bench)
    caller, talks = await put_through(trunk, agent)
    await let_pass(3.0)
    talked = time.monotonic() - talks.answered_at
    await fails(office, how, trunk)
    call = await office.wait_ended()
    await all_is_as_before(office, trunk, agent)
    sound = tones.read_wav(await office.recording(call))

    assert (call["state"], call["hangup_cause"]) == ("answered", "interrupted")
    assert talked - 1.0 < sound.seconds < talked + 1.0
    assert tones.share(tones.labels(sound.channels[0][3200:-1600]), tones.CALLER) > 0.9
    assert tones.share(tones.labels(sound.channels[1][3200:-1600]), tones.AGENT) > 0.9
    assert caller.is_up, "nobody told the caller: it was not hung up in order"


@pytest.mark.parametrize("how", FAULTS)
async def test_caller_who_waits_is_closed_as_missed(bench: Bench, how: signal.Signals):
    trunk, agent, office = await scene(bench)
    await put_through(trunk, agent)
    await trunk.call(NUMBER, shows="+989120000002")
    await office.wait_call(phase="waiting", caller="+989120000002", timeout=15)
    await fails(office, how, trunk)
    await office.wait_ended()
    await all_is_as_before(office, trunk, agent)
    _next, waited, talked = await office.calls()

    assert (waited["state"], waited["hangup_cause"]) == ("missed", "interrupted")
    assert (talked["state"], talked["hangup_cause"]) == ("answered", "interrupted")
    assert (await office.get("/api/v1/status"))["live_calls"] == 0


@pytest.mark.parametrize("how", FAULTS)
async def test_message_that_is_being_left_is_kept(bench: Bench, how: signal.Signals):
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    caller.rtp.sending = False
    await wait_beep(caller)
    caller.rtp.sending = True
    await let_pass(3.0)
    await fails(office, how, trunk)
    call = await office.wait_ended()
    agent = await bench.phone("101")
    await all_is_as_before(office, trunk, agent)
    sound = tones.read_wav(await office.recording(call))
    messages = (await office.get("/api/v1/messages"))["items"]

    assert (call["state"], call["hangup_cause"]) == ("voicemail", "interrupted")
    assert tones.labels(sound.channels[0]).count(tones.CALLER) * 0.02 > 2.0
    assert [m["call"] for m in messages] == [call["id"]]


async def test_trunk_that_registers_is_up_again_after_a_kill(bench: Bench):
    trunk = await bench.trunk()
    registered: list[str] = []

    def registrar(message: Message) -> Message | None:
        if message.method != "REGISTER":
            return None
        registered.append(message.call_id)
        contact = f"<{sip.uri_of(message.get('contact'))}>;expires=60"
        return sip.reply(message, 200, "OK", to_tag="r", extra={"Contact": contact, "Expires": "60"})

    trunk.answers_to = registrar
    account = {"kind": "register", "username": "98218800", "password": "the-carriers-secret"}
    office = await bench.office(trunk, trunk_more=account)
    agent = await bench.phone("101")
    await wait_until(lambda: registered, "the office registers", 10)
    await let_pass(2.0)  # FreeSWITCH writes a registration down within a second
    before = len(registered)
    await fails(office, signal.SIGKILL, trunk)

    async def up() -> bool:
        return [t["state"] for t in (await office.get("/api/v1/status"))["trunks"]] == ["up"]

    await wait_until(lambda: len(registered) > before, "it registers again", BACK_SECONDS)
    await wait_until(up, "the trunk is up", BACK_SECONDS)
    await all_is_as_before(office, trunk, agent)


SLOWLY = 'sleep 6; exec "$REAL" "$@"'
NOT_THE_FIRST_TIME = '[ -e "$0.tried" ] && exec "$REAL" "$@"; : > "$0.tried"; exec sleep 60'


@pytest.mark.parametrize("starts", [SLOWLY, NOT_THE_FIRST_TIME], ids=["slowly", "not the first time"])
async def test_one_that_does_not_start_at_once_is_waited_for(bench: Bench, tmp_path: Path, starts: str):
    program = stand_in(tmp_path, starts)
    trunk, agent, office = await scene(bench, env={"FRONTDESK_FREESWITCH": str(program)})
    await next_call_works(trunk, agent, office)


def stand_in(folder: Path, then: str, version: str = "") -> Path:
    """A program in FreeSWITCH's place, with its modules; what it does when it is started, and says to -version."""
    real = options.freeswitch()
    assert real is not None
    prefix = real.resolve().parent.parent
    modules = next(
        f for f in (prefix / "mod", prefix / "lib/freeswitch/mod", Path("/usr/lib/freeswitch/mod")) if f.is_dir()
    )
    (folder / "fs" / "bin").mkdir(parents=True)
    (folder / "fs" / "mod").symlink_to(modules)
    program = folder / "fs" / "bin" / "freeswitch"
    says = f"echo 'FreeSWITCH version: {version}'" if version else '"$REAL" -version'
    program.write_text(f'#!/bin/sh\nREAL={real}\ncase "$1" in -version) {says}; exit 0;; esac\n{then}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


async def refuses_to_start(bench: Bench, office: Office) -> str:
    """What `frontdesk up` says before it gives up."""
    with pytest.raises(RuntimeError, match="frontdesk up ended"):
        await office.start()
    return office.log


async def test_version_that_is_too_old_is_said_with_what_to_do(bench: Bench, tmp_path: Path):
    program = stand_in(tmp_path, "exit 1", version="1.8.7~64bit")
    office = await bench.office(None, env={"FRONTDESK_FREESWITCH": str(program)}, start=False)
    said = await refuses_to_start(bench, office)

    assert "Frontdesk needs 1.10 or later" in said
    assert "Update it" in said


async def test_module_that_is_missing_is_said_with_its_package(bench: Bench, tmp_path: Path):
    program = stand_in(tmp_path, "exit 1")
    (tmp_path / "fs" / "mod").unlink()
    (tmp_path / "fs" / "mod").mkdir()
    (tmp_path / "fs" / "mod" / "mod_commands.so").touch()
    office = await bench.office(None, env={"FRONTDESK_FREESWITCH": str(program)}, start=False)
    said = await refuses_to_start(bench, office)

    assert "freeswitch-mod-sofia" in said
    assert "freeswitch-mod-event-socket" in said


async def test_configuration_of_somebody_else_is_left_alone_and_said(bench: Bench):
    office = await bench.office(None, start=False)
    theirs = office.home / "freeswitch" / "conf" / "freeswitch.xml"
    theirs.parent.mkdir(parents=True, exist_ok=True)
    theirs.write_text("<document/>")
    said = await refuses_to_start(bench, office)

    assert "that Frontdesk has not written" in said
    assert "Move it away" in said
    assert theirs.read_text() == "<document/>"


async def test_port_that_another_freeswitch_holds_is_said_with_its_holder(bench: Bench):
    office = await bench.office(None, start=False)
    with socket.socket(type=socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", office.sip_port))
        said = await refuses_to_start(bench, office)

    assert str(office.sip_port) in said
    assert f"{os.getpid()}" in said or "python" in said.lower() or "pytest" in said
