"""A full disk and a clock that jumps."""

import asyncio
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers import tones
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.stories import let_pass, next_call_works, put_through, since, wait_hears
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.telephony


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own of 48 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=48m none '{folder}' 2>/dev/null") != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    os.system(f"umount -l '{folder}'")


def build_clock(folder: Path) -> Path:
    """The library that shifts the wall clock, and it alone, by the seconds in a file.

    libfaketime will not do: it breaks clock_nanosleep, with which Python sleeps.
    """
    library = folder / "clock.so"
    source = Path(__file__).with_name("jumping_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True, timeout=60)
    return library


def fill(folder: Path) -> Path:
    """Leave not a byte free."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 65536)
        except OSError:
            pass
        try:
            while True:
                file.write(b"\0" * 512)
        except OSError:
            return filler


async def test_full_disk_breaks_no_call_and_all_is_well_once_there_is_space(bench: Bench, small_disk: Path):
    trunk = await bench.trunk()
    office = await bench.office(trunk, home=small_disk / "home")
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    core = office.pid_of("core")
    await let_pass(1.5)
    filler = await asyncio.to_thread(fill, small_disk)
    await let_pass(3.0)
    heard_full = caller.rtp.hearing(since(2.0))
    doctor = await _doctor(office)
    await talks.hang_up()
    first_end = await caller.wait_ended()
    second = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    await wait_until(lambda: second.is_up or second.ended_at, "the next caller is answered or refused, not left", 10)
    await second.hang_up()
    filler.unlink()
    await wait_until(office.is_well, "the office is well again", 15)
    agent_again = await bench.phone("101")
    agent.unplug()
    await _until_idle(office)
    await next_call_works(trunk, agent_again, office)
    calls = await office.calls()
    sound = tones.read_wav(await office.recording(calls[-1]))

    assert office.pid_of("core") == core
    assert sound.seconds > 1.0, "what was recorded before the disk was full"
    assert tones.share(tones.labels(sound.channels[0][1600:8000]), tones.CALLER) > 0.9
    assert heard_full.share(tones.AGENT) > 0.99
    assert first_end == "BYE"
    assert "disk" in doctor.lower()
    assert all(c["ended_at"] for c in calls)


async def _until_idle(office) -> None:
    async def idle() -> bool:
        return [a["state"] for a in (await office.get("/api/v1/agents"))["items"]] == ["idle"]

    await wait_until(idle, "the agent is free", 15)


async def _doctor(office) -> str:
    try:
        return await office.run("doctor")
    except AssertionError as error:
        return str(error)


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler to build the clock that jumps with")
@pytest.mark.parametrize("jump", [7200, -7200])
async def test_clock_that_jumps_two_hours_harms_no_call_and_no_registration(bench: Bench, tmp_path: Path, jump: int):
    clock = tmp_path / "clock"
    clock.write_bytes(struct.pack("q", 0))
    env = {"LD_PRELOAD": str(build_clock(tmp_path)), "CLOCK_OFFSET_FILE": str(clock)}
    trunk = await bench.trunk()
    office = await bench.office(trunk, env=env)
    agent = await bench.phone("101")
    caller, talks = await put_through(trunk, agent)
    begun = talks.answered_at
    with clock.open("r+b") as file:
        file.write(struct.pack("q", jump))
    await let_pass(2.0)
    await wait_hears(caller, tones.AGENT)
    await wait_hears(talks, tones.CALLER)
    await caller.hang_up()
    talked = time.monotonic() - begun
    call = await office.wait_ended()
    sound = tones.read_wav(await office.recording(call))
    again, rings = await _next_call(trunk, agent)

    assert call["state"] == "answered"
    assert call["talk_seconds"] == pytest.approx(talked, abs=1.0)
    assert 0 <= call["wait_seconds"] < 10
    assert call["started_at"] <= call["answered_at"] <= call["ended_at"] or jump < 0
    assert call["started_at"] <= call["ended_at"]
    assert sound.seconds == pytest.approx(talked, abs=1.0)
    assert again.is_up
    assert rings.is_up
    assert "Traceback" not in office.log
    assert agent.register_count == 2


async def _next_call(trunk, agent):
    return await put_through(trunk, agent)
