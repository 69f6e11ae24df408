"""Businesses: what is kept, what is refused."""

import pytest
from sqlite_utils import Database

from appliance.businesses import service
from appliance.businesses.errors import BusinessExists, BusinessHasHistory, NoSuchBusiness, NumberTaken
from appliance.errors import Invalid
from appliance.office import service as office
from appliance.store import config_version, connect, migrate


@pytest.fixture
def db() -> Database:
    db = connect(":memory:")
    migrate(db)
    office.create_office(db, name="N", timezone="Asia/Tehran", language="en")
    service.create_business(db, "bakery", name="Nasim", language="fa", numbers=["021 8800 1122"])
    return db


def test_a_national_number_is_of_the_time_zones_country(db) -> None:
    assert service.get_business(db, "bakery").numbers == ("+982188001122",)
    service.update_business(db, "bakery", timezone="Europe/Berlin")
    assert service.set_numbers(db, "bakery", ["030 123456", "+98 21 88 00 11 22"]) == ("+4930123456", "+982188001122")


def test_a_number_belongs_to_one_business(db) -> None:
    with pytest.raises(NumberTaken, match="Nasim"):
        service.create_business(db, "florist", name="Laleh", language="en", numbers=["+982188001122"])
    assert service.set_numbers(db, "bakery", []) == ()


def test_hours_are_kept_in_one_form_and_nonsense_is_refused(db) -> None:
    changed = service.update_business(db, "bakery", hours={"SAT-wed": "9:00-18:00"})
    assert changed.hours == {"sat-wed": "09:00-18:00"}
    with pytest.raises(Invalid):
        service.update_business(db, "bakery", hours={"sat": "always"})


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "x" * 81},
        {"name": "a\x00b"},
        {"language": "xx"},
        {"timezone": "Mars/Olympus"},
        {"ring_seconds": 0},
        {"ring_seconds": 301},
        {"ring_seconds": True},
        {"voicemail_seconds": 4},
        {"messages_to": ["nobody"]},
        {"messages_to": "a@b.c"},
        {"greeting": "x" * 1001},
    ],
)
def test_what_cannot_be_is_refused_with_what_can(db, change: dict[str, object]) -> None:
    with pytest.raises(Invalid) as refusal:
        service.update_business(db, "bakery", **change)
    assert refusal.value.hint


@pytest.mark.parametrize("business_id", ["", "A", "1a", "a b", "a" * 33, "a\n", "é"])
def test_an_id_that_is_no_id_is_refused(db, business_id: str) -> None:
    with pytest.raises(Invalid):
        service.create_business(db, business_id, name="x", language="en")


def test_names_in_any_script_are_kept(db) -> None:
    for name in ("نانوایی نسیم", "Пекарня", "パン屋", "Kedai Roti"):
        assert service.update_business(db, "bakery", name=f" {name} ").name == name


def test_a_second_of_the_same_id_and_an_unknown_one_are_refused(db) -> None:
    with pytest.raises(BusinessExists):
        service.create_business(db, "bakery", name="x", language="en")
    with pytest.raises(NoSuchBusiness):
        service.get_business(db, "bakry")


def test_the_wall_hides_other_businesses(db) -> None:
    service.create_business(db, "florist", name="Laleh", language="en")
    assert [b.business_id for b in service.list_businesses(db, {"florist"})] == ["florist"]
    with pytest.raises(NoSuchBusiness):
        service.get_business(db, "bakery", {"florist"})


def test_a_business_with_history_is_not_deleted(db) -> None:
    db.execute(
        "INSERT INTO calls (call_id, business_id, direction, state, started_at)"
        " VALUES ('c', 'bakery', 'inbound', 'missed', 'x')"
    )
    with pytest.raises(BusinessHasHistory):
        service.delete_business(db, "bakery")
    service.delete_business(db, "bakery", keep_calls=True)
    assert db.execute("SELECT business_id FROM calls").fetchone()[0] is None


def test_every_change_is_told_to_the_core(db) -> None:
    before = config_version.read(db)
    service.update_business(db, "bakery", name="New")
    assert config_version.read(db) > before
