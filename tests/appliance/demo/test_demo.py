"""The demo is made by driving the product: what it leaves behind must be as whole as a real month."""

import random
import wave
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from appliance.config import Settings
from appliance.demo import arrivals, cast
from appliance.demo.filling import fill
from appliance.store import connect

EVENING = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Database]:
    settings = Settings(home=tmp_path_factory.mktemp("demo") / "var")
    fill(settings, until=EVENING, days=6)
    return settings, connect(settings.database, read_only=True)


def test_the_same_seed_gives_the_same_month():
    months = []
    for _ in range(2):
        luck = random.Random(7)
        people = cast.callers(luck)
        months.append(list(arrivals.month(people, luck, until=EVENING, days=30, timezone="Asia/Tehran")))
    assert months[0] == months[1]
    assert 300 < len(months[0]) < 550
    assert all(arrival.at < EVENING for arrival in months[0])


def test_every_call_has_ended(demo: tuple[Settings, Database]):
    _settings, db = demo
    states = dict(db.execute("SELECT state, count(*) FROM calls GROUP BY state").fetchall())
    assert set(states) <= {"answered", "missed", "voicemail", "refused"}
    assert states["answered"] > 40
    assert states["voicemail"]
    assert states["missed"]


def test_every_recording_is_there_and_as_long_as_the_books_say(demo: tuple[Settings, Database]):
    settings, db = demo
    rows = list(db.query("SELECT path, channels, seconds, state FROM recordings"))
    assert rows
    for row in rows:
        assert row["state"] == "ready"
        with wave.open(str(settings.recordings / Path(row["path"])), "rb") as file:
            assert file.getnchannels() == row["channels"]
            assert file.getnframes() / file.getframerate() == pytest.approx(row["seconds"], abs=0.6)


def test_messages_went_out_by_mail(demo: tuple[Settings, Database]):
    _settings, db = demo
    states = dict(db.execute("SELECT state, count(*) FROM outbox GROUP BY state").fetchall())
    assert set(states) == {"delivered"}
    kinds = dict(db.execute("SELECT kind, count(*) FROM messages GROUP BY kind").fetchall())
    assert kinds["note"]
    assert kinds["voicemail"]


def test_appointments_were_asked_for_in_calls_and_lie_in_opening_hours(demo: tuple[Settings, Database]):
    _settings, db = demo
    rows = list(
        db.query("SELECT a.*, c.started_at, c.business_id AS called FROM appointments a JOIN calls c USING (call_id)")
    )
    assert len(rows) == db.execute("SELECT count(*) FROM appointments").fetchone()[0]
    assert {row["business_id"] for row in rows} == {"bakery", "clinic"}
    assert any(row["starts_at"] > EVENING.isoformat() for row in rows)
    for row in rows:
        assert row["called"] == row["business_id"]
        assert row["created_at"] >= row["started_at"]
        assert row["taken_by"]


def test_the_made_up_post_office_is_gone(demo: tuple[Settings, Database]):
    _settings, db = demo
    assert db.execute("SELECT smtp_host FROM office").fetchone()[0] == ""


def test_no_agent_is_left_on_a_call(demo: tuple[Settings, Database]):
    _settings, db = demo
    assert {row["state"] for row in db.query("SELECT state FROM agent_states")} == {"offline"}
