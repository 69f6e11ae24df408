"""Appointments in the demo's month: booked and cancelled in calls that ask for it, by the product's service."""

import random
from datetime import timedelta
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from appliance import clock
from appliance.booking import service as booking
from appliance.booking import slots
from appliance.contacts import service as contacts
from appliance.demo.studio import Talk

SERVICES = {
    "bakery": (("Collect an order", 15), ("Tasting for a celebration", 45)),
    "clinic": (("ویزیت دکتر رضوی", 20), ("دندان‌پزشکی", 30)),
}
STAYS_AWAY = 0.08  # of those who are expected
LOOK_AHEAD_WEEKS = 3


def say_what_can_be_booked(db: Database) -> None:
    """The services of each business that the office has."""
    known = {row["business_id"] for row in db.query("SELECT business_id FROM businesses")}
    for business_id, offered in SERVICES.items():
        for name, minutes in offered if business_id in known else ():
            booking.add_service(db, business_id, name=name, minutes=minutes)


def write_down(db: Database, talk: Talk, luck: random.Random, *, call_id: str, agent_id: str, number: str) -> None:
    """What the agent books or cancels while talking."""
    if talk.appointment.get("cancel"):
        _cancel_next(db, talk.business, number)
        return
    offered = booking.list_services(db, talk.business)
    service = next((s for s in offered if s.name == talk.appointment["service"]), offered[0])
    zone = ZoneInfo(slots.timezone_of(db, talk.business))
    day = clock.now().astimezone(zone).date() + timedelta(days=1)
    day += timedelta(days=(talk.appointment["weekday"] - day.weekday()) % 7)
    for week in range(luck.choice((0, 0, 1)), LOOK_AHEAD_WEEKS):
        found = slots.free_slots(db, talk.business, day + timedelta(weeks=week), minutes=service.minutes)
        fitting = [s for s in found if s.starts_at.astimezone(zone).hour >= talk.appointment["hour"]]
        if fitting:
            booking.book(
                db,
                business_id=talk.business,
                starts_at=fitting[0].starts_at,
                service_id=service.service_id,
                customer_name=contacts.caller_name(db, talk.business, number),
                customer_number=number,
                note=talk.appointment.get("note", ""),
                call_id=call_id,
                taken_by=agent_id,
            )
            return


def _cancel_next(db: Database, business_id: str, number: str) -> None:
    coming = [
        a
        for a in booking.appointments_of_number(db, business_id, number)
        if a.is_booked and a.starts_at > clock.stamp()
    ]
    if coming:
        booking.cancel(db, coming[-1].appointment_id)


def close_the_day(db: Database, luck: random.Random) -> None:
    """In the evening the agents write down who did not come."""
    now = clock.now()
    today = booking.list_appointments(
        db, businesses=None, since=clock.stamp(now - timedelta(hours=16)), until=clock.stamp(now), booked_only=True
    )
    for appointment in today:
        if luck.random() < STAYS_AWAY:
            booking.mark_no_show(db, appointment.appointment_id)
