"""When a business is open, as pure functions of its timetable: at a moment, on a day, next.

What weighs more comes first: the "closed now" switch, an exception for the date, a public holiday, the week. Holidays
do not close a business that keeps no hours at all: it is always open, until an exception or the switch says otherwise.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.hours.models import DAY_MINUTES, DayPlan, Opening, Span, Timetable

_WINDOW_DAYS = 15  # a week, and the days a changing time zone may swallow
_LOOK_AHEAD_DAYS = 400
_WHOLE_DAY = (Span(0, DAY_MINUTES),)


def day_plan(timetable: Timetable, day: date) -> DayPlan:
    """What is open on a day, and why; the switch apart, which knows no days."""
    exception = timetable.exceptions.get(day)
    if exception is not None:
        return DayPlan(day, exception.spans, "exception", exception.note)
    if timetable.week.always:
        return DayPlan(day, _WHOLE_DAY, "always")
    holiday = timetable.holidays.name(day) if timetable.holidays else ""
    if holiday:
        return DayPlan(day, (), "holiday", holiday)
    return DayPlan(day, timetable.week.days.get(day.weekday(), ()), "week")


def spans_around(timetable: Timetable, day: date) -> tuple[Span, ...]:
    """When it is open from the day before to the day after, in minutes from the day's midnight."""
    return tuple(
        Span(span.start + offset * DAY_MINUTES, span.end + offset * DAY_MINUTES)
        for offset in (-1, 0, 1)
        for span in day_plan(timetable, day + timedelta(days=offset)).spans
    )


def opening(timetable: Timetable, at: datetime) -> Opening:
    """Whether it is open at an aware moment, on its own wall clock, and why."""
    if _is_switched_off(timetable, at):
        return Opening(False, "switch", until=timetable.closed_until)
    local = at.astimezone(ZoneInfo(timetable.timezone))
    minute = local.hour * 60 + local.minute
    yesterday = day_plan(timetable, local.date() - timedelta(days=1))
    if any(minute < span.end - DAY_MINUTES for span in yesterday.spans):
        return Opening(True, yesterday.reason, yesterday.note)
    today = day_plan(timetable, local.date())
    return Opening(any(s.start <= minute < s.end for s in today.spans), today.reason, today.note)


def next_opening(timetable: Timetable, at: datetime) -> datetime | None:
    """The first moment from ``at`` on (UTC) when it is open, ``at`` itself if open then; None if not within a year."""
    at = at.astimezone(UTC)
    if _is_switched_off(timetable, at):
        if timetable.closed_until is None:
            return None
        at = timetable.closed_until.astimezone(UTC)
    if opening(timetable, at).is_open:
        return at
    if not _ever_opens(timetable):
        return None
    for start in range(0, _LOOK_AHEAD_DAYS, _WINDOW_DAYS):
        begin = at + timedelta(days=start)
        moments = {*_span_starts(timetable, begin), *_clock_changes(timetable, begin)}
        if timetable.closed_until is not None:
            moments.add(timetable.closed_until.astimezone(UTC))
        found = next((m for m in sorted(moments) if m >= at and opening(timetable, m).is_open), None)
        if found is not None:
            return found
    return None


def _ever_opens(timetable: Timetable) -> bool:
    return (
        timetable.week.always
        or any(timetable.week.days.values())
        or any(e.spans for e in timetable.exceptions.values())
    )


def _is_switched_off(timetable: Timetable, at: datetime) -> bool:
    since, until = timetable.closed_since, timetable.closed_until
    return since is not None and since <= at and (until is None or at < until)


def _span_starts(timetable: Timetable, begin: datetime) -> Iterator[datetime]:
    zone = ZoneInfo(timetable.timezone)
    first = begin.astimezone(zone).date() - timedelta(days=1)
    for offset in range(_WINDOW_DAYS + 2):
        day = first + timedelta(days=offset)
        # midnight too: an overnight span goes on there when the clock jumped over its start
        for minute in {0, *(s.start for s in day_plan(timetable, day).spans)}:
            for fold in (0, 1):
                yield datetime(
                    day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone, fold=fold
                ).astimezone(UTC)


def _clock_changes(timetable: Timetable, begin: datetime) -> Iterator[datetime]:
    """The moments of the next days at which the wall clock is set: where it may land inside opening hours."""
    zone = ZoneInfo(timetable.timezone)
    hours = [begin.replace(microsecond=0) + timedelta(hours=n) for n in range(_WINDOW_DAYS * 24 + 1)]
    for low, high in itertools.pairwise(hours):
        if low.astimezone(zone).utcoffset() == high.astimezone(zone).utcoffset():
            continue
        while high - low > timedelta(seconds=1):
            middle = (low + (high - low) / 2).replace(microsecond=0)
            same = middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset()
            low, high = (middle, high) if same else (low, middle)
        yield high
