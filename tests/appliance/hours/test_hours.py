"""Opening hours: reading, open or not, the next opening, all week shapes and clock changes."""

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance import i18n
from appliance.hours import service
from appliance.hours.errors import BadHours
from appliance.hours.models import DAYS

TEHRAN = "Asia/Tehran"
BAKERY = {"sat-wed": "09:00-18:00", "thu": "09:00-13:00"}


def at(text: str, zone: str = TEHRAN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


# 2026-11-24 is a Tuesday
@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-24 08:59:59", False),
        ("2026-11-24 09:00", True),
        ("2026-11-24 17:59:59", True),
        ("2026-11-24 18:00", False),
        ("2026-11-26 12:59", True),
        ("2026-11-26 13:00", False),
        ("2026-11-27 10:00", False),
        ("2026-11-28 10:00", True),
        ("2026-11-29 10:00", True),
    ],
)
def test_the_bakery_is_open_when_its_table_says(moment: str, is_open: bool) -> None:
    assert service.is_open(BAKERY, at(moment), TEHRAN) is is_open


def test_no_hours_means_always_open() -> None:
    assert service.is_open({}, at("2026-11-27 03:00"), TEHRAN)
    assert service.next_opening({}, at("2026-11-27 03:00"), TEHRAN) == at("2026-11-27 03:00")


def test_a_night_span_runs_into_the_next_day() -> None:
    bar = {"fri": "22:00-02:00"}
    assert service.is_open(bar, at("2026-11-27 23:00"), TEHRAN)
    assert service.is_open(bar, at("2026-11-28 01:59"), TEHRAN)
    assert not service.is_open(bar, at("2026-11-28 02:00"), TEHRAN)
    assert not service.is_open(bar, at("2026-11-27 01:00"), TEHRAN)


def test_a_whole_day_is_written_to_24_00() -> None:
    week = {"mon-sun": "00:00-24:00"}
    assert service.is_open(week, at("2026-11-24 00:00"), TEHRAN)
    assert service.is_open(week, at("2026-11-24 23:59:59"), TEHRAN)


def test_a_pause_at_noon_is_closed() -> None:
    assert not service.is_open({"tue": "09:00-13:00, 15:00-17:00"}, at("2026-11-24 14:00"), TEHRAN)


def test_the_next_opening_crosses_the_weekend() -> None:
    assert service.next_opening(BAKERY, at("2026-11-26 13:00"), TEHRAN) == at("2026-11-28 09:00")


def test_a_week_that_is_all_closed_never_opens() -> None:
    assert service.next_opening({"mon": "closed"}, at("2026-11-26 13:00"), TEHRAN) is None


def test_an_opening_inside_the_skipped_hour_happens_when_the_clock_has_jumped() -> None:
    early = {"sun": "02:30-05:00"}  # Berlin, 29 March 2026: 02:00 becomes 03:00
    opening = service.next_opening(early, at("2026-03-29 00:00", "Europe/Berlin"), "Europe/Berlin")
    assert opening == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_a_span_in_the_repeated_hour_is_open_twice() -> None:
    early = {"sun": "02:15-02:45"}  # Berlin, 25 October 2026: 03:00 becomes 02:00
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert service.is_open(early, first, "Europe/Berlin")
    assert not service.is_open(early, first + timedelta(minutes=30), "Europe/Berlin")
    assert service.is_open(early, first + timedelta(hours=1), "Europe/Berlin")
    second = service.next_opening(early, first + timedelta(minutes=20), "Europe/Berlin")
    assert second == datetime(2026, 10, 25, 1, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "hours",
    [
        {"someday": "09:00-18:00"},
        {"mon-funday": "09:00-18:00"},
        {"mon": "9-18"},
        {"mon": "09:00-25:00"},
        {"mon": "09:60-10:00"},
        {"mon": "09:00-09:00"},
        {"mon": "24:00-02:00"},
        {"mon": "09:00"},
        {"mon": ""},
        {"mon": "09:00-12:00, 11:00-13:00"},
        {"mon-wed": "09:00-12:00", "tue": "13:00-14:00"},
        {"mon": 9},
        {"mon": "09:00-18:00,"},
        {"mon-tue-wed": "09:00-18:00"},
    ],
)
def test_hours_that_mean_nothing_are_refused_with_what_is_allowed(hours: dict[str, object]) -> None:
    with pytest.raises(BadHours) as refusal:
        service.parse(hours)
    assert refusal.value.allowed
    assert refusal.value.day_key in hours


def test_hours_are_kept_in_one_form_however_they_were_typed() -> None:
    assert service.normalise({"Sat – Wed": "9:00–18:00 ,۱۹:۰۰-00:00"}) == {"sat-wed": "09:00-18:00, 19:00-24:00"}


def test_hours_are_described_in_the_readers_language() -> None:
    assert service.describe(BAKERY) == "Saturday–Wednesday 09:00–18:00; Thursday 09:00–13:00"
    with i18n.speaking("fa"):
        assert "شنبه–چهارشنبه ۰۹:۰۰–۱۸:۰۰" in service.describe(BAKERY)


minute = st.integers(0, 24 * 4 - 1).map(lambda q: q * 15)


@st.composite
def weeks(draw: st.DrawFn) -> dict[str, str]:
    hours: dict[str, str] = {}
    for day in draw(st.lists(st.sampled_from(DAYS), unique=True, min_size=1)):
        marks = sorted(draw(st.sets(minute, min_size=2, max_size=6)))
        pairs = [
            f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}"
            for a, b in zip(marks[::2], marks[1::2], strict=False)
        ]
        if draw(st.booleans()) and len(marks) > 2:
            a, b = marks[-1], marks[0]
            pairs = [f"{a // 60:02d}:{a % 60:02d}-{b // 60:02d}:{b % 60:02d}"]
        hours[day] = ", ".join(pairs)
    return hours


zones = st.sampled_from(
    [
        "Asia/Tehran",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "UTC",
        "Africa/Casablanca",
    ]
)
moments = st.datetimes(datetime(2009, 1, 1), datetime(2030, 1, 1)).map(lambda d: d.replace(tzinfo=UTC, microsecond=0))
near_changes = st.sampled_from(
    [
        "2026-03-29T00:45",
        "2026-10-25T00:20",
        "2026-03-08T06:50",
        "2026-11-01T05:10",
        "2026-04-04T14:40",
        "2011-12-30T09:00",
    ]
).map(lambda t: datetime.fromisoformat(t).replace(tzinfo=UTC))


@settings(max_examples=60, deadline=None)
@given(weeks(), moments | near_changes, zones)
def test_the_next_opening_is_the_first_open_minute_a_walker_finds(
    hours: dict[str, str], start: datetime, zone: str
) -> None:
    start = start.replace(second=0)
    found = service.next_opening(hours, start, zone)
    walker = start
    while walker < start + timedelta(days=9) and not service.is_open(hours, walker, zone):
        walker += timedelta(minutes=15 - walker.minute % 15 or 15)  # every edge falls on a quarter
    assert found == walker


@given(weeks())
def test_normalising_twice_changes_nothing(hours: dict[str, str]) -> None:
    once = service.normalise(hours)
    assert service.normalise(once) == once
    assert service.parse(once) == service.parse(hours)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=30), max_size=4))
def test_any_table_is_either_read_or_refused(hours: dict[str, str]) -> None:
    with contextlib.suppress(BadHours):
        service.parse(hours)
