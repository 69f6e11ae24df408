"""SQL of the outbox."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.deliveries.models import Delivery, Letter, MailServer

_SELECT = """
SELECT outbox.*, coalesce(businesses.name, '') AS business_name, coalesce(messages.kind, '') AS message_kind,
       coalesce(messages.from_name, '') AS from_name
FROM outbox LEFT JOIN businesses ON businesses.business_id = outbox.business_id
     LEFT JOIN messages ON messages.message_id = outbox.message_id
"""
# the first condition repeats the partial index's own, so that SQLite sees that the index will do
_WAITING = "state IN ('waiting', 'sending') AND state = 'waiting'"
_LETTER = """
SELECT outbox.delivery_id, outbox.recipient, outbox.payload, messages.message_id, messages.call_id,
       coalesce(messages.kind, 'test') AS kind, coalesce(messages.for_whom, '') AS for_whom,
       coalesce(messages.from_name, '') AS from_name, coalesce(messages.callback_number, '') AS callback_number,
       coalesce(messages.body, '') AS body, coalesce(messages.urgency, 'normal') AS urgency,
       coalesce(messages.created_at, outbox.created_at) AS created_at, coalesce(agents.name, '') AS taken_by_name,
       coalesce(businesses.name, office.name, '') AS business_name, coalesce(office.name, '') AS office_name,
       coalesce(businesses.language, office.language, 'en') AS language,
       coalesce(businesses.timezone, office.timezone, 'UTC') AS timezone,
       coalesce(calls.dialled, '') AS called_number,
       CASE WHEN recordings.state = 'ready' THEN recordings.path ELSE '' END AS recording_path,
       recordings.seconds AS seconds
FROM outbox LEFT JOIN messages ON messages.message_id = outbox.message_id
     LEFT JOIN businesses ON businesses.business_id = messages.business_id
     LEFT JOIN office ON office.only_row = 1
     LEFT JOIN agents ON agents.agent_id = messages.taken_by
     LEFT JOIN calls ON calls.call_id = messages.call_id
     LEFT JOIN recordings ON recordings.recording_id = messages.recording_id
