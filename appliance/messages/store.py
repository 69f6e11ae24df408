"""SQL of the messages slice, and the outbox rows a message asks for."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.messages.models import Draft, Message

_SELECT = """
SELECT messages.*, businesses.name AS business_name, coalesce(agents.name, '') AS taken_by_name,
       coalesce(users.name, '') AS done_by_name, recordings.seconds AS seconds,
       coalesce(recordings.state, '') AS recording_state,
       (SELECT count(*) FROM outbox WHERE outbox.message_id = messages.message_id
          AND outbox.state != 'cancelled') AS mails,
       (SELECT count(*) FROM outbox WHERE outbox.message_id = messages.message_id
          AND outbox.state = 'delivered') AS mails_delivered,
       (SELECT count(*) FROM outbox WHERE outbox.message_id = messages.message_id
          AND outbox.state = 'failed') AS mails_failed
FROM messages JOIN businesses USING (business_id)
     LEFT JOIN agents ON agents.agent_id = messages.taken_by
     LEFT JOIN users ON users.user_id = messages.done_by
     LEFT JOIN recordings ON recordings.recording_id = messages.recording_id
"""


def select(db: Database, where: Sequence[str], params: dict[str, Any], limit: int) -> list[Message]:
    """Messages newest first that meet all conditions."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    order = " ORDER BY messages.created_at DESC, messages.message_id DESC LIMIT :limit"
    rows = db.query(_SELECT + clause + order, {**params, "limit": limit})
    return [Message(**{name: row[name] for name in Message.__dataclass_fields__}) for row in rows]


def count(db: Database, where: Sequence[str], params: dict[str, Any]) -> int:
    """How many messages meet all conditions."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    return int(db.execute("SELECT count(*) FROM messages" + clause, params).fetchone()[0])  # noqa: S608  fixed conditions


def wall(businesses: Iterable[str] | None, params: dict[str, Any]) -> list[str]:
    """The condition that keeps to these businesses; none for None."""
    if businesses is None:
        return []
    names = []
    for index, business_id in enumerate(sorted(businesses)):
        params[f"wall{index}"] = business_id
        names.append(f":wall{index}")
    # the newest of several businesses are found by walking back in time: the plus keeps SQLite from their own index
    return [f"{'+' if len(names) > 1 else ''}messages.business_id IN ({', '.join(names)})"]


def insert(db: Database, row: dict[str, Any]) -> None:
    """A new row of ``messages``."""
    db.table("messages").insert(row)


def insert_delivery(db: Database, row: dict[str, Any]) -> None:
    """A new row of the outbox."""
    db.table("outbox").insert(row)


def set_done(db: Database, message_id: str, done_at: str | None, done_by: str | None) -> None:
    """Mark done, or open with None."""
    db.execute("UPDATE messages SET done_at = ?, done_by = ? WHERE message_id = ?", [done_at, done_by, message_id])


def business_of(db: Database, business_id: str) -> dict[str, Any] | None:
    """What a message needs to know of its business: its addresses, time zone, the owner's address."""
    rows = db.query(
        "SELECT messages_to, coalesce(businesses.timezone, office.timezone, 'UTC') AS timezone,"
        " coalesce(office.owner_email, '') AS owner_email"
        " FROM businesses LEFT JOIN office ON office.only_row = 1 WHERE business_id = ?",
        [business_id],
    )
    return next(iter(rows), None)


def call_belongs(db: Database, call_id: str, business_id: str) -> bool:
    """Whether there is such a call, of that business."""
    rows = db.query("SELECT 1 FROM calls WHERE call_id = ? AND business_id = ?", [call_id, business_id])
    return next(iter(rows), None) is not None


def agent_exists(db: Database, agent_id: str) -> bool:
    """Whether there is such an agent."""
    return next(iter(db.query("SELECT 1 FROM agents WHERE agent_id = ?", [agent_id])), None) is not None


def same_note(db: Database, row: dict[str, Any], since: str) -> str | None:
    """The id of a note written since then that says exactly the same about the same call."""
    same = ("business_id", "call_id", "taken_by", "for_whom", "from_name", "callback_number", "body", "urgency")
    where = " AND ".join(f"{name} IS :{name}" for name in same)
    sql = f"SELECT message_id FROM messages WHERE kind = 'note' AND created_at >= :since AND {where}"  # noqa: S608
    found = next(iter(db.query(sql, {**{name: row[name] for name in same}, "since": since})), None)
    return str(found["message_id"]) if found else None


def voicemail_with(db: Database, recording_id: str, call_id: str) -> str | None:
    """The id of the voicemail with this recording."""
    rows = db.query(
        "SELECT message_id FROM messages WHERE call_id = ? AND recording_id = ? AND kind = 'voicemail'",
        [call_id, recording_id],
    )
    found = next(iter(rows), None)
    return str(found["message_id"]) if found else None


# --- drafts ---


def put_draft(db: Database, user_id: str, call_id: str, fields: str, at: str) -> None:
    """Keep a draft (JSON text) in place of the one before."""
    db.execute(
        "INSERT INTO message_drafts (user_id, call_id, fields, updated_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (user_id, call_id) DO UPDATE SET fields = excluded.fields, updated_at = excluded.updated_at",
        [user_id, call_id, fields, at],
    )


def drafts(db: Database, user_id: str, call_id: str | None = None) -> list[Draft]:
    """A person's drafts, newest first; of one call or of all."""
    sql = "SELECT * FROM message_drafts WHERE user_id = :user_id"
    if call_id is not None:
        sql += " AND call_id = :call_id"
    rows = db.query(sql + " ORDER BY updated_at DESC", {"user_id": user_id, "call_id": call_id})
    return [Draft(row["user_id"], row["call_id"], json.loads(row["fields"]), row["updated_at"]) for row in rows]


def delete_draft(db: Database, user_id: str, call_id: str) -> None:
    """Forget a draft."""
    db.execute("DELETE FROM message_drafts WHERE user_id = ? AND call_id = ?", [user_id, call_id])
