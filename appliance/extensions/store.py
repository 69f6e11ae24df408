"""SQL of extensions."""

from typing import Any

from sqlite_utils import Database

_SELECT = (
    "SELECT extension, sip_password, extensions.name AS name, agent_id"
    " FROM extensions LEFT JOIN agents USING (extension)"
)


def extensions(db: Database) -> list[dict[str, Any]]:
    """All extensions, in order of their number."""
    return list(db.query(f"{_SELECT} ORDER BY length(extension), extension"))


def extension(db: Database, extension: str) -> dict[str, Any] | None:
    """One extension, or None."""
    return next(iter(db.query(f"{_SELECT} WHERE extension = ?", [extension])), None)


def insert(db: Database, extension: str, sip_password: str, name: str) -> None:
    """A new extension."""
    db.execute(
        "INSERT INTO extensions (extension, sip_password, name) VALUES (?, ?, ?)", [extension, sip_password, name]
    )


def update(db: Database, extension: str, sip_password: str, name: str) -> None:
    """Change password and name."""
    db.execute("UPDATE extensions SET sip_password = ?, name = ? WHERE extension = ?", [sip_password, name, extension])


def rename(db: Database, old: str, new: str) -> None:
    """Give an extension another number; its agent goes with it (ON UPDATE CASCADE)."""
    db.execute("UPDATE extensions SET extension = ? WHERE extension = ?", [new, old])


def forget_registrations(db: Database, extension: str) -> None:
    """Phones that were registered under the number are no longer."""
    db.execute("DELETE FROM registrations WHERE extension = ?", [extension])


def delete(db: Database, extension: str) -> None:
    """Remove an extension."""
    db.execute("DELETE FROM extensions WHERE extension = ?", [extension])


def registrations(db: Database, after: str) -> list[dict[str, Any]]:
    """The phones whose registration has not run out at that time."""
    return list(db.query("SELECT * FROM registrations WHERE expires_at > ? ORDER BY extension, registered_at", [after]))
