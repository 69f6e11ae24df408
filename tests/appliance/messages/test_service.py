"""Messages: kept with their deliveries or not at all, found only within the wall, done and open again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlite_utils import Database

from appliance import clock
from appliance.errors import NotFound
from appliance.messages import service
from appliance.messages.errors import BadCursor, DraftTooLong, MessageEmpty, MessageNotFound
from appliance.store import transaction


@pytest.fixture(autouse=True)
def _a_clock_that_ticks() -> Iterator[None]:
    at = datetime(2026, 11, 24, 9, tzinfo=UTC)

    def tick() -> datetime:
        nonlocal at
        at += timedelta(milliseconds=250)
        return at

    clock.use(tick)
    yield
    clock.use(None)


def outbox(db: Database) -> list[dict[str, object]]:
    return list(db.query("SELECT * FROM outbox ORDER BY delivery_id"))


def test_note_is_kept_and_goes_to_each_address_of_the_business(db: Database) -> None:
    with transaction(db):
        message = service.take_message(
            db,
            business_id="bakery",
            call_id="call_1",
            taken_by="sara",
            for_whom="Ali",
            from_name="Мария 😀 مریم",
            callback_number="0912 123 4567",
            body="Two lines\r\nof text",
            urgency="urgent",
        )
    assert message.body == "Two lines\nof text"
    assert (message.business_name, message.taken_by_name) == ("Nasim Bakery", "Sara Karimi")
    assert [row["recipient"] for row in outbox(db)] == ["ana@example.com", "dov@example.com"]
    assert {(row["state"], row["message_id"]) for row in outbox(db)} == {("waiting", message.message_id)}
    assert (message.mails, message.mails_waiting, message.mails_delivered) == (2, 2, 0)


def test_business_without_addresses_writes_to_the_owner(db: Database) -> None:
    with transaction(db):
        service.take_message(db, business_id="clinic", body="x")
    assert [row["recipient"] for row in outbox(db)] == ["owner@example.com"]


def test_rolled_back_message_leaves_no_delivery(db: Database) -> None:
    def story() -> None:
        with transaction(db):
            service.take_message(db, business_id="bakery", body="x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        story()
    assert outbox(db) == []
    assert service.open_count(db) == 0


def test_same_form_sent_twice_is_one_message_but_a_second_note_is_another(db: Database) -> None:
    fields = {"business_id": "bakery", "call_id": "call_1", "taken_by": "sara", "body": "Call me"}
    with transaction(db):
        first = service.take_message(db, **fields)
        again = service.take_message(db, **fields)
        other = service.take_message(db, **{**fields, "body": "Call me soon"})
    assert first == again
    assert other.message_id != first.message_id
    assert len(outbox(db)) == 4


def test_unknown_business_call_agent_or_a_call_of_another_business_is_refused(db: Database) -> None:
    for wrong in (
        {"business_id": "nobody"},
        {"business_id": "bakery", "call_id": "call_2"},
        {"business_id": "bakery", "call_id": "call_9"},
        {"business_id": "bakery", "taken_by": "nobody"},
    ):
        with pytest.raises(NotFound), transaction(db):
            service.take_message(db, body="x", **wrong)
    with pytest.raises(MessageEmpty), transaction(db):
        service.take_message(db, business_id="bakery")


def test_voicemail_is_kept_once_however_often_it_is_told(db: Database) -> None:
    told = {"business_id": "bakery", "call_id": "call_1", "recording_id": "rec_1", "seconds": 42.4}
    with transaction(db):
        first = service.voicemail_left(db, **told, callback_number="+989121234567", from_name="N\r\nX" + "y" * 500)
        again = service.voicemail_left(db, **told)
    assert first == again
    assert (first.kind, first.seconds, first.recording_state) == ("voicemail", 42.4, "ready")
    assert first.from_name.startswith("N Xyy")
    assert len(first.from_name) == 120
    assert len(outbox(db)) == 2


def test_pages_follow_each_other_without_gap_or_repeat_while_messages_arrive(db: Database) -> None:
    with transaction(db):
        kept = [service.take_message(db, business_id="bakery", body=f"n{i}").message_id for i in range(25)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = service.list_messages(db, businesses=None, before=cursor, limit=10)
        seen += [message.message_id for message in page.items]
        with transaction(db):
            service.take_message(db, business_id="bakery", body="new")
        cursor = page.next
        if cursor is None:
            break
    assert seen == kept[::-1]
    with pytest.raises(BadCursor):
        service.list_messages(db, businesses=None, before="nonsense")


def test_messages_in_the_same_millisecond_are_not_lost_between_pages(db: Database) -> None:
    clock.use(lambda: datetime(2026, 11, 24, 9, tzinfo=UTC))
    with transaction(db):
        kept = {service.take_message(db, business_id="bakery", body=f"n{i}").message_id for i in range(7)}
    seen: set[str] = set()
    cursor: str | None = None
    for _page in range(4):
        page = service.list_messages(db, businesses=None, before=cursor, limit=2)
        seen |= {message.message_id for message in page.items}
        cursor = page.next
    assert seen == kept
    assert cursor is None


def test_nothing_is_seen_over_the_wall(db: Database) -> None:
    with transaction(db):
        message = service.take_message(db, business_id="clinic", call_id="call_2", body="secret")
    for wall in ({"bakery"}, set()):
        assert service.list_messages(db, businesses=wall).items == []
        assert service.list_messages(db, businesses=wall, business_id="clinic").items == []
        assert service.messages_of_call(db, "call_2", businesses=wall) == []
        assert service.open_count(db, wall) == 0
        for verb in (service.get_message, service.mark_open):
            with pytest.raises(MessageNotFound):
                verb(db, message.message_id, businesses=wall)
        with pytest.raises(MessageNotFound):
            service.mark_done(db, message.message_id, user_id="usr_ben", businesses=wall)
    assert service.list_messages(db, businesses={"clinic"}).items == [message]


def test_done_stays_with_who_did_it_first_and_can_be_taken_back(db: Database) -> None:
    with transaction(db):
        message = service.take_message(db, business_id="bakery", body="x")
        done = service.mark_done(db, message.message_id, user_id="usr_ana")
        again = service.mark_done(db, message.message_id, user_id="usr_ben")
    assert done == again
    assert done.done_by_name == "Ana"
    assert service.open_count(db) == 0
    assert service.list_messages(db, businesses=None, open_only=True).items == []
    with transaction(db):
        assert not service.mark_open(db, message.message_id).is_done
    assert service.open_count(db, {"bakery"}) == 1


def test_search_and_filters_find_what_was_said(db: Database) -> None:
    with transaction(db):
        bread = service.take_message(db, business_id="bakery", body="100% rye_bread", from_name="Ольга")
        cake = service.take_message(db, business_id="bakery", body="cake", callback_number="+74951234567")

    def found(**by: str) -> list[str]:
        return [m.message_id for m in service.list_messages(db, businesses=None, **by).items]

    assert found(search="0% rye_b") == [bread.message_id]
    assert found(search="_ake") == []
    assert found(search="Ольга") == [bread.message_id]
    assert found(search="4951") == [cake.message_id]
    assert found(since=cake.created_at) == [cake.message_id]
    assert found(until=cake.created_at) == [bread.message_id]
    assert found(kind="voicemail") == []


def test_draft_is_kept_as_typed_replaced_and_dropped(db: Database) -> None:
    with transaction(db):
        service.save_draft(db, "usr_ben", "call_1", {"body": "half a sen", "urgency": "normal"})
        service.save_draft(db, "usr_ben", "call_1", {"body": "half a sentence \ud83d\n 😀 ", "urgency": "urgent"})
        service.save_draft(db, "usr_ana", "call_1", {"body": "mine"})
    draft = service.draft_of(db, "usr_ben", "call_1")
    assert draft is not None
    assert draft["body"].startswith("half a sentence ")
    assert draft["body"].endswith("😀 ")
    assert [d.call_id for d in service.drafts_of(db, "usr_ben")] == ["call_1"]
    with transaction(db):
        service.drop_draft(db, "usr_ben", "call_1")
        service.drop_draft(db, "usr_ben", "call_1")
    assert service.draft_of(db, "usr_ben", "call_1") is None
    assert service.draft_of(db, "usr_ana", "call_1") == {"body": "mine"}


def test_draft_that_is_all_empty_is_no_draft(db: Database) -> None:
    with transaction(db):
        service.save_draft(db, "usr_ben", "call_1", {"body": "x"})
        service.save_draft(db, "usr_ben", "call_1", {"body": " ", "urgency": "urgent"})
    assert service.draft_of(db, "usr_ben", "call_1") is None


def test_draft_beyond_all_measure_is_refused_and_the_last_one_stays(db: Database) -> None:
    with transaction(db):
        service.save_draft(db, "usr_ben", "call_1", {"body": "ی" * 30_000})
    with pytest.raises(DraftTooLong), transaction(db):
        service.save_draft(db, "usr_ben", "call_1", {"body": "ی" * 40_000})
    draft = service.draft_of(db, "usr_ben", "call_1")
    assert draft is not None
    assert len(draft["body"]) == 30_000
