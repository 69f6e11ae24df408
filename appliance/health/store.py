"""What the checks read from other slices' tables."""

from datetime import timedelta
from typing import Any

from sqlite_utils import Database

from appliance import clock

OVERDUE = timedelta(minutes=15)


def office(db: Database) -> dict[str, Any] | None:
    """The office's row."""
    return next(iter(db.query("SELECT * FROM office")), None)


def businesses(db: Database) -> list[dict[str, Any]]:
    """Every business with how many numbers it has and how many agents serve it."""
    return list(
        db.query(
            "SELECT business_id, name,"
            " (SELECT count(*) FROM numbers n WHERE n.business_id = b.business_id) AS numbers,"
            " (SELECT count(*) FROM agent_businesses a WHERE a.business_id = b.business_id) AS agents"
            " FROM businesses b ORDER BY position, business_id"
        )
    )


def agents(db: Database) -> list[dict[str, Any]]:
    """Every agent with how many phones are registered now."""
    return list(
        db.query(
            "SELECT agent_id, name, extension, status, (SELECT count(*) FROM registrations r"
            " WHERE r.extension = a.extension AND r.expires_at > ?) AS phones"
            " FROM agents a ORDER BY position, name",
            [clock.stamp()],
        )
    )


def other_phones(db: Database) -> int:
    """How many phones that are no agent's are registered now."""
    return _count(
        db,
        "SELECT count(*) FROM registrations WHERE expires_at > ? AND extension NOT IN (SELECT extension FROM agents)",
        [clock.stamp()],
    )


def trunks(db: Database) -> list[dict[str, Any]]:
    """Every trunk with its state."""
    return list(
        db.query(
            "SELECT trunk_id, kind, host, coalesce(state, 'unknown') AS state, coalesce(reason, '') AS reason, state_at"
            " FROM trunks LEFT JOIN trunk_states USING (trunk_id) ORDER BY position, trunk_id"
        )
    )


def waiting(db: Database) -> dict[str, Any]:
    """Deliveries that wait: how many, how many overdue by a quarter of an hour, the last error."""
    late = clock.stamp(clock.now() - OVERDUE)
    row = next(
        iter(
            db.query(
                "SELECT count(*) AS waiting,"
                " coalesce(sum(next_attempt_at < :late), 0) AS overdue,"
                " coalesce(sum(attempts > 0 AND last_error NOT IN ('', 'no-smtp')), 0) AS tried"
                " FROM outbox WHERE state IN ('waiting', 'sending')",
                {"late": late},
            )
        )
    )
    last = db.execute(
        "SELECT last_error FROM outbox WHERE state IN ('waiting', 'sending', 'failed')"
        " AND last_error NOT IN ('', 'no-smtp') ORDER BY next_attempt_at DESC LIMIT 1"
    ).fetchone()
    return {**row, "last_error": str(last[0]) if last else ""}


def failed(db: Database) -> int:
    """Deliveries that were given up."""
    return _count(db, "SELECT count(*) FROM outbox WHERE state = 'failed'")


def any_delivered(db: Database) -> bool:
    """Whether a mail has ever left."""
    return _count(db, "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'delivered')") > 0


def last_stamp(db: Database) -> str | None:
    """The latest time anything was written down."""
    row = db.execute(
        "SELECT max(at) FROM (SELECT max(at) AS at FROM call_events UNION ALL SELECT max(at) FROM audit_log"
        " UNION ALL SELECT max(created_at) FROM messages UNION ALL SELECT max(set_up_at) FROM office"
        " UNION ALL SELECT max(created_at) FROM users)"
    ).fetchone()
    return str(row[0]) if row and row[0] else None


def owner_has_password(db: Database) -> bool:
    """Whether an owner can sign in."""
    sql = "SELECT count(*) FROM users WHERE role = 'owner' AND password_hash IS NOT NULL AND disabled_at IS NULL"
    return _count(db, sql) > 0


def quick_check(db: Database) -> list[str]:
    """What SQLite finds wrong with the file; empty when nothing is."""
    return [str(row[0]) for row in db.execute("PRAGMA quick_check(3)").fetchall() if row[0] != "ok"]


def _count(db: Database, sql: str, values: list[Any] | None = None) -> int:
    return int(db.execute(sql, values or []).fetchone()[0])
