"""Signing in and out, throttling, sessions, links, the token."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from appliance import clock
from appliance.accounts import service as accounts
from appliance.accounts.signing_in import FREE_BY_ADDRESS
from appliance.store import transaction
from web.accounts.audit_log import words_for
from web.app import create_app

PASSWORD = "correct horse battery"


@pytest.fixture
def later():
    """Moves the clock on."""
    begun = clock.now()

    def move(**how: float) -> None:
        clock.use(lambda: begun + timedelta(**how))

    yield move
    clock.use(None)


def test_owner_lands_on_home_and_agent_on_the_console(house):
    assert house.signed_in("ana").get("/").location == "/home"
    assert house.signed_in("ben").get("/").location == "/console/"


def test_wrong_password_and_unknown_name_are_told_the_same(house):
    browser = house.client()
    wrong = browser.send("/sign-in", login="ana", password="something else")
    unknown = browser.send("/sign-in", login="nobody", password="something else")
    assert wrong.status_code == unknown.status_code == 422
    assert "The name or the password is not right." in wrong.text
    assert "The name or the password is not right." in unknown.text
    assert 'value="ana"' in wrong.text  # what was typed is kept


def test_a_person_who_was_sent_to_sign_in_comes_back_to_their_page(house):
    browser = house.client()
    address = browser.get("/messages/?show=all").location
    assert "next=" in address
    answer = browser.send("/sign-in", login="ana", password=PASSWORD, next="/messages/?show=all")
    assert answer.location == "/messages/?show=all"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t\\evil.example",
        "/\r//evil.example",
        "/\t/evil.example",
        "//[x",
        "",
    ],
)
def test_nobody_is_sent_to_a_foreign_page(house, target):
    answer = house.client().send("/sign-in", login="ana", password=PASSWORD, next=target)
    assert answer.location == "/"


def test_failed_sign_ins_must_wait_and_the_right_password_too(house, later):
    browser = house.client()
    for _n in range(5):
        assert browser.send("/sign-in", login="ana", password="guess").status_code == 422
    refused = browser.send("/sign-in", login="ana", password=PASSWORD)
    assert refused.status_code == 403
    assert "Too many attempts" in refused.text
    later(seconds=31)
    assert browser.send("/sign-in", login="ana", password=PASSWORD).status_code == 303


def test_one_address_cannot_try_many_names(house):
    browser = house.client()
    for n in range(25):
        assert browser.send("/sign-in", login=f"name{n}", password="guess").status_code == 422
    assert browser.send("/sign-in", login="ana", password=PASSWORD).status_code == 403


def test_waiting_grows_with_every_failure():
    waits = [accounts.wait_seconds(n, 5, 0) for n in range(12)]
    assert waits[:5] == [0] * 5
    assert waits[5:9] == [30, 60, 120, 240]
    assert max(waits) == 900


def test_signing_in_needs_the_token(house):
    answer = house.client().http.post("/sign-in", data={"login": "ana", "password": PASSWORD})
    assert answer.status_code == 422
    assert "open for too long" in answer.text


def test_the_token_of_one_session_does_not_open_another(house):
    ana, ben = house.signed_in("ana"), house.signed_in("ben")
    answer = ben.http.post("/me/language", data={"chosen": "fa", "csrf_token": ana.token()})
    assert answer.status_code == 422


def test_the_session_cookie_is_out_of_reach_of_scripts_and_named_by_port(house):
    answer = house.client().send("/sign-in", login="ana", password=PASSWORD)
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("frontdesk_session_18080="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    secret = cookie.partition("=")[2].partition(";")[0]
    assert not house.db.execute("SELECT 1 FROM sessions WHERE session_hash = ?", [secret]).fetchone()


def test_signing_out_ends_the_session_on_the_box(house, ana):
    assert ana.send("/sign-out").status_code == 303
    assert ana.get("/home").status_code == 303
    assert house.db.execute("SELECT COUNT(*) FROM sessions").fetchone()[0] == 0
    assert ana.send("/sign-out").status_code == 303  # twice is out


def test_signing_out_everywhere_ends_every_browser(house, ana):
    other = house.signed_in("ana")
    ana.send("/me/sign-out-everywhere")
    assert other.get("/home").status_code == 303


def test_agents_session_ends_after_twelve_quiet_hours_and_owners_does_not(house, ana, ben, later):
    later(hours=12, minutes=1)
    assert ben.get("/console/").status_code == 303
    assert ana.get("/home").status_code == 200
    later(days=29)
    assert ana.get("/home").status_code == 200  # slid on
    later(days=60)
    assert ana.get("/home").status_code == 303


def test_a_disabled_person_is_out_at_once(house, ana, ben):
    user = accounts.find_user(house.db, "ben")
    ana.send(f"/settings/people/{user.user_id}/disable")
    assert ben.get("/console/").status_code == 303
    assert house.client().send("/sign-in", login="ben", password=PASSWORD).status_code == 422
    ana.send(f"/settings/people/{user.user_id}/enable")
    assert house.client().send("/sign-in", login="ben", password=PASSWORD).status_code == 303


def test_the_last_owner_cannot_be_disabled(house, ana):
    user = accounts.find_user(house.db, "ana")
    answer = ana.send(f"/settings/people/{user.user_id}/disable")
    assert answer.status_code == 409


def test_a_changed_password_signs_every_other_browser_out(house, ana):
    other = house.signed_in("ana")
    answer = ana.send("/me/password", old=PASSWORD, password="another long secret", again="another long secret")
    assert answer.status_code == 303
    assert ana.get("/home").status_code == 200
    assert other.get("/home").status_code == 303


def test_a_password_is_not_changed_without_the_old_one(ana):
    answer = ana.send("/me/password", old="wrong", password="another long secret", again="another long secret")
    assert answer.status_code == 422
    assert "This is not your password." in answer.text


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", ""])
def test_a_weak_password_is_refused_beside_its_field(ana, password):
    answer = ana.send("/me/password", old=PASSWORD, password=password, again=password)
    assert answer.status_code == 422
    assert 'id="password-error"' in answer.text


# --- links ---


@pytest.fixture
def link(house):
    with transaction(house.db) as db:
        return "/password/" + accounts.create_link(db, "password", accounts.find_user(db, "ben").user_id)


def test_a_password_link_works_once(house, link):
    browser = house.client()
    assert "Ben Berg" in browser.get(link).text
    assert browser.send(link, password="another long secret", again="another long secret").location == "/"
    assert house.client().get(link).status_code == 404
    assert house.client().send("/sign-in", login="ben", password="another long secret").status_code == 303


def test_a_password_link_grows_old(house, link, later):
    later(days=3)
    answer = house.client().get(link)
    assert answer.status_code == 404
    assert "This link can no longer be used" in answer.text


def test_a_new_link_ends_the_one_before(house, link):
    with transaction(house.db) as db:
        accounts.create_link(db, "password", accounts.find_user(db, "ben").user_id)
    assert house.client().get(link).status_code == 404


def test_an_invited_person_chooses_a_password_and_is_in(house, ana):
    page = ana.send("/settings/people", name="Dina", login="dina@example.com", kind="owner").text
    secret = page.partition("/password/")[2][:43]
    browser = house.client()
    assert (
        browser.send(f"/password/{secret}", password="four words in row", again="four words in row").status_code == 303
    )
    assert browser.get("/home").status_code == 200


def test_a_name_that_is_taken_is_refused_beside_its_field(ana):
    answer = ana.send("/settings/people", name="X", login="BEN", kind="owner")
    assert answer.status_code == 409 or "login-error" in answer.text
    assert "already" in answer.text


# --- API tokens ---


def test_a_token_is_shown_once_and_can_be_ended(house, ana):
    page = ana.send("/settings/tokens", name="crm").text
    text = "fd_" + page.partition("fd_")[2][:43]
    assert accounts.check_token(house.db, text).name == "crm"
    assert text not in ana.get("/settings/tokens").text
    assert "already" in ana.send("/settings/tokens", name="crm").text
    token = accounts.check_token(house.db, text)
    ana.send(f"/settings/tokens/{token.token_id}/revoke")
    assert accounts.check_token(house.db, text) is None


def test_what_people_do_is_in_the_audit_log(ana, ben):
    text = ana.get("/settings/audit").text
    assert "Ben Berg" in text
    assert "signed in" in text


def test_a_stranger_cannot_fill_the_store_with_long_names(house):
    house.client().send("/sign-in", login="x" * 100_000, password="y")
    longest = house.db.execute("SELECT MAX(LENGTH(key)) FROM login_failures").fetchone()[0]
    assert longest < 200


def test_every_action_that_is_written_down_has_plain_words(house):
    marked = re.compile(r'(?:audit|_note)\(\s*(?:open_db,\s*|db\(\),\s*)?"([a-z.-]+)"|action="([a-z]+[.-][a-z.-]+)"')
    root = Path(__file__).parents[2]
    actions = set()
    for folder in ("web", "appliance/commands"):
        for file in (root / folder).rglob("*.py"):
            actions |= {first or second for first, second in marked.findall(file.read_text())}
    assert {"office-file.apply", "agent.status", "token.create", "contact.view", "mail.cancelled"} <= actions
    with house.app.test_request_context():
        assert [a for a in sorted(actions) if words_for(a) == a] == []


def test_the_log_names_people_and_tokens_not_their_ids(house, ana):
    user = accounts.find_user(house.db, "cleo")
    ana.send(f"/settings/people/{user.user_id}/disable")
    ana.send("/settings/tokens", name="till")
    [token] = accounts.list_tokens(house.db)
    ana.send(f"/settings/tokens/{token.token_id}/revoke")
    page = ana.get("/settings/audit").text
    assert user.user_id not in page
    assert token.token_id not in page
    assert "<bdi>cleo</bdi>" in page


def test_behind_a_proxy_one_stranger_does_not_shut_out_everybody(house):
    app = create_app(replace(house.settings, proxy="127.0.0.1"))
    browser = type(house.client())(app)
    for attempt in range(FREE_BY_ADDRESS + 2):
        headers = {"X-Forwarded-For": "6.6.6.6, 203.0.113.9", "X-Forwarded-Proto": "https"}
        browser.send("/sign-in", headers=headers, login=f"nobody{attempt}", password="wrong")
    answer = browser.send("/sign-in", headers={"X-Forwarded-For": "203.0.113.10"}, login="ana", password=PASSWORD)
    assert answer.status_code == 303
    assert {entry.address for entry in accounts.list_audit(house.db)[0]} == {"203.0.113.9", "203.0.113.10"}


def test_nobody_but_the_proxy_is_believed_on_their_address(house):
    for app in (house.app, create_app(replace(house.settings, proxy="203.0.113.1"))):
        type(house.client())(app).send(
            "/sign-in", headers={"X-Forwarded-For": "9.9.9.9"}, login="ana", password=PASSWORD
        )
    assert {entry.address for entry in accounts.list_audit(house.db)[0]} == {"127.0.0.1"}


def test_a_link_opens_nothing_for_a_person_whose_access_is_closed(house, ana):
    user = accounts.find_user(house.db, "cleo")
    ana.send(f"/settings/people/{user.user_id}/disable")
    assert "/link" not in ana.get(f"/settings/people/{user.user_id}").text
    with transaction(house.db) as db:
        secret = accounts.create_link(db, "password", user.user_id)
    assert house.client().get(f"/password/{secret}").status_code == 404
