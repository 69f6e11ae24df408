"""How a leg speaks to its channel: commands, and what is played on it, one thing after the other.

Owns: starting and stopping sounds so that none is left over, waiting for their end. Leaves out: what a leg is
(legs.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.ids import new_id
from appliance.switch.freeswitch import commands
from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import Refused
from appliance.switch.freeswitch.frames import Event

log = logging.getLogger(__name__)

START_SECONDS = 1.0  # how long an application may take to begin before we stop waiting for that
STOP_SECONDS = 1.0


@dataclass
class Running:
    """An application that runs on the channel."""

    name: str
    is_endless: bool
    began: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Future[Event] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    stopping: bool = False


class Channel:
    """One channel's commands."""

    def __init__(self, uuid: str, socket: Callable[[], EventSocket]) -> None:
        """``socket`` gives the connection of the moment, or raises SocketAway."""
        self.uuid = uuid
        self._socket = socket
        self._running: Running | None = None
        self._begun: dict[str, Running] = {}
        self._starting = asyncio.Lock()
        self._values: dict[str, str] = {}

    async def api(self, text: str) -> str:
        """Ask an API. Raises EventSocketError."""
        return await self._socket().api(text)

    async def ask(self, text: str) -> None:
        """Ask an API whose refusal means nothing. Raises SocketAway, NoAnswer."""
        with contextlib.suppress(Refused):
            await self.api(text)

    async def set(self, **values: str) -> None:
        """Set variables; those that have their value already are not sent."""
        changed = {name: value for name, value in values.items() if self._values.get(name) != value}
        if changed:
            await self.api(commands.set_variables(self.uuid, changed))
            self._values |= changed

    def forget(self, *names: str) -> None:
        """These variables may have another value now: FreeSWITCH or the dialplan set them."""
        for name in names:
            self._values.pop(name, None)

    async def execute(self, application: str, argument: str = "") -> None:
        """Have an application run; nobody waits for its end."""
        await self._socket().command(commands.execute(self.uuid, application, argument))

    # --- sounds ---
    async def play(self, sounds: Sequence[Path], *, endless: bool = False) -> Running:
        """Begin to play, in place of what plays."""
        name = new_id("play")
        return await self._start(commands.playback(self.uuid, sounds, name=name, endless=endless), name, endless)

    async def record(self, path: Path, *, most_seconds: float, silence_seconds: float) -> Running:
        """Begin to record the party."""
        name = new_id("rec")
        text = commands.record(self.uuid, path, most_seconds=most_seconds, silence_seconds=silence_seconds, name=name)
        return await self._start(text, name, False)

    async def _start(self, text: str, name: str, endless: bool) -> Running:
        async with self._starting:
            await self._stop()
            running = Running(name, endless)
            self._running = self._begun[name] = running
            try:
                await self._socket().command(text)
            except BaseException:
                self._running = None
                del self._begun[name]
                raise
            return running

    async def stop(self, running: Running | None = None) -> None:
        """Fall silent; with ``running``, only if it still runs."""
        if running is not None and running is not self._running:
            return
        async with self._starting:
            if running is None or running is self._running:
                await self._stop()

    async def _stop(self) -> None:
        running, self._running = self._running, None
        if running is None or running.done.done():
            return
        running.stopping = True
        try:
            # a break before the application has begun would be lost, or hit the next one
            async with asyncio.timeout(START_SECONDS):
                await running.began.wait()
        except TimeoutError:
            log.warning("channel=%s an application did not begin", self.uuid)
        if running.done.done():
            return
        await self.api(commands.stop_sounds(self.uuid))
        await asyncio.wait({running.done}, timeout=STOP_SECONDS)

    def left_behind(self) -> None:
        """Whatever played was ended by FreeSWITCH: the channel was bridged or sent elsewhere."""
        running, self._running = self._running, None
        if running is not None and not running.done.done():
            running.done.set_result(Event({}))

    # --- what comes ---
    def take(self, event: Event) -> None:
        """CHANNEL_EXECUTE and CHANNEL_EXECUTE_COMPLETE of this channel."""
        running = self._begun.get(event.get("Application-UUID", ""))
        if running is None:
            return
        if event.name == "CHANNEL_EXECUTE":
            running.began.set()
        elif "Hangup-Cause" in event:
            pass  # cut short by the end of the channel, which is told next and ends every wait
        elif not running.is_endless or running.stopping:  # what plays over and over completes with each round
            del self._begun[running.name]
            if not running.done.done():
                running.done.set_result(event)
