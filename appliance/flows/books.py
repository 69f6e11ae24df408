"""Writing call data, whatever the disk says.

A call never waits for, or fails on, a store that cannot be written (a slow, full or broken disk): what happened is kept
in memory in its order and written as soon as that is possible.
"""

import asyncio
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sqlite_utils import Database

from appliance.store import Store

log = logging.getLogger(__name__)
T = TypeVar("T")

Work = Callable[[Database], Any]
Later = Callable[[], None]

MOST_KEPT = 20_000  # pieces of work; some hundreds of calls
PATIENCE_SECONDS = 0.25  # so long a call waits for the disk; what takes longer is written behind its back


class Books:
    """The store as flows write it: each piece of work once, in order; never failing, never slow."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = asyncio.Lock()  # fair: who came first writes first
        self._kept: deque[tuple[Work, Later | None]] = deque(maxlen=MOST_KEPT)
        self._under_way: set[asyncio.Task[Any]] = set()

    @property
    def kept(self) -> int:
        """How many pieces of work wait for the disk."""
        return len(self._kept)

    async def write(
        self, work: Work, *, later: Later | None = None, patience_seconds: float | None = PATIENCE_SECONDS
    ) -> None:
        """Do the work in a transaction: now, or when the store can be written again.

        Returns when it is done, cannot be done now, or takes longer than the patience; ``later`` is called when work
        that was not done at its return has been done. Cancelled, the work is done all the same.
        """
        task = self._begin(self._enter(work, later))
        done, _ = await asyncio.wait({task}, timeout=patience_seconds)
        if done:
            task.result()
            return
        log.warning("the disk is slow; the call goes on")
        task.add_done_callback(lambda ended: _came_late(ended, later))

    async def catch_up(self) -> bool:
        """Write what was kept; False while the store still cannot be written."""
        # a task of its own: who asks may be cancelled in the middle, and nothing may be written twice
        return await asyncio.shield(self._begin(self._write_kept_in_turn()))

    async def settle(self, seconds: float) -> None:
        """Wait for what is being written, so long at most."""
        if self._under_way:
            await asyncio.wait(set(self._under_way), timeout=seconds)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _enter(self, work: Work, later: Later | None) -> None:
        async with self._turn:
            if not await self._write_kept():
                self._keep(work, later)
                return
            try:
                await self._store.write(work)
            except sqlite3.OperationalError as error:
                log.error("the books cannot be written (%s); what happens is kept in memory", error)
                self._keep(work, later)

    def _keep(self, work: Work, later: Later | None) -> None:
        if len(self._kept) == MOST_KEPT:
            log.error("the disk has taken nothing for too long: the oldest entry is lost")
        self._kept.append((work, later))

    async def _write_kept_in_turn(self) -> bool:
        async with self._turn:
            return await self._write_kept()

    async def _write_kept(self) -> bool:
        while self._kept:
            work, later = self._kept[0]
            try:
                await self._store.write(work)
            except sqlite3.OperationalError:
                return False
            except Exception:  # one piece of work that cannot be done must not hold up the rest
                log.exception("kept work cannot be written and is dropped")
            self._kept.popleft()
            if later is not None:
                later()
        return True


def _came_late(task: asyncio.Task[None], later: Later | None) -> None:
    if task.cancelled():
        return
    if error := task.exception():
        log.error("an entry could not be written", exc_info=error)
    elif later is not None:
        later()
