"""The audit log: who looked at or changed what. Append-only; pages read it newest first."""

from sqlite_utils import Database

from appliance import clock
from appliance.accounts.models import AuditEntry


def audit(
    db: Database,
    *,
    actor: str,
    action: str,
    object: str = "",  # noqa: A002  the contract's word
    user_id: str | None = None,
    business_id: str | None = None,
    address: str = "",
) -> None:
    """Write down who did what to which thing."""
    db.execute(
        "INSERT INTO audit_log (at, user_id, actor, action, object, business_id, address) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [clock.stamp(), user_id, actor, action, object, business_id, address],
    )


def was_audited(db: Database, user_id: str, action: str, thing: str, *, since: str) -> bool:
    """Whether this person did that to this thing since a stamp."""
    row = db.execute(
        "SELECT 1 FROM audit_log WHERE object = ? AND at >= ? AND user_id = ? AND action = ? LIMIT 1",
        [thing, since, user_id, action],
    ).fetchone()
    return row is not None


def list_audit(
    db: Database,
    *,
    action: str = "",
    search: str = "",
    businesses: set[str] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> tuple[list[AuditEntry], int | None]:
    """Entries newest first, and the cursor of the next page. ``action`` is a whole word or its part before a dot."""
    where, values = ["1"], list[object]()
    if action:
        where.append("(action = ? OR action LIKE ?)")
        values += [action, action + ".%"]
    if search:
        where.append("(actor LIKE ? OR object LIKE ?)")
        values += [f"%{search}%"] * 2
    if businesses is not None:
        where.append(f"business_id IN ({', '.join('?' * len(businesses))})")
        values += sorted(businesses)
    if before is not None:
        where.append("audit_id < ?")
        values.append(before)
    rows = list(
        db.query(
            f"SELECT * FROM audit_log WHERE {' AND '.join(where)} ORDER BY audit_id DESC LIMIT ?",  # noqa: S608
            [*values, limit + 1],
        )
    )
    entries = [
        AuditEntry(row["at"], row["actor"], row["action"], row["object"], row["business_id"], row["address"])
        for row in rows[:limit]
    ]
    return entries, (int(rows[limit - 1]["audit_id"]) if len(rows) > limit else None)