WHERE outbox.delivery_id = ?
"""


def insert(db: Database, row: dict[str, Any]) -> None:
    """A new row of the outbox."""
    db.table("outbox").insert(row)


def mail_server(db: Database) -> MailServer:
    """The mail server that is set; one with no host where none is."""
    rows = db.query("SELECT * FROM office WHERE only_row = 1")
    row = next(iter(rows), None)
    if row is None:
        return MailServer("", 0, "", "", "", "auto")
    username = str(row["smtp_username"])
    sender = row["smtp_from"] or (username if "@" in username else row["owner_email"])
    return MailServer(
        host=str(row["smtp_host"]).strip(),
        port=int(row["smtp_port"]),
        sender=str(sender).strip(),
        username=username,
        password=str(row["smtp_password"]),
        security=str(row["smtp_security"]),
    )


def letter(db: Database, delivery_id: str, web_url: str) -> Letter | None:
    """What a delivery is about; None when its message is gone."""
    row = next(iter(db.query(_LETTER, [delivery_id])), None)
    if row is None:
        return None
    payload = json.loads(row.pop("payload"))
    if row["message_id"] is None and payload.get("template") != "test":
        return None
    if row["seconds"] is None:
        row["seconds"] = payload.get("seconds")
    return Letter(**row, with_sound=not payload.get("without_sound", False), web_url=web_url)


def due(db: Database, now: str, impossibly_late: str, limit: int) -> list[str]:
    """What waits and may be tried now, longest waiting first.

    A next attempt beyond any back-off was set by a clock that has since been put back: it is due as well.
    """
    rows = db.query(
        f"SELECT delivery_id FROM outbox WHERE {_WAITING}"  # noqa: S608  fixed text
        " AND (next_attempt_at <= ? OR next_attempt_at > ?)"
        " ORDER BY next_attempt_at, delivery_id LIMIT ?",
        [now, impossibly_late, limit],
    )
    return [str(row["delivery_id"]) for row in rows]


def claim(db: Database, delivery_id: str) -> int:
    """Take a waiting delivery for one attempt; the number of this attempt, 0 when somebody else has it."""
    changed = db.execute(
        "UPDATE outbox SET state = 'sending', attempts = attempts + 1 WHERE delivery_id = ? AND state = 'waiting'",
        [delivery_id],
    ).rowcount
    if changed != 1:
        return 0
    row = db.execute("SELECT attempts FROM outbox WHERE delivery_id = ?", [delivery_id]).fetchone()
    return int(row[0])


def delivered(db: Database, delivery_id: str, at: str) -> None:
    """It arrived."""
    db.execute(
        "UPDATE outbox SET state = 'delivered', delivered_at = ?, last_error = '' WHERE delivery_id = ?",
        [at, delivery_id],
    )


def put_off(db: Database, delivery_id: str, error: str, next_attempt_at: str) -> None:
    """It did not arrive and is tried again then."""
    db.execute(
        "UPDATE outbox SET state = 'waiting', last_error = ?, next_attempt_at = ?"
        " WHERE delivery_id = ? AND state = 'sending'",
        [error, next_attempt_at, delivery_id],
    )


def failed(db: Database, delivery_id: str, error: str) -> None:
    """It did not arrive and will not by itself."""
    db.execute(
        "UPDATE outbox SET state = 'failed', last_error = ? WHERE delivery_id = ? AND state = 'sending'",
        [error, delivery_id],
    )


def leave_out_sound(db: Database, delivery_id: str) -> None:
    """From now on this mail goes without the recording."""
    db.execute(
        "UPDATE outbox SET payload = json_set(payload, '$.without_sound', json('true')) WHERE delivery_id = ?",
        [delivery_id],
    )


def take_up_again(db: Database, now: str) -> int:
    """Put what a crash left in ``sending`` back to waiting, due now; how many there were."""
    return int(
        db.execute("UPDATE outbox SET state = 'waiting', next_attempt_at = ? WHERE state = 'sending'", [now]).rowcount
    )


def all_due(db: Database, now: str) -> None:
    """Everything that waits may be tried now."""
    db.execute("UPDATE outbox SET next_attempt_at = ? WHERE state = 'waiting'", [now])


def waits_for_another_reason(db: Database, error: str) -> bool:
    """Whether something waits that does not say this reason yet."""
    rows = db.query(f"SELECT 1 FROM outbox WHERE {_WAITING} AND last_error != ? LIMIT 1", [error])  # noqa: S608
    return next(iter(rows), None) is not None


def note_reason(db: Database, error: str) -> int:
    """Say why everything that waits cannot even be tried; how many rows that was news for."""
    return int(
        db.execute(
            "UPDATE outbox SET last_error = ? WHERE state = 'waiting' AND last_error != ?", [error, error]
        ).rowcount
    )


def reset(db: Database, delivery_id: str, state: str, now: str) -> None:
    """Begin anew, or cancel."""
    if state == "cancelled":
        db.execute("UPDATE outbox SET state = 'cancelled' WHERE delivery_id = ?", [delivery_id])
        return
    db.execute(
        "UPDATE outbox SET state = 'waiting', attempts = 0, next_attempt_at = ?, last_error = '' WHERE delivery_id = ?",
        [now, delivery_id],
    )


def select(db: Database, where: Sequence[str], params: dict[str, Any], limit: int) -> list[Delivery]:
    """Deliveries newest first that meet all conditions."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    order = " ORDER BY outbox.created_at DESC, outbox.delivery_id DESC LIMIT :limit"
    rows = db.query(_SELECT + clause + order, {**params, "limit": limit})
    return [Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__}) for row in rows]


def wall(businesses: Iterable[str] | None, params: dict[str, Any]) -> list[str]:
    """The condition that keeps to these businesses; none for None."""
    if businesses is None:
        return []
    names = []
    for index, business_id in enumerate(sorted(businesses)):
        params[f"wall{index}"] = business_id
        names.append(f":wall{index}")
    return [f"outbox.business_id IN ({', '.join(names)})"]


def counts(db: Database, where: Sequence[str], params: dict[str, Any]) -> dict[str, int]:
    """How many deliveries there are in each state."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    rows = db.query(f"SELECT state, count(*) AS n FROM outbox{clause} GROUP BY state", params)  # noqa: S608
    return {str(row["state"]): int(row["n"]) for row in rows}
