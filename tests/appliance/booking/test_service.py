"""Appointments: booked once, moved, cancelled, and never two at a time."""

import sqlite3
import threading
from datetime import UTC, date, datetime, timedelta

import pytest

from appliance import clock
from appliance.booking import service as booking
from appliance.booking import slots
from appliance.booking.errors import (
    AppointmentNotFound,
    BadAppointment,
    InThePast,
    NotBooked,
    NotYetBegun,
    OutsideHours,
    ServiceNotFound,
    SlotTaken,
)
from appliance.errors import Invalid, NotFound
from appliance.store import connect, transaction

TEN = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)  # 10:00 in Tehran
TUESDAY = date(2026, 11, 24)


def book(db, at=TEN, name="Dov", **more):
    return booking.book(db, **{"business_id": "bakery", "starts_at": at, "customer_name": name, **more})


def test_a_service_is_made_on_first_use_in_the_business_s_language(db):
    assert [(s.service_id, s.name, s.minutes) for s in booking.list_services(db, "bakery")] == [("", "Appointment", 30)]
    found = book(db)
    assert booking.list_services(db, "bakery")[0].service_id == found.service_id
    assert (found.title, found.starts_at, found.ends_at) == (
        "Appointment", "2026-11-24T06:30:00.000Z", "2026-11-24T07:00:00.000Z",
    )  # fmt: skip


def test_services_are_added_in_order_and_what_was_booked_outlives_them(db):
    cake = booking.add_service(db, "bakery", name="Cake", minutes=45)
    booking.add_service(db, "bakery", name="Bread", minutes=10)
    assert [s.name for s in booking.list_services(db, "bakery")] == ["Cake", "Bread"]
    found = book(db, service_id=cake.service_id)
    booking.remove_service(db, cake.service_id)
    kept = booking.get_appointment(db, found.appointment_id)
    assert (kept.title, kept.service_id) == ("Cake", None)
    with pytest.raises(ServiceNotFound):
        book(db, at=TEN + timedelta(hours=2), service_id=cake.service_id)
    with pytest.raises(ServiceNotFound):
        booking.remove_service(db, booking.list_services(db, "bakery")[0].service_id, businesses={"clinic"})


@pytest.mark.parametrize(("name", "minutes"), [("", 30), ("x" * 81, 30), ("Cake", 4), ("Cake", 721)])
def test_a_service_needs_a_name_and_a_length(db, name, minutes):
    with pytest.raises(Invalid):
        booking.add_service(db, "bakery", name=name, minutes=minutes)


def test_what_is_booked_is_free_no_more(db):
    before = slots.free_slots(db, "bakery", TUESDAY, minutes=30)
    assert before[0].starts_at == datetime(2026, 11, 24, 5, 30, tzinfo=UTC)
    book(db)
    after = slots.free_slots(db, "bakery", TUESDAY, minutes=30)
    assert {s.starts_at for s in before} - {s.starts_at for s in after} == {TEN}


def test_a_taken_slot_is_refused_and_the_next_free_one_said(db):
    book(db)
    book(db, at=TEN + timedelta(minutes=30), name="Ana")
    with pytest.raises(SlotTaken) as refused:
        book(db, at=TEN + timedelta(minutes=15), name="Eve")
    assert refused.value.next_free == TEN + timedelta(minutes=60)
    assert "11:00" in refused.value.hint


def test_two_businesses_do_not_share_their_time(db):
    book(db)
    assert book(db, business_id="clinic").timezone == "Europe/Moscow"


def test_the_same_booking_sent_twice_is_one(db):
    assert book(db).appointment_id == book(db).appointment_id


def test_outside_hours_only_when_it_is_meant(db):
    with pytest.raises(OutsideHours):
        book(db, at=datetime(2026, 11, 24, 14, 15, tzinfo=UTC))  # 17:45: it closes in between
    assert book(db, at=datetime(2026, 11, 24, 14, 15, tzinfo=UTC), anyway=True).is_booked


def test_never_in_the_past_nor_in_another_age(db):
    with pytest.raises(InThePast):
        book(db, at=clock.now() - timedelta(minutes=1), anyway=True)
    with pytest.raises(BadAppointment):
        book(db, at=clock.now() + timedelta(days=1000), anyway=True)


