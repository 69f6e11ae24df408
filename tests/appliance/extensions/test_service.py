"""Extensions: what is kept, what is refused."""

import pytest
from sqlite_utils import Database

from appliance.agents import service as agents
from appliance.errors import Invalid
from appliance.extensions import service
from appliance.extensions.errors import ExtensionExists, ExtensionHasAgent, NoSuchExtension
from appliance.office import service as office
from appliance.store import connect, migrate


@pytest.fixture
def db() -> Database:
    db = connect(":memory:")
    migrate(db)
    office.create_office(db, name="N", timezone="UTC", language="en")
    service.create_extension(db, "101", sip_password="password-of-101")
    agents.create_agent(db, "sara", "Sara", "101", {})
    return db


def test_a_password_is_made_where_none_is_given(db) -> None:
    made = service.create_extension(db, "102").sip_password
    assert len(made) >= 16
    assert service.reset_password(db, "102") != made


@pytest.mark.parametrize("extension", ["1", "1234567", "10a", "", "١٠١", "101\n", "+101"])
def test_an_extension_is_two_to_six_digits(db, extension: str) -> None:
    with pytest.raises(Invalid):
        service.create_extension(db, extension)


@pytest.mark.parametrize("password", ["short", "with space in", "x" * 129, "пароль-пароль"])
def test_a_password_a_phone_cannot_type_is_refused(db, password: str) -> None:
    with pytest.raises(Invalid) as refusal:
        service.create_extension(db, "102", sip_password=password)
    assert password not in refusal.value.message


def test_a_taken_extension_is_refused_and_a_free_one_offered(db) -> None:
    with pytest.raises(ExtensionExists):
        service.create_extension(db, "101")
    assert service.next_free(db) == "102"


def test_an_agents_extension_is_not_deleted(db) -> None:
    with pytest.raises(ExtensionHasAgent):
        service.delete_extension(db, "101")
    service.create_extension(db, "102")
    service.delete_extension(db, "102")
    with pytest.raises(NoSuchExtension):
        service.get_extension(db, "102")


def test_two_agents_swap_their_extensions_and_keep_their_passwords(db) -> None:
    service.create_extension(db, "102", sip_password="password-of-102")
    agents.create_agent(db, "ben", "Ben", "102", {})
    service.renumber(db, {"101": "102", "102": "101"})
    assert agents.get_agent(db, "sara").extension == "102"
    assert service.get_extension(db, "102").sip_password == "password-of-101"
    with pytest.raises(ExtensionExists):
        service.renumber(db, {"101": "102"})
