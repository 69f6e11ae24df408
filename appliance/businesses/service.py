"""Businesses: create, change, list, delete, and their numbers. Functions that write expect the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from appliance import clock, fields, phone_numbers
from appliance.businesses import store
from appliance.businesses.errors import (
    BusinessExists,
    BusinessHasAppointments,
    BusinessHasHistory,
    NoSuchBusiness,
    NumberTaken,
)
from appliance.businesses.models import Business
from appliance.hours import service as hours_service  # pure rules without a store: the one slice others may know
from appliance.hours.holidays import check_place
from appliance.hours.models import Timetable
from appliance.i18n import gettext as _
from appliance.store.config_version import bump

MOST_NUMBERS = 200
MOST_CLOSED = timedelta(days=366)


def _addresses(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) > 50:
        raise fields.BadValue(value, _("a list of up to 50 mail addresses"))
    return tuple(dict.fromkeys(fields.email(v) for v in value))


def _hours(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in value.items()):
        raise fields.BadValue(value, _('a table of days and times, such as { sat-wed = "09:00-18:00" }'))
    return hours_service.normalise(value)


def _exceptions(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise fields.BadValue(value, _('a table of dates, such as { 2026-12-24 = "09:00-13:00; Christmas Eve" }'))
    return hours_service.normalise_exceptions(value)


CHECKS: Mapping[str, Callable[[object], Any]] = {
    "business_id": fields.identifier,
    "name": fields.name,
    "language": fields.language,
    "timezone": lambda v: None if v in (None, "") else fields.timezone(v),
    "greeting": lambda v: fields.text(v, most=1000, lines=True),
    "answer_as": lambda v: fields.text(v, most=500, lines=True),
    "hours": _hours,
    "holidays": check_place,
    "exceptions": _exceptions,
    "ring_seconds": lambda v: fields.whole(v, 1, 300),
    "voicemail_seconds": lambda v: fields.whole(v, 5, 600),
    "messages_to": _addresses,
    "position": lambda v: fields.whole(v, 0, 10_000),
}


def list_businesses(db: Database, businesses: set[str] | None = None) -> list[Business]:
    """All businesses in order; with a set of ids, only those (the wall)."""
    return [Business(**r) for r in store.businesses(db) if businesses is None or r["business_id"] in businesses]


def get_business(db: Database, business_id: str, businesses: set[str] | None = None) -> Business:
    """One business. Raises NoSuchBusiness, for one beyond the wall too."""
    row = store.business(db, business_id) if businesses is None or business_id in businesses else None
    if row is None:
        raise NoSuchBusiness(business_id)
    return Business(**row)


def create_business(
    db: Database, business_id: str, *, name: str, language: str, numbers: Sequence[str] = (), **more: object
) -> Business:
    """A new business; ``more`` are further fields of Business. Raises Invalid, BusinessExists, NumberTaken."""
    if store.business(db, fields.identifier(business_id)):
        raise BusinessExists(business_id)
    more.setdefault("position", store.next_position(db))
    values = {"business_id": business_id, "name": name, "language": language, **more}
    business = Business(**{key: CHECKS[key](value) for key, value in values.items()})
    store.write(db, asdict(business))
    set_numbers(db, business_id, numbers)
    bump(db)
    return get_business(db, business_id)


def update_business(db: Database, business_id: str, **changes: object) -> Business:
    """Change fields of Business; ``numbers`` too. Raises Invalid, NoSuchBusiness, NumberTaken."""
    business = get_business(db, business_id)
    numbers = changes.pop("numbers", None)
    changed = replace(business, **{key: CHECKS[key](value) for key, value in changes.items()})
    store.write(db, asdict(changed))
    if isinstance(numbers, list | tuple):
        set_numbers(db, business_id, numbers)
    bump(db)
    return get_business(db, business_id)


def timetable(db: Database, business: Business) -> Timetable:
    """When the business is open."""
    return hours_service.timetable(
        business.hours,
        business.timezone or store.office_timezone(db),
        exceptions=business.exceptions,
        holidays=business.holidays,
        closed_since=business.closed_since,
        closed_until=business.closed_until,
    )


def close_now(db: Database, business_id: str, *, until: datetime | None = None) -> Business:
    """Switch a business to closed, whatever its hours say: until a moment, or until it is switched back.

    Safe to repeat. Raises NoSuchBusiness, Invalid for a moment that has passed or is more than a year away.
    """
    business, now = get_business(db, business_id), clock.now()
    if until is not None and not now < until <= now + MOST_CLOSED:
        raise fields.BadValue(until.isoformat(), _("a moment within the next year"))
    stamp = clock.stamp(until) if until else None
    store.write(db, asdict(replace(business, closed_since=clock.stamp(now), closed_until=stamp)))
    bump(db)
    return get_business(db, business_id)


def open_again(db: Database, business_id: str) -> Business:
    """Switch it back: it is open when its hours say so. Safe to repeat. Raises NoSuchBusiness."""
    business = get_business(db, business_id)
    store.write(db, asdict(replace(business, closed_since=None, closed_until=None)))
    bump(db)
    return get_business(db, business_id)


def set_exception(db: Database, business_id: str, day: str, written: str | None) -> Business:
    """Make a day differ from the week, such as ``09:00-13:00; Christmas Eve``; None: as the week says.

    Raises NoSuchBusiness, Invalid.
    """
    business = get_business(db, business_id)
    kept = {key: value for key, value in business.exceptions.items() if key != day}
    return update_business(db, business_id, exceptions=kept if written is None else {**kept, day: written})


def read_numbers(numbers: Sequence[object], timezone: str) -> tuple[str, ...]:
    """Numbers in E.164, each once; national ones are of the time zone's country. Raises Invalid."""
    if len(numbers) > MOST_NUMBERS:
        raise fields.BadValue(len(numbers), _("up to %(most)s numbers", most=MOST_NUMBERS))
    return tuple(dict.fromkeys(read_number(n, timezone) for n in numbers))


