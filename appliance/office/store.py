"""SQL of the office's one row."""

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database


def read(db: Database) -> dict[str, Any] | None:
    """The row, or None."""
    return next(iter(db.query("SELECT * FROM office")), None)


def insert(db: Database, values: Mapping[str, Any]) -> None:
    """The first row."""
    names = ", ".join(values)
    marks = ", ".join(f":{n}" for n in values)
    db.execute(f"INSERT INTO office (only_row, {names}) VALUES (1, {marks})", dict(values))  # noqa: S608 names are ours


def update(db: Database, values: Mapping[str, Any]) -> None:
    """Change some columns."""
    sets = ", ".join(f"{n} = :{n}" for n in values)
    db.execute(f"UPDATE office SET {sets}", dict(values))  # noqa: S608 names are ours
