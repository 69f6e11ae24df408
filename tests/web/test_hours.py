"""The month of a business, days that differ, holidays, and the "closed now" switch."""

from datetime import date, timedelta

import pytest

from appliance import clock
from appliance.businesses import service as businesses
from appliance.hours import rules
from appliance.store import transaction

PAGE = "/settings/hours/bakery"


def bakery(house):
    return businesses.get_business(house.db, "bakery")


@pytest.fixture
def weekly(house):
    with transaction(house.db) as db:
        businesses.update_business(db, "bakery", hours={"mon-sun": "09:00-18:00"})


@pytest.mark.usefixtures("weekly")
def test_the_month_shows_a_holiday_by_its_name_in_the_readers_language(ana):
    page = ana.get(f"{PAGE}?month=2026-03-21").text
    assert "holiday: " in page
    assert "Nowruz" in page
    ana.send("/me/language", chosen="fa")
    page = ana.get(f"{PAGE}?month=2026-03-21").text
    assert "فروردین ۱۴۰۵" in page
    assert page.count('<li class="day-') == 31


@pytest.mark.parametrize(("language", "month", "days"), [("en", "2026-02-10", 28), ("fa", "2027-03-01", 29)])
def test_a_month_has_its_days(ana, language, month, days):
    ana.send("/me/language", chosen=language)
    assert ana.get(f"{PAGE}?month={month}").text.count('<li class="day-') == days


def test_a_day_that_differs_is_kept_shown_and_let_go(house, ana):
    day = (date.today() + timedelta(days=20)).isoformat()
    answer = ana.send(f"{PAGE}/exceptions", day=day, kind="times", times="۱۰:۰۰-12:00", note="Inventory")
    assert answer.status_code == 303
    assert bakery(house).exceptions == {day: "10:00-12:00; Inventory"}
    page = ana.get(f"{PAGE}?day={day}").text
    assert "exception: Inventory" in page
    assert "as the week says" in page
    ana.send(f"{PAGE}/exceptions", day=day, kind="week")
    assert bakery(house).exceptions == {}


def test_a_persian_date_is_understood(house, ana):
    ana.send(f"{PAGE}/exceptions", day="۱۴۰۹/۰۱/۰۱", kind="closed")
    assert bakery(house).exceptions == {"2030-03-21": "closed"}


@pytest.mark.parametrize(
    "fields", [{"day": "some day", "kind": "closed"}, {"day": "2030-01-01", "kind": "times", "times": "noon"}]
)
def test_a_day_that_cannot_be_read_is_refused_beside_the_form(house, ana, fields):
    answer = ana.send(f"{PAGE}/exceptions", **fields)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert bakery(house).exceptions == {}


def test_another_countrys_holidays_are_kept(house, ana):
    assert ana.send(f"{PAGE}/holidays", holidays="DE-BY").status_code == 303
    assert bakery(house).holidays == "DE-BY"
    assert '<option value="DE-BY" selected>' in ana.get(PAGE).text


def test_closed_now_is_one_press_shown_on_home_and_undone_by_one(house, ana):
    answer = ana.send(f"{PAGE}/close", until="")
    assert answer.status_code == 303
    assert not rules.opening(businesses.timetable(house.db, bakery(house)), clock.now()).is_open
    page = ana.get(PAGE).text
    assert f'action="{PAGE}/reopen"' in page
    assert "Undo" in page
    home = ana.get("/home").text
    assert "Closed until you open it again" in home
    ana.send(f"{PAGE}/reopen", back="/home")
    assert bakery(house).closed_since is None
    assert "Open now" in ana.get("/home").text


@pytest.mark.parametrize("until", ["hour", "today", "time"])
def test_closed_until_a_time_opens_by_itself(house, ana, until):
    ana.send(f"{PAGE}/close", until=until, time="23:59")
    timetable = businesses.timetable(house.db, bakery(house))
    found = rules.opening(timetable, clock.now())
    assert not found.is_open
    assert found.until is not None
    assert clock.now() < found.until <= clock.now() + timedelta(days=1)
    assert rules.opening(timetable, found.until).is_open


def test_a_time_that_is_none_closes_nobody(house, ana):
    ana.send(f"{PAGE}/close", until="time", time="soon")
    assert bakery(house).closed_since is None
    assert "a time such as 14:30" in ana.get(PAGE).text


def test_who_may_not_see_a_business_cannot_close_it(house, ben):
    assert ben.send(f"{PAGE}/close", until="").status_code == 403
    assert bakery(house).closed_since is None
