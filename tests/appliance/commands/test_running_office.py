"""Commands beside an office that runs: a real core on free ports."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from appliance.control.client import CoreAway, CoreClient


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def core(home: Path, run, write, example: str) -> Iterator[dict[str, str]]:
    """A running core of the example's office; its environment."""
    assert run("apply", write(example)).returncode == 0
    env = {
        "FRONTDESK_HOME": str(home),
        "FRONTDESK_BIND": "127.0.0.1",
        "FRONTDESK_WEB_PORT": str(free_port()),
        "FRONTDESK_SIP_PORT": str(free_port()),
        "FRONTDESK_RTP_PORTS": "23000-23100",
    }
    process = subprocess.Popen([sys.executable, "-m", "appliance", "core"], env={**os.environ, **env})
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(CoreAway):
                CoreClient(home / "run" / "core.sock").ask("ping")
                break
            assert process.poll() is None
            time.sleep(0.05)
        yield env
    finally:
        process.terminate()
        process.wait(20)


def test_a_running_office_takes_an_office_file_up_at_once(core, run, home: Path, write, example: str) -> None:
    more = example + '[[agent]]\nid = "ben"\nname = "Ben"\nextension = "102"\n'
    done = run("apply", write(more))
    assert "running and has taken it up" in done.stdout
    again = run("apply", write(more))
    assert "Nothing to change" in again.stdout
    assert "The office is running." in again.stdout


def test_the_doctor_finds_the_ports_of_the_running_office(core, run) -> None:
    done = run("doctor")
    assert "office is answering (engine builtin" in done.stdout
    assert f"port {core['FRONTDESK_SIP_PORT']}" in done.stdout
    assert "No phone is registered" in done.stdout
    assert done.returncode == 1


def test_links_name_the_port_of_the_running_office(core, run) -> None:
    assert f"http://127.0.0.1:{core['FRONTDESK_WEB_PORT']}/password/" in run("reset-password", "sara").stdout
    other = run("reset-password", "sara", FRONTDESK_WEB_PORT="8123")
    assert "http://127.0.0.1:8123/password/" in other.stdout


@pytest.mark.parametrize("language", ["fa", "ru", "ms"])
def test_every_command_speaks_the_offices_language_without_fault(run, write, example: str, language: str) -> None:
    file = write(example.replace('language = "en"', f'language = "{language}"', 1))
    said = [
        run("apply", "--dry-run", file),
        run("apply", file),
        run("apply", file),
        run("export"),
        run("doctor"),
        run("token", "create", "x"),
        run("token", "list"),
        run("reset-password", "sara"),
        run("reset-password", "nobody"),
        run("set-up-link"),
        run("migrate"),
        run("--help"),
        run("apply", write(example.replace('"101"', '"1"').replace("ring_seconds = 20", "ring_seconds = 0"))),
    ]
    for done in said:
        assert "Traceback" not in done.stderr, done.stderr
        assert "%(" not in done.stdout + done.stderr
    assert said[1].returncode == 0
