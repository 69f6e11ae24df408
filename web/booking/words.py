"""Days and times of appointments in words, in the visitor's language and calendar; weeks begin where theirs do."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import jdatetime
from babel import Locale
from flask.sansio.app import App

from appliance import clock, i18n
from appliance.booking.models import Appointment, Slot
from appliance.i18n import gettext as _


@dataclass(frozen=True)
class Day:
    """A day of the week strip."""

    day: date
    short: str  # weekday
    number: str  # of the month
    words: str
    count: int


def _noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def weekday(day: date) -> str:
    """The day's name."""
    return str(Locale(i18n.language()).days["stand-alone"]["wide"][day.weekday()])


def in_words(day: date) -> str:
    """``Tuesday 24 Nov 2026``."""
    return f"{weekday(day)} {i18n.format_date(_noon(day), 'UTC')}"


def week_of(day: date, appointments: Iterable[Appointment], timezone: str) -> list[Day]:
    """The week around a day, with how much is booked."""
    locale = Locale(i18n.language())
    first = day - timedelta(days=(day.weekday() - first_weekday()) % 7)
    counts = Counter(local_day(a.starts_at, timezone) for a in appointments if a.is_booked)
    names = locale.days["stand-alone"]["narrow" if i18n.language() == "fa" else "abbreviated"]
    return [
        Day(d, str(names[d.weekday()]), _number_in_month(d), in_words(d), counts[d])
        for d in (first + timedelta(days=n) for n in range(7))
    ]


def first_weekday() -> int:
    """The weekday a week begins with, 0 for Monday."""
    return 5 if i18n.language() == "fa" else 0


def _number_in_month(day: date) -> str:
    if i18n.language() == "fa":
        return i18n.digits(str(jdatetime.date.fromgregorian(date=day).day))
    return str(day.day)


def local_day(stamp: str, timezone: str) -> date:
    """The day of a moment on a wall clock."""
    return clock.parse(stamp).astimezone(ZoneInfo(timezone)).date()


def time_of(stamp: str, timezone: str) -> str:
    """Hours and minutes on a wall clock."""
    return i18n.format_time(clock.parse(stamp), timezone)


def slot_words(slot: Slot, timezone: str) -> str:
    """When a slot begins; the second of an hour that comes twice says so."""
    local = slot.starts_at.astimezone(ZoneInfo(timezone))
    text = i18n.format_time(slot.starts_at, timezone)
    return _("%(time)s, for the second time", time=text) if local.fold else text


def status_words(appointment: Appointment) -> str:
    """What became of an appointment that does not stand; "" for one that does."""
    return {"cancelled": _("cancelled"), "no_show": _("did not come")}.get(appointment.status, "")


def init_app(app: App) -> None:
    """Give templates these words."""
    app.jinja_env.globals.update(appointment_status=status_words, time_of=time_of, local_day=local_day)
    app.jinja_env.filters.update(day_words=in_words)
