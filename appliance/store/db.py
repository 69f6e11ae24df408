"""Connections and transactions.

Three ways in: a plain connection with ``transaction()`` (web, commands), and ``Store`` for the core's event loop, where
one thread owns the only write connection and another the read connection, so that a slow card never stops a call.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlite_utils import Database

from appliance.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

BUSY_SECONDS = 10.0


class StoreClosed(Unavailable):
    """The store was used after it was closed."""

    code = "store-closed"


def connect(path: Path | str, *, read_only: bool = False) -> Database:
    """A connection with our pragmas: WAL, foreign keys, a busy timeout; no implicit transactions."""
    if read_only:
        raw = sqlite3.connect(
            f"file:{path}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    else:
        raw = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        raw.execute("PRAGMA journal_mode = WAL")
        raw.execute("PRAGMA synchronous = FULL")  # a committed word survives a power cut
    raw.execute("PRAGMA foreign_keys = ON")
    raw.row_factory = sqlite3.Row
    return Database(raw)


@contextlib.contextmanager
def transaction(db: Database) -> Iterator[Database]:
    """All or nothing: BEGIN IMMEDIATE, then commit, or roll back on any exception. Not re-entrant."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.conn.execute("COMMIT")  # may fail too (a full disk): the transaction must not stay open
    except BaseException:
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        raise


class Store:
    """The office file for asyncio: ``await store.write(fn, …)`` and ``await store.read(fn, …)``.

    ``fn`` gets the Database first. A write runs in one transaction with every other write before or after it.
    ``inline=True`` runs both at once in the calling thread: for flows on a simulated clock.
    """

    def __init__(self, path: Path | str, *, inline: bool = False) -> None:
        self.path = path
        self._inline = inline
        self._writer_db = connect(path)
        self._reader_db = self._writer_db if inline else connect(path, read_only=True)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="store-read")
        self._closed = False

    def _run_write(self, fn: Callable[..., T], *args: object, **kwargs: object) -> T:
        with transaction(self._writer_db) as db:
            return fn(db, *args, **kwargs)

    async def write(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(db, …)`` in a transaction on the writing thread. Raises StoreClosed, and what fn raises."""
        if self._closed:
            raise StoreClosed("The office file is closed.")
        if self._inline:
            return self._run_write(fn, *args, **kwargs)
        loop = asyncio.get_running_loop()
        # shielded: a call that ends while its last row is being written must not take the row with it
        return await asyncio.shield(loop.run_in_executor(self._writer, lambda: self._run_write(fn, *args, **kwargs)))

    async def read(self, fn: Callable[Concatenate[Database, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run ``fn(db, …)`` on the reading thread. Raises StoreClosed, and what fn raises."""
        if self._closed:
            raise StoreClosed("The office file is closed.")
        if self._inline:
            return fn(self._reader_db, *args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, lambda: fn(self._reader_db, *args, **kwargs))

    def close(self) -> None:
        """Finish what was begun and close; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        self._writer.shutdown(wait=True)
        self._reader.shutdown(wait=True)
        self._reader_db.close()
        if not self._inline:
            self._writer_db.close()
