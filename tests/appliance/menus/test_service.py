"""Keeping menus: what is refused, and why."""

import pytest

from appliance.businesses import service as businesses
from appliance.extensions import service as extensions
from appliance.menus import service as menus
from appliance.menus.errors import BadChoice, MenuInPlace, MenuInUse, MenuLoop, MenuTooDeep, NoSuchMenu
from appliance.menus.models import Choice
from appliance.office import service as office
from appliance.store import config_version, connect, migrate, transaction

MAIN = {"name": "Main", "text": "For orders press one.", "keys": {"1": "queue"}}
INNER = {**MAIN, "name": "Inner", "plays": "submenu"}


@pytest.fixture
def db(tmp_path):
    db = connect(tmp_path / "office.db")
    migrate(db)
    with transaction(db):
        office.create_office(db, name="Nasim House", timezone="Asia/Tehran", language="en")
        for business_id in ("bakery", "clinic"):
            businesses.create_business(db, business_id, name=business_id, language="en")
        extensions.create_extension(db, "101")
        yield db
    db.conn.close()


def test_a_menu_is_kept_and_the_core_is_told(db):
    before = config_version.read(db)
    menu = menus.save_menu(db, "main", "bakery", **MAIN | {"keys": {"2": "number: 0912 000 0000", "1": "person:101"}})
    assert menu == menus.get_menu(db, "bakery", "main")
    assert dict(menu.keys) == {"1": Choice("person", "101"), "2": Choice("number", "+989120000000")}
    assert config_version.read(db) > before


@pytest.mark.parametrize(
    "keys",
    [{"1": "person:999"}, {"1": "menu:nowhere"}, {"1": "number:soon"}, {"1": "fly"}, {"1": "queue:x"}, {"1": "person"},
     {"12": "queue"}, {"a": "queue"}, {"1": 7}, {"1": "announcement:"}, {"1": "menu:Not An Id"}, "queue"],
)  # fmt: skip
def test_a_key_that_leads_nowhere_is_refused_with_what_is_allowed(db, keys):
    with pytest.raises((BadChoice, menus.BadValue)) as refusal:
        menus.save_menu(db, "main", "bakery", **MAIN | {"keys": keys})
    assert refusal.value.allowed
    assert menus.list_menus(db) == []


@pytest.mark.parametrize("otherwise", ["back", "menu:main", "announcement:Hello", ""])
def test_what_follows_when_no_key_was_any_good_must_end_the_menu(db, otherwise):
    with pytest.raises(BadChoice):
        menus.save_menu(db, "main", "bakery", **MAIN, otherwise=otherwise)


def test_a_menu_that_leads_to_itself_or_round_is_refused_by_name(db):
    with pytest.raises(MenuLoop, match="Main → Main"):
        menus.save_menu(db, "main", "bakery", **MAIN | {"keys": {"1": "menu:main"}})
    menus.save_menu(db, "inner", "bakery", **INNER)
    menus.save_menu(db, "main", "bakery", **MAIN | {"keys": {"1": "menu:inner"}})
    with pytest.raises(MenuLoop, match="→") as refusal:
        menus.save_menu(db, "inner", "bakery", keys={"1": "menu:main"})
    assert "back" in refusal.value.hint
    assert menus.save_menu(db, "inner", "bakery", keys={"*": "back"}).keys == {"*": Choice("back")}


def test_menus_within_menus_have_a_limit(db):
    menus.save_menu(db, "m5", "bakery", **INNER)
    for n in (4, 3, 2, 1):
        menus.save_menu(db, f"m{n}", "bakery", **INNER | {"keys": {"1": f"menu:m{n + 1}"}})
    with pytest.raises(MenuTooDeep):
        menus.save_menu(db, "m0", "bakery", **INNER | {"keys": {"1": "menu:m1"}})


def test_two_menus_are_not_played_at_the_same_times(db):
    menus.save_menu(db, "main", "bakery", **MAIN)
    menus.save_menu(db, "night", "bakery", **MAIN, plays="closed")
    for plays in ("open", "closed", "always"):
        with pytest.raises(MenuInPlace):
            menus.save_menu(db, "third", "bakery", **MAIN, plays=plays)
    menus.save_menu(db, "other", "clinic", **MAIN)


def test_a_menu_of_another_business_is_out_of_reach(db):
    menus.save_menu(db, "main", "bakery", **MAIN)
    with pytest.raises(NoSuchMenu):
        menus.get_menu(db, "clinic", "main")
    with pytest.raises(menus.BadValue):
        menus.save_menu(db, "main", "clinic", **MAIN)
    with pytest.raises(BadChoice):
        menus.save_menu(db, "other", "clinic", **MAIN | {"keys": {"1": "menu:main"}})


def test_a_menu_to_which_another_leads_is_not_removed(db):
    menus.save_menu(db, "inner", "bakery", **INNER)
    menus.save_menu(db, "main", "bakery", **MAIN | {"keys": {"1": "menu:inner"}})
    with pytest.raises(MenuInUse, match="Main"):
        menus.delete_menu(db, "bakery", "inner")
    menus.delete_menu(db, "bakery", "main")
    menus.delete_menu(db, "bakery", "inner")
    assert menus.list_menus(db) == []


def test_the_menus_of_a_business_go_with_it(db):
    menus.save_menu(db, "main", "bakery", **MAIN)
    businesses.delete_business(db, "bakery")
    assert menus.list_menus(db) == []