def read_number(number: object, timezone: str) -> str:
    """One number in E.164. Raises Invalid."""
    if not isinstance(number, str) or not number.strip():
        raise fields.BadValue(number, _('a phone number in quotes, such as "+982188001122"'))
    return phone_numbers.to_e164(number, fields.region_of(timezone))


def set_numbers(db: Database, business_id: str, numbers: Sequence[str]) -> tuple[str, ...]:
    """Make these the numbers of a business; returns them in E.164. Raises Invalid, NoSuchBusiness, NumberTaken."""
    business = get_business(db, business_id)
    read = read_numbers(numbers, business.timezone or store.office_timezone(db))
    for number in read:
        holder = store.holder_of(db, number)
        if holder and holder[0] != business_id:
            raise NumberTaken(number, holder[1])
    store.replace_numbers(db, business_id, read)
    bump(db)
    return read


def history(db: Database, business_id: str) -> tuple[int, int]:
    """How many calls and messages of the business are on record."""
    return store.history(db, business_id)


def contact_count(db: Database, business_id: str) -> int:
    """How many contacts are kept for the business; they go with it."""
    return store.contacts(db, business_id)


def delete_business(db: Database, business_id: str, *, keep_calls: bool = False) -> None:
    """Remove a business that has no history. Raises NoSuchBusiness, BusinessHasHistory, BusinessHasAppointments.

    ``keep_calls``: one with calls too; they stay on record without a business. One with messages or appointments is
    never removed.
    """
    business = get_business(db, business_id)
    calls, messages = store.history(db, business_id)
    if messages or (calls and not keep_calls):
        raise BusinessHasHistory(business.name, calls, messages)
    if store.has_appointments(db, business_id):
        raise BusinessHasAppointments(business.name)
    store.delete(db, business_id)
    bump(db)
