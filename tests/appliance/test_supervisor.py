"""`frontdesk up` as its users meet it: real processes, real ports, real signals."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from appliance.calls import service as calls
from appliance.config import Settings
from appliance.control.client import CoreAway, CoreClient
from appliance.store import connect, transaction
from appliance.store.migrations import steps
from appliance.supervisor import prepare

READY_SECONDS = 40


def free_ports() -> dict[str, str]:
    """Ports nobody has at the moment."""
    held = []
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            one = socket.socket(socket.AF_INET, kind)
            one.bind(("127.0.0.1", 0))
            held.append(one)
        web, sip = (one.getsockname()[1] for one in held)
    finally:
        for one in held:
            one.close()
    rtp = 20000 + (os.getpid() * 37 + sip) % 40000 // 8 * 8
    return {"FRONTDESK_WEB_PORT": str(web), "FRONTDESK_SIP_PORT": str(sip), "FRONTDESK_RTP_PORTS": f"{rtp}-{rtp + 7}"}


class Up:
    """An office in the foreground."""

    def __init__(self, home: Path, **env: str) -> None:
        self.home = home
        self.env = {**os.environ, "FRONTDESK_BIND": "127.0.0.1", **free_ports(), **env}
        self.out = (home.parent / f"{home.name}.out").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "appliance", "up", "--home", str(home)],
            env=self.env, stdout=self.out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.core = CoreClient(home / "run" / "core.sock")

    def said(self) -> str:
        self.out.seek(0)
        return self.out.read()

    def until(self, what, seconds: float = READY_SECONDS):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (found := what()) or self.process.poll() is not None:
                return found
            time.sleep(0.05)
        raise AssertionError(f"not in {seconds} s:\n{self.said()}")

    def until_ready(self) -> "Up":
        assert self.until(lambda: "Ctrl-C" in self.said()), self.said()
        return self

    def core_pid(self) -> int:
        try:
            return int(self.core.ask("ping", timeout=2)["pid"])
        except CoreAway:
            return 0

    def is_web_answering(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.env['FRONTDESK_WEB_PORT']}/healthz"
            return urllib.request.urlopen(url, timeout=2).status == 200
        except OSError:
            return False

    def end(self, how: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            return self.process.wait(30)
        finally:
            if self.process.poll() is None:
                self.process.kill()


@pytest.fixture
def up(tmp_path):
    """Start offices that are ended when the test ends."""
    running: list[Up] = []

    def start(name: str = "office", **env: str) -> Up:
        running.append(Up(tmp_path / name, **env))
        return running[-1]

    yield start
    for one in running:
        one.end()
        one.out.close()


def exists(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_tells_where_things_are_and_ctrl_c_ends_everything(up):
    office = up().until_ready()
    said = office.said()
    assert re.search(rf"http://127.0.0.1:{office.env['FRONTDESK_WEB_PORT']}/set-up/\S{{20,}}", said)
    assert f"127.0.0.1:{office.env['FRONTDESK_SIP_PORT']}" in said
    assert office.is_web_answering()
    core = office.core_pid()
    assert office.end() == 0
    assert not exists(core)
    assert "Traceback" not in office.said()


def test_core_and_web_are_started_again_when_they_die(up):
    office = up().until_ready()
    core = office.core_pid()
    os.kill(core, signal.SIGKILL)
    assert office.until(lambda: office.core_pid() not in (0, core), 20)
    children = Path(f"/proc/{office.process.pid}/task/{office.process.pid}/children").read_text().split()
    web = next(int(pid) for pid in children if "gunicorn" in Path(f"/proc/{pid}/cmdline").read_text())
    os.kill(web, signal.SIGKILL)
    assert office.until(lambda: not exists(web), 5)
    assert office.until(office.is_web_answering, 20)


def test_nothing_is_left_when_the_supervisor_itself_is_killed(up):
    office = up().until_ready()
    core = office.core_pid()
    office.end(signal.SIGKILL)
    office.until(lambda: not exists(core), 10)
    deadline = time.monotonic() + 10
    while exists(core) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not exists(core)


def test_a_taken_port_is_named_with_who_has_it(up):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        office = up(FRONTDESK_WEB_PORT=str(port))
        assert office.process.wait(READY_SECONDS) == 1
        assert f"{port}/tcp is taken by " in office.said()
        assert f"(pid {os.getpid()})" in office.said()
        assert "FRONTDESK_WEB_PORT" in office.said()


def test_two_offices_run_side_by_side_and_one_folder_holds_one(up):
    first, second = up("first"), up("second")
    first.until_ready()
    second.until_ready()
    assert first.core_pid() != second.core_pid()
    again = up("first")
    assert again.process.wait(READY_SECONDS) == 1
    assert "already running" in again.said()
    assert first.is_web_answering()


def test_an_upgrade_cut_off_in_the_middle_is_taken_up_at_the_next_start(tmp_path):
    settings = Settings(home=tmp_path)
    db = connect(settings.database)
    last = [migration.name for migration in steps._migrations][-1]
    steps.apply(db, stop_before=last)
    db.close()
    copy = tmp_path / f"office-before-{last}.db"
    for left in (copy, copy.with_suffix(".part")):
        left.write_bytes(b"half a copy")
    prepare(settings)
    old = connect(copy, read_only=True)
    assert [step.name for step in steps.pending(old)] == [last]
    old.close()
    new = connect(settings.database)
    assert steps.pending(new) == []
    new.close()


def test_a_second_core_touches_nothing_of_the_first(up):
    office = up().until_ready()
    db = connect(office.home / "office.db")
    with transaction(db):
        call_id = calls.start_call(db, direction="inbound", business_id=None, caller_number="+989121234567")
    env = {**office.env, "FRONTDESK_HOME": str(office.home), "FRONTDESK_SIP_PORT": free_ports()["FRONTDESK_SIP_PORT"]}
    second = subprocess.run([sys.executable, "-m", "appliance.daemon"], env=env, capture_output=True, timeout=30)
    assert second.returncode == 3
    assert b"already running" in second.stderr
    assert calls.get_call(db, call_id).ended_at is None
    assert office.core_pid()
    db.close()
