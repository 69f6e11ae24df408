"""What a running flow may touch: the office around a call, and the call's own books."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlite_utils import Database

from appliance import clock
from appliance.calls import rules
from appliance.calls import service as calls
from appliance.calls.models import Call, CallEvent, Kind
from appliance.config import Settings
from appliance.flows.books import Books, Work
from appliance.flows.desk import Desk
from appliance.flows.directory import Business, Directory
from appliance.ids import new_id
from appliance.prompts.models import OwnSound
from appliance.recordings import service as recordings
from appliance.store import Store
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.port import Leg, Switch

log = logging.getLogger(__name__)
T = TypeVar("T")

FOLDER_SECONDS = 1.0  # two people who wait to be connected wait no longer for a disk


class Sounds(Protocol):
    """The sounds a flow plays; never fails: a sound that cannot be made is a short tone."""

    async def sound(
        self, prompt: str, language: str, *, business_id: str = "", business_name: str = "", text: str = ""
    ) -> Path:
        """An announcement: people's own sound, else ``text`` spoken, else the standard text."""

    async def music(self) -> Path:
        """Music on hold."""

    async def tone(self) -> Path:
        """The tone after which one speaks."""

    async def save_phone_recording(self, business_id: str, prompt: str, language: str, path: Path) -> OwnSound:
        """Keep a recording as a prompt."""