def test_a_customer_is_named_and_the_number_read(db):
    with pytest.raises(BadAppointment) as refused:
        book(db, name=" ")
    assert refused.value.field == "customer_name"
    with pytest.raises(BadAppointment):
        book(db, note="x" * 2001)
    found = book(db, name="", customer_number="۰۹۱۲ ۱۲۳ ۴۵۶۷", call_id="call_1", taken_by="sara")
    assert found.customer_number == "+989121234567"
    assert booking.appointments_of_number(db, "bakery", "+989121234567") == [found]
    assert booking.appointments_of_number(db, "clinic", "+989121234567") == []
    assert booking.appointments_of_call(db, "call_1") == [found]
    assert booking.appointments_of_call(db, "call_1", businesses={"clinic"}) == []


def test_a_foreign_call_or_business_is_not_there(db):
    with pytest.raises(NotFound):
        book(db, business_id="clinic", call_id="call_1")
    with pytest.raises(NotFound):
        book(db, business_id="nobody")


def test_moved_onto_its_own_time_but_not_onto_another_s(db):
    first = book(db)
    book(db, at=TEN + timedelta(hours=1), name="Ana")
    moved = booking.move(db, first.appointment_id, TEN + timedelta(minutes=15))
    assert moved.ends_at == "2026-11-24T07:15:00.000Z"
    with pytest.raises(SlotTaken):
        booking.move(db, first.appointment_id, TEN + timedelta(minutes=45))
    assert booking.get_appointment(db, first.appointment_id) == moved
    with pytest.raises(AppointmentNotFound):
        booking.move(db, first.appointment_id, TEN, businesses={"clinic"})


def test_cancelled_gives_its_time_free_and_can_be_booked_again_unless_taken(db):
    first = book(db)
    for _twice in range(2):
        assert booking.cancel(db, first.appointment_id).status == "cancelled"
    with pytest.raises(NotBooked):
        booking.move(db, first.appointment_id, TEN + timedelta(hours=3))
    assert booking.book_again(db, first.appointment_id).is_booked
    booking.cancel(db, first.appointment_id)
    book(db, name="Ana")
    with pytest.raises(SlotTaken):
        booking.book_again(db, first.appointment_id)
    assert booking.get_appointment(db, first.appointment_id).status == "cancelled"


def test_nobody_misses_what_has_not_begun(db):
    found = book(db)
    with pytest.raises(NotYetBegun):
        booking.mark_no_show(db, found.appointment_id)
    clock.use(lambda: TEN + timedelta(minutes=10))
    assert booking.mark_no_show(db, found.appointment_id).status == "no_show"
    assert booking.book_again(db, found.appointment_id).is_booked


def test_lists_keep_to_the_wall_and_the_time(db):
    book(db)
    book(db, business_id="clinic", name="Ana")
    day = {"since": "2026-11-24T00:00:00.000Z", "until": "2026-11-25T00:00:00.000Z"}
    assert len(booking.list_appointments(db, businesses=None, **day)) == 2
    assert [a.customer_name for a in booking.list_appointments(db, businesses={"clinic"}, **day)] == ["Ana"]
    assert booking.list_appointments(db, businesses=set(), **day) == []
    assert booking.list_appointments(db, businesses=None, since=day["until"], until="2027") == []


def test_the_database_itself_refuses_an_overlap(db):
    found = book(db)
    row = next(iter(db.query("SELECT * FROM appointments")))
    for change in ({}, {"starts_at": "2026-11-24T06:00:00.000Z"}, {"ends_at": "2026-11-24T08:00:00.000Z"}):
        with pytest.raises(sqlite3.IntegrityError, match="slot-taken"):
            db.table("appointments").insert({**row, "appointment_id": "apt_2", **change})
    db.table("appointments").insert({**row, "appointment_id": "apt_3", "status": "cancelled"})
    with pytest.raises(sqlite3.IntegrityError, match="slot-taken"):
        db.execute("UPDATE appointments SET status = 'booked' WHERE appointment_id = 'apt_3'")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE appointments SET ends_at = '2026-12-24T07:00:00.000Z'")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("UPDATE appointments SET starts_at = 'tomorrow'")
    assert booking.get_appointment(db, found.appointment_id) == found


def test_of_fifty_who_want_one_slot_exactly_one_gets_it(db, path):
    start, outcomes = threading.Barrier(50), list[str]()

    def want(number):
        own = connect(path)
        start.wait()
        try:
            with transaction(own):
                book(own, name=f"Customer {number}")
            outcomes.append("booked")
        except SlotTaken as refused:
            outcomes.append("taken" if refused.next_free == TEN + timedelta(minutes=30) else "no hint")
        finally:
            own.close()

    threads = [threading.Thread(target=want, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["booked", *["taken"] * 49]
    assert db.execute("SELECT count(*) FROM appointments").fetchone()[0] == 1
    assert len(booking.list_services(db, "bakery")) == 1
