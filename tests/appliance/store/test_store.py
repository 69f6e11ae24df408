"""The office file: schema from every earlier version, transactions, the core's two threads."""

import asyncio
import re
import sqlite3

import pytest

from appliance.store import Store, connect, migrate, transaction
from appliance.store.db import StoreClosed
from appliance.store.migrations import steps

NAMES = [migration.name for migration in steps._migrations]


def schema(db) -> list[str]:
    rows = db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '\\_sqlite%' ESCAPE '\\'")
    return sorted(re.sub(r"\s+", " ", row[0]) for row in rows.fetchall())


@pytest.mark.parametrize("stop_before", NAMES)
def test_every_earlier_version_comes_to_the_same_schema(tmp_path, stop_before):
    fresh, old = connect(tmp_path / "fresh.db"), connect(tmp_path / "old.db")
    migrate(fresh)
    steps.apply(old, stop_before=stop_before)
    assert migrate(old) == NAMES[NAMES.index(stop_before) :]
    assert schema(old) == schema(fresh)
    assert migrate(old) == []


def test_every_table_is_strict_and_every_foreign_key_holds(tmp_path):
    db = connect(tmp_path / "office.db")
    migrate(db)
    tables = db.execute("SELECT name, strict FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE '%sqlite_%'")
    assert [name for name, strict in tables.fetchall() if not strict] == []
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.execute("INSERT INTO numbers (number, business_id) VALUES ('+982188001122', 'nobody')")


def test_a_transaction_is_all_or_nothing(tmp_path):
    db = connect(tmp_path / "office.db")
    migrate(db)
    for statement in ("INSERT INTO extensions (extension, sip_password) VALUES ('101', 'x')", "NO SQL"):
        with pytest.raises(sqlite3.Error), transaction(db):  # noqa: PT012
            db.execute("INSERT OR FAIL INTO extensions (extension, sip_password) VALUES ('101', 'x')")
            db.execute(statement)
    assert db.execute("SELECT count(*) FROM extensions").fetchone()[0] == 0


@pytest.mark.parametrize("inline", [True, False])
def test_what_is_written_is_read_at_once_and_a_failed_write_leaves_nothing(tmp_path, inline):
    path = tmp_path / "office.db"
    migrate(connect(path))

    def add(db, extension: str, fail: bool) -> int:
        db.execute("INSERT INTO extensions (extension, sip_password) VALUES (?, 'x')", [extension])
        if fail:
            raise ValueError("no more")
        return 1

    async def story() -> None:
        store = Store(path, inline=inline)
        assert await store.write(add, "101", False) == 1
        with pytest.raises(ValueError, match="no more"):
            await store.write(add, "102", True)
        count = await store.read(lambda db: db.execute("SELECT count(*) FROM extensions").fetchone()[0])
        assert count == 1
        store.close()
        store.close()
        with pytest.raises(StoreClosed):
            await store.read(lambda db: db)

    asyncio.run(story())


def test_a_write_whose_caller_is_cancelled_is_still_written_whole(tmp_path):
    path = tmp_path / "office.db"
    migrate(connect(path))

    async def story() -> None:
        store = Store(path)
        task = asyncio.create_task(
            store.write(lambda db: db.execute("INSERT INTO extensions (extension, sip_password) VALUES ('101', 'x')"))
        )
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        store.close()

    asyncio.run(story())
    assert connect(path).execute("SELECT count(*) FROM extensions").fetchone()[0] == 1


def test_a_commit_that_fails_leaves_no_transaction_open(tmp_path):
    db = connect(tmp_path / "office.db")
    db.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
    db.execute("CREATE TABLE two (id INTEGER REFERENCES one DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), transaction(db):
        db.execute("INSERT INTO two VALUES (1)")  # found wrong by the COMMIT alone
    with transaction(db):
        db.execute("INSERT INTO one VALUES (1)")
    assert db.execute("SELECT count(*) FROM one").fetchone()[0] == 1
    assert db.execute("SELECT count(*) FROM two").fetchone()[0] == 0
    db.close()
