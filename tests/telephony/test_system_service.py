"""FreeSWITCH as the system's service: the office comes and goes, the calls do not notice."""

import asyncio
import shlex

import pytest

from tests.peers import tones
from tests.peers.bench import Bench
from tests.peers.office import Office
from tests.peers.stories import kinds, let_pass, put_through, wait_hears
from tests.peers.waiting import end

pytestmark = pytest.mark.telephony
SERVICE = {"FRONTDESK_FREESWITCH_RUN": "service"}


@pytest.fixture(autouse=True)
def is_a_service(engine: str) -> None:
    if engine == "builtin":
        pytest.skip("the built-in engine is part of the core, and no service")


async def as_systemd_would(office: Office) -> asyncio.subprocess.Process:
    """Start what the drop-in says."""
    await office.run("switch", "render")
    unit = await office.run("switch", "unit")
    command = next(line for line in unit.splitlines() if line.startswith("ExecStart=/"))
    words = shlex.split(command.partition("=")[2].replace("%%", "%"))
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(*words, stdin=quiet, stdout=quiet, stderr=quiet)


async def test_the_office_is_stopped_and_started_under_a_conversation(bench: Bench):
    trunk = await bench.trunk()
    office = await bench.office(trunk, env=SERVICE, start=False)
    service = await as_systemd_would(office)
    try:
        await asyncio.gather(office.start(), office.make_token())
        agent = await bench.phone("101")
        caller, talks = await put_through(trunk, agent)
        assert await office.stop() == 0
        assert service.returncode is None
        await let_pass(1.0)
        await wait_hears(caller, tones.AGENT)
        await office.start()
        await talks.hang_up()
        await caller.wait_ended()
        call = await office.wait_ended()
        assert "core_back" in kinds(call)
        assert (call["state"], call["hangup_cause"]) == ("answered", "normal")
    finally:
        await office.stop()
        await end(service)


async def test_a_service_that_does_not_run_is_told_with_what_to_do(bench: Bench):
    office = await bench.office(None, env=SERVICE, start=False)
    with pytest.raises((RuntimeError, TimeoutError)):
        await office.start(40)
    assert "systemctl restart freeswitch" in office.log
    assert "frontdesk switch unit" in office.log
