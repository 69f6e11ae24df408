"""The form in which an appointment is booked: whose, for what, when, for whom. It works without scripts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request

from appliance import clock
from appliance.booking import service as booking
from appliance.booking import slots
from appliance.booking.errors import BadAppointment
from appliance.booking.models import Service, Slot
from appliance.businesses import service as businesses
from appliance.businesses.models import Business
from appliance.calls import service as calls
from appliance.calls.models import Call
from appliance.contacts import service as contacts
from appliance.errors import NotFound
from appliance.i18n import gettext as _
from web.auth import wall
from web.booking import words
from web.calls.routes import day_of
from web.database import db
from web.forms import Form

DAYS_TO_CHOOSE = 60


@dataclass(frozen=True)
class Times:
    """The times of one day that can be chosen."""

    day: date
    timezone: str
    slots: list[Slot]
    next_free: Slot | None  # where there is none that day

    def choices(self) -> list[tuple[str, str]]:
        """Stamps and words."""
        return [(clock.stamp(s.starts_at), words.slot_words(s, self.timezone)) for s in self.slots]

    def next_day(self) -> date | None:
        """The day of the next free time."""
        return self.next_free.starts_at.astimezone(ZoneInfo(self.timezone)).date() if self.next_free else None


def times_of(business_id: str, day: date | None, minutes: int, moving: str = "") -> Times:
    """The free times of a day, or of the next day with any when none was asked for."""
    timezone = slots.timezone_of(db(), business_id)
    today = clock.now().astimezone(ZoneInfo(timezone)).date()
    found = slots.free_slots(db(), business_id, day or today, minutes=minutes, moving=moving)
    if found:
        return Times(day or today, timezone, found, None)
    begin, _end = slots.day_bounds(max(day or today, today), timezone)
    free = slots.next_free(db(), business_id, begin, minutes=minutes, moving=moving)
    times = Times(day or today, timezone, [], free)
    free_day = times.next_day()
    return times_of(business_id, free_day, minutes, moving) if day is None and free_day else times


def days_to_choose(chosen: date, timezone: str) -> list[tuple[str, str]]:
    """The coming days, and the chosen one if it is not among them."""
    today = clock.now().astimezone(ZoneInfo(timezone)).date()
    days = {today + timedelta(days=n) for n in range(DAYS_TO_CHOOSE)} | {chosen}
    return [(day.isoformat(), words.in_words(day)) for day in sorted(days)]


def chosen_moment(business_id: str, day: date) -> datetime:
    """The time that was chosen in a sent form. Raises BadAppointment."""
    chosen = request.form.get("slot", "")
    if chosen == "other":
        return slots.moment(db(), business_id, day, request.form.get("other_time", ""))
    try:
        at = clock.parse(chosen)
    except ValueError:
        raise BadAppointment("slot", _("Choose a time.")) from None
    if at.astimezone(ZoneInfo(slots.timezone_of(db(), business_id))).date() != day:
        raise BadAppointment("slot", _("The day was changed: choose a time."))
    return at


class NewForm:
    """What the page for a new appointment shows, from what was sent or asked for."""

    def __init__(self) -> None:
        self.businesses: list[Business] = businesses.list_businesses(db(), wall())
        if not self.businesses:
            raise NotFound(_("There is no such business."))
        sent = request.form if request.method == "POST" else request.args
        self.call = self._call(sent.get("call", ""))
        self.business = self._business(sent.get("business_id", ""))
        self.services = booking.list_services(db(), self.business.business_id)
        wanted = sent.get("service_id", "")
        self.service: Service = next((s for s in self.services if s.service_id == wanted), self.services[0])
        self.day = day_of(sent.get("show_day") or sent.get("day", ""))
        self.form = Form(self._kept())

    def _call(self, call_id: str) -> Call | None:
        return calls.get_call(db(), call_id, businesses=wall()) if call_id else None

    def _business(self, asked: str) -> Business:
        asked = asked or (self.call.business_id if self.call else None) or self.businesses[0].business_id
        for business in self.businesses:
            if business.business_id == asked:
                return business
        raise NotFound(_("There is no such business."))

    def _kept(self) -> dict[str, str]:
        if self.call is None:
            return {"customer_number": request.args.get("number", "")[:64], "slot": request.args.get("slot", "")}
        number = self.call.dialled if self.call.direction == "outbound" else self.call.caller_number
        name = contacts.caller_name(db(), self.call.business_id, number) or self.call.caller_name
        return {"customer_number": number, "customer_name": name}

    @property
    def call_id(self) -> str | None:
        """The call it was asked for in, if it was one of this business."""
        return self.call.call_id if self.call and self.call.business_id == self.business.business_id else None

    def parts(self) -> dict[str, Any]:
        """What the template needs."""
        times = times_of(self.business.business_id, self.day, self.service.minutes)
        return {
            "form": self.form,
            "call": self.call,
            "businesses": self.businesses,
            "business": self.business,
            "services": self.services,
            "service": self.service,
            "times": times,
            "days": days_to_choose(times.day, times.timezone),
        }
