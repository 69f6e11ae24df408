"""The dry run, in words, by page, command and API: the same rules that calls follow."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from appliance import i18n
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.businesses.errors import NoSuchBusiness
from appliance.commands.line import main
from appliance.contacts import service as contacts
from appliance.extensions import service as extensions
from appliance.fields import BadValue
from appliance.menus import service as menus
from appliance.office import service as office
from appliance.rehearsal import service as rehearsal
from appliance.store import connect, migrate, transaction

FRIDAY = datetime(2026, 12, 4, 18, 5, tzinfo=ZoneInfo("Asia/Tehran"))
SATURDAY = datetime(2026, 12, 5, 10, 0, tzinfo=ZoneInfo("Asia/Tehran"))


@pytest.fixture
def db(tmp_path):
    db = connect(tmp_path / "office.db")
    migrate(db)
    with transaction(db):
        office.create_office(db, name="Nasim House", timezone="Asia/Tehran", language="en")
        businesses.create_business(
            db, "bakery", name="Nasim Bakery", language="en", hours={"sat-thu": "09:00-18:00"},
            exceptions={"2026-12-06": "closed; Inventory"},
        )  # fmt: skip
        extensions.create_extension(db, "101")
        agents.create_agent(db, "sara", "Sara Karimi", "101", {"bakery": "shared"})
        contacts.set_blocked(db, "bakery", "+989121111111", blocked=True)
        menus.save_menu(
            db, "main", "bakery", name="Main", text="For orders press one.",
            keys={"1": "queue", "2": "person:101"}, otherwise="voicemail",
        )  # fmt: skip
    yield db
    db.conn.close()


def words(db, at, number="") -> list[str]:
    return [f"{t.lead}|{t.words}" for t in rehearsal.rehearse(db, "bakery", at, number).lines]


def test_next_friday_at_five_past_six_is_told_step_by_step(db):
    assert words(db, FRIDAY) == [
        "|It is closed (the weekly hours). The caller is told so.",
        "|The caller may leave a message.",
    ]


def test_open_hours_are_told_with_the_menu_key_by_key(db):
    assert words(db, SATURDAY) == [
        "|It is open (the weekly hours). The caller hears the greeting.",
        "|The menu “Main” is played: “For orders press one.”",
        (
            "Key 1|The phones of those who answer ring (Sara Karimi), for up to 20 seconds; if nobody takes the call,"
            " the caller may leave a message."
        ),
        "Key 2|Sara Karimi (101) is rung, for up to 20 seconds.",
        "|If nobody answers, the caller may leave a message.",
        "Without a usable key|The caller may leave a message.",
    ]


def test_an_exception_is_told_with_its_note(db):
    assert "exception: Inventory" in words(db, SATURDAY.replace(day=6))[0]


def test_a_blocked_number_is_refused_however_it_is_written(db):
    assert words(db, SATURDAY, "0912 111 1111") == ["|The number is blocked: the call is refused."]


def test_a_business_beyond_the_wall_is_not_there(db):
    with pytest.raises(NoSuchBusiness):
        rehearsal.rehearse(db, "bakery", SATURDAY, visible={"clinic"})


@pytest.mark.parametrize("text", ["soon", "2026-13-01 10:00", "18:05"])
def test_a_moment_that_cannot_be_read_is_refused(text):
    with pytest.raises(BadValue):
        rehearsal.read_moment(text, "Asia/Tehran")


def test_the_command_tells_it_in_the_offices_language(db, tmp_path, capsys):
    assert main(["dry-run", "bakery", "--at", "2026-12-04 18:05", "--home", str(tmp_path)]) == 0
    assert "It is closed (the weekly hours). The caller is told so." in capsys.readouterr().out
    assert main(["dry-run", "nowhere", "--home", str(tmp_path)]) == 1
    i18n.set_language("en")
