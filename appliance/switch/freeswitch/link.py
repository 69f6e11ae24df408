"""A connection to FreeSWITCH that comes back.

Owns: trying again with growing pauses, subscribing anew, noticing that FreeSWITCH hangs. Leaves out: the protocol
(esl.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence

from appliance.switch.freeswitch.esl import EventSocket
from appliance.switch.freeswitch.failures import EventSocketError, SocketAway
from appliance.switch.freeswitch.frames import Event

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
BEAT_SECONDS = 2.0  # how often a FreeSWITCH that says nothing is asked whether it lives
BEAT_ANSWER_SECONDS = 3.0


class Link:
    """Keeps one EventSocket open. ``on_up`` runs after each connection, before anybody else may use it."""

    def __init__(
        self,
        host: str,
        port: int,
        password: str,
        *,
        events: Sequence[str],
        subclasses: Sequence[str],
        on_event: Callable[[Event], None],
        on_up: Callable[[EventSocket], Awaitable[None]],
        on_down: Callable[[str], None],
    ) -> None:
        self._place = (host, port, password)
        self._events, self._subclasses = events, subclasses
        self._on_event, self._on_up, self._on_down = on_event, on_up, on_down
        self._socket: EventSocket | None = None
        self._task: asyncio.Task[None] | None = None
        self._hurry, self._is_up = asyncio.Event(), asyncio.Event()

    async def start(self, patience: float) -> None:
        """Connect, trying again for ``patience`` seconds, and keep connected. Raises the last EventSocketError."""
        deadline = asyncio.get_running_loop().time() + patience
        while True:
            try:
                socket = await self._connect()
                break
            except EventSocketError as error:
                if error.reached == "refused" or asyncio.get_running_loop().time() > deadline:
                    raise
                await asyncio.sleep(FIRST_PAUSE_SECONDS)
        self._task = asyncio.create_task(self._keep(socket), name="event socket link")

    async def stop(self) -> None:
        """Close it for good. Safe to repeat."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    def hurry(self) -> None:
        """FreeSWITCH is there again: no pause before the next try."""
        self._hurry.set()

    async def wait_up(self) -> None:
        """Wait until FreeSWITCH is connected."""
        await self._is_up.wait()

    @property
    def socket(self) -> EventSocket:
        """The connection. Raises SocketAway while there is none."""
        if self._socket is None or not self._socket.is_open:
            raise SocketAway
        return self._socket

    @property
    def is_up(self) -> bool:
        """Whether FreeSWITCH is connected."""
        return self._socket is not None and self._socket.is_open

    async def _connect(self) -> EventSocket:
        socket = await EventSocket.connect(*self._place, self._on_event)
        try:
            await socket.subscribe(self._events, self._subclasses)
            self._socket = socket
            await self._on_up(socket)
        except BaseException:
            self._socket = None
            await socket.close()
            raise
        self._is_up.set()
        log.info("freeswitch connected version=%s", socket.version)
        return socket

    async def _keep(self, socket: EventSocket) -> None:
        while True:
            beat = asyncio.create_task(_beat(socket))
            why = await socket.wait_closed()
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            await socket.close()
            self._socket = None
            self._is_up.clear()
            log.warning("freeswitch is away: %s", why or "it closed the connection")
            self._on_down(why)
            socket = await self._reconnect()

    async def _reconnect(self) -> EventSocket:
        pause = FIRST_PAUSE_SECONDS
        last = ""
        while True:
            try:
                return await self._connect()
            except EventSocketError as error:
                if error.message != last:
                    log.warning("freeswitch: %s", error.message)
                last = error.message
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause * random.uniform(0.8, 1.2)):  # noqa: S311  no secret
                    await self._hurry.wait()
            pause = FIRST_PAUSE_SECONDS if self._hurry.is_set() else min(LONGEST_PAUSE_SECONDS, pause * 1.6)
            self._hurry.clear()


async def _beat(socket: EventSocket) -> None:
    """A FreeSWITCH that hangs keeps its connections open: ask, and give it up when it does not answer."""
    while True:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await socket.api("uptime", timeout=BEAT_ANSWER_SECONDS)
        except EventSocketError as error:
            socket.abort(error.message)
            return
