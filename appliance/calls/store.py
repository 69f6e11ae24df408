"""SQL of the calls slice."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.calls.models import Call, CallEvent

_SELECT = """
SELECT calls.*, coalesce(businesses.name, '') AS business_name, coalesce(agents.name, '') AS agent_name
FROM calls LEFT JOIN businesses USING (business_id) LEFT JOIN agents ON agents.agent_id = calls.agent_id
"""


def as_call(row: dict[str, Any]) -> Call:
    """A row of _SELECT as a Call."""
    return Call(**{name: row[name] for name in Call.__dataclass_fields__})


def select(db: Database, where: Sequence[str], params: dict[str, Any], limit: int) -> list[Call]:
    """Calls newest first that meet all conditions."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    order = " ORDER BY calls.started_at DESC, calls.call_id DESC LIMIT :limit"
    return [as_call(row) for row in db.query(_SELECT + clause + order, {**params, "limit": limit})]


def wall(businesses: Iterable[str] | None, params: dict[str, Any]) -> list[str]:
    """The condition that keeps to these businesses; none for None."""
    if businesses is None:
        return []
    names = []
    for index, business_id in enumerate(sorted(businesses)):
        params[f"wall{index}"] = business_id
        names.append(f":wall{index}")
    return [f"calls.business_id IN ({', '.join(names)})"]


def row_of(db: Database, call_id: str) -> dict[str, Any] | None:
    """The bare row of ``calls``."""
    return next(iter(db.query("SELECT * FROM calls WHERE call_id = ?", [call_id])), None)


# Configuration may lose an agent or a business while a call with them goes on: the call's books go on without them
_CONFIGURED = {"agent_id": "agents", "business_id": "businesses"}


def _value(name: str) -> str:
    table = _CONFIGURED.get(name)
    return f"(SELECT {name} FROM {table} WHERE {name} = :{name})" if table else f":{name}"  # noqa: S608  our own names


def insert_call(db: Database, row: dict[str, Any]) -> None:
    """A new row of ``calls``."""
    values = ", ".join(_value(name) for name in row)
    db.execute(f"INSERT INTO calls ({', '.join(row)}) VALUES ({values})", row)  # noqa: S608


def update_call(db: Database, call_id: str, changes: dict[str, Any]) -> None:
    """Change columns of a call."""
    if changes:
        assignments = ", ".join(f"{name} = {_value(name)}" for name in changes)
        db.execute(f"UPDATE calls SET {assignments} WHERE call_id = :key", {**changes, "key": call_id})  # noqa: S608


def insert_event(
    db: Database, call_id: str, at: str, kind: str, agent_id: str | None, detail: dict[str, Any]
) -> CallEvent:
    """A new line of the timeline."""
    text = json.dumps(detail, ensure_ascii=False, separators=(",", ":"))
    cursor = db.execute(
        "INSERT INTO call_events (call_id, at, kind, agent_id, detail) VALUES (?, ?, ?, ?, ?)",
        [call_id, at, kind, agent_id, text],
    )
    return CallEvent(int(cursor.lastrowid or 0), call_id, at, kind, agent_id, detail)


def events_of(db: Database, call_id: str) -> list[CallEvent]:
    """The timeline, oldest first."""
    rows = db.query("SELECT * FROM call_events WHERE call_id = ? ORDER BY event_id", [call_id])
    return [
        CallEvent(r["event_id"], r["call_id"], r["at"], r["kind"], r["agent_id"], json.loads(r["detail"])) for r in rows
    ]
