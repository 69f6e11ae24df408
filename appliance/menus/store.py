"""SQL of menus."""

import json
from typing import Any

from sqlite_utils import Database


def menus(db: Database, business_id: str | None = None) -> list[dict[str, Any]]:
    """The menus of one business, or of all, in their order."""
    where, values = ("WHERE business_id = ?", [business_id]) if business_id is not None else ("", [])
    rows = db.query(f"SELECT * FROM menus {where} ORDER BY position, menu_id", values)  # noqa: S608  fixed text
    return [{**row, "keys": json.loads(row["keys"]), "direct_dial": bool(row["direct_dial"])} for row in rows]


def write(db: Database, values: dict[str, Any]) -> None:
    """Insert a menu or change it."""
    columns = {**values, "keys": json.dumps(values["keys"], ensure_ascii=False)}
    names, marks = ", ".join(columns), ", ".join(f":{n}" for n in columns)
    sets = ", ".join(f"{n} = excluded.{n}" for n in columns if n != "menu_id")
    db.execute(
        f"INSERT INTO menus ({names}) VALUES ({marks}) ON CONFLICT (menu_id) DO UPDATE SET {sets}",  # noqa: S608
        columns,
    )


def delete(db: Database, menu_id: str) -> None:
    """Remove a menu."""
    db.execute("DELETE FROM menus WHERE menu_id = ?", [menu_id])


def next_position(db: Database) -> int:
    """The place after the last menu."""
    return int(db.execute("SELECT coalesce(max(position) + 1, 0) FROM menus").fetchone()[0])


def timezone_of(db: Database, business_id: str) -> str:
    """The time zone of a business: in its country national numbers are meant."""
    row = db.execute(
        "SELECT coalesce(b.timezone, o.timezone, 'UTC') FROM businesses b LEFT JOIN office o ON o.only_row = 1"
        " WHERE b.business_id = ?",
        [business_id],
    ).fetchone()
    return str(row[0]) if row else "UTC"


def has_extension(db: Database, extension: str) -> bool:
    """Whether there is such an extension."""
    return db.execute("SELECT 1 FROM extensions WHERE extension = ?", [extension]).fetchone() is not None
