"""The office: what is kept, what is refused."""

import pytest
from sqlite_utils import Database

from appliance import fields
from appliance.errors import Invalid
from appliance.office import service
from appliance.office.errors import AlreadySetUp, NoOffice
from appliance.store import connect, migrate


@pytest.fixture
def db() -> Database:
    db = connect(":memory:")
    migrate(db)
    return db


def test_before_set_up_there_is_no_office(db) -> None:
    assert service.find_office(db) is None
    with pytest.raises(NoOffice):
        service.get_office(db)
    with pytest.raises(NoOffice):
        service.update_office(db, name="x")


def test_an_office_is_made_once_and_changed(db) -> None:
    made = service.create_office(
        db, name=" Nasim ", timezone="Asia/Tehran", language="fa", smtp_host="mail.example.com"
    )
    assert (made.name, made.smtp_port, made.set_up_at) == ("Nasim", 587, None)
    with pytest.raises(AlreadySetUp):
        service.create_office(db, name="x", timezone="UTC", language="en")
    assert service.update_office(db, smtp_host="").smtp_host == ""
    service.finish_set_up(db)
    first = service.get_office(db).set_up_at
    service.finish_set_up(db)
    assert first
    assert service.get_office(db).set_up_at == first


@pytest.mark.parametrize(
    "change",
    [
        {"timezone": "Tehran"},
        {"language": "de"},
        {"owner_email": "me"},
        {"smtp_host": "a b"},
        {"smtp_port": 70000},
        {"smtp_security": "ssl"},
        {"smtp_from": "a@"},
    ],
)
def test_what_cannot_be_is_refused_with_what_can(db, change: dict[str, object]) -> None:
    service.create_office(db, name="N", timezone="UTC", language="en")
    with pytest.raises(Invalid) as refusal:
        service.update_office(db, **change)
    assert refusal.value.hint


def test_a_mistyped_time_zone_is_guessed() -> None:
    with pytest.raises(fields.BadValue, match="cannot be used") as refusal:
        fields.timezone("asia/teheran")
    assert "Asia/Tehran" in refusal.value.allowed


def test_the_country_of_a_time_zone_is_known() -> None:
    assert fields.region_of("Asia/Tehran") == "IR"
    assert fields.region_of("Asia/Kuala_Lumpur") == "MY"
    assert fields.region_of("UTC") is None
