"""Free slots as a pure function of hours, what is taken, and the time zone.

The wall clock decides what is open (as in hours), the real clock how long something takes: on the day the clocks go
forward the hour that does not exist is no slot, on the day they go back the hour that comes twice is two.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from appliance.booking.models import Slot
from appliance.hours.models import DAY_MINUTES, Span

Interval = tuple[datetime, datetime]  # from, to; aware, in UTC


def step_of(minutes: int) -> int:
    """How far apart the slots of something begin, in minutes: short things fit in more places."""
    return 30 if minutes % 30 == 0 else 15 if minutes >= 15 else minutes


def free_slots(
    day: date,
    spans: Sequence[Span],
    *,
    minutes: int,
    step: int,
    taken: Iterable[Interval],
    not_before: datetime,
    timezone: str,
) -> list[Slot]:
    """The slots of ``minutes`` that begin on that local day, lie wholly in ``spans`` and touch nothing taken.

    ``spans`` as of ``hours.rules.spans_around``: slots begin at a span's start and every ``step`` minutes after it.
    """
    zone, length = ZoneInfo(timezone), timedelta(minutes=minutes)
    stretches = list(_stretches(day, zone))
    opened = _merged(_opened(day, spans, stretches))
    busy = sorted(taken)
    found = []
    for begin in sorted(set(_starts(day, spans, step, stretches))):
        slot = Slot(begin, begin + length)
        if begin < not_before or not _covered(slot, opened):
            continue
        if not any(a < slot.ends_at and b > slot.starts_at for a, b in busy):
            found.append(slot)
    return found


def is_open_throughout(slot: Slot, spans: Sequence[Span], day: date, timezone: str) -> bool:
    """Whether a slot that begins on that local day lies wholly in ``spans``."""
    return _covered(slot, _merged(_opened(day, spans, list(_stretches(day, ZoneInfo(timezone))))))


def moment_of(day: date, minute: int, timezone: str) -> datetime | None:
    """The moment (UTC) of a time on the wall clock, the first of two; None when the clock jumps over it."""
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001  a wall clock has no zone
    at = wall.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    return at if at.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) == wall else None


def day_bounds(day: date, timezone: str) -> Interval:
    """The first moment of a local day, and the first of the next."""
    zone = ZoneInfo(timezone)
    begin, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


# --- the wall clock as stretches of time in which it runs evenly ---

_Stretch = tuple[datetime, datetime, timedelta]  # from, to (UTC), what to add for the wall clock


def _stretches(day: date, zone: ZoneInfo) -> Iterator[_Stretch]:
    """From half a day before the day to two days and a half after its midnight."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    begin = midnight - timedelta(hours=14)  # no zone is further from UTC
    end = midnight + timedelta(hours=62)
    at, offset = begin, _offset(begin, zone)
    while begin < end:
        after = min(at + timedelta(hours=1), end)
        changed = _offset(after, zone) != offset
        if changed or after == end:
            to = _change(at, after, zone) if changed else end
            yield begin, to, offset
            begin, offset = to, _offset(to, zone)
        at = after


def _offset(at: datetime, zone: ZoneInfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    before = _offset(low, zone)
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    return high


def _opened(day: date, spans: Sequence[Span], stretches: Sequence[_Stretch]) -> Iterator[Interval]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for span, (begin, end, offset) in itertools.product(spans, stretches):
        first = max(begin, midnight + timedelta(minutes=span.start) - offset)
        last = min(end, midnight + timedelta(minutes=span.end) - offset)
        if first < last:
            yield first, last


def _starts(day: date, spans: Sequence[Span], step: int, stretches: Sequence[_Stretch]) -> Iterator[datetime]:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    for span, (begin, end, offset) in itertools.product(spans, stretches):
        for minute in range(span.start, min(span.end, DAY_MINUTES), step):
            at = midnight + timedelta(minutes=minute) - offset
            if minute >= 0 and begin <= at < end:
                yield at


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for begin, end in sorted(intervals):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((begin, end))
    return merged


def _covered(slot: Slot, merged: Sequence[Interval]) -> bool:
    return any(begin <= slot.starts_at and slot.ends_at <= end for begin, end in merged)
