"""SQL of trunks and their states."""

from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database


def trunks(db: Database) -> list[dict[str, Any]]:
    """All trunks in the order they are tried."""
    return list(db.query("SELECT * FROM trunks ORDER BY position, trunk_id"))


def trunk(db: Database, trunk_id: str) -> dict[str, Any] | None:
    """One trunk, or None."""
    return next(iter(db.query("SELECT * FROM trunks WHERE trunk_id = ?", [trunk_id])), None)


def next_position(db: Database) -> int:
    """The place after the last trunk."""
    return int(db.execute("SELECT coalesce(max(position) + 1, 0) FROM trunks").fetchone()[0])


def write(db: Database, values: Mapping[str, Any]) -> None:
    """Insert a trunk or change it."""
    db.execute(
        "INSERT INTO trunks (trunk_id, kind, host, transport, username, password, position)"
        " VALUES (:trunk_id, :kind, :host, :transport, :username, :password, :position)"
        " ON CONFLICT (trunk_id) DO UPDATE SET kind = excluded.kind, host = excluded.host,"
        " transport = excluded.transport, username = excluded.username, password = excluded.password,"
        " position = excluded.position",
        dict(values),
    )


def delete(db: Database, trunk_id: str) -> None:
    """Remove a trunk and its state."""
    db.execute("DELETE FROM trunks WHERE trunk_id = ?", [trunk_id])


def states(db: Database) -> list[dict[str, Any]]:
    """Every trunk with its state, ``unknown`` where the core wrote none."""
    return list(
        db.query(
            "SELECT trunk_id, coalesce(state, 'unknown') AS state, coalesce(reason, '') AS reason, state_at"
            " FROM trunks LEFT JOIN trunk_states USING (trunk_id) ORDER BY position, trunk_id"
        )
    )


def business_of_number(db: Database, number: str) -> str | None:
    """The business a number belongs to, or None."""
    row = db.execute("SELECT business_id FROM numbers WHERE number = ?", [number]).fetchone()
    return str(row[0]) if row else None


def numbers(db: Database) -> list[dict[str, Any]]:
    """All numbers with their business."""
    return list(db.query("SELECT number, business_id FROM numbers ORDER BY business_id, position, number"))
