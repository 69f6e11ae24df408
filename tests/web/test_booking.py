"""The agenda: booking from a call, moving, cancelling, and nothing of it beyond the wall."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from appliance import clock
from appliance.booking import service as booking
from appliance.businesses import service as businesses
from appliance.store import transaction

TEHRAN = ZoneInfo("Asia/Tehran")


@pytest.fixture
def monday(house):
    """Next Monday at ten; the bakery opens from nine to six."""
    with transaction(house.db) as db:
        businesses.update_business(db, "bakery", hours={"sat-wed": "09:00-18:00"})
    today = clock.now().astimezone(TEHRAN).date()
    day = today + timedelta(days=7 - today.weekday())
    return datetime(day.year, day.month, day.day, 10, tzinfo=TEHRAN).astimezone(UTC)


@pytest.fixture
def an_appointment(house, monday):
    def build(business="bakery", name="Dov", at=monday, **more):
        with transaction(house.db) as db:
            return booking.book(
                db, business_id=business, starts_at=at, customer_name=name, customer_number="+989121234567", **more
            ).appointment_id

    return build


def _fields(monday, **more):
    day = monday.astimezone(TEHRAN).date().isoformat()
    return {"business_id": "bakery", "day": day, "slot": clock.stamp(monday), "customer_name": "Dov", **more}


def _all(house):
    return list(house.db.query("SELECT * FROM appointments"))


def test_an_agent_books_from_a_call_and_the_call_shows_it(house, ana, ben, a_call, monday):
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler")
    call_id = a_call("talking")
    assert f"/appointments/new?call={call_id}" in ben.get("/console/card").text
    page = ben.get(f"/appointments/new?call={call_id}&day={monday.date()}").text
    for words in ('value="Dov Adler"', 'value="+989121234567"', clock.stamp(monday), "Nasim Bakery"):
        assert words in page
    answer = ben.send("/appointments/new", **_fields(monday, call=call_id, customer_number="+989121234567"))
    assert answer.status_code == 303, answer.text
    assert "10:00" in ben.get(answer.location).text
    (kept,) = _all(house)
    assert (kept["call_id"], kept["taken_by"], kept["title"]) == (call_id, "ben", "Appointment")
    assert kept["appointment_id"] in ben.get(f"/calls/{call_id}").text
    assert "Dov" in ben.get(f"/appointments/?day={monday.astimezone(TEHRAN).date()}").text


def test_sent_twice_is_booked_once(house, ben, monday):
    for _twice in range(2):
        assert ben.send("/appointments/new", **_fields(monday)).status_code == 303
    assert len(_all(house)) == 1


def test_what_was_typed_stays_while_another_day_is_looked_at(house, ben, monday):
    answer = ben.send("/appointments/new", **_fields(monday, show="1", note="Two cakes"))
    assert answer.status_code == 200
    assert "Two cakes" in answer.text
    assert 'value="Dov"' in answer.text
    assert _all(house) == []


def test_a_taken_time_is_said_with_the_next_free_one(house, ben, monday, an_appointment):
    an_appointment(name="Ana")
    assert clock.stamp(monday) not in ben.get(f"/appointments/new?day={monday.date()}").text
    answer = ben.send("/appointments/new", **_fields(monday))
    assert answer.status_code == 409
    assert "That time is taken." in answer.text
    assert "10:30" in answer.text
    assert len(_all(house)) == 1


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"slot": ""}, 422, "Choose a time."),
        ({"slot": "yesterday"}, 422, "Choose a time."),
        ({"customer_name": ""}, 422, "Nobody is named."),
        ({"slot": "other", "other_time": "late"}, 422, "That is no time of day."),
        ({"slot": "other", "other_time": "20:00"}, 409, "not open at that time"),
        ({"slot": "2020-01-01T10:00:00.000Z", "day": "2020-01-01"}, 422, "That time has passed."),
        ({"day": "2031-01-01"}, 422, "The day was changed"),
        ({"service_id": "srv_gone"}, 404, "no such service"),
    ],
)
def test_what_cannot_be_booked_is_told_and_what_was_typed_is_kept(house, ben, monday, more, status, words):
    answer = ben.send("/appointments/new", **_fields(monday, **{"note": "Two cakes", **more}))
    assert answer.status_code == status
    assert words in answer.text
    assert "Two cakes" in answer.text
    assert _all(house) == []


def test_outside_hours_is_booked_when_it_is_meant(house, ben, monday):
    fields = _fields(monday, slot="other", other_time="20:00", anyway="1")
    assert ben.send("/appointments/new", **fields).status_code == 303
    assert _all(house)[0]["starts_at"] == clock.stamp(monday + timedelta(hours=10))


def test_moved_cancelled_and_brought_back(house, ben, monday, an_appointment):
    address = f"/appointments/{an_appointment()}"
    assert clock.stamp(monday + timedelta(hours=1)) in ben.get(f"{address}/move").text
    later = _fields(monday, slot=clock.stamp(monday + timedelta(hours=1)))
    assert ben.send(f"{address}/move", **later).status_code == 303
    assert "11:00" in ben.get(address).text
    page = ben.get(ben.send(f"{address}/cancel").location).text
    assert "Undo" in page
    assert "cancelled" in page
    assert ben.send(f"{address}/cancel").status_code == 303  # twice
    assert ben.send(f"{address}/move", **later).status_code == 409
    ben.send(f"{address}/book-again")
    assert _all(house)[0]["status"] == "booked"
    assert ben.send(f"{address}/no-show").status_code == 409  # it has not begun


def test_who_did_not_come_is_written_down(house, ben, monday, an_appointment):
    address = f"/appointments/{an_appointment()}"
    house.db.execute(
        "UPDATE appointments SET starts_at = ?, ends_at = ?",
        [clock.stamp(clock.now() - timedelta(minutes=20)), clock.stamp()],
    )
    assert "Did not come" in ben.get(address).text
    assert "did not come" in ben.get(ben.send(f"{address}/no-show").location).text
    actions = [r[0] for r in house.db.execute("SELECT action FROM audit_log").fetchall()]
    assert "appointment.no-show" in actions


def test_nothing_of_another_business_is_seen_or_changed(house, cleo, a_call, monday, an_appointment):
    appointment_id = an_appointment()
    day = monday.astimezone(TEHRAN).date()
    assert "Dov" not in cleo.get(f"/appointments/?day={day}").text
    assert "Dov" not in cleo.get(f"/appointments/?day={day}&business_id=bakery").text
    for path in ("", "/move"):
        assert cleo.get(f"/appointments/{appointment_id}{path}").status_code == 404
    for path in ("move", "cancel", "no-show", "book-again"):
        assert cleo.send(f"/appointments/{appointment_id}/{path}").status_code == 404
    assert cleo.get(f"/appointments/new?call={a_call('talking')}").status_code == 404
    assert cleo.send("/appointments/new", **_fields(monday, slot=clock.stamp(monday))).status_code == 404
    assert [a["status"] for a in _all(house)] == ["booked"]


def test_the_owner_says_what_can_be_booked(house, ana, ben, monday):
    assert ana.send("/appointments/services", business_id="bakery", name="Tasting", minutes="45").status_code == 303
    assert ana.send("/appointments/services", business_id="bakery", name="", minutes="45").status_code == 422
    assert ana.send("/appointments/services", business_id="bakery", name="Bread", minutes="x").status_code == 422
    page = ben.get("/appointments/new").text
    assert re.search("Tasting.* · 45 minutes", page)
    service_id = re.search(r"srv_\w+", page)[0]
    assert ben.send("/appointments/new", **_fields(monday, service_id=service_id)).status_code == 303
    assert ben.send(f"/appointments/services/{service_id}/remove").status_code == 403
    assert ana.send(f"/appointments/services/{service_id}/remove").status_code == 303
    assert ana.send(f"/appointments/services/{service_id}/remove").status_code == 404
    assert _all(house)[0]["title"] == "Tasting"


def test_an_empty_day_and_an_address_written_by_hand_are_no_fault(ana):
    assert "Nothing is booked on this day." in ana.get("/appointments/").text
    for day in ("nonsense", "9998-12-31", "1405-09-03", "1-1-1"):
        assert ana.get(f"/appointments/?day={day}").status_code == 200, day
        assert ana.get(f"/appointments/new?day={day}").status_code == 200, day


def test_a_business_with_appointments_is_not_removed(house, ana, an_appointment):
    an_appointment()
    assert ana.send("/settings/businesses/bakery/delete").status_code == 409


def test_days_are_jalali_in_persian(ana, house, an_appointment):
    ana.send("/me/language", chosen="fa")
    assert "آذر" in ana.get("/appointments/?day=2026-11-24").text
    assert "۱۴۰۵" in ana.get("/appointments/?day=1405-09-03").text
