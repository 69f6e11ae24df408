"""An owner of one business, on every page there is: nothing of the others is seen or changed."""

import re

import pytest

from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.extensions import service as extensions
from appliance.menus import service as menus
from appliance.store import transaction
from web.auth import OUTSIDE, OWN_GUARD

PASSWORD = "correct horse battery"


@pytest.fixture
def eva(house):
    """Owns the clinic alone; Dan answers for the clinic and for the bakery."""
    with transaction(house.db) as db:
        extensions.create_extension(db, "103", name="Dan")
        agents.create_agent(db, "dan", "Dan", "103", {"bakery": "shared", "clinic": "shared"})
        accounts.create_user(db, login="eva", name="Eva", role="owner", password=PASSWORD, businesses=["clinic"])
    return house.signed_in("eva")


def _password(house, extension):
    return extensions.get_extension(house.db, extension).sip_password


def test_no_page_shows_anything_of_another_business(house, eva, a_call, a_message, a_recording):
    call_id = a_call("answered")
    recording_id, message_id = a_recording(call_id), a_message()
    values = {
        **dict.fromkeys(("trunk_id", "user_id", "secret", "token_id", "session_hash", "contact_id", "service_id"), "x"),
        "business_id": "bakery", "agent_id": "dan", "call_id": call_id, "message_id": message_id,
        "menu_id": "main", "delivery_id": "x", "appointment_id": "x", "recording_id": recording_id,
        "prompt": "greeting",
    }  # fmt: skip
    with transaction(house.db) as db:
        menus.save_menu(db, "main", "bakery", name="Dov", text="Dov", keys={"1": "queue"})
    secret = [_password(house, extension) for extension in ("101", "103")]
    looked = 0
    with house.app.test_request_context():
        addresses = [
            rule.build({k: v for k, v in values.items() if k in rule.arguments})[1]
            for rule in house.app.url_map.iter_rules()
            if "GET" in (rule.methods or ())
            and rule.endpoint not in (*OUTSIDE, "live.listen")
            and rule.endpoint.partition(".")[0] not in OWN_GUARD
        ]
    for address in addresses:
        answer = eva.get(address)
        assert answer.status_code != 500, address
        assert answer.mimetype != "audio/wav", address
        for word in ("Nasim Bakery", "982188001122", "+989121234567", "Dov", *secret):
            assert word not in answer.text, (address, word)
        looked += 1
    assert looked > 40


def test_a_menu_of_theirs_rings_no_phone_beyond_the_wall(house, eva):
    fields = {"name": "Main", "text": "Press.", "plays": "open", "timeout_seconds": "5", "tries": "3"}
    page = "/settings/menus/clinic/new"
    assert "person:101" not in eva.get(page).text
    for key in ("1", "otherwise"):
        answer = eva.send(page, **{"choice_otherwise": "queue", **fields, f"choice_{key}": "person:101"})
        assert answer.status_code == 422
    assert menus.list_menus(house.db, "clinic") == []


@pytest.mark.parametrize(
    ("step", "fields"),
    [
        ("business", {"name": "Mine", "language": "en", "always_open": "1"}),
        ("greeting", {"source": "spoken", "greeting": "mine"}),
        ("number", {"kind": "later", "numbers": ""}),
        ("agent", {"name": "Mine", "extension": "199", "who": "me"}),
        ("done/link", {}),
    ],
)
def test_the_wizard_is_not_for_an_owner_of_some(house, eva, step, fields):
    before = businesses.get_business(house.db, "bakery")
    assert eva.send(f"/set-up/{step}", **fields).status_code == 403
    assert businesses.get_business(house.db, "bakery") == before


@pytest.mark.parametrize(("what", "fields"), [("password", {}), ("ring", {}), ("status", {"status": "logged_out"})])
def test_the_phone_of_an_agent_who_also_answers_for_others_is_left_alone(house, eva, what, fields):
    before = _password(house, "103")
    assert eva.send(f"/settings/agents/dan/{what}", **fields).status_code == 403
    assert _password(house, "103") == before
    assert agents.get_agent(house.db, "dan").status == "available"


def test_whom_a_shared_agent_serves_is_changed_within_the_wall_alone(house, eva):
    fields = {"name": "Taken", "extension": "999", "serves_clinic": "dedicated", "serves_bakery": ""}
    assert eva.send("/settings/agents/dan", **fields).status_code == 303
    dan = agents.get_agent(house.db, "dan")
    assert (dan.name, dan.extension, dan.serves) == ("Dan", "103", {"bakery": "shared", "clinic": "dedicated"})


def test_ones_own_agent_keeps_a_whole_page(house, eva):
    page = eva.get("/settings/agents/cleo").text
    assert _password(house, "102") in page
    assert eva.send("/settings/agents/cleo/password").status_code == 303


def test_no_foreign_phone_is_rung_to_record_an_announcement(house, eva, monkeypatch):
    asked = []
    monkeypatch.setattr("web.core.CoreClient.ask", lambda _self, do, **values: asked.append(do) or {})
    eva.send("/settings/announcements/clinic/greeting/record", extension="101")
    assert "record-prompt" not in asked
    eva.send("/settings/announcements/clinic/greeting/record", extension="102")
    assert "record-prompt" in asked


def test_an_owner_whose_business_is_removed_sees_nothing_rather_than_everything(house, ana, a_call):
    with transaction(house.db) as db:
        businesses.create_business(db, "kiosk", name="Kiosk", language="en")
        user = accounts.create_user(db, login="kim", name="Kim", role="owner", password=PASSWORD, businesses=["kiosk"])
    kim, call_id = house.signed_in("kim"), a_call("answered")
    assert ana.send("/settings/businesses/kiosk/delete").status_code == 303
    assert kim.get(f"/calls/{call_id}").status_code == 404
    assert kim.get("/settings/people").status_code == 403
    ana.send(f"/settings/people/{user.user_id}", login="kim", name="Kim Kay")
    assert kim.get(f"/calls/{call_id}").status_code == 404
    ana.send(f"/settings/people/{user.user_id}", login="kim", name="Kim", limited_to="bakery")
    assert kim.get(f"/calls/{call_id}").status_code == 200
    assert kim.get("/settings/businesses/clinic").status_code == 404


def test_no_page_leads_an_owner_of_some_to_a_closed_door(house, eva, a_call, a_message):
    a_call("missed", business="clinic", agent="cleo")
    a_message("clinic")
    seen, todo = set(), ["/home"]
    while todo:
        address = todo.pop()
        answer = eva.get(address, follow_redirects=True)
        assert answer.status_code == 200, address
        if answer.mimetype == "text/html":
            links = {link.partition("#")[0] for link in re.findall(r'<a [^>]*href="(/[^"]*)"', answer.text)}
            fresh = {link for link in links if "?" not in link and not link.startswith("/api")} - seen
            seen |= fresh
            todo += sorted(fresh)
    assert {"/settings/agents/dan", "/settings/businesses/clinic", "/settings/audit"} <= seen


def test_what_is_wrong_with_others_is_not_told(house, eva, ana):
    with transaction(house.db) as db:
        businesses.create_business(db, "kiosk", name="Kiosk", language="en")
    assert "Kiosk has no number" in ana.get("/health/").text
    assert eva.get("/health/").status_code == 403
    assert "/health/" not in eva.get("/home").text
