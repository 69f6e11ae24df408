"""Opening hours in words, and a month as the visitor's calendar has it (Jalali in Persian)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import jdatetime
from babel import Locale
from flask.sansio.app import App

from appliance import i18n
from appliance.hours import rules
from appliance.hours.models import DayPlan, Opening, Timetable
from appliance.hours.service import say_spans, why
from appliance.i18n import gettext as _
from web.booking.words import first_weekday, in_words, weekday


@dataclass(frozen=True)
class Month:
    """A month of the visitor's calendar."""

    first: date
    last: date
    title: str

    @property
    def before(self) -> date:
        """A day of the month before."""
        return self.first - timedelta(days=1)

    @property
    def after(self) -> date:
        """The first day of the next month."""
        return self.last + timedelta(days=1)

    def days(self) -> Iterator[date]:
        """Every day of it."""
        day = self.first
        while day <= self.last:
            yield day
            day += timedelta(days=1)


@dataclass(frozen=True)
class Cell:
    """A day of the month's page."""

    day: date
    number: str
    weekday: str
    column: int  # 1 to 7, as the visitor's week begins
    times: str  # "" when closed
    why: str
    tone: str
    is_today: bool


def month_of(day: date) -> Month:
    """The month a day lies in."""
    if i18n.language() == "fa":
        jalali = jdatetime.date.fromgregorian(date=day)
        first = jdatetime.date(jalali.year, jalali.month, 1)
        following = jdatetime.date(jalali.year + jalali.month // 12, jalali.month % 12 + 1, 1)
        title = i18n.digits(f"{jdatetime.date.j_months_fa[jalali.month - 1]} {jalali.year}")
        return Month(first.togregorian(), following.togregorian() - timedelta(days=1), title)
    first_day = day.replace(day=1)
    last = (first_day + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    name = Locale(i18n.language()).months["stand-alone"]["wide"][day.month]
    return Month(first_day, last, f"{str(name).capitalize()} {day.year}")


def cells_of(month: Month, timetable: Timetable, today: date) -> list[Cell]:
    """The days of a month with what is open and why."""
    return [_cell(rules.day_plan(timetable, day), today) for day in month.days()]


def _cell(plan: DayPlan, today: date) -> Cell:
    number = jdatetime.date.fromgregorian(date=plan.day).day if i18n.language() == "fa" else plan.day.day
    differs = plan.reason in ("holiday", "exception")
    return Cell(
        plan.day,
        i18n.digits(str(number)),
        weekday(plan.day),
        (plan.day.weekday() - first_weekday()) % 7 + 1,
        _("all day") if plan.reason == "always" else say_spans(plan.spans),
        why(plan.reason, plan.note) if differs else "",
        "differs" if differs else "open" if plan.spans else "shut",
        plan.day == today,
    )


def opening_words(opening: Opening) -> str:
    """One line for lists: ``Open``, ``Closed: holiday: Nowruz``."""
    if opening.is_open:
        return _("Open now")
    if opening.reason in ("holiday", "exception"):
        return _("Closed now (%(why)s)", why=why(opening.reason, opening.note))
    return _("Closed now")


def moment_words(at: datetime, timezone: str, now: datetime) -> str:
    """``18:00`` today, else with the day."""
    text = i18n.format_time(at, timezone)
    zone = ZoneInfo(timezone)
    day = at.astimezone(zone).date()
    if day == now.astimezone(zone).date():
        return text
    return f"{in_words(day)} {text}"


def init_app(app: App) -> None:
    """Give templates these words."""
    app.jinja_env.globals.update(opening_words=opening_words)
