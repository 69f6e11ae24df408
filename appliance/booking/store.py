"""SQL of the booking slice."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlite_utils import Database

from appliance.booking.models import Appointment, Service

_ZONE = "coalesce(businesses.timezone, office.timezone, 'UTC')"
_SELECT = f"""
SELECT appointments.*, businesses.name AS business_name, {_ZONE} AS timezone,
       coalesce(agents.name, '') AS taken_by_name
FROM appointments JOIN businesses USING (business_id) LEFT JOIN office ON office.only_row = 1
     LEFT JOIN agents ON agents.agent_id = appointments.taken_by
"""  # noqa: S608  fixed text


def select(db: Database, where: Sequence[str], params: dict[str, Any], *, order: str, limit: int) -> list[Appointment]:
    """Appointments that meet all conditions; ``order`` is ASC or DESC by their beginning."""
    clause = f" WHERE {' AND '.join(where)}" if where else ""
    end = f" ORDER BY appointments.starts_at {order}, appointments.appointment_id LIMIT :limit"
    rows = db.query(_SELECT + clause + end, {**params, "limit": limit})
    return [Appointment(**{name: row[name] for name in Appointment.__dataclass_fields__}) for row in rows]


def wall(businesses: Iterable[str] | None, params: dict[str, Any]) -> list[str]:
    """The condition that keeps to these businesses; none for None."""
    if businesses is None:
        return []
    names = []
    for index, business_id in enumerate(sorted(businesses)):
        params[f"wall{index}"] = business_id
        names.append(f":wall{index}")
    return [f"appointments.business_id IN ({', '.join(names)})"]


def insert(db: Database, row: dict[str, Any]) -> None:
    """A new row of ``appointments``. Raises sqlite3.IntegrityError("slot-taken") on an overlap."""
    columns = ", ".join(row)
    blanks = ", ".join(f":{name}" for name in row)
    db.execute(f"INSERT INTO appointments ({columns}) VALUES ({blanks})", row)  # noqa: S608  our own names


def update(db: Database, appointment_id: str, **changes: object) -> None:
    """Change columns of one appointment. Raises sqlite3.IntegrityError("slot-taken") on an overlap."""
    columns = ", ".join(f"{name} = :{name}" for name in changes)
    db.execute(
        f"UPDATE appointments SET {columns} WHERE appointment_id = :appointment_id",  # noqa: S608  our own names
        {**changes, "appointment_id": appointment_id},
    )


def taken(db: Database, business_id: str, since: str, until: str, without: str = "") -> list[tuple[str, str]]:
    """From and to (stamps) of what is booked and touches that time; without one appointment."""
    rows = db.query(
        "SELECT starts_at, ends_at FROM appointments WHERE business_id = :business_id AND status = 'booked'"
        " AND starts_at < :until AND ends_at > :since AND appointment_id != :without"
        " AND starts_at > strftime('%Y-%m-%dT%H:%M:%fZ', :since, '-1 day')",
        {"business_id": business_id, "since": since, "until": until, "without": without},
    )
    return [(row["starts_at"], row["ends_at"]) for row in rows]


def same_booking(db: Database, row: dict[str, Any]) -> str | None:
    """The id of a standing appointment that says exactly the same."""
    same = ("business_id", "service_id", "starts_at", "ends_at", "customer_name", "customer_number", "note", "call_id")
    where = " AND ".join(f"{name} IS :{name}" for name in same)
    sql = f"SELECT appointment_id FROM appointments WHERE status = 'booked' AND {where}"  # noqa: S608  our own names
    found = next(iter(db.query(sql, {name: row[name] for name in same})), None)
    return str(found["appointment_id"]) if found else None


# --- services ---


def services(db: Database, business_id: str) -> list[Service]:
    """What a business offers, in order."""
    rows = db.query("SELECT * FROM booking_services WHERE business_id = ? ORDER BY position, rowid", [business_id])
    return [Service(**row) for row in rows]


def service(db: Database, service_id: str) -> Service | None:
    """One service."""
    return next(
        (Service(**row) for row in db.query("SELECT * FROM booking_services WHERE service_id = ?", [service_id])), None
    )


def insert_service(db: Database, row: Service) -> None:
    """A new service."""
    db.table("booking_services").insert(dict(row.__dict__))


def delete_service(db: Database, service_id: str) -> None:
    """Forget a service; what was booked for it stays."""
    db.execute("DELETE FROM booking_services WHERE service_id = ?", [service_id])


# --- what booking needs to know of others ---


def business_of(db: Database, business_id: str) -> dict[str, Any] | None:
    """A business's hours and what differs from them (JSON text), language and time zone."""
    rows = db.query(
        f"SELECT hours, exceptions, holidays, businesses.language AS language, {_ZONE} AS timezone"  # noqa: S608  fixed text
        " FROM businesses LEFT JOIN office ON office.only_row = 1 WHERE business_id = ?",
        [business_id],
    )
    return next(iter(rows), None)


def call_belongs(db: Database, call_id: str, business_id: str) -> bool:
    """Whether there is such a call, of that business."""
    rows = db.query("SELECT 1 FROM calls WHERE call_id = ? AND business_id = ?", [call_id, business_id])
    return next(iter(rows), None) is not None
