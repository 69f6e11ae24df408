"""The life of FreeSWITCH: found, judged, started, taken up again, ended."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.config import Settings
from appliance.switch.errors import PortTaken
from appliance.switch.freeswitch import binary
from appliance.switch.freeswitch.binary import find_binary, find_installed, require_installed
from appliance.switch.freeswitch.config import REQUIRED_MODULES, render
from appliance.switch.freeswitch.process import FreeSwitchProcess
from appliance.switch.freeswitch.refusals import (
    DidNotStart,
    ForeignFreeSwitch,
    FreeSwitchMissing,
    FreeSwitchTooOld,
    ModulesMissing,
)
from appliance.switch.freeswitch.secrets import load_secrets
from appliance.switch.port import SwitchConfig
from tests.appliance.switch.freeswitch.real_freeswitch import in_a_loop, settings_in, why_not
from tests.peers import options

needs_freeswitch = pytest.mark.skipif(bool(why_not()), reason=why_not() or "-")


# --- finding and judging ---


@pytest.fixture
def fake(tmp_path: Path):
    """A program that says it is a FreeSWITCH, with the modules given."""

    def make(
        version: str = "1.10.12-release", modules: tuple[str, ...] = REQUIRED_MODULES, then: str = "exit 0"
    ) -> Path:
        for folder in ("bin", "mod"):
            (tmp_path / "fs" / folder).mkdir(parents=True, exist_ok=True)
        for name in modules:
            (tmp_path / "fs" / "mod" / f"{name}.so").touch()
        program = tmp_path / "fs" / "bin" / "freeswitch"
        program.write_text(
            f'#!/bin/sh\n[ "$1" = -version ] && echo "FreeSWITCH version: {version}~64bit ( 64bit)" && exit 0\n{then}\n'
        )
        program.chmod(0o755)
        return program

    return make


def at(program: Path | str, home: Path) -> Settings:
    return Settings(home=home, bind="127.0.0.1", freeswitch=str(program))


def test_the_one_we_are_told_of_is_used(fake, tmp_path):
    program = fake()
    assert find_binary(at(program, tmp_path)) == program
    assert find_binary(at(tmp_path / "nothing", tmp_path)) is None


def test_the_telephony_suite_looks_for_it_where_we_do():
    assert binary._USUAL == options.FREESWITCH_FOLDERS


def test_one_that_is_missing_is_said_so(tmp_path):
    with pytest.raises(FreeSwitchMissing, match="/nowhere/freeswitch"):
        require_installed(at("/nowhere/freeswitch", tmp_path), REQUIRED_MODULES)


def test_it_tells_its_version_and_modules(fake, tmp_path):
    installed = find_installed(at(fake(), tmp_path))
    assert installed is not None
    assert installed.version == (1, 10, 12)
    assert installed.modules == set(REQUIRED_MODULES)


@pytest.mark.parametrize("version", ["1.8.7", "1.6.20", "0.9", "nonsense"])
def test_one_that_is_too_old_is_refused(fake, tmp_path, version):
    with pytest.raises(FreeSwitchTooOld):
        require_installed(at(fake(version), tmp_path), REQUIRED_MODULES)


def test_a_module_that_is_missing_is_named_with_its_package(fake, tmp_path):
    program = fake(modules=tuple(m for m in REQUIRED_MODULES if m != "mod_sofia"))
    with pytest.raises(ModulesMissing) as refused:
        require_installed(at(program, tmp_path), REQUIRED_MODULES)
    assert "mod_sofia" in refused.value.message
    assert "freeswitch-mod-sofia" in refused.value.hint


@in_a_loop
async def test_one_that_ends_at_once_is_told_with_its_last_words(fake, tmp_path):
    settings = settings_in(tmp_path / "home")
    settings = at(fake(then="echo Cannot open log; exit 1"), settings.home)
    render(settings, SwitchConfig(), load_secrets(settings))
    with pytest.raises(DidNotStart, match="Cannot open log"):
        await FreeSwitchProcess(settings).start()


@in_a_loop
async def test_a_port_that_is_taken_is_named_with_its_holder(fake, tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("127.0.0.1", 0))
        port = holder.getsockname()[1]
        settings = Settings(home=tmp_path / "h", bind="127.0.0.1", sip_port=port, freeswitch=str(fake()))
        with pytest.raises(PortTaken, match=f"{port}/udp.*pid {os.getpid()}"):
            await FreeSwitchProcess(settings).start()


@in_a_loop
async def test_a_stranger_on_the_event_sockets_port_is_named(fake, tmp_path):
    settings = at(fake(), settings_in(tmp_path / "home").home)
    secrets = load_secrets(settings)
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", secrets.event_socket_port))
        stranger.listen()
        with pytest.raises(ForeignFreeSwitch, match=str(secrets.event_socket_port)):
            await FreeSwitchProcess(settings).start()


def test_a_pid_that_is_another_programs_by_now_is_not_ours(tmp_path):
    settings = Settings(home=tmp_path)
    pid_file = tmp_path / "freeswitch" / "run" / "freeswitch.pid"
    pid_file.parent.mkdir(parents=True)
    for words in (str(os.getpid()), "", "no number", "999999999"):
        pid_file.write_text(words)
        assert FreeSwitchProcess(settings).find_running() is None


@in_a_loop
async def test_stopping_one_that_does_not_run_does_nothing(tmp_path):
    process = FreeSwitchProcess(Settings(home=tmp_path))
    await process.stop()
    await process.stop()
    assert await process.wait_ended() is None


# --- a real one ---


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Settings]:
    settings = settings_in(tmp_path / "office")
    render(settings, SwitchConfig(), load_secrets(settings))
    yield settings
    pid = FreeSwitchProcess(settings).find_running()
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@needs_freeswitch
@in_a_loop
async def test_it_is_taken_up_again_and_ends_in_order(office):
    first, second = FreeSwitchProcess(office), FreeSwitchProcess(office)
    assert await first.start() is True
    assert await second.start() is False
    assert second.pid == first.pid
    ended = asyncio.create_task(second.wait_ended())
    await second.stop()
    await ended
    assert first.find_running() is None
    assert await first.wait_ended() in {0, -signal.SIGKILL}, "its memory is not waited for"
    assert (office.home / "freeswitch" / "log" / "freeswitch.log").read_text().count("Shutting down") == 1


@needs_freeswitch
@in_a_loop
async def test_it_lives_on_when_the_one_who_started_it_is_killed(office):
    script = (
        "import asyncio, os, signal, sys; from pathlib import Path; from appliance.config import Settings;"
        "from appliance.switch.freeswitch.process import FreeSwitchProcess;"
        f"s = Settings(home=Path({str(office.home)!r}), bind='127.0.0.1', sip_port={office.sip_port},"
        f" rtp_first={office.rtp_first}, rtp_last={office.rtp_last}, freeswitch={office.freeswitch!r});"
        "asyncio.run(FreeSwitchProcess(s).start()); os.kill(os.getpid(), signal.SIGKILL)"
    )
    starter = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stderr=subprocess.DEVNULL)
    assert await starter.wait() == -signal.SIGKILL
    process = FreeSwitchProcess(office)
    assert process.find_running() is not None
    assert await process.start() is False
    await process.stop()
    assert process.find_running() is None


@needs_freeswitch
@in_a_loop
async def test_one_that_is_killed_is_noticed_and_can_be_started_again(office):
    process = FreeSwitchProcess(office)
    await process.start()
    ended = asyncio.create_task(process.wait_ended())
    await asyncio.sleep(0)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        assert await ended == -signal.SIGKILL
    assert await process.start() is True
    await process.stop()


@needs_freeswitch
@in_a_loop
async def test_one_that_hangs_is_ended_and_started_again(office, monkeypatch):
    monkeypatch.setattr("appliance.switch.freeswitch.process.HUNG_SECONDS", 2.0)
    process = FreeSwitchProcess(office)
    await process.start()
    hung = process.pid
    assert hung is not None
    os.kill(hung, signal.SIGSTOP)
    again = FreeSwitchProcess(office)
    assert await again.start() is True
    assert again.pid != hung
    await again.stop()
