"""Days that are not as the week says: exceptions, holidays, the switch; what weighs more, and clock changes."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.hours import rules, service
from appliance.hours.errors import BadException
from appliance.hours.models import DayException, Span, Timetable, Week

TEHRAN = "Asia/Tehran"
WEEK = {"sat-wed": "09:00-18:00", "thu": "09:00-13:00"}
NOWRUZ = date(2026, 3, 21)  # a Saturday


@dataclass(frozen=True)
class Feasts:
    """Holidays that a test makes up."""

    days: frozenset[date]

    def name(self, day: date) -> str:
        return "Feast" if day in self.days else ""


def at(text: str, zone: str = TEHRAN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def timetable(**more) -> Timetable:
    return replace(service.timetable(WEEK, TEHRAN), **more)


def test_a_holiday_closes_the_day_and_says_its_name():
    found = rules.opening(timetable(holidays=Feasts(frozenset({NOWRUZ}))), at("2026-03-21 10:00"))
    assert (found.is_open, found.reason, found.note) == (False, "holiday", "Feast")


def test_an_exception_weighs_more_than_a_holiday():
    shop = timetable(
        holidays=Feasts(frozenset({NOWRUZ})), exceptions={NOWRUZ: DayException((Span(600, 720),), "For the feast")}
    )
    assert rules.opening(shop, at("2026-03-21 10:00")) == rules.Opening(True, "exception", "For the feast")
    assert not rules.opening(shop, at("2026-03-21 12:00")).is_open


def test_the_switch_weighs_more_than_everything_until_its_time():
    until = at("2026-03-24 12:00")
    shop = timetable(closed_since=at("2026-03-24 10:00"), closed_until=until)
    assert rules.opening(shop, at("2026-03-24 09:59")).is_open
    assert rules.opening(shop, at("2026-03-24 10:00")) == rules.Opening(False, "switch", until=until)
    assert rules.opening(shop, until).is_open
    assert rules.next_opening(shop, at("2026-03-24 10:30")) == until


def test_a_switch_without_an_end_leaves_no_next_opening():
    shop = timetable(closed_since=at("2026-03-24 10:00"))
    assert rules.next_opening(shop, at("2026-03-24 10:30")) is None


def test_an_always_open_business_keeps_no_holidays_but_its_exceptions():
    always = service.timetable({}, TEHRAN)
    day = replace(always, holidays=Feasts(frozenset({NOWRUZ})))
    assert rules.opening(day, at("2026-03-21 03:00")).is_open
    closed = replace(always, exceptions={NOWRUZ: DayException(())})
    assert not rules.opening(closed, at("2026-03-21 23:59")).is_open
    assert rules.opening(closed, at("2026-03-22 00:00")).is_open


def test_a_night_that_began_before_a_closed_day_runs_on_into_it():
    bar = replace(service.timetable({"fri": "22:00-02:00"}, TEHRAN), exceptions={date(2026, 3, 21): DayException(())})
    assert rules.opening(bar, at("2026-03-21 01:59")).is_open
    assert not rules.opening(bar, at("2026-03-21 02:00")).is_open


def test_the_next_opening_is_found_after_weeks_of_closed_days():
    first = date(2026, 8, 1)
    holiday = {first + timedelta(days=n): DayException((), "Holiday") for n in range(45)}
    assert rules.next_opening(timetable(exceptions=holiday), at("2026-08-01 00:00")) == at("2026-09-15 09:00")


def test_exceptions_are_kept_in_one_form_and_in_order():
    written = {"2026-12-31": " 9:00 – 13:00 ;  Old year's day ", "2026-12-24": "closed"}
    assert service.normalise_exceptions(written) == {
        "2026-12-24": "closed",
        "2026-12-31": "09:00-13:00; Old year's day",
    }


@pytest.mark.parametrize(
    "written",
    [{"2026-13-01": "closed"}, {"tomorrow": "closed"}, {"2026-12-24": ""}, {"2026-12-24": "noon; why"},
     {"2026-12-24": 9}, {"1026-12-24": "closed"}, {"2026-12-24": "closed; " + "x" * 81}],
)  # fmt: skip
def test_exceptions_that_mean_nothing_are_refused_with_what_is_allowed(written):
    with pytest.raises(BadException) as refusal:
        service.parse_exceptions(written)
    assert refusal.value.allowed
    assert refusal.value.day_key in written


zones = st.sampled_from(["Asia/Tehran", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])
near_changes = st.sampled_from(
    ["2026-03-28T22:45", "2026-10-24T22:30", "2026-03-08T04:00", "2026-11-01T03:00", "2026-04-04T12:45",
     "2011-12-29T09:00", "2026-07-01T12:00"]
).map(lambda t: datetime.fromisoformat(t).replace(tzinfo=UTC))  # fmt: skip
quarter = st.integers(0, 95).map(lambda q: q * 15)


@st.composite
def spans(draw: st.DrawFn) -> tuple[Span, ...]:
    marks = sorted(draw(st.sets(quarter, min_size=2, max_size=4)))
    found = [Span(a, b) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    if found and draw(st.booleans()):
        found[-1] = Span(found[-1].start, found[0].start + 1440)
    return tuple(s for s in found if s.end > s.start)


@settings(max_examples=80, deadline=None)
@given(near_changes, zones, st.data())
def test_the_next_opening_is_the_first_open_moment_a_walker_finds(start, zone, data):
    first = start.astimezone(ZoneInfo(zone)).date()
    near = st.integers(-1, 5).map(lambda n: first + timedelta(days=n))
    week = data.draw(st.dictionaries(st.integers(0, 6), spans(), max_size=3))
    shop = Timetable(
        Week(week),
        zone,
        Feasts(frozenset(data.draw(st.sets(near, max_size=3)))),
        data.draw(st.dictionaries(near, spans().map(DayException) | st.just(DayException(())), max_size=3)),
        *data.draw(
            st.sampled_from(
                [
                    (None, None),
                    (start - timedelta(hours=1), start + timedelta(hours=30)),
                    (start + timedelta(hours=2), start + timedelta(hours=9)),
                ]
            )
        ),
    )
    found = rules.next_opening(shop, start)
    walker = start
    while walker < start + timedelta(days=16) and not rules.opening(shop, walker).is_open:
        walker += timedelta(minutes=15)
    if walker < start + timedelta(days=16):
        assert found == walker
    else:
        assert found is None or found >= walker
