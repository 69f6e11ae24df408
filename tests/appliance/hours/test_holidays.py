"""Public holidays by country: right dates, names in our languages, what is chosen, and a failing almanac."""

import subprocess
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from appliance import clock, i18n
from appliance.hours import holidays, rules, service
from appliance.hours.errors import BadCountry


# Iran's official calendar of 1405: solar feasts and those that follow the moon, as announced there
@pytest.mark.parametrize(
    ("day", "word"),
    [
        (date(2026, 3, 21), "نوروز"),
        (date(2026, 4, 2), "طبیعت"),
        (date(2026, 5, 27), "قربان"),
        (date(2026, 6, 25), "عاشورا"),
        (date(2026, 8, 4), "اربعین"),
    ],
)
def test_irans_holidays_fall_on_their_days_and_have_their_persian_names(day, word):
    with i18n.speaking("fa"):
        assert word in holidays.NationalHolidays("IR").name(day)
    assert holidays.NationalHolidays("IR").name(day).isascii()


def test_a_day_that_is_none_has_no_name():
    assert holidays.NationalHolidays("IR").name(date(2026, 11, 24)) == ""


@pytest.mark.parametrize(
    ("place", "day", "language", "word"),
    [
        ("RU", date(2026, 1, 7), "ru", "Рождество"),
        ("MY", date(2026, 8, 31), "ms", "Hari Kebangsaan"),
        ("DE-BY", date(2026, 1, 6), "en", "Epiphany"),
        ("DE", date(2026, 1, 6), "en", ""),
        ("DE-BY", date(2026, 1, 6), "fa", "Epiphany"),
    ],
)
def test_names_are_in_the_readers_language_where_there_is_one(place, day, language, word):
    with i18n.speaking(language):
        found = holidays.NationalHolidays(place).name(day)
    assert (word in found) if word else found == ""


@pytest.mark.parametrize(
    ("chosen", "timezone", "place"),
    [("", "Asia/Tehran", "IR"), ("", "UTC", ""), ("none", "Asia/Tehran", ""), ("DE-BY", "Asia/Tehran", "DE-BY")],
)
def test_the_country_is_the_chosen_one_or_that_of_the_time_zone(chosen, timezone, place):
    assert holidays.place_of(chosen, timezone) == place


@pytest.mark.parametrize("chosen", ["Iran", "XX", "DE-XX", "IR-01", 7, "x" * 50])
def test_a_place_without_known_holidays_is_refused_with_what_is_allowed(chosen):
    with pytest.raises(BadCountry) as refusal:
        holidays.check_place(chosen)
    assert refusal.value.allowed


def test_a_place_may_be_written_small():
    assert holidays.check_place("de-by") == "DE-BY"


def test_an_almanac_that_fails_closes_nobody(monkeypatch):
    def fails(*_arguments, **_more):
        raise subprocess.TimeoutExpired("almanac", 20)

    monkeypatch.setattr(holidays, "_years", {})
    monkeypatch.setattr(holidays, "_failed_at", {})
    monkeypatch.setattr(holidays.subprocess, "run", fails)
    shop = service.timetable({"mon-sun": "09:00-18:00"}, "Asia/Tehran", holidays="IR")
    assert rules.opening(shop, datetime(2026, 3, 21, 10, tzinfo=ZoneInfo("Asia/Tehran"))).is_open


def test_what_calls_are_given_knows_this_year_and_the_next_and_asks_nobody(monkeypatch):
    known = holidays.NationalHolidays("IR").known()
    monkeypatch.setattr(holidays, "_ask", None)
    this = clock.now().year
    for year in (this, this + 1):
        assert "Nowruz" in known.name(date(year, 3, 22))
    assert known.name(date(this + 30, 3, 22)) == ""


def test_an_almanac_that_fails_is_not_asked_by_every_page(monkeypatch):
    asked = []
    monkeypatch.setattr(holidays, "_years", {})
    monkeypatch.setattr(holidays, "_failed_at", {})
    monkeypatch.setattr(holidays, "_ask", lambda *words: asked.append(words) or {})
    for day in range(1, 29):
        assert holidays.NationalHolidays("IR").name(date(2026, 2, day)) == ""
    assert len(asked) == 1


def test_the_library_stays_out_of_this_process():
    code = (
        "import sys; from appliance import i18n; from appliance.hours import holidays;"
        "from datetime import date; n = holidays.NationalHolidays('IR').name(date(2026, 3, 22));"
        "assert n; sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
