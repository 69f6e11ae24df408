"""The books follow from the events."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import clock
from appliance.calls import rules
from appliance.calls import service as calls
from appliance.calls.models import FINAL_STATES, LIVE_STATES, CallEvent, Kind
from appliance.store import connect, migrate, transaction

BEGIN = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
LATER = [kind for kind in Kind if kind not in (Kind.ARRIVED, Kind.ENDED)]


def fresh() -> dict:
    return {
        "call_id": "call_1", "state": "ringing", "phase": "arrived", "started_at": clock.stamp(BEGIN),
        "answered_at": None, "ended_at": None, "wait_seconds": None, "talk_seconds": None, "agent_id": None,
    }  # fmt: skip


def told(row: dict, *events: tuple) -> dict:
    for kind, seconds, detail in events:
        at = clock.stamp(BEGIN + timedelta(seconds=seconds))
        event = CallEvent(0, "call_1", at, kind, detail.pop("agent_id", None), detail)
        row = {**row, **rules.apply(row, event)}
    return row


def test_wait_and_talk_follow_from_answer_and_end():
    row = told(fresh(), (Kind.ANSWERED, 7, {"agent_id": "sara"}), (Kind.ENDED, 67, {"by": "caller"}))
    assert (row["state"], row["wait_seconds"], row["talk_seconds"], row["agent_id"]) == ("answered", 7, 60, "sara")


def test_a_clock_set_back_during_a_call_falsifies_no_duration():
    row = told(
        fresh(),
        (Kind.ANSWERED, -3600, {"t": 7.0, "agent_id": "sara"}),
        (Kind.ENDED, -3540, {"t": 67.0, "by": "agent"}),
    )
    assert (row["wait_seconds"], row["talk_seconds"]) == (7.0, 60.0)
    assert row["ended_at"] >= row["started_at"]


def test_the_second_agent_of_a_transfer_does_not_restart_the_talk():
    row = told(
        fresh(),
        (Kind.ANSWERED, 5, {"agent_id": "sara"}),
        (Kind.ANSWERED, 25, {"agent_id": "ben"}),
        (Kind.ENDED, 35, {}),
    )
    assert (row["agent_id"], row["wait_seconds"], row["talk_seconds"]) == ("ben", 5, 30)


def test_giving_up_while_it_rings_is_a_missed_call_that_says_so():
    row = told(
        fresh(),
        (Kind.GREETED, 0, {}),
        (Kind.OFFERED, 3, {"agent_id": "sara"}),
        (Kind.OFFER_ENDED, 9, {"cause": "cancelled"}),
        (Kind.ENDED, 9, {"by": "caller"}),
    )
    assert (row["state"], row["phase"], row["wait_seconds"]) == ("missed", "ringing", 9)


@given(st.lists(st.tuples(st.sampled_from(LATER), st.floats(0, 600)), max_size=30))
def test_every_story_ends_in_a_final_state_and_then_nothing_changes_it(story):
    row = fresh()
    elapsed = 0.0
    for kind, seconds in story:
        elapsed += seconds
        row = told(row, (kind, elapsed, {"t": elapsed, "agent_id": "sara"}))
        assert row["state"] in LIVE_STATES + FINAL_STATES
    row = told(row, (Kind.ENDED, elapsed, {"t": elapsed, "by": "caller"}))
    assert row["state"] in FINAL_STATES
    assert row["wait_seconds"] >= 0
    assert row["talk_seconds"] >= 0
    assert told(row, (Kind.ANSWERED, elapsed + 1, {"agent_id": "ben"}), (Kind.ENDED, elapsed + 2, {})) == row


@pytest.fixture
def db(tmp_path):
    db = connect(tmp_path / "office.db")
    migrate(db)
    with transaction(db):
        for business_id in ("bakery", "clinic"):
            db.execute(
                "INSERT INTO businesses (business_id, name, language) VALUES (?, ?, 'en')", [business_id, business_id]
            )
    yield db
    db.close()


def a_call(db, business_id="bakery", number="+989121234567") -> str:
    return calls.start_call(db, direction="inbound", business_id=business_id, caller_number=number)


def test_paging_shows_every_call_once_newest_first(db):
    with transaction(db):
        made = [a_call(db) for _ in range(25)]
    seen, before = [], None
    while True:
        page = calls.list_calls(db, businesses=None, before=before, limit=7)
        seen += [call.call_id for call in page.items]
        before = page.next
        if before is None:
            break
    assert sorted(seen) == sorted(made)
    started = [calls.get_call(db, call_id).started_at for call_id in seen]
    assert started == sorted(started, reverse=True)


def test_the_wall_hides_other_businesses_everywhere(db):
    with transaction(db):
        theirs = a_call(db, "clinic")
        ours = a_call(db, "bakery")
    wall = {"bakery"}
    assert [c.call_id for c in calls.list_calls(db, businesses=wall).items] == [ours]
    assert [c.call_id for c in calls.live_calls(db, wall)] == [ours]
    assert calls.list_calls(db, businesses=set()).items == []
    with pytest.raises(calls.CallNotFound):
        calls.get_call(db, theirs, businesses=wall)


def test_events_can_be_neither_changed_nor_removed(db):
    with transaction(db):
        call_id = a_call(db)
    for sql in ("UPDATE call_events SET kind = 'x'", "DELETE FROM call_events"):
        with pytest.raises(Exception, match="append-only"), transaction(db):
            db.execute(sql)
    assert [e.kind for e in calls.timeline(db, call_id)] == ["arrived"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "'; DROP TABLE calls; --", "۱۲۳"])
def test_a_search_text_is_text_and_nothing_else(db, search):
    with transaction(db):
        a_call(db)
    assert calls.list_calls(db, businesses=None, search=search).items == []


def test_a_foreign_cursor_is_refused(db):
    with pytest.raises(calls.BadCursor):
        calls.list_calls(db, businesses=None, before="nonsense")


def test_earlier_calls_are_those_of_the_same_number_and_business(db):
    with transaction(db):
        first = a_call(db)
        a_call(db, "clinic")
        a_call(db, number="+989350000000")
        clock.use(lambda: datetime.now(UTC) + timedelta(minutes=1))
        try:
            now = calls.get_call(db, a_call(db))
        finally:
            clock.use(None)
    found = calls.earlier_calls(db, "bakery", "+989121234567", before=now.started_at)
    assert [c.call_id for c in found] == [first]
    assert calls.earlier_calls(db, "bakery", "", before=now.started_at) == []
