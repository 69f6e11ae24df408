"""Contacts: looked up by number within one business, never across the wall."""

from sqlite_utils import Database

from appliance import clock
from appliance.contacts.models import Contact
from appliance.errors import Invalid, NotFound
from appliance.i18n import gettext as _
from appliance.ids import new_id
from appliance.phone_numbers import normalise_caller

MOST_NAME = 120
MOST_NOTE = 2000


def _contact(row: dict[str, object]) -> Contact:
    return Contact(
        contact_id=str(row["contact_id"]),
        business_id=str(row["business_id"]),
        number=str(row["number"]),
        name=str(row["name"]),
        note=str(row["note"]),
        is_blocked=bool(row["is_blocked"]),
        created_at=str(row["created_at"]),
    )


def find_contact(db: Database, business_id: str | None, number: str) -> Contact | None:
    """The contact of a business with that number; None for a withheld number."""
    if not number or business_id is None:
        return None
    for row in db.query("SELECT * FROM contacts WHERE business_id = ? AND number = ?", [business_id, number]):
        return _contact(row)
    return None


def get_contact(db: Database, contact_id: str, *, businesses: set[str] | None = None) -> Contact:
    """One contact. Raises NotFound, also for a foreign business."""
    for row in db.query("SELECT * FROM contacts WHERE contact_id = ?", [contact_id]):
        contact = _contact(row)
        if businesses is None or contact.business_id in businesses:
            return contact
    raise NotFound(_("There is no such contact."))


def caller_name(db: Database, business_id: str | None, number: str) -> str:
    """The name under which a business knows a number; "" when it does not."""
    contact = find_contact(db, business_id, number)
    return contact.name if contact else ""


def is_blocked(db: Database, business_id: str | None, number: str) -> bool:
    """Whether a business takes no calls from that number."""
    contact = find_contact(db, business_id, number)
    return contact is not None and contact.is_blocked


def _ensure(db: Database, business_id: str, number: str) -> Contact:
    number = normalise_caller(number)
    if not number:
        raise Invalid(_("A caller who hides the number cannot be kept as a contact."))
    contact = find_contact(db, business_id, number)
    if contact:
        return contact
    contact_id = new_id("contact")
    db.execute(
        "INSERT INTO contacts (contact_id, business_id, number, created_at) VALUES (?, ?, ?, ?)",
        [contact_id, business_id, number, clock.stamp()],
    )
    return get_contact(db, contact_id)


def save_contact(db: Database, business_id: str, number: str, *, name: str, note: str | None = None) -> Contact:
    """Name a caller, and note something about them (None: keep the note). Raises Invalid."""
    name = name.strip()
    if len(name) > MOST_NAME:
        raise Invalid(_("The name is too long."))
    if note is not None and len(note) > MOST_NOTE:
        raise Invalid(_("The note is too long."))
    contact = _ensure(db, business_id, number)
    db.execute(
        "UPDATE contacts SET name = ?, note = ? WHERE contact_id = ?",
        [name, contact.note if note is None else note.strip(), contact.contact_id],
    )
    return get_contact(db, contact.contact_id)


def set_blocked(db: Database, business_id: str, number: str, *, blocked: bool) -> Contact:
    """Refuse this caller's calls to the business, or take them again; safe to repeat. Raises Invalid."""
    contact = _ensure(db, business_id, number)
    db.execute("UPDATE contacts SET is_blocked = ? WHERE contact_id = ?", [int(blocked), contact.contact_id])
    return get_contact(db, contact.contact_id)


def list_contacts(
    db: Database,
    *,
    businesses: set[str] | None,
    business_id: str = "",
    search: str = "",
    blocked_only: bool = False,
    offset: int = 0,
    limit: int = 50,
) -> list[Contact]:
    """Contacts by name, within the wall."""
    where, values = ["1"], list[object]()
    if businesses is not None:
        where.append(f"business_id IN ({', '.join('?' * len(businesses))})")
        values += sorted(businesses)
    if business_id:
        where.append("business_id = ?")
        values.append(business_id)
    if search:
        where.append("(name LIKE ? OR number LIKE ?)")
        values += [f"%{search}%", f"%{search.lstrip('0').replace(' ', '')}%"]
    if blocked_only:
        where.append("is_blocked = 1")
    sql = f"SELECT * FROM contacts WHERE {' AND '.join(where)} ORDER BY name = '', name, number LIMIT ? OFFSET ?"  # noqa: S608
    return [_contact(row) for row in db.query(sql, [*values, limit, offset])]


def names_of(db: Database, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """The names of many (business_id, number) at once."""
    found = {}
    for business_id, number in pairs:
        name = caller_name(db, business_id, number)
        if name:
            found[business_id, number] = name
    return found
