"""Opening hours as pure rules: reading them, is it open, when does it open next, how to say it.

Hours are a table of days and times: ``{"sat-wed": "09:00-18:00", "thu": "09:00-13:00, 15:00-17:00"}``. Ranges go
round the end of the week; times are the business's wall clock, so a day of 23 or 25 hours needs no thought; a span that
ends before it starts runs past midnight (``22:00-02:00``); ``{}`` means always open.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import Locale

from appliance import i18n
from appliance.hours.errors import BadHours
from appliance.hours.models import DAY_MINUTES, DAYS, Span, Week
from appliance.i18n import gettext as _
from appliance.i18n import plain_digits

_DASHES = re.compile(r"\s*[-\u2010-\u2015]\s*")
_TIME = re.compile(r"^(\d{1,2}):(\d{2})$", re.ASCII)
_LOOK_AHEAD_DAYS = 15  # a week, and the days a changing time zone may swallow


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
    return {_day_key(key): _written(_spans(key, value)) for key, value in hours.items()}


def is_open(hours: Mapping[str, object], at: datetime, timezone: str) -> bool:
    """Whether it is open at an aware moment, on the wall clock of ``timezone``. Raises BadHours."""
    return _is_open(parse(hours), at, ZoneInfo(timezone))


def next_opening(hours: Mapping[str, object], at: datetime, timezone: str) -> datetime | None:
    """The first moment from ``at`` on (UTC) when it is open, ``at`` itself if open then; None if never."""
    week, zone = parse(hours), ZoneInfo(timezone)
    at = at.astimezone(UTC)
    if _is_open(week, at, zone):
        return at
    if not any(week.days.values()):
        return None
    moments = {*_span_starts(week, at, zone), *_clock_changes(at, zone)}
    return next((m for m in sorted(moments) if m >= at and _is_open(week, m, zone)), None)


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
            parts.append(f"{days} {i18n.digits(_written(spans).replace('-', '–'))}")
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


def _written(spans: tuple[Span, ...]) -> str:
    def clock(minute: int, *, end: bool) -> str:
        if minute > DAY_MINUTES or (minute == DAY_MINUTES and not end):
            minute -= DAY_MINUTES
        return f"{minute // 60:02d}:{minute % 60:02d}"

    return ", ".join(f"{clock(s.start, end=False)}-{clock(s.end, end=True)}" for s in spans) or "closed"


def _is_open(week: Week, at: datetime, zone: ZoneInfo) -> bool:
    if week.always:
        return True
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.weekday(), (local.weekday() - 1) % 7
    return any(s.start <= minute < s.end for s in week.days.get(today, ())) or any(
        minute < s.end - DAY_MINUTES for s in week.days.get(yesterday, ())
    )


def _span_starts(week: Week, at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    first = at.astimezone(zone).date() - timedelta(days=1)
    for offset in range(_LOOK_AHEAD_DAYS + 1):
        day = first + timedelta(days=offset)
        # midnight too: an overnight span goes on there when the clock jumped over its start
        for minute in {0, *(s.start for s in week.days.get(day.weekday(), ()))}:
            for fold in (0, 1):
                yield datetime(
                    day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone, fold=fold
                ).astimezone(UTC)


def _clock_changes(at: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments of the next days at which the wall clock is set: where it may land inside opening hours."""
    before = at.replace(microsecond=0)
    for _hour in range(_LOOK_AHEAD_DAYS * 24):
        after = before + timedelta(hours=1)
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            low, high = before, after
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high
        before = after
