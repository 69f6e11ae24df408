"""What the engine's rooms share: the connection, the legs, tasks that must not be lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError, SocketAway
from appliance.switch.freeswitch.legs import FsLeg
from appliance.switch.freeswitch.link import Link

log = logging.getLogger(__name__)


class Exchange:
    """The legs that live, by the names of their channels."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.legs: dict[str, FsLeg] = {}
        self.link: Link | None = None
        self.hold_music: Path | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    def socket(self) -> EventSocket:
        """The connection of the moment. Raises SocketAway."""
        if self.link is None:
            raise SocketAway
        return self.link.socket

    def variables(self) -> dict[str, str]:
        """What every channel of ours is told."""
        values = {
            "playback_terminators": "none",
            "hangup_after_bridge": "true",
            "confirm_blind_transfer": "true",
            "force_transfer_context": "transfers",
            "force_transfer_dialplan": "XML",
            "ignore_display_updates": "true",
            "fire_rtcp_events": "true",
        }
        if self.hold_music is not None:
            values["hold_music"] = commands.file(self.hold_music)
        return values

    def living(self) -> list[FsLeg]:
        """Every leg once."""
        return list({id(leg): leg for leg in self.legs.values()}.values())

    def forget(self, leg: FsLeg) -> None:
        """A leg has ended."""
        for name in [name for name, one in self.legs.items() if one is leg]:
            del self.legs[name]

    def keep(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something to its end, though nobody waits for it."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, EventSocketError):
            log.info("%s: %s", task.get_name(), error.message)
        else:
            log.error("%s failed", task.get_name(), exc_info=error)

    async def settle(self) -> None:
        """Wait for what runs, for a moment."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=2)
        for task in self._tasks:
            task.cancel()
