"""What others may ask of booking. Writing functions expect to be inside the caller's transaction."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlite_utils import Database

from appliance import clock, fields, i18n
from appliance.booking import rules, store
from appliance.booking.errors import (
    AppointmentNotFound,
    BadAppointment,
    InThePast,
    NotBooked,
    NotYetBegun,
    OutsideHours,
    ServiceNotFound,
    SlotTaken,
)
from appliance.booking.models import LEAST_MINUTES, MOST_CHARACTERS, MOST_MINUTES, Appointment, Service, Slot
from appliance.booking.slots import calendar_of, next_free, timezone_of
from appliance.errors import NotFound
from appliance.hours import rules as hours_rules
from appliance.i18n import gettext as _
from appliance.ids import new_id
from appliance.phone_numbers import normalise_caller

DEFAULT_MINUTES = 30
MOST_SERVICES = 50
MOST_LISTED = 500
FURTHEST_DAYS = 2 * 366


# --- services ---


def list_services(db: Database, business_id: str) -> list[Service]:
    """What a business can be booked for; where nothing was entered, one of half an hour that is made on first use."""
    found = store.services(db, business_id)
    if found:
        return found
    with i18n.speaking(calendar_of(db, business_id).language):
        return [Service("", business_id, _("Appointment"), DEFAULT_MINUTES)]


def add_service(db: Database, business_id: str, *, name: str, minutes: int) -> Service:
    """A further service, last in order. Raises Invalid, NotFound."""
    calendar_of(db, business_id)
    known = store.services(db, business_id)
    fields.whole(len(known) + 1, 1, MOST_SERVICES)
    kept = Service(
        new_id("srv"),
        business_id,
        fields.name(name),
        fields.whole(minutes, LEAST_MINUTES, MOST_MINUTES),
        max((s.position for s in known), default=-1) + 1,
    )
    store.insert_service(db, kept)
    return kept


def get_service(db: Database, service_id: str, *, businesses: set[str] | None = None) -> Service:
    """One service. Raises ServiceNotFound, also for a business behind the wall."""
    found = store.service(db, service_id)
    if found is None or (businesses is not None and found.business_id not in businesses):
        raise ServiceNotFound
    return found


def remove_service(db: Database, service_id: str, *, businesses: set[str] | None = None) -> Service:
    """Offer it no more; what was booked for it stays. Raises ServiceNotFound."""
    found = get_service(db, service_id, businesses=businesses)
    store.delete_service(db, service_id)
    return found


def _chosen(db: Database, business_id: str, service_id: str | None) -> Service:
    if service_id:
        found = get_service(db, service_id)
        if found.business_id != business_id:
            raise ServiceNotFound
        return found
    first = list_services(db, business_id)[0]
    return first if first.service_id else add_service(db, business_id, name=first.name, minutes=first.minutes)


# --- appointments ---


def _checked_slot(db: Database, business_id: str, starts_at: datetime, minutes: int, anyway: bool) -> Slot:
    """Raises InThePast, BadAppointment, OutsideHours."""
    calendar = calendar_of(db, business_id)
    starts_at = starts_at.replace(second=0, microsecond=0)
    slot = Slot(starts_at, starts_at + timedelta(minutes=minutes))
    if starts_at < clock.now():
        raise InThePast
    if starts_at > clock.now() + timedelta(days=FURTHEST_DAYS):
        raise BadAppointment("slot", _("That is more than two years away."), hint=_("Choose an earlier time."))
    day = calendar.day_of(starts_at)
    if not anyway and not rules.is_open_throughout(
        slot, hours_rules.spans_around(calendar.timetable, day), day, calendar.timezone
    ):
        raise OutsideHours
    return slot


def _unless_taken(db: Database, business_id: str, slot: Slot, moving: str, write: Callable[[], object]) -> None:
    """Write; where the database finds an overlap, say which time is free. Raises SlotTaken."""
    try:
        write()
    except sqlite3.IntegrityError as error:
        if "slot-taken" not in str(error):
            raise
        minutes = round((slot.ends_at - slot.starts_at).total_seconds() / 60)
        free = next_free(db, business_id, slot.starts_at, minutes=minutes, moving=moving)
        raise SlotTaken(free.starts_at if free else None, timezone_of(db, business_id)) from error


def book(
    db: Database,
    *,
    business_id: str,
    starts_at: datetime,
    service_id: str | None = None,
    customer_name: str = "",
    customer_number: str = "",
    note: str = "",
    call_id: str | None = None,
    taken_by: str | None = None,
    anyway: bool = False,
) -> Appointment:
    """Keep a time for a customer; the same booking sent twice is kept once. ``anyway``: outside opening hours too.

    Raises BadAppointment (``field`` says where), InThePast, OutsideHours, SlotTaken, NotFound.
    """
    timezone = timezone_of(db, business_id)
    if call_id and not store.call_belongs(db, call_id, business_id):
        raise NotFound(_("There is no such call."))
    service = _chosen(db, business_id, service_id)
    customer = _customer(customer_name, customer_number, note, timezone)
    slot = _checked_slot(db, business_id, starts_at, service.minutes, anyway)
    at = clock.stamp()
    row: dict[str, Any] = {
        "appointment_id": new_id("apt"),
        "business_id": business_id,
        "service_id": service.service_id,
        "title": service.name,
        "starts_at": clock.stamp(slot.starts_at),
        "ends_at": clock.stamp(slot.ends_at),
        **customer,
        "call_id": call_id or None,
        "taken_by": taken_by or None,
        "created_at": at,
        "changed_at": at,
    }
    kept = store.same_booking(db, row)
    if kept:
        return get_appointment(db, kept)
    _unless_taken(db, business_id, slot, "", lambda: store.insert(db, row))
    return get_appointment(db, row["appointment_id"])


def _customer(name: str, number: str, note: str, timezone: str) -> dict[str, str]:
    found = {}
    for field, typed in (("customer_name", name), ("customer_number", number), ("note", note)):
        try:
            found[field] = fields.text(typed, most=MOST_CHARACTERS[field], lines=field == "note")
        except fields.BadValue as error:
            raise BadAppointment(field, error.message, hint=error.hint) from error
    if not found["customer_name"] and not found["customer_number"]:
        raise BadAppointment(
            "customer_name", _("Nobody is named."), hint=_("Write down the customer’s name, or a number to call.")
        )
    found["customer_number"] = normalise_caller(found["customer_number"], fields.region_of(timezone))
    return found


def get_appointment(db: Database, appointment_id: str, *, businesses: set[str] | None = None) -> Appointment:
    """One appointment. Raises AppointmentNotFound, also for a business behind the wall."""
    params: dict[str, Any] = {"appointment_id": appointment_id}
    where = [*store.wall(businesses, params), "appointments.appointment_id = :appointment_id"]
    found = store.select(db, where, params, order="ASC", limit=1)
    if not found:
        raise AppointmentNotFound
    return found[0]


def move(
    db: Database, appointment_id: str, starts_at: datetime, *, anyway: bool = False, businesses: set[str] | None = None
) -> Appointment:
    """To another time, as long as before. Raises NotBooked, InThePast, OutsideHours, SlotTaken, AppointmentNotFound."""
    found = get_appointment(db, appointment_id, businesses=businesses)
    if not found.is_booked:
        raise NotBooked
    if clock.stamp(starts_at) == found.starts_at:
        return found
    minutes = round(clock.seconds_between(found.starts_at, found.ends_at) / 60)
    slot = _checked_slot(db, found.business_id, starts_at, minutes, anyway)
    changes = {"starts_at": clock.stamp(slot.starts_at), "ends_at": clock.stamp(slot.ends_at)}
    _unless_taken(
        db,
        found.business_id,
        slot,
        appointment_id,
        lambda: store.update(db, appointment_id, **changes, changed_at=clock.stamp()),
    )
    return get_appointment(db, appointment_id)


def cancel(db: Database, appointment_id: str, *, businesses: set[str] | None = None) -> Appointment:
    """Give the time free again; safe to repeat. Raises AppointmentNotFound."""
    found = get_appointment(db, appointment_id, businesses=businesses)
    return _set_status(db, found, "cancelled")


def mark_no_show(db: Database, appointment_id: str, *, businesses: set[str] | None = None) -> Appointment:
    """The customer did not come; safe to repeat. Raises NotYetBegun, NotBooked, AppointmentNotFound."""
    found = get_appointment(db, appointment_id, businesses=businesses)
    if found.status == "cancelled":
        raise NotBooked
    if found.starts_at > clock.stamp():
        raise NotYetBegun
    return _set_status(db, found, "no_show")


def book_again(db: Database, appointment_id: str, *, businesses: set[str] | None = None) -> Appointment:
    """Take a cancellation or no-show back; safe to repeat. Raises SlotTaken, AppointmentNotFound."""
    found = get_appointment(db, appointment_id, businesses=businesses)
    slot = Slot(clock.parse(found.starts_at), clock.parse(found.ends_at))
    _unless_taken(db, found.business_id, slot, appointment_id, lambda: _set_status(db, found, "booked"))
    return get_appointment(db, appointment_id)


def _set_status(db: Database, found: Appointment, status: str) -> Appointment:
    if found.status != status:
        store.update(db, found.appointment_id, status=status, changed_at=clock.stamp())
    return get_appointment(db, found.appointment_id)


# --- lists ---


def list_appointments(
    db: Database,
    *,
    businesses: set[str] | None,
    since: str,
    until: str,
    business_id: str | None = None,
    booked_only: bool = False,
) -> list[Appointment]:
    """What begins from ``since`` to before ``until`` (stamps), in order, 500 at most."""
    params: dict[str, Any] = {"since": since, "until": until}
    where = [*store.wall(businesses, params), "appointments.starts_at >= :since", "appointments.starts_at < :until"]
    if business_id:
        params["business_id"] = business_id
        where.append("appointments.business_id = :business_id")
    if booked_only:
        where.append("appointments.status = 'booked'")
    return store.select(db, where, params, order="ASC", limit=MOST_LISTED)


def appointments_of_number(db: Database, business_id: str, number: str, *, limit: int = 20) -> list[Appointment]:
    """A customer's appointments with one business, the latest first; none for a hidden number."""
    if not number:
        return []
    where = ["appointments.business_id = :business_id", "appointments.customer_number = :number"]
    return store.select(db, where, {"business_id": business_id, "number": number}, order="DESC", limit=limit)


def appointments_of_call(db: Database, call_id: str, *, businesses: set[str] | None = None) -> list[Appointment]:
    """What was booked in a call."""
    params: dict[str, Any] = {"call_id": call_id}
    where = [*store.wall(businesses, params), "appointments.call_id = :call_id"]
    return store.select(db, where, params, order="ASC", limit=MOST_LISTED)
