"""Opening hours as pure rules: reading them, is it open, when does it open next, how to say it.

Hours are a table of days and times: ``{"sat-wed": "09:00-18:00", "thu": "09:00-13:00, 15:00-17:00"}``. Ranges go
round the end of the week; times are the business's wall clock, so a day of 23 or 25 hours needs no thought; a span that
ends before it starts runs past midnight (``22:00-02:00``); ``{}`` means always open.
"""

import itertools
import re
from collections.abc import Mapping
from datetime import date, datetime

from babel import Locale

from appliance import clock, fields, i18n
from appliance.fields import BadValue
from appliance.hours import rules
from appliance.hours.errors import BadException, BadHours
from appliance.hours.holidays import NO_HOLIDAYS, calendar_of
from appliance.hours.models import DAY_MINUTES, DAYS, DayException, Span, Timetable, Week
from appliance.i18n import gettext as _
from appliance.i18n import plain_digits

_DASHES = re.compile(r"\s*[-\u2010-\u2015]\s*")
_TIME = re.compile(r"^(\d{1,2}):(\d{2})$", re.ASCII)
MOST_EXCEPTIONS = 400


def parse(hours: Mapping[str, object]) -> Week:
    """The week that written hours mean. Raises BadHours."""
    if not hours:
        return Week({}, always=True)
    days: dict[int, tuple[Span, ...]] = {}
    for key, value in hours.items():
        spans = _spans(key, value)
        for day in _days(key):
            if day in days:
                raise BadHours(key, key, _("each day once: %(day)s is given twice", day=DAYS[day]))
            days[day] = spans
    return Week(days)


def normalise(hours: Mapping[str, object]) -> dict[str, str]:
    """The same hours in the one form kept in the store. Raises BadHours."""
    parse(hours)
    return {_day_key(key): write_spans(_spans(key, value)) for key, value in hours.items()}


def timetable(
    hours: Mapping[str, object],
    timezone: str,
    *,
    exceptions: Mapping[str, object] | None = None,
    holidays: str = NO_HOLIDAYS,
    closed_since: str | None = None,
    closed_until: str | None = None,
) -> Timetable:
    """A business's timetable from what is kept of it. Raises BadHours, BadException, BadCountry.

    ``holidays`` as businesses keep it: "" for the country of the time zone.
    """
    return Timetable(
        parse(hours),
        timezone,
        calendar_of(holidays, timezone),
        parse_exceptions(exceptions or {}),
        clock.parse(closed_since) if closed_since else None,
        clock.parse(closed_until) if closed_until else None,
    )


def is_open(hours: Mapping[str, object], at: datetime, timezone: str) -> bool:
    """Whether weekly hours alone are open at an aware moment, on the wall clock of ``timezone``. Raises BadHours."""
    return rules.opening(timetable(hours, timezone), at).is_open


def next_opening(hours: Mapping[str, object], at: datetime, timezone: str) -> datetime | None:
    """The first moment from ``at`` on (UTC) when weekly hours alone are open; None if never."""
    return rules.next_opening(timetable(hours, timezone), at)


def parse_exceptions(written: Mapping[str, object]) -> dict[date, DayException]:
    """Days that are not as the week says: ``{"2026-12-24": "09:00-13:00; Christmas Eve"}``. Raises BadException."""
    if len(written) > MOST_EXCEPTIONS:
        raise BadException("", len(written), _("up to %(most)s days", most=MOST_EXCEPTIONS))
    found: dict[date, DayException] = {}
    for key, value in written.items():
        day = _day(key)
        if not isinstance(value, str):
            raise BadException(key, value, _example())
        times, _semicolon, note = value.partition(";")
        try:
            spans = _spans(key, times)
            found[day] = DayException(spans, fields.text(note, most=80))
        except BadValue as error:
            raise BadException(key, error.found, error.allowed) from error
    return found


def normalise_exceptions(written: Mapping[str, object]) -> dict[str, str]:
    """The same exceptions in the one form kept in the store, by date. Raises BadException."""
    found = parse_exceptions(written)
    return {day.isoformat(): write_exception(found[day]) for day in sorted(found)}


