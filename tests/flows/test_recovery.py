"""After the core was killed: nothing said is lost, nothing stays open."""

import struct
from datetime import timedelta
from pathlib import Path

import pytest

from appliance import clock
from appliance.calls import service as calls
from appliance.calls.models import Kind
from appliance.config import Settings
from appliance.flows import recovery
from appliance.recordings import service as recordings
from appliance.store import connect, transaction


def half_a_wav(path: Path, seconds: float, channels: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    head = (
        b"RIFF"
        + struct.pack("<I", 8)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, 8000, 16000 * channels, 2 * channels, 16)
    )
    path.write_bytes(head + b"data\0\0\0\0" + b"\1\0" * int(seconds * 8000) * channels)


@pytest.fixture
def office(tmp_path, furnished):
    db = connect(tmp_path / "office.db")
    yield Settings(home=tmp_path), db
    db.close()


def a_call(db) -> str:
    return calls.start_call(db, direction="inbound", business_id="bakery", caller_number="+989121234567")


def recover(settings, db) -> int:
    with transaction(db):
        return recovery.close_what_was_cut_off(db, settings)


def test_a_conversation_cut_off_is_closed_with_its_recording_playable(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        path = recordings.path_for(call_id, "call", calls.get_call(db, call_id).started_at)
        recordings.begin(db, "rec_1", call_id, "call", path, 2)
        calls.add_event(db, call_id, Kind.ANSWERED, agent_id="sara", t=5.0)
        calls.add_event(db, call_id, Kind.RECORDING_STARTED, recording_id="rec_1", t=5.0)
    half_a_wav(settings.recordings / path, 30, 2)
    assert recover(settings, db) == 1
    call = calls.get_call(db, call_id)
    assert (call.state, call.hangup_cause, call.talk_seconds) == ("answered", "interrupted", 30)
    recording = recordings.get_recording(db, "rec_1")
    assert (recording.state, recording.seconds) == ("ready", 30)


def test_a_recording_whose_row_was_not_yet_written_is_found_by_its_place(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
    half_a_wav(settings.recordings / recordings.path_for(call_id, "call", calls.get_call(db, call_id).started_at), 2, 2)
    recover(settings, db)
    recording_id = calls.get_call(db, call_id).recording_id
    assert recording_id is not None
    assert recordings.get_recording(db, recording_id).state == "ready"


def test_a_voicemail_cut_off_becomes_a_message_that_is_delivered(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        calls.add_event(db, call_id, Kind.VOICEMAIL_ASKED)
        recordings.begin(db, "rec_1", call_id, "voicemail", "v.wav", 1)
    half_a_wav(settings.recordings / "v.wav", 8, 1)
    recover(settings, db)
    assert calls.get_call(db, call_id).state == "voicemail"
    (message,) = db.query("SELECT * FROM messages")
    assert message["recording_id"] == "rec_1"
    assert db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 1


def test_a_file_that_is_gone_is_told_and_stops_nothing(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        recordings.begin(db, "rec_1", call_id, "call", "gone.wav", 2)
    recover(settings, db)
    assert recordings.get_recording(db, "rec_1").state == "lost"
    assert calls.get_call(db, call_id).state == "missed"


def test_a_second_recovery_finds_nothing_to_do(office):
    settings, db = office
    with transaction(db):
        a_call(db)
    assert recover(settings, db) == 1
    assert recover(settings, db) == 0


def test_a_call_cut_off_ended_when_its_sound_did_not_when_that_was_found(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        started = calls.get_call(db, call_id).started_at
        path = recordings.path_for(call_id, "call", started)
        calls.add_event(db, call_id, Kind.ANSWERED, agent_id="sara", t=5.0)
        recordings.begin(db, "rec_1", call_id, "call", path, 2)
        calls.add_event(db, call_id, Kind.RECORDING_STARTED, recording_id="rec_1", t=5.0)
        calls.add_event(db, call_id, Kind.HELD, by="agent", t=20.0)
        calls.add_event(db, call_id, Kind.RESUMED, by="agent", t=25.0)
    half_a_wav(settings.recordings / path, 30, 2)
    recover(settings, db)
    call = calls.get_call(db, call_id)
    assert call.talk_seconds == 30
    assert clock.seconds_between(started, call.ended_at) == 35


def test_a_conversation_not_yet_in_the_books_is_answered_with_its_wait_and_its_talk(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        calls.add_event(db, call_id, Kind.OFFERED, agent_id="sara", t=6.0)
    half_a_wav(settings.recordings / recordings.path_for(call_id, "call", calls.get_call(db, call_id).started_at), 2, 2)
    recover(settings, db)
    call = calls.get_call(db, call_id)
    assert (call.state, call.agent_id, call.wait_seconds, call.talk_seconds) == ("answered", "sara", 6, 2)


def test_a_voicemail_cut_off_has_the_wait_before_it(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        started = calls.get_call(db, call_id).started_at
        calls.add_event(db, call_id, Kind.VOICEMAIL_ASKED, t=21.0)
        recordings.begin(db, "rec_1", call_id, "voicemail", "v.wav", 1)
        later = clock.stamp(clock.parse(started) + timedelta(seconds=25))
        db.execute("UPDATE recordings SET started_at = ?", [later])
    half_a_wav(settings.recordings / "v.wav", 8, 1)
    recover(settings, db)
    call = calls.get_call(db, call_id)
    assert (call.state, call.wait_seconds) == ("voicemail", 33)


def test_a_voicemail_found_after_its_call_was_closed_makes_it_one(office):
    settings, db = office
    with transaction(db):
        call_id = a_call(db)
        recordings.begin(db, "rec_1", call_id, "voicemail", "v.wav", 1)
        calls.add_event(db, call_id, Kind.ENDED, cause="interrupted", by="office", t=30.0)
    half_a_wav(settings.recordings / "v.wav", 8, 1)
    recover(settings, db)
    call = calls.get_call(db, call_id)
    assert (call.state, call.recording_id, call.wait_seconds) == ("voicemail", "rec_1", 30)


def test_a_recording_that_cannot_be_dealt_with_keeps_nobody_from_going_on(office, monkeypatch):
    settings, db = office
    with transaction(db):
        for name in ("bad", "good"):
            call_id = a_call(db)
            recordings.begin(db, name, call_id, "voicemail", f"{name}.wav", 1)
            half_a_wav(settings.recordings / f"{name}.wav", 8, 1)
    really = recovery.standby_books.messages.voicemail_left

    def voicemail_left(db, *, recording_id, **fields):
        if recording_id == "bad":
            raise ValueError("no such business any more")
        return really(db, recording_id=recording_id, **fields)

    monkeypatch.setattr(recovery.standby_books.messages, "voicemail_left", voicemail_left)
    assert recover(settings, db) == 2
    assert [row["recording_id"] for row in db.query("SELECT recording_id FROM messages")] == ["good"]
    assert calls.live_calls(db) == []
