"""What a running flow may touch: the office around a call, and the call's own books."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.flows.desk import Desk
from appliance.flows.directory import Business, Directory
from appliance.prompts.models import OwnSound
from appliance.store import Store
from appliance.switch.causes import Cause
from appliance.switch.errors import LegGone
from appliance.switch.port import Leg, Switch

log = logging.getLogger(__name__)
T = TypeVar("T")


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
    publish: Callable[[dict[str, Any]], None]
    directory: Directory = field(default_factory=Directory)
    runs: dict[str, "CallRun"] = field(default_factory=dict)  # live calls by call_id


@dataclass(frozen=True)
class TransferRequest:
    """Somebody wants the caller of a call sent on to a target; ``done`` gets None, or the cause of the failure."""

    target: str
    done: "asyncio.Future[Cause | None]"


class CallRun:
    """A call while it lives: its books, the legs on it, and what people ask of it meanwhile."""

    def __init__(self, office: Office, call_id: str, business: Business | None) -> None:
        self.office = office
        self.call_id = call_id
        self.business = business
        self.caller: Leg | None = None  # the leg that began the call
        self.legs: list[Leg] = []
        self.transfers: asyncio.Queue[TransferRequest] = asyncio.Queue()
        self.caller_number = ""
        self.dialled = ""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.row: dict[str, Any] = {}

    @property
    def elapsed(self) -> float:
        """Seconds since the call arrived, by a clock that never jumps."""
        return round(self._loop.time() - self._began, 3)

    async def note(self, kind: Kind, *, agent_id: str | None = None, **detail: Any) -> None:
        """Write down what happened, and tell everyone who watches."""
        t = self.elapsed
        await self.write(lambda db: calls.add_event(db, self.call_id, kind, agent_id=agent_id, t=t, **detail))

    async def write(self, work: Callable[[Any], dict[str, Any] | None]) -> None:
        """Do several things in one transaction; the last add_event's row is what watchers are told."""
        row = await self.office.store.write(work)
        if row is not None:
            self.row = row
        log.info("call=%s state=%s phase=%s", self.call_id, self.row.get("state"), self.row.get("phase"))
        self.office.publish(
            {
                "event": "call",
                "call_id": self.call_id,
                "business_id": self.business.business_id if self.business else None,
                "agent_id": self.row.get("agent_id"),
                "state": self.row.get("state"),
                "phase": self.row.get("phase"),
            }
        )

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

    async def hang_up(self, cause: Cause = Cause.NORMAL) -> None:
        """End every leg."""
        for leg in self.legs:
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
