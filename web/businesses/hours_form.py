"""Opening hours as rows of a form, and back: a row a day, up to two spans each, more in writing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from babel import Locale
from flask import request

from appliance import i18n
from appliance.hours import service as hours
from appliance.hours.models import DAYS, Span
from web.forms import Form

FIRST_DAY = {"fa": 5}  # Saturday; elsewhere Monday (a language alone tells CLDR no country, so it knows no week)
FIRST_GUESS = "09:00", "17:00"


@dataclass(frozen=True)
class Row:
    """A day of the form."""

    key: str  # mon
    name: str  # Monday, in the current language
    is_open: bool
    begins: str
    ends: str
    begins_again: str = ""
    ends_again: str = ""
    more: str = ""  # further spans, as written


def week_order() -> list[int]:
    """The days as a calendar in the current language shows them; Saturday first in Persian."""
    first = FIRST_DAY.get(i18n.language(), 0)
    return [(first + i) % 7 for i in range(7)]


def _clock(minute: int) -> str:
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _row(day: int, spans: tuple[Span, ...], guess: bool) -> Row:
    name = str(Locale(i18n.language()).days["stand-alone"]["wide"][day])
    times = [_clock(t) for span in spans[:2] for t in (span.start, span.end)] or list(FIRST_GUESS)
    begins, ends, begins_again, ends_again = (*times, "", "")[:4]
    more = ", ".join(f"{_clock(s.start)}-{_clock(s.end)}" for s in spans[2:])
    return Row(DAYS[day], name, bool(spans) or guess, begins, ends, begins_again, ends_again, more)


def rows_of(kept: Mapping[str, str], form: Form) -> list[Row]:
    """The rows to show: as sent, else as kept; a weekday is a guess for a business that was always open."""
    if form.sent:
        return [_sent_row(day) for day in week_order()]
    week = hours.parse(kept)
    working = {0, 1, 2, 3, 4} if i18n.language() != "fa" else {5, 6, 0, 1, 2}
    return [_row(day, week.days.get(day, ()), week.always and day in working) for day in week_order()]


def _field(day: str, name: str) -> str:
    return request.form.get(f"{day}_{name}", "").strip()


def _sent_row(day: int) -> Row:
    key = DAYS[day]
    name = str(Locale(i18n.language()).days["stand-alone"]["wide"][day])
    return Row(
        key,
        name,
        bool(request.form.get(f"{key}_open")),
        begins=_field(key, "begins"),
        ends=_field(key, "ends"),
        begins_again=_field(key, "begins_again"),
        ends_again=_field(key, "ends_again"),
        more=_field(key, "more"),
    )


def _written(row: Row) -> str:
    if not row.is_open:
        return "closed"
    spans = [f"{row.begins}-{row.ends}"]
    if row.begins_again or row.ends_again:
        spans.append(f"{row.begins_again}-{row.ends_again}")
    if row.more:
        spans.append(row.more)
    return ", ".join(spans)


def read_hours(form: Form) -> dict[str, str]:
    """The hours the form says, days with the same hours put together; ``{}`` when always open."""
    if request.form.get("always_open"):
        return {}
    by_day: dict[int, str] = {}
    for day in week_order():
        by_day[day] = form.read(f"{DAYS[day]}_begins", partial(_checked, _sent_row(day)), "closed")
    return together(by_day)


def _checked(row: Row, _begins: str) -> str:
    return hours.normalise({row.key: _written(row)})[row.key]


def together(by_day: Mapping[int, str]) -> dict[str, str]:
    """Days in a row with the same hours under one key: ``{"sat-wed": "09:00-18:00"}``; closed days are left out."""
    groups: list[tuple[list[int], str]] = []
    for day in week_order():
        if groups and groups[-1][1] == by_day[day]:
            groups[-1][0].append(day)
        else:
            groups.append(([day], by_day[day]))
    written = {
        DAYS[days[0]] if len(days) == 1 else f"{DAYS[days[0]]}-{DAYS[days[-1]]}": spans
        for days, spans in groups
        if spans != "closed"
    }
    return written or {"mon-sun": "closed"}
