"""Free slots, held against somebody who looks at every minute of the day."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.booking import rules
from appliance.booking.models import Slot
from appliance.hours import rules as hours_rules
from appliance.hours import service as hours
from appliance.hours.models import Span, Timetable, Week

MINUTE = timedelta(minutes=1)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)  # clocks change in Berlin
DAYS = [(SPRING, "Europe/Berlin"), (AUTUMN, "Europe/Berlin"), (date(2026, 11, 24), "Asia/Tehran"),
        (date(2026, 4, 5), "Australia/Lord_Howe"), (date(2026, 10, 4), "Australia/Lord_Howe"),
        (date(2026, 11, 1), "America/New_York"), (date(2026, 9, 6), "America/Santiago")]  # fmt: skip


def by_hand(day, spans, minutes, step, taken, not_before, timezone):
    zone = ZoneInfo(timezone)
    midnight = datetime(day.year, day.month, day.day)

    def on_the_wall(at):
        return round((at.astimezone(zone).replace(tzinfo=None) - midnight) / MINUTE)

    def is_open(at):
        return any(s.start <= on_the_wall(at) < s.end for s in spans)

    found = []
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    for at in (begin + MINUTE * n for n in range(54 * 60)):
        if at.astimezone(zone).date() != day or at < not_before:
            continue
        wall = on_the_wall(at)
        fits = any(s.start <= wall < s.end and (wall - s.start) % step == 0 for s in spans)
        if not fits or not all(is_open(at + MINUTE * n) for n in range(minutes)):
            continue
        end = at + MINUTE * minutes
        if not any(a < end and b > at for a, b in taken):
            found.append(Slot(at, end))
    return found


@st.composite
def weeks(draw):
    if draw(st.booleans()) and draw(st.booleans()):
        return Week({}, always=True)
    days = {}
    for weekday in range(7):
        marks = sorted(draw(st.sets(st.integers(0, 95), max_size=4)))
        pairs = zip(marks[::2], marks[1::2], strict=False)
        days[weekday] = tuple(Span(a * 15, b * 15) for a, b in pairs)
        if draw(st.booleans()) and not any(s.end > 1320 for s in days[weekday]):
            days[weekday] += (Span(1320, 1440 + draw(st.integers(1, 20)) * 15),)  # into the night
    return Week(days)


@settings(max_examples=120, deadline=None)
@given(
    where=st.sampled_from(DAYS),
    week=weeks(),
    minutes=st.sampled_from([5, 15, 20, 30, 45, 60, 90, 240]),
    step=st.sampled_from([5, 15, 20, 30, 60]),
    busy=st.lists(st.tuples(st.integers(-60, 2000), st.integers(1, 300)), max_size=5),
    after=st.integers(-900, 2400),
)
def test_slots_are_those_found_by_looking_at_every_minute(where, week, minutes, step, busy, after):
    day, timezone = where
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    taken = [(midnight + MINUTE * a, midnight + MINUTE * (a + n)) for a, n in busy]
    spans = hours_rules.spans_around(Timetable(week, "UTC"), day)
    slots = rules.free_slots(
        day, spans, minutes=minutes, step=step, taken=taken, not_before=midnight + MINUTE * after, timezone=timezone
    )
    assert slots == by_hand(day, spans, minutes, step, taken, midnight + MINUTE * after, timezone)
    for slot in slots:
        assert rules.is_open_throughout(slot, spans, day, timezone)


def _starts(day, text, minutes, timezone="Europe/Berlin"):
    week = hours.parse({"mon-sun": text})
    slots = rules.free_slots(
        day, hours_rules.spans_around(Timetable(week, "UTC"), day),
        minutes=minutes, step=rules.step_of(minutes), taken=[],
        not_before=datetime(2026, 1, 1, tzinfo=UTC), timezone=timezone,
    )  # fmt: skip
    return [s.starts_at.astimezone(ZoneInfo(timezone)).strftime("%H:%M") for s in slots]


def test_the_hour_that_does_not_exist_is_no_slot():
    assert _starts(SPRING, "01:00-04:00", 30) == ["01:00", "01:30", "03:00", "03:30"]


def test_the_hour_that_comes_twice_is_two():
    assert _starts(AUTUMN, "01:00-04:00", 60) == ["01:00", "01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]


def test_a_night_runs_into_the_next_day():
    assert _starts(date(2026, 6, 1), "22:00-01:00", 60) == ["00:00", "22:00", "22:30", "23:00", "23:30"]


def test_slots_begin_when_it_opens():
    assert _starts(date(2026, 6, 1), "09:10-10:40", 30) == ["09:10", "09:40", "10:10"]


def test_a_time_the_clock_jumps_over_is_no_moment():
    assert rules.moment_of(SPRING, 150, "Europe/Berlin") is None
    assert rules.moment_of(SPRING, 180, "Europe/Berlin") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours_long"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clocks_make_it(day, hours_long):
    begin, end = rules.day_bounds(day, "Europe/Berlin")
    assert end - begin == timedelta(hours=hours_long)
