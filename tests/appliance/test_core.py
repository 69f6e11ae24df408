"""The core on the simulator: what goes wrong beside the calls does not end them."""

import asyncio

import pytest

from appliance import core
from appliance.agents import service as agents
from appliance.config import Settings
from appliance.core import Core
from appliance.core_commands import CoreCommands
from appliance.store import connect, migrate, transaction
from appliance.store.config_version import bump
from appliance.switch.errors import CallRejected
from appliance.switch.events import PhonesChanged
from appliance.switch.port import Party
from appliance.switch.simulator.engine import answers

BAKERY = "+982188001122"


@pytest.fixture
def in_core(tmp_path, monkeypatch):
    """Run a story in a core with a bakery that Sara (101) answers for."""
    monkeypatch.setattr(core, "CONFIG_POLL_SECONDS", 0.02)
    monkeypatch.setattr(core, "RECONCILE_SECONDS", 0.05)
    settings = Settings(home=tmp_path, engine="simulator")
    for folder in (settings.recordings, settings.prompts, settings.run):
        folder.mkdir()
    db = connect(settings.database)
    migrate(db)
    with transaction(db):
        db.execute("INSERT INTO office (only_row, name, timezone, language) VALUES (1, 'N', 'Asia/Tehran', 'en')")
        db.execute("INSERT INTO trunks (trunk_id, kind, host) VALUES ('primary', 'peer', '127.0.0.1:5090')")
        db.execute("INSERT INTO businesses (business_id, name, language) VALUES ('bakery', 'Nasim Bakery', 'en')")
        db.execute("INSERT INTO numbers (number, business_id) VALUES (?, 'bakery')", [BAKERY])
        db.execute("INSERT INTO extensions (extension, sip_password) VALUES ('101', 'x')")
        agents.create_agent(db, "sara", "Sara Karimi", "101", {"bakery": "shared"})

    def run(story) -> None:
        async def main() -> None:
            core = Core(settings)
            await core.start()
            failing = asyncio.create_task(core.failed())
            try:
                await story(core, db)
                assert not failing.done(), failing.exception()
            finally:
                failing.cancel()
                await core.stop()

        asyncio.run(main())

    yield run
    db.close()


async def until(what, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def change(db, name: str) -> None:
    with transaction(db):
        db.execute("UPDATE businesses SET name = ?", [name])
        bump(db)


def test_a_configuration_the_switch_cannot_take_is_tried_again(in_core):
    async def story(core, db):
        really, tries = core.switch.configure, 0

        async def configure(config):
            nonlocal tries
            tries += 1
            if tries == 1:
                raise OSError("no such host")
            await really(config)

        core.switch.configure = configure
        change(db, "Another Bakery")
        await until(lambda: core.office.directory.businesses["bakery"].name == "Another Bakery")
        assert tries == 2

    in_core(story)


def test_an_event_that_cannot_be_dealt_with_does_not_end_the_core(in_core):
    async def story(core, db):
        really = core.desk.phones_changed

        async def fails() -> None:
            core.desk.phones_changed = really
            raise RuntimeError("no")

        core.desk.phones_changed = fails
        core.switch._events.put_nowait(PhonesChanged("101"))
        core.switch.register("101", answers(after=0.1))
        await until(lambda: core.desk.agent("sara").state == "idle")

    in_core(story)


def test_a_call_to_nowhere_or_for_an_agent_on_a_call_is_refused_to_who_asked(in_core):
    async def story(core, db):
        originate = CoreCommands(core).table()["originate"]
        core.switch.register("101", answers(after=0.1))
        with pytest.raises(CallRejected):
            await originate("sara", "bakery", "no number")
        await until(lambda: core.desk.agent("sara").state == "idle")
        caller = core.switch.dial_in(BAKERY, Party("+989121234567"))
        await until(lambda: core.desk.agent("sara").state == "in_call", 30)
        with pytest.raises(CallRejected, match="busy"):
            await originate("sara", "bakery", "+989121234567")
        caller.party_hangs_up()
        await until(lambda: not core.office.runs)

    in_core(story)


def test_a_call_does_not_wait_behind_phones_for_a_slow_disk(in_core):
    async def story(core, db):
        disk = asyncio.Event()
        really = core.books.write

        async def write(work, **kwargs):
            await disk.wait()
            await really(work, **kwargs)

        core.books.write = write
        core.switch.register("101", answers(after=0.1))
        core.switch.dial_in(BAKERY, Party("+989121234567")).party_hangs_up()
        await until(lambda: core.office.runs)
        disk.set()
        await until(lambda: not core.office.runs)

    in_core(story)