@dataclass
class Office:
    """The office that answers."""

    settings: Settings
    store: Store
    switch: Switch
    sounds: Sounds
    desk: Desk
    books: Books
    publish: Callable[[dict[str, Any]], None]
    directory: Directory = field(default_factory=Directory)
    runs: dict[str, "CallRun"] = field(default_factory=dict)  # live calls by call_id
    _kept: set[asyncio.Task[None]] = field(default_factory=set)

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end beside the calls."""
        task = asyncio.create_task(work)
        self._kept.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._kept.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("something beside the calls failed", exc_info=error)


@dataclass(frozen=True)
class TransferRequest:
    """Somebody wants the caller of a call sent on to a target; ``done`` gets None, or the cause of the failure."""

    target: str
    done: "asyncio.Future[Cause | None]"


class CallRun:
    """A call while it lives: its books, the legs on it, and what people ask of it meanwhile."""

    def __init__(self, office: Office, business: Business | None, **opening: Any) -> None:
        """``opening`` is what calls.start_call takes beside the business."""
        self.office = office
        self.call_id = new_id("call")
        self.business = business
        self.caller: Leg | None = None  # the leg that began the call
        self.legs: list[Leg] = []
        self.listeners: dict[str, Leg] = {}  # supervisors in the conversation, by extension
        self.transfers: asyncio.Queue[TransferRequest] = asyncio.Queue()
        self.caller_number: str = opening["caller_number"]
        self.caller_name: str = opening["caller_name"]
        self.dialled: str = opening["dialled"]
        self.direction: str = opening["direction"]
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._writing: set[asyncio.Task[None]] = set()
        self._opening = {**opening, "call_id": self.call_id, "at": clock.stamp()}
        # the call's row as the books have it, or will have it once they can be written
        self.row: dict[str, Any] = {
            "state": "ringing",
            "phase": "arrived",
            "started_at": self._opening["at"],
            "agent_id": opening.get("agent_id"),
            "answered_at": None,
            "wait_seconds": None,
            "ended_at": None,
        }

    @classmethod
    def taken_up(cls, office: Office, business: Business | None, call: Call) -> "CallRun":
        """A call that outlived the core which carried it, as the books have it."""
        run = cls(
            office,
            business,
            direction=call.direction,
            caller_number=call.caller_number,
            caller_name=call.caller_name,
            dialled=call.dialled,
            trunk_id=call.trunk_id,
            agent_id=call.agent_id,
            leg_id=call.leg_id,
        )
        run.call_id = call.call_id
        run._began -= max(0.0, clock.seconds_between(call.started_at, clock.stamp()))
        run.row |= {name: getattr(call, name) for name in run.row}
        office.runs[run.call_id] = run
        return run

    async def open(self) -> None:
        """Enter the call in the books and among the live ones."""
        business_id = self.business.business_id if self.business else None
        self.office.runs[self.call_id] = self
        await self.write(lambda db: calls.start_call(db, business_id=business_id, **self._opening))

    @property
    def elapsed(self) -> float:
        """Seconds since the call arrived, by a clock that never jumps."""
        return round(self._loop.time() - self._began, 3)

    async def note(self, kind: Kind, *, agent_id: str | None = None, **detail: Any) -> None:
        """Write down what happened, and tell everyone who watches."""
        await self.write(self.event(kind, agent_id=agent_id, **detail))

    def note_soon(self, kind: Kind, **detail: Any) -> None:
        """Write down what happened at this very moment, without waiting for the disk; settle() waits for it."""
        task = asyncio.create_task(self.write(self.event(kind, **detail)))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def settle(self) -> None:
        """Wait until everything noted soon is in the books, or never will be."""
        for outcome in await asyncio.gather(*self._writing, return_exceptions=True):
            if isinstance(outcome, Exception):
                log.error("call=%s an entry could not be written", self.call_id, exc_info=outcome)

    def event(self, kind: Kind, *, agent_id: str | None = None, ago_seconds: float = 0.0, **detail: Any) -> Work:
        """Something happens, or happened so long ago: the call's row follows at once, the work writes it down."""
        at = clock.stamp(clock.now() - timedelta(seconds=ago_seconds))
        detail = {"t": max(0.0, round(self.elapsed - ago_seconds, 3)), **detail}
        self.row |= rules.apply(self.row, CallEvent(0, self.call_id, at, kind, agent_id, detail))
        return lambda db: calls.add_event(db, self.call_id, kind, agent_id=agent_id, at=at, **detail)

    async def write(self, *works: Work) -> None:
        """Write several things into the books, all or nothing, and tell everyone who watches."""

        def work(db: Database) -> None:
            for one in works:
                one(db)

        log.info("call=%s state=%s phase=%s", self.call_id, self.row["state"], self.row["phase"])
        await self.office.books.write(work, later=self._tell)
        self._tell()

    def _tell(self) -> None:
        self.office.publish(
            {
                "event": "call",
                "call_id": self.call_id,
                "business_id": self.business.business_id if self.business else None,
                "agent_id": self.row.get("agent_id"),
                "state": self.row["state"],
                "phase": self.row["phase"],
            }
        )

    def is_ours(self, leg: Leg) -> bool:
        """Whether a phone of the office is on that leg, and nobody outside."""
        if leg.origin is not None:
            return leg.origin.kind == "extension"
        return leg.direction == "out" and leg.dialled in self.office.directory.extension_names

    async def file_for(self, kind: str) -> Path | None:
        """Where a new recording of this call goes, never over another; its folder is made.

        None where the disk takes none: the call goes on.
        """
        try:
            async with asyncio.timeout(FOLDER_SECONDS):
                return await asyncio.to_thread(self._free_place, kind)
        except OSError as error:  # TimeoutError is one
            log.error("call=%s %s cannot be recorded: %s", self.call_id, kind, error or "the disk hangs")
            return None

    def _free_place(self, kind: str) -> Path:
        folder = self.office.settings.recordings
        places = (folder / recordings.path_for(self.call_id, kind, self.row["started_at"], n) for n in range(1, 100))
        file = next(place for place in places if not place.exists())
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def stored_path(self, file: Path) -> str:
        """How the store names a recording's file."""
        return str(file.relative_to(self.office.settings.recordings))

    async def prompt(self, name: str) -> Path:
        """An announcement in the business's voice."""
        business = self.business
        if business is None:
            return await self.office.sounds.sound(name, self.office.directory.language)
        return await self.office.sounds.sound(
            name,
            business.language,
            business_id=business.business_id,
            business_name=business.name,
            text=business.greeting if name == "greeting" else "",
        )

    async def spoken(self, name: str, text: str) -> Path:
        """A text in the business's voice, or the sound kept under that name in its place."""
        business = self.business
        return await self.office.sounds.sound(
            name,
            business.language if business else self.office.directory.language,
            business_id=business.business_id if business else "",
            business_name=business.name if business else "",
            text=text,
        )

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """End every leg."""
        for leg in list(self.legs):  # a phone that is just being withdrawn leaves the list meanwhile
            await leg.hang_up(cause)


async def while_present(leg: Leg, work: Awaitable[T]) -> T:
    """Do something for a caller as long as they are there. Raises LegGone, the work cancelled, when they leave."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(leg.wait_ended())
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise LegGone(gone.result().cause)
    finally:
        for pending in (task, gone):
            pending.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)
