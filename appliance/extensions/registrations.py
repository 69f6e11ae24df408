"""Which phones are registered, written by the core so that a restart does not lose them."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlite_utils import Database

from appliance import clock

_COLUMNS = ("extension", "contact", "source", "user_agent", "registered_at", "expires_at")


def save_registrations(db: Database, extension: str, phones: Iterable[Mapping[str, Any]]) -> None:
    """The phones an extension has now, in place of those it had; nothing for an extension that was removed."""
    db.execute("DELETE FROM registrations WHERE extension = ?", [extension])
    if not any(db.query("SELECT 1 FROM extensions WHERE extension = ?", [extension])):
        return
    for phone in phones:
        db.execute(
            "INSERT OR REPLACE INTO registrations VALUES (?, ?, ?, ?, ?, ?)", [str(phone[name]) for name in _COLUMNS]
        )


def list_registrations(db: Database) -> list[dict[str, str]]:
    """Every phone whose registration has not run out."""
    return list(db.query("SELECT * FROM registrations WHERE expires_at > ?", [clock.stamp()]))
