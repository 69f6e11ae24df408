"""What a switch did by itself while no core was there, in the books."""

from pathlib import Path

import pytest

from appliance import clock
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.flows import recovery, standby_books
from appliance.store import connect, transaction
from appliance.switch.causes import Cause
from appliance.switch.port import CallMeanwhile, LegEnded
from appliance.switch.simulator.leg import write_silence

NOON = 1_795_000_000  # seconds since 1970
GONE = LegEnded(Cause.NORMAL, True)


@pytest.fixture
def office(tmp_path, furnished):
    db = connect(tmp_path / "office.db")
    yield Settings(home=tmp_path), db
    db.close()


def went_by(**more) -> CallMeanwhile:
    values = {
        "leg_id": "leg_1",
        "business_id": "bakery",
        "trunk_id": "primary",
        "dialled": "02188001122",
        "caller": "09121234567",
        "began_at": NOON,
        "ended_at": NOON + 30,
        "ended": GONE,
    }
    return CallMeanwhile(**values | more)


def take_in(office, *went: CallMeanwhile):
    settings, db = office
    with transaction(db):
        standby_books.settle(db, settings, "IR", went)
    return calls.list_calls(db, businesses=None).items


def message(settings: Settings, seconds: float) -> Path:
    path = settings.recordings / "fallback" / "bakery" / f"{NOON}_leg.wav"
    path.parent.mkdir(parents=True)
    write_silence(path, seconds, 1)
    return path


def test_a_caller_who_gave_up_is_in_the_list(office):
    (call,) = take_in(office, went_by())
    assert (call.state, call.ended_by, call.hangup_cause) == ("missed", "caller", "normal")
    assert (call.caller_number, call.wait_seconds) == ("+989121234567", 30)
    assert clock.parse(call.started_at).timestamp() == NOON


def test_who_was_answered_is_told_with_the_agent_and_the_times(office):
    (call,) = take_in(office, went_by(answered_by="102", bridged_at=NOON + 10))
    assert (call.state, call.agent_id, call.wait_seconds, call.talk_seconds) == ("answered", "ben", 10, 20)


def test_a_message_left_is_delivered_once(office):
    settings, db = office
    went = went_by(message=message(settings, 8))
    take_in(office, went)
    (call,) = take_in(office, went)
    assert call.state == "voicemail"
    assert db.execute("SELECT count(*) FROM messages").fetchone()[0] == 1
    assert db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1


def test_a_click_is_no_message(office):
    settings, db = office
    (call,) = take_in(office, went_by(message=message(settings, 0.4)))
    assert call.state == "missed"
    assert db.execute("SELECT count(*) FROM messages").fetchone()[0] == 0


def test_a_file_that_is_no_sound_stops_nothing(office):
    settings, _db = office
    path = message(settings, 8)
    path.write_bytes(b"not a sound")
    (call,) = take_in(office, went_by(message=path))
    assert call.state == "missed"


def test_twice_taken_in_is_once_in_the_list(office):
    take_in(office, went_by())
    assert len(take_in(office, went_by())) == 1


def test_a_call_among_our_phones_is_internal(office):
    (call,) = take_in(office, went_by(business_id="", trunk_id="", dialled="102", caller="101"))
    assert (call.direction, call.business_id, call.dialled) == ("internal", None, "102")


def test_a_business_or_line_that_is_gone_by_now_keeps_the_call(office):
    (call,) = take_in(office, went_by(business_id="gone", trunk_id="gone"))
    assert (call.business_id, call.state) == (None, "missed")


def test_an_end_without_a_beginning_is_no_call(office):
    assert take_in(office, CallMeanwhile("leg_9", ended_at=NOON, ended=GONE)) == []


def test_a_conversation_that_outlived_the_core_ends_when_it_ended(office):
    settings, db = office
    with transaction(db):
        at = clock.stamp(clock.parse("2026-11-18T09:46:40.000Z"))
        call_id = calls.start_call(
            db, direction="inbound", business_id="bakery", caller_number="1", leg_id="leg_1", at=at
        )
        calls.add_event(db, call_id, Kind.ANSWERED, agent_id="sara", t=5.0)
        began = clock.parse(at).timestamp()
        end = CallMeanwhile("leg_1", ended_at=int(began) + 65, ended=LegEnded(Cause.NORMAL, False))
        recovery.close_what_was_cut_off(db, settings, ends={"leg_1": end})
    call = calls.get_call(db, call_id)
    assert (call.hangup_cause, call.ended_by, call.talk_seconds) == ("normal", "agent", 60)
