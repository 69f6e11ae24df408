"""The core's heartbeat in the store: a row that is fresh while the core lives.

Written on a connection of its own without a sync per beat, so that beating does not wear out a memory card.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from sqlite_utils import Database

from appliance import clock
from appliance.store.db import connect

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
STALE_SECONDS = 6.0


class Heart:
    """Beats until stopped."""

    def __init__(self, path: Path, engine: str, version: str) -> None:
        self._path, self._engine, self._version = path, engine, version
        self._task: asyncio.Task[None] | None = None
        self.started_at = clock.stamp()

    async def start(self) -> None:
        """The first beat is written when this returns."""
        self._db = await asyncio.to_thread(connect, self._path)
        self._db.execute("PRAGMA synchronous = NORMAL")
        with contextlib.suppress(sqlite3.OperationalError):  # a full disk: the next beat may be written
            await asyncio.to_thread(self._beat)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Say that the core is gone; safe to repeat."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("DELETE FROM core_status")
        self._db.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await asyncio.to_thread(self._beat)
            except sqlite3.Error as error:  # a full or busy disk must not end the core
                log.warning("heartbeat not written: %s", error)

    def _beat(self) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO core_status VALUES (1, ?, ?, ?, ?, ?)",
            [os.getpid(), self._engine, self._version, self.started_at, clock.stamp()],
        )


def read(db: Database) -> dict[str, object] | None:
    """The core's row with ``is_fresh``; None when no core has said anything since it was stopped in order."""
    row = next(iter(db.query("SELECT pid, engine, version, started_at, seen_at FROM core_status")), None)
    if row is None:
        return None
    beats = clock.seconds_between(str(row["seen_at"]), clock.stamp()) < STALE_SECONDS
    return {**row, "is_fresh": beats and Path(f"/proc/{row['pid']}").exists()}
