"""Writing call data, whatever the disk says.

A call never waits for, or fails on, a store that cannot be written (a full or broken disk): what happened is kept in
memory in its order and written as soon as that is possible again.
"""

import logging
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import Any

from sqlite_utils import Database

from appliance.store import Store

log = logging.getLogger(__name__)

Work = Callable[[Database], Any]

MOST_KEPT = 20_000  # pieces of work; some hundreds of calls


class Books:
    """The store as flows write it: in order, never failing."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: deque[Work] = deque(maxlen=MOST_KEPT)

    @property
    def kept(self) -> int:
        """How many pieces of work wait for the disk."""
        return len(self._kept)

    async def write(self, work: Work) -> None:
        """Do the work in a transaction: now, or when the store can be written again."""
        if self._kept and not await self.catch_up():
            self._kept.append(work)
            return
        try:
            await self._store.write(work)
        except sqlite3.OperationalError as error:
            log.error("the books cannot be written (%s); what happens is kept in memory", error)
            self._kept.append(work)

    async def catch_up(self) -> bool:
        """Write what was kept; False while the store still cannot be written."""
        while self._kept:
            work = self._kept[0]
            try:
                await self._store.write(work)
            except sqlite3.OperationalError:
                return False
            except Exception:  # one piece of work that cannot be done must not hold up the rest
                log.exception("kept work cannot be written and is dropped")
            if self._kept and self._kept[0] is work:
                self._kept.popleft()
        return True
