"""The free times of a business: its opening hours less what is booked."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from appliance import clock
from appliance.booking import rules, store
from appliance.booking.errors import BadAppointment
from appliance.booking.models import Slot
from appliance.errors import NotFound
from appliance.hours import rules as hours_rules
from appliance.hours import service as hours_service  # pure rules without a store: the one slice others may know
from appliance.hours.models import Timetable
from appliance.i18n import gettext as _

LOOK_AHEAD_DAYS = 60


@dataclass(frozen=True)
class Calendar:
    """When a business is open, on which clock."""

    timetable: Timetable
    timezone: str
    language: str

    def day_of(self, at: datetime) -> date:
        """The day of a moment on its wall clock."""
        return at.astimezone(ZoneInfo(self.timezone)).date()


def calendar_of(db: Database, business_id: str) -> Calendar:
    """When a business is open. Raises NotFound."""
    row = store.business_of(db, business_id)
    if row is None:
        raise NotFound(_("There is no such business."))
    timetable = hours_service.timetable(  # the "closed now" switch is for callers: the agenda of later days stays
        json.loads(row["hours"]),
        row["timezone"],
        exceptions=json.loads(row["exceptions"]),
        holidays=row["holidays"],
    )
    return Calendar(timetable, row["timezone"], row["language"])


def timezone_of(db: Database, business_id: str) -> str:
    """The time zone on whose wall clock the business's appointments are. Raises NotFound."""
    return calendar_of(db, business_id).timezone


def free_slots(
    db: Database, business_id: str, day: date, *, minutes: int, moving: str = "", not_before: datetime | None = None
) -> list[Slot]:
    """The slots of a local day that could be booked now; ``moving`` an appointment that gives up its own time."""
    calendar = calendar_of(db, business_id)
    begin, end = rules.day_bounds(day, calendar.timezone)
    busy = store.taken(db, business_id, clock.stamp(begin), clock.stamp(end + timedelta(minutes=minutes)), moving)
    return rules.free_slots(
        day,
        hours_rules.spans_around(calendar.timetable, day),
        minutes=minutes,
        step=rules.step_of(minutes),
        taken=[(clock.parse(a), clock.parse(b)) for a, b in busy],
        not_before=not_before or clock.now(),
        timezone=calendar.timezone,
    )


def next_free(db: Database, business_id: str, after: datetime, *, minutes: int, moving: str = "") -> Slot | None:
    """The first slot from a moment on, within two months."""
    after = max(after, clock.now())
    first = calendar_of(db, business_id).day_of(after)
    for offset in range(LOOK_AHEAD_DAYS):
        day = first + timedelta(days=offset)
        found = free_slots(db, business_id, day, minutes=minutes, moving=moving, not_before=after)
        if found:
            return found[0]
    return None


def moment(db: Database, business_id: str, day: date, time_of_day: str) -> datetime:
    """The moment (UTC) of ``HH:MM`` on the business's wall clock. Raises BadAppointment."""
    hour, _colon, minute = time_of_day.strip().partition(":")
    if not (hour + minute).isdecimal() or not int(hour or 24) < 24 or not int(minute or 60) < 60:
        raise BadAppointment("other_time", _("That is no time of day."), hint=_("Write it as 14:30."))
    at = rules.moment_of(day, int(hour) * 60 + int(minute), timezone_of(db, business_id))
    if at is None:
        raise BadAppointment(
            "other_time",
            _("That time does not exist on this day: the clocks go forward."),
            hint=_("Choose another one."),
        )
    return at


def day_bounds(day: date, timezone: str) -> tuple[datetime, datetime]:
    """The first moment (UTC) of a local day, and the first of the next."""
    return rules.day_bounds(day, timezone)
