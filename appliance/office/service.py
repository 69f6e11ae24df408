"""Reading and changing the office. Functions that write expect the caller's transaction."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlite_utils import Database

from appliance import clock, fields
from appliance.i18n import gettext as _
from appliance.office import store
from appliance.office.errors import AlreadySetUp, NoOffice
from appliance.office.models import SMTP_SECURITY, Office
from appliance.store.config_version import bump

__all__ = ["CHECKS", "bump", "create_office", "find_office", "finish_set_up", "get_office", "update_office"]


def _optional(check: Callable[[object], str]) -> Callable[[object], str]:
    return lambda value: "" if value == "" else check(value)


CHECKS: Mapping[str, Callable[[object], Any]] = {
    "name": fields.name,
    "timezone": fields.timezone,
    "language": fields.language,
    "owner_email": _optional(fields.email),
    "smtp_host": _optional(lambda v: fields.host(v, with_port=False)),
    "smtp_port": lambda v: fields.whole(v, 1, 65535),
    "smtp_from": _optional(fields.email),
    "smtp_username": lambda v: fields.text(v, most=200),
    "smtp_password": fields.secret,
    "smtp_security": lambda v: fields.choice(v, SMTP_SECURITY),
}


def find_office(db: Database) -> Office | None:
    """The office, or None where nothing has been set up."""
    row = store.read(db)
    if row is None:
        return None
    row.pop("only_row")
    return Office(**row)


def get_office(db: Database) -> Office:
    """The office. Raises NoOffice."""
    office = find_office(db)
    if office is None:
        raise NoOffice
    return office


def _checked(values: Mapping[str, object]) -> dict[str, Any]:
    return {name: CHECKS[name](value) for name, value in values.items()}


def create_office(db: Database, *, name: str, timezone: str, language: str, **more: object) -> Office:
    """Write the office's first row; ``more`` are further fields of Office. Raises AlreadySetUp, Invalid."""
    if store.read(db) is not None:
        raise AlreadySetUp(_("This office has been set up already."))
    store.insert(db, _checked({"name": name, "timezone": timezone, "language": language, **more}))
    bump(db)
    return get_office(db)


def update_office(db: Database, **changes: object) -> Office:
    """Change fields of Office. Raises NoOffice, Invalid."""
    get_office(db)
    if changes:
        store.update(db, _checked(changes))
        bump(db)
    return get_office(db)


def finish_set_up(db: Database) -> None:
    """Note that the office is ready (wizard ended, or office file applied); repeating keeps the first time."""
    office = get_office(db)
    if office.set_up_at is None:
        store.update(db, {"set_up_at": clock.stamp()})
        bump(db)
