"""An office on simulated time: real store, real flows, the simulator as its switch."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from appliance import simulated_time
from appliance.agents import service as agents
from appliance.calls import service as calls
from appliance.calls.models import Call
from appliance.config import Settings
from appliance.flows import router
from appliance.flows.books import Books
from appliance.flows.desk import Desk
from appliance.flows.directory import load as load_directory
from appliance.flows.session import Office
from appliance.store import Store, connect, migrate, transaction
from appliance.switch.events import CallOffered, PhonesChanged
from appliance.switch.simulator.engine import SimulatedSwitch

# A Tuesday, 12:00 in Tehran
NOON = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
BAKERY = "+982188001122"


class NamedSounds:
    """Sounds that exist by name only: each plays for a second."""

    async def sound(
        self, prompt: str, language: str, *, business_id: str = "", business_name: str = "", text: str = ""
    ) -> Path:
        return Path(f"{prompt}.wav")

    async def music(self) -> Path:
        return Path("music.wav")

    async def tone(self) -> Path:
        return Path("tone.wav")


@dataclass
class World:
    """What a flow test sees: the office, its switch, and its books."""

    office: Office
    switch: SimulatedSwitch
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return self.office.store

    async def all_calls(self) -> list[Call]:
        page = await self.store.read(lambda db: calls.list_calls(db, businesses=None))
        return page.items

    async def only_call(self) -> Call:
        found = await self.all_calls()
        assert len(found) == 1
        return found[0]

    async def kinds(self, call_id: str) -> list[str]:
        return [e.kind for e in await self.store.read(lambda db: calls.timeline(db, call_id))]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        return await self.store.read(lambda db: list(db[table].rows))

    def agent_state(self, agent_id: str) -> str:
        agent = self.office.desk.agent(agent_id)
        assert agent is not None
        return agent.state


Story = Callable[[World], Awaitable[None]]


def furnish(path: Path) -> None:
    """The bakery, open on weekdays, with Sara (101, shared) and Ben (102, shared), and an unstaffed clinic."""
    db = connect(path)
    migrate(db)
    with transaction(db):
        db.execute(
            "INSERT INTO office (only_row, name, timezone, language, owner_email)"
            " VALUES (1, 'Nasim House', 'Asia/Tehran', 'en', 'owner@example.com')"
        )
        db.execute("INSERT INTO trunks (trunk_id, kind, host) VALUES ('primary', 'peer', '127.0.0.1:5090')")
        for business_id, name, hours in (
            ("bakery", "Nasim Bakery", '{"sat-wed": "09:00-18:00"}'),
            ("clinic", "Mehr Clinic", "{}"),
        ):
            db.execute(
                "INSERT INTO businesses (business_id, name, language, hours, messages_to)"
                " VALUES (?, ?, 'en', ?, '[\"owner@example.com\"]')",
                [business_id, name, hours],
            )
        db.execute("INSERT INTO numbers (number, business_id) VALUES (?, 'bakery')", [BAKERY])
        db.execute("INSERT INTO numbers (number, business_id) VALUES ('+982188003344', 'clinic')")
        for extension, agent_id, name in (("101", "sara", "Sara Karimi"), ("102", "ben", "Ben Okoye")):
            db.execute("INSERT INTO extensions (extension, sip_password) VALUES (?, 'x')", [extension])
            agents.create_agent(db, agent_id, name, extension, {"bakery": "shared"})
    db.close()


async def _open_office(home: Path) -> World:
    settings = Settings(home=home)
    store = Store(settings.database, inline=True)
    switch = SimulatedSwitch()
    events: list[dict[str, Any]] = []
    books = Books(store)
    desk = Desk(books, lambda ext: bool(switch.bindings(ext)), events.append)
    office = Office(
        settings, store, switch, NamedSounds(), desk, books, events.append, await store.read(load_directory)
    )  # type: ignore[arg-type]
    desk.configure(office.directory.agents.values())
    return World(office, switch, events)


async def _serve(world: World) -> None:
    async with asyncio.TaskGroup() as group:
        async for event in world.switch.events():
            match event:
                case CallOffered(leg):
                    group.create_task(router.take(world.office, leg))
                case PhonesChanged():
                    await world.office.desk.phones_changed()


@pytest.fixture
def furnished(tmp_path: Path) -> Path:
    """The office file of the bakery and the clinic."""
    furnish(tmp_path / "office.db")
    return tmp_path / "office.db"


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Story], None]:
    """Let a story happen in an office on simulated time that begins on a Tuesday noon."""

    def run(story: Story, begin: datetime = NOON) -> None:
        furnish(tmp_path / "office.db")

        async def main() -> None:
            world = await _open_office(tmp_path)
            serving = asyncio.create_task(_serve(world))
            await asyncio.sleep(0)
            await story(world)
            await world.switch.stop()
            await serving
            world.store.close()

        simulated_time.run(main(), begin=begin)

    return run
