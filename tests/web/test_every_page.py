"""Every page of the house, for everybody: who gets it, and that it is whole."""

from collections.abc import Callable

import pytest
from werkzeug.routing import Rule

from web.auth import ANYONE, OUTSIDE, OWN_GUARD

OWNER_PAGES = [
    "/home", "/calls/", "/messages/", "/messages/?show=all", "/contacts/", "/settings/",
    "/appointments/", "/appointments/new", "/appointments/services",
    "/settings/office", "/settings/mail", "/settings/businesses/", "/settings/businesses/new", "/settings/hours/bakery",
    "/settings/menus/bakery", "/settings/menus/bakery/new",
    "/settings/businesses/bakery", "/settings/lines/",
    "/settings/lines/new", "/settings/agents/", "/settings/agents/new", "/settings/agents/ben",
    "/settings/announcements/",
    "/settings/announcements/bakery", "/settings/people", "/settings/tokens", "/settings/audit", "/health/", "/me",
    "/set-up/office", "/set-up/business", "/set-up/greeting", "/set-up/number", "/set-up/agent", "/set-up/done",
]  # fmt: skip
AGENT_PAGES = ["/console/", "/calls/", "/messages/", "/contacts/", "/appointments/", "/appointments/new", "/me"]


@pytest.mark.parametrize("address", OWNER_PAGES)
def test_owner_gets_every_page_of_theirs(ana, address):
    answer = ana.get(address)
    assert answer.status_code == 200, answer.text
    assert "</html>" in answer.text


@pytest.mark.parametrize("address", AGENT_PAGES)
def test_agent_gets_every_page_of_theirs(ben, address):
    answer = ben.get(address)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("address", [a for a in OWNER_PAGES if a not in AGENT_PAGES and "messages" not in a])
def test_agent_is_refused_the_owners_pages(ben, address):
    assert ben.get(address).status_code == 403


@pytest.mark.parametrize("address", sorted({*OWNER_PAGES, *AGENT_PAGES}))
def test_nobody_signed_in_is_sent_to_sign_in(house, address):
    answer = house.client().get(address)
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in")


@pytest.mark.parametrize("language", ["en", "fa", "ru", "ms"])
def test_every_page_stands_in_every_language(ana, language):
    ana.send("/me/language", chosen=language)
    for address in OWNER_PAGES:
        answer = ana.get(address)
        assert answer.status_code == 200, address
        assert f'lang="{language}"' in answer.text
        assert f'dir="{"rtl" if language == "fa" else "ltr"}"' in answer.text


def _rules(house) -> list[Rule]:
    return [
        r for r in house.app.url_map.iter_rules()
        if r.endpoint not in OUTSIDE and r.endpoint.partition(".")[0] not in OWN_GUARD
    ]  # fmt: skip


def test_every_route_says_who_may_use_it(house):
    for rule in _rules(house):
        assert house.app.view_functions[rule.endpoint].frontdesk_roles, rule


def test_a_route_without_a_role_stops_the_start(house):
    from web.auth import RouteWithoutRole, check_roles

    house.app.view_functions["calls.index"] = lambda: ""
    with pytest.raises(RouteWithoutRole, match="/calls/"):
        check_roles(house.app)


def test_only_the_doors_are_open_to_anyone(house):
    open_to_all = {r.endpoint for r in _rules(house) if ANYONE in house.app.view_functions[r.endpoint].frontdesk_roles}
    assert open_to_all == {
        "home.start", "accounts.sign_in", "accounts.sign_out", "accounts.choose_password", "set_up.begin",
    }  # fmt: skip


def test_every_change_needs_the_token(house, ana):
    ids = (
        "secret",
        "user_id",
        "token_id",
        "session_hash",
        "call_id",
        "message_id",
        "delivery_id",
        "trunk_id",
        "appointment_id",
        "service_id",
        "menu_id",
    )
    values = {**dict.fromkeys(ids, "x"), "business_id": "bakery", "prompt": "greeting", "agent_id": "ben"}
    changes = [r for r in _rules(house) if "POST" in (r.methods or ())]
    assert len(changes) > 30
    with house.app.test_request_context():
        addresses = [r.build({k: v for k, v in values.items() if k in r.arguments})[1] for r in changes]
    for address in addresses:
        answer = ana.http.post(address)
        assert answer.status_code in (422, 403), (address, answer.status_code)
        if answer.status_code == 422:
            assert "open for too long" in answer.text, address


def test_no_page_carries_inline_script_or_style(ana):
    for address in OWNER_PAGES:
        text = ana.get(address).text
        assert "<style" not in text, address
        assert " style=" not in text, address
        assert " onclick=" not in text, address
        assert "<script>" not in text, address


def test_every_answer_carries_the_guarding_headers(ana, core_up: Callable[[], None]):
    head = ana.get("/calls/").headers
    assert "default-src 'none'" in head["Content-Security-Policy"]
    assert "unsafe" not in head["Content-Security-Policy"]
    assert head["X-Content-Type-Options"] == "nosniff"
    assert head["X-Frame-Options"] == "DENY"
    assert head["Cache-Control"] == "no-store"
    assert "HX-Request" in head["Vary"]


def test_what_is_not_there_is_said_kindly(ana):
    answer = ana.get("/nothing-here")
    assert answer.status_code == 404
    assert "There is nothing here." in answer.text


def test_a_fault_is_a_page_too(house, ana, monkeypatch):
    def fail(*_a: object, **_k: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("web.health.routes.health.run_checks", fail)
    answer = ana.get("/health/")
    assert answer.status_code == 500
    assert "Something went wrong in the box" in answer.text
    assert "broken" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        f"/settings/audit?before={10**30}",
        f"/contacts/?offset={10**30}",
        "/contacts/?offset=-1",
        "/calls/?day=9999-12-31",
        "/calls/?until=9999-12-31",
        "/calls/?day=²-1-1",
        "/calls/?day=9378-10-11",
    ],
)
def test_an_address_written_by_hand_is_no_fault(ana, address):
    assert ana.get(address).status_code == 200
