"""Trunks: what is kept, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlite_utils import Database

from appliance import fields
from appliance.errors import Invalid
from appliance.lines import service
from appliance.lines.errors import NoSuchTrunk, TrunkExists, TrunkNeedsAccount
from appliance.office import service as office
from appliance.store import config_version, connect, migrate


@pytest.fixture
def db() -> Database:
    db = connect(":memory:")
    migrate(db)
    office.create_office(db, name="N", timezone="UTC", language="en")
    return db


def test_trunks_are_listed_in_the_order_they_are_tried(db) -> None:
    for name in ("first", "second", "a-third"):
        service.save_trunk(db, name, kind="peer", host="192.0.2.1")
    assert [t.trunk_id for t in service.list_trunks(db)] == ["first", "second", "a-third"]
    service.save_trunk(db, "first", kind="peer", host="192.0.2.9")
    assert [t.trunk_id for t in service.list_trunks(db)] == ["first", "second", "a-third"]


def test_saving_without_a_password_keeps_it(db) -> None:
    service.save_trunk(db, "c", kind="register", host="h", username="u", password="secret99")
    assert service.save_trunk(db, "c", kind="register", host="h2", username="u").password == "secret99"


def test_saving_the_same_again_tells_nobody(db) -> None:
    service.save_trunk(db, "c", kind="peer", host="h")
    before = config_version.read(db)
    service.save_trunk(db, "c", kind="peer", host="h")
    assert config_version.read(db) == before


def test_a_trunk_that_registers_needs_its_account_and_one_host(db) -> None:
    with pytest.raises(TrunkNeedsAccount, match="username"):
        service.save_trunk(db, "c", kind="register", host="h", password="secret99")
    with pytest.raises(TrunkNeedsAccount, match="password"):
        service.save_trunk(db, "c", kind="register", host="h", username="u")
    with pytest.raises(Invalid):
        service.save_trunk(db, "c", kind="register", host="10.0.0.0/8", username="u", password="secret99")


def test_a_trunk_that_is_there_or_is_not_is_told(db) -> None:
    service.save_trunk(db, "c", kind="peer", host="h")
    with pytest.raises(TrunkExists):
        service.save_trunk(db, "c", kind="peer", host="h", must_be_new=True)
    service.delete_trunk(db, "c")
    with pytest.raises(NoSuchTrunk):
        service.delete_trunk(db, "c")


def test_a_trunk_nobody_has_looked_at_is_unknown(db) -> None:
    service.save_trunk(db, "c", kind="peer", host="h")
    assert [(s.trunk_id, s.state) for s in service.trunk_states(db)] == [("c", "unknown")]


@pytest.mark.parametrize(
    "host",
    [
        "sip.example.com",
        "sip.example.com:5070",
        "192.0.2.1",
        "192.0.2.1:5060",
        "[2001:db8::1]:5060",
        "2001:db8::1",
        "pbx",
    ],
)
def test_a_host_is_written_in_the_usual_ways(host: str) -> None:
    assert fields.host(host, network=True) == host


@pytest.mark.parametrize(
    "host", ["", "a b", "300.1.1.1", "1.2.3", "h:0", "h:x", "h:99999", "-h", "h/24", "10.0.0.0/33", "[x]:1", ":5060"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    with pytest.raises(Invalid):
        fields.host(host, network=True)


def test_a_network_is_kept_by_its_first_address() -> None:
    assert fields.host("192.168.1.77/24", network=True) == "192.168.1.0/24"


@given(st.text(max_size=40))
def test_any_text_is_a_host_or_refused(text: str) -> None:
    try:
        kept = fields.host(text, network=True)
    except Invalid:
        return
    assert fields.host(kept, network=True) == kept
    assert " " not in kept
