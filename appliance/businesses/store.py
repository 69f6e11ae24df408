"""SQL of businesses and their numbers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

_SELECT = (
    "SELECT *, (SELECT json_group_array(number) FROM"
    " (SELECT number FROM numbers n WHERE n.business_id = b.business_id ORDER BY n.position, n.number)) AS numbers"
    " FROM businesses b"
)


def _read(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **row,
        "hours": json.loads(row["hours"]),
        "exceptions": json.loads(row["exceptions"]),
        "messages_to": tuple(json.loads(row["messages_to"])),
        "numbers": tuple(json.loads(row["numbers"])),
    }


def businesses(db: Database) -> list[dict[str, Any]]:
    """All businesses in their order."""
    return [_read(row) for row in db.query(f"{_SELECT} ORDER BY position, business_id")]


def business(db: Database, business_id: str) -> dict[str, Any] | None:
    """One business, or None."""
    rows = db.query(f"{_SELECT} WHERE business_id = ?", [business_id])
    return next((_read(row) for row in rows), None)


def next_position(db: Database) -> int:
    """The place after the last business."""
    return int(db.execute("SELECT coalesce(max(position) + 1, 0) FROM businesses").fetchone()[0])


def write(db: Database, values: Mapping[str, Any]) -> None:
    """Insert a business or change it; its numbers apart."""
    columns = {k: v for k, v in values.items() if k != "numbers"}
    columns["hours"] = json.dumps(dict(columns["hours"]))
    columns["exceptions"] = json.dumps(dict(columns["exceptions"]), ensure_ascii=False)
    columns["messages_to"] = json.dumps(list(columns["messages_to"]), ensure_ascii=False)
    names, marks = ", ".join(columns), ", ".join(f":{n}" for n in columns)
    sets = ", ".join(f"{n} = excluded.{n}" for n in columns if n != "business_id")
    db.execute(
        f"INSERT INTO businesses ({names}) VALUES ({marks}) ON CONFLICT (business_id) DO UPDATE SET {sets}",  # noqa: S608
        columns,
    )


def delete(db: Database, business_id: str) -> None:
    """Remove a business, its numbers, contacts and who serves it."""
    db.execute("DELETE FROM businesses WHERE business_id = ?", [business_id])


def holder_of(db: Database, number: str) -> tuple[str, str] | None:
    """Id and name of the business a number belongs to, or None."""
    row = db.execute(
        "SELECT business_id, name FROM numbers JOIN businesses USING (business_id) WHERE number = ?", [number]
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else None


def replace_numbers(db: Database, business_id: str, numbers: Sequence[str]) -> None:
    """Make these, in this order, the numbers of a business."""
    db.execute("DELETE FROM numbers WHERE business_id = ?", [business_id])
    for position, number in enumerate(numbers):
        db.execute(
            "INSERT INTO numbers (number, business_id, position) VALUES (?, ?, ?)", [number, business_id, position]
        )


def history(db: Database, business_id: str) -> tuple[int, int]:
    """How many calls and messages are on record."""
    calls = db.execute("SELECT count(*) FROM calls WHERE business_id = ?", [business_id]).fetchone()[0]
    messages = db.execute("SELECT count(*) FROM messages WHERE business_id = ?", [business_id]).fetchone()[0]
    return int(calls), int(messages)


def has_appointments(db: Database, business_id: str) -> bool:
    """Whether appointments with it are on record."""
    rows = db.query("SELECT 1 FROM appointments WHERE business_id = ? LIMIT 1", [business_id])
    return next(iter(rows), None) is not None


def contacts(db: Database, business_id: str) -> int:
    """How many contacts are kept for it."""
    return int(db.execute("SELECT count(*) FROM contacts WHERE business_id = ?", [business_id]).fetchone()[0])


def office_timezone(db: Database) -> str:
    """The office's time zone, UTC where there is no office yet."""
    row = db.execute("SELECT timezone FROM office").fetchone()
    return str(row[0]) if row else "UTC"