def write_exception(exception: DayException) -> str:
    """``09:00-13:00; Christmas Eve``, or ``closed``."""
    times = write_spans(exception.spans)
    return f"{times}; {exception.note}" if exception.note else times


def say_spans(spans: tuple[Span, ...]) -> str:
    """``09:00–13:00, 15:00–17:00`` in the current language's digits; "" for none."""
    return i18n.digits(write_spans(spans).replace("-", "–")) if spans else ""


def why(reason: str, note: str) -> str:
    """Why it is open or closed, in a few words."""
    match reason:
        case "holiday":
            return _("holiday: %(name)s", name=note)
        case "exception":
            return _("exception: %(note)s", note=note) if note else _("exception")
        case "switch":
            return _("switched to closed")
        case "always":
            return _("always open")
    return _("the weekly hours")


def _day(key: str) -> date:
    try:
        day = date.fromisoformat(plain_digits(key.strip()))
    except ValueError as error:
        raise BadException(key, key, _('a date such as "2026-12-24"')) from error
    if not 2000 <= day.year < 2200:
        raise BadException(key, key, _('a date such as "2026-12-24"'))
    return day


def _example() -> str:
    return _('times or "closed", and after a semicolon why: "09:00-13:00; Christmas Eve"')


def describe(hours: Mapping[str, object]) -> str:
    """The hours for people, in the current language: ``Saturday–Wednesday 09:00–18:00; Thursday 09:00–13:00``."""
    week = parse(hours)
    if week.always:
        return _("Always open")
    if not any(week.days.values()):
        return _("Always closed")
    names = Locale(i18n.language()).days["stand-alone"]["wide"]
    parts = []
    for key, value in hours.items():
        spans = _spans(key, value)
        if spans:
            first, _dash, last = _day_key(key).partition("-")
            days = names[DAYS.index(first)] + (f"–{names[DAYS.index(last)]}" if last else "")
            parts.append(f"{days} {say_spans(spans)}")
    return ("؛ " if i18n.language() == "fa" else "; ").join(parts)


def _day_key(key: str) -> str:
    return _DASHES.sub("-", key.strip().lower())


def _days(key: str) -> list[int]:
    first, dash, last = _day_key(key).partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise BadHours(key, key, _("days such as thu or sat-wed, of %(days)s", days=" ".join(DAYS)))
    start = DAYS.index(first)
    count = (DAYS.index(last) - start) % 7 + 1 if dash else 1
    return [(start + i) % 7 for i in range(count)]


def _minute(key: str, text: str) -> int:
    found = _TIME.match(text.strip())
    minute = int(found[1]) * 60 + int(found[2]) if found else -1
    if not found or int(found[2]) > 59 or minute > DAY_MINUTES:
        raise BadHours(key, text.strip(), _("a time from 00:00 to 24:00"))
    return minute


def _spans(key: str, value: object) -> tuple[Span, ...]:
    allowed = _('times such as "09:00-13:00, 15:00-17:00", or "closed"')
    if not isinstance(value, str) or not value.strip() or len(value) > 500:
        raise BadHours(key, value, allowed)
    if value.strip().lower() == "closed":
        return ()
    spans = []
    for part in re.split(r"[,،]", plain_digits(value)):
        ends = _DASHES.split(part.strip())
        if len(ends) != 2:
            raise BadHours(key, value, allowed)
        start, end = (_minute(key, e) for e in ends)
        if start in (end, DAY_MINUTES):
            raise BadHours(key, value, _("a span that lasts: 00:00-24:00 is the whole day"))
        spans.append(Span(start, end if end > start else end + DAY_MINUTES))
    spans.sort()
    if any(a.end > b.start for a, b in itertools.pairwise(spans)):
        raise BadHours(key, value, _("spans that do not overlap"))
    return tuple(spans)


def write_spans(spans: tuple[Span, ...]) -> str:
    """``09:00-13:00, 15:00-17:00``, or ``closed``."""

    def clock(minute: int, *, end: bool) -> str:
        if minute > DAY_MINUTES or (minute == DAY_MINUTES and not end):
            minute -= DAY_MINUTES
        return f"{minute // 60:02d}:{minute % 60:02d}"

    return ", ".join(f"{clock(s.start, end=False)}-{clock(s.end, end=True)}" for s in spans) or "closed"
