"""The menu builder, and the dry run on the business's page."""

import pytest

from appliance.businesses import service as businesses
from appliance.menus import service as menus
from appliance.menus.models import Choice
from appliance.prompts import service as prompts
from appliance.store import transaction

PAGE = "/settings/menus/bakery"
FIELDS = {
    "name": "Main", "text": "For orders press one.", "plays": "open", "timeout_seconds": "5", "tries": "3",
    "choice_1": "queue", "choice_otherwise": "voicemail",
}  # fmt: skip


def of_bakery(house):
    return {m.menu_id: m for m in menus.list_menus(house.db, "bakery")}


def test_a_menu_is_made_changed_and_removed_without_any_script(house, ana):
    answer = ana.send(f"{PAGE}/new", **FIELDS, choice_2="person:101", choice_3="number", detail_3="0912 000 0000")
    assert answer.status_code == 303
    (menu,) = of_bakery(house).values()
    assert dict(menu.keys) == {
        "1": Choice("queue"), "2": Choice("person", "101"), "3": Choice("number", "+989120000000"),
    }  # fmt: skip
    page = ana.get(answer.location).text
    assert '<option value="person:101" selected>' in page
    assert 'value="+989120000000"' in page
    ana.send(answer.location, **FIELDS, choice_4="announcement", detail_4="We are at the square.", direct_dial="1")
    (menu,) = of_bakery(house).values()
    assert dict(menu.keys) == {"1": Choice("queue"), "4": Choice("announcement", "We are at the square.")}
    assert menu.direct_dial
    ana.send(f"{answer.location}/delete")
    assert of_bakery(house) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": ""}, "1000 characters"),
        ({"choice_3": "number", "detail_3": "soon"}, "country code"),
        ({"choice_3": "announcement"}, "announcement:what is said"),
        ({"tries": "none"}, "a whole number from 1 to 9"),
        ({"choice_3": "menu:nowhere"}, "a menu of this business"),
    ],
)
def test_what_is_wrong_is_said_beside_its_key_and_what_was_typed_stays(house, ana, change, said):
    answer = ana.send(f"{PAGE}/new", **FIELDS | change)
    assert answer.status_code == 422
    assert said.lower() in answer.text.lower()
    assert 'value="Main"' in answer.text
    assert of_bakery(house) == {}


def test_a_menu_that_leads_to_itself_is_refused_in_a_sentence(house, ana):
    ana.send(f"{PAGE}/new", **FIELDS)
    ana.send(f"{PAGE}/new", **FIELDS | {"name": "Inner", "plays": "submenu", "choice_1": "menu:main"})
    answer = ana.send(f"{PAGE}/main", **FIELDS | {"choice_2": "menu:inner"})
    assert answer.status_code == 422
    assert "These menus lead round in a circle: Main → Inner → Main." in answer.text
    assert dict(of_bakery(house)["main"].keys) == {"1": Choice("queue")}


def test_a_menu_and_its_announcements_take_sounds_like_other_prompts(house, ana, sound):
    ana.send(f"{PAGE}/new", **FIELDS, choice_4="announcement", detail_4="We are at the square.")
    page = ana.get("/settings/announcements/bakery").text
    assert "Menu: Main" in page
    assert "We are at the square." in page
    file = (__import__("io").BytesIO(sound), "menu.wav")
    ana.send("/settings/announcements/bakery/menu-main_4/upload", sound=file)
    assert prompts.own_sound(house.db, "bakery", "menu-main_4", "en") is not None
    ana.send(f"{PAGE}/main/delete")
    assert prompts.own_sound(house.db, "bakery", "menu-main_4", "en") is None


def test_the_dry_run_answers_in_words_by_the_rules_of_calls(house, ana):
    with transaction(house.db) as db:
        businesses.update_business(db, "bakery", hours={"sat-thu": "09:00-18:00"})
    ana.send(f"{PAGE}/new", **FIELDS, choice_2="person:101")
    closed = ana.get(f"{PAGE}?day=2026-12-04&time=18:05").text
    assert "It is closed (the weekly hours). The caller is told so." in closed
    opened = ana.get(f"{PAGE}?day=2026-12-05&time=10:00&from=09121234567").text
    assert "Key 2:" in opened
    assert "Ben Berg (101) is rung" in opened
    assert ana.get(f"{PAGE}?day=2026-12-05&time=noon").status_code == 422


def test_a_persian_day_is_understood_and_shown(house, ana):
    ana.send("/me/language", chosen="fa")
    assert 'value="۱۴۰۵/۰۹/۱۴"' in ana.get(f"{PAGE}?day=۱۴۰۵/۰۹/۱۴&time=10:00").text


def test_menus_beyond_the_wall_are_not_there(house, ana, ben):
    assert ben.get(PAGE).status_code == 403
    assert ana.get("/settings/menus/nowhere").status_code == 404
    assert ana.get(f"{PAGE}/nowhere").status_code == 404
