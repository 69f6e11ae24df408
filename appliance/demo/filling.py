"""Making the demo's office in an empty folder: furnish it, let the month happen, close the made-up post office."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlite_utils import Database

from appliance import ids, simulated_time, supervisor
from appliance.accounts import service as accounts
from appliance.commands.office_file import applying, current, plan, reading
from appliance.config import Settings
from appliance.demo import arrivals, cast, diary, studio
from appliance.demo.month import Month
from appliance.flows.books import Books
from appliance.flows.desk import Desk
from appliance.flows.directory import Directory
from appliance.flows.directory import load as load_directory
from appliance.flows.session import Office
from appliance.office import service as office_service
from appliance.prompts.library import PromptLibrary, wanted_by_business
from appliance.prompts.models import OwnSound
from appliance.store import Store, connect, transaction
from appliance.switch.simulator.engine import SimulatedSwitch

OFFICE_FILE = Path(__file__).parent / "office.toml"
OWNER, OWNER_NAME = "mina@example.com", "Mina Karimi"
DAYS = 30
_PLAYED = {"greeting", "closed", "no_one_answers", "leave_message", "message_saved"}


class ReadySounds:
    """The prompts, made beforehand: on simulated time nothing can be waited for."""

    def __init__(self, made: dict[tuple[str, str], Path], music: Path, tone: Path) -> None:
        self._made, self._music, self._tone = made, music, tone

    async def sound(
        self, prompt: str, language: str, *, business_id: str = "", business_name: str = "", text: str = ""
    ) -> Path:
        """The prompt, or the tone for one that was not foreseen."""
        return self._made.get((business_id, prompt), self._tone)

    async def music(self) -> Path:
        """Music on hold."""
        return self._music

    async def tone(self) -> Path:
        """The tone after which one speaks."""
        return self._tone

    async def save_phone_recording(self, business_id: str, prompt: str, language: str, path: Path) -> OwnSound:
        """Nobody records a prompt in the demo."""
        raise LookupError(prompt)


async def _make_sounds(settings: Settings, directory: Directory) -> ReadySounds:
    library = PromptLibrary(settings)
    wanted = [
        one
        for b in directory.businesses.values()
        for one in wanted_by_business(b.business_id, b.name, b.language, b.greeting)
        if one.prompt in _PLAYED
    ]
    paths = await asyncio.gather(
        *(
            library.sound(
                one.prompt,
                one.language,
                business_id=one.business_id,
                business_name=one.business_name,
                text=one.text,
            )
            for one in wanted
        )
    )
    made = {(one.business_id, one.prompt): path for one, path in zip(wanted, paths, strict=True)}
    return ReadySounds(made, await library.music(), await library.tone())


def _furnish(db: Database, people: list[cast.Person], office_file: bytes) -> str:
    """The office, its people and their callers; the owner's user_id."""
    with transaction(db):
        wanted = reading.read(office_file, OFFICE_FILE.name, known_secrets=frozenset())
        applying.apply(db, plan.make(wanted, current.nothing(), ids.new_secret))
        owner = accounts.find_user(db, OWNER)
        if owner is None:
            owner = accounts.create_user(db, login=OWNER, name=OWNER_NAME, role="owner")
        accounts.rename(db, owner.user_id, login=OWNER, name=OWNER_NAME)
        cast.introduce(db, people)
        diary.say_what_can_be_booked(db)
    return owner.user_id


@contextlib.contextmanager
def _studio(settings: Settings, luck: random.Random) -> Iterator[studio.Studio]:
    # beside the recordings, so that each recording can be a link to its sound
    with tempfile.TemporaryDirectory(prefix="demo-sounds-", dir=settings.home) as folder:
        studio.speak_everything(Path(folder))
        yield studio.Studio(Path(folder), luck)


def fill(
    settings: Settings, *, until: datetime, days: int = DAYS, seed: int = 7, office_file: bytes | None = None
) -> int:
    """Let the month happen in an empty folder; how many calls there were."""
    luck = random.Random(seed)  # noqa: S311  a demo, not a secret
    supervisor.prepare(settings)
    people = cast.callers(luck)
    db = connect(settings.database)
    owner = _furnish(db, people, office_file or OFFICE_FILE.read_bytes())
    directory = load_directory(db)
    db.close()
    sounds = asyncio.run(_make_sounds(settings, directory))
    timezone = directory.businesses["bakery"].timezone
    coming = list(arrivals.month(people, luck, until=until, days=days, timezone=timezone))
    begin = until - timedelta(days=days + 1)

    async def live(stage: studio.Studio) -> None:
        store = Store(settings.database, inline=True)
        # outside of any transaction: a demo that a power cut spoils is made again
        await store.read(lambda db: db.execute("PRAGMA synchronous = OFF").fetchall())
        switch = SimulatedSwitch(stage.write)
        books = Books(store)
        desk = Desk(books, lambda extension: bool(switch.bindings(extension)), lambda _event: None)
        office = Office(settings, store, switch, sounds, desk, books, lambda _event: None, directory)
        desk.configure(directory.agents.values())
        await Month(office, switch, stage, luck, timezone, owner).live(coming, begin, until)
        await store.write(_close_the_post_office)
        store.close()

    with _studio(settings, luck) as stage:
        simulated_time.run(live(stage), begin=begin)
    return len(coming)


def _close_the_post_office(db: Database) -> None:
    # the made-up one is gone with the demo: real mails wait, in sight, until a real server is set
    office_service.update_office(db, smtp_host="", smtp_from="")
