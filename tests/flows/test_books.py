"""The books are written once, in order, and nobody waits for them."""

import asyncio
import sqlite3
from datetime import UTC, datetime

from appliance import simulated_time
from appliance.flows.books import PATIENCE_SECONDS, Books

NOON = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


class Disk:
    """A store whose disk is full, slow, or well."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.is_full = False
        self.seconds = 0.01

    async def write(self, work) -> None:
        async def really() -> None:
            await asyncio.sleep(self.seconds)
            if self.is_full:
                raise sqlite3.OperationalError("database or disk is full")
            work(self)

        # like Store.write: who waits may be cancelled, the write is not
        await asyncio.shield(asyncio.ensure_future(really()))


def entry(name: str):
    return lambda disk: disk.written.append(name)


async def kept(disk: Disk, books: Books, names: str) -> None:
    disk.is_full = True
    for name in names:
        await books.write(entry(name))
    disk.is_full = False


def test_what_was_kept_is_written_once_when_several_catch_up_together():
    async def story():
        disk = Disk()
        books = Books(disk)
        await kept(disk, books, "abc")
        await asyncio.gather(books.catch_up(), books.write(entry("d")), books.catch_up(), books.write(entry("e")))
        assert "".join(disk.written) == "abcde"
        assert books.kept == 0

    simulated_time.run(story(), begin=NOON)


def test_a_call_that_ends_while_it_writes_neither_loses_nor_doubles_an_entry():
    async def story():
        disk = Disk()
        books = Books(disk)
        await kept(disk, books, "ab")
        for name in "cd":
            writing = asyncio.create_task(books.write(entry(name)))
            await asyncio.sleep(0.005)  # in the middle of writing "a"
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        catching = asyncio.create_task(books.catch_up())
        await asyncio.sleep(0.005)
        catching.cancel()
        await books.settle(5)
        assert await books.catch_up()
        assert "".join(disk.written) == "abcd"

    simulated_time.run(story(), begin=NOON)


def test_an_entry_that_fails_is_not_overtaken_by_the_next():
    async def story():
        disk = Disk()
        books = Books(disk)
        disk.is_full = True
        first = asyncio.create_task(books.write(entry("a")))
        await asyncio.sleep(0)
        second = asyncio.create_task(books.write(entry("b")))
        await asyncio.sleep(0.015)  # "a" has failed
        disk.is_full = False
        await asyncio.gather(first, second)
        assert await books.catch_up()
        assert "".join(disk.written) == "ab"

    simulated_time.run(story(), begin=NOON)


def test_nobody_waits_longer_than_their_patience_for_a_slow_disk_and_is_told_when_it_is_done():
    async def story():
        disk, told = Disk(), []
        books = Books(disk)
        disk.seconds = 1.0
        loop = asyncio.get_running_loop()
        began = loop.time()
        await books.write(entry("a"), later=lambda: told.append("a"))
        assert loop.time() - began <= PATIENCE_SECONDS + 0.001
        assert disk.written == told == []
        await books.settle(5)
        assert disk.written == told == ["a"]

    simulated_time.run(story(), begin=NOON)
