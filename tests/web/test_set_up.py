"""The wizard: from the one-time link to a phone's account; reload, back, twice."""

import io

import pytest

from appliance.accounts import service as accounts
from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.lines import service as lines
from appliance.office import service as offices
from appliance.store import transaction

PASSWORD = "correct horse battery"
OFFICE = {"name": "Nasim House", "language": "en", "timezone": "Asia/Tehran", "owner_email": "ana@example.com"}
BUSINESS = {"name": "Nasim Bakery", "language": "en", "answer_as": "Nasim Bakery, hello?", "always_open": "1"}
AGENT = {"name": "Sara Karimi", "extension": "101", "who": "other", "login": "sara@example.com"}


@pytest.fixture
def link(empty):
    with transaction(empty.db) as db:
        return "/set-up/" + accounts.create_link(db, "set-up")


@pytest.fixture
def owner(empty, link):
    browser = empty.client()
    answer = browser.send(link, login="ana", password=PASSWORD, again=PASSWORD)
    assert answer.status_code == 303, answer.text
    return browser


def _through(browser, *steps):
    for step, fields in steps:
        answer = browser.send(f"/set-up/{step}", **fields)
        assert answer.status_code == 303, (step, answer.text)
    return answer


def test_the_whole_way(empty, owner):
    assert owner.get("/", follow_redirects=True).request.path == "/set-up/office"
    answer = _through(
        owner,
        ("office", OFFICE),
        ("business", BUSINESS),
        ("greeting", {"source": "spoken", "greeting": "Thank you for calling Nasim Bakery."}),
        (
            "number",
            {
                "numbers": "021 8800 1122",
                "kind": "register",
                "host": "sip.carrier.example",
                "username": "u",
                "password": "p",
            },
        ),
        ("agent", AGENT),
    )
    assert answer.location == "/set-up/done"
    text = owner.get("/set-up/done").text
    assert "<svg" in text
    assert "15060" in text
    assert empty.db.execute("SELECT sip_password FROM extensions").fetchone()[0] in text
    business = businesses.list_businesses(empty.db)[0]
    assert (business.business_id, business.numbers, business.messages_to) == (
        "nasim-bakery", ("+982188001122",), ("ana@example.com",)
    )  # fmt: skip
    assert business.greeting == "Thank you for calling Nasim Bakery."
    assert lines.list_trunks(empty.db)[0].kind == "register"
    assert agents.list_agents(empty.db)[0].serves == {"nasim-bakery": "shared"}
    assert offices.get_office(empty.db).set_up_at
    assert owner.get("/").location == "/home"


def test_the_link_stops_working_once_an_owner_has_a_password(empty, owner, link):
    stranger = empty.client()
    assert stranger.get(link).location.startswith("/sign-in")
    assert stranger.get("/set-up/nonsense").status_code == 404
    assert owner.get(link).location == "/"


def test_nobody_gets_in_without_the_link(empty):
    assert empty.client().get("/set-up/guess").status_code == 404
    assert empty.client().get("/set-up/office").status_code == 303
    assert "has not been set up yet" in empty.client().get("/sign-in").text


def test_differing_passwords_are_refused(empty, link):
    answer = empty.client().send(link, login="ana", password=PASSWORD, again="something else")
    assert answer.status_code == 422
    assert "The two passwords differ." in answer.text
    assert accounts.set_up_link_needed(empty.db)


def test_a_language_chosen_on_the_first_page_holds(empty, link):
    browser = empty.client()
    text = browser.get(link + "?language=fa").text
    assert 'dir="rtl"' in text
    assert 'dir="rtl"' in browser.get(link).text
    browser.send(link, login="ana", password=PASSWORD, again=PASSWORD)
    page = browser.get("/set-up/office").text
    assert 'dir="rtl"' in page
    assert '<option value="fa" lang="fa" selected>' in page


def test_the_offices_language_is_the_wizards_from_the_next_step_on(owner):
    _through(owner, ("office", {**OFFICE, "language": "ru"}))
    assert 'lang="ru"' in owner.get("/set-up/business").text


def test_steps_ahead_lead_back_to_what_is_missing(owner):
    for step in ("business", "greeting", "number", "agent", "done"):
        answer = owner.get(f"/set-up/{step}", follow_redirects=True)
        assert answer.request.path == "/set-up/office"


def test_every_step_sent_twice_makes_one_of_each(empty, owner):
    for step, fields in (
        ("office", OFFICE),
        ("business", BUSINESS),
        ("greeting", {"source": "spoken", "greeting": "Hello."}),
        ("number", {"numbers": "+982188001122", "kind": "peer", "peer_host": "192.168.1.20"}),
        ("agent", AGENT),
    ):
        _through(owner, (step, fields), (step, fields))
    counts = [
        empty.db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
        for table in ("office", "businesses", "numbers", "trunks", "extensions", "agents")
    ]
    assert counts == [1] * 6
    assert len(accounts.list_users(empty.db)) == 2


def test_back_shows_what_was_saved(owner):
    _through(owner, ("office", OFFICE), ("business", BUSINESS))
    assert 'value="Nasim House"' in owner.get("/set-up/office").text
    assert 'value="Nasim Bakery"' in owner.get("/set-up/business").text


def test_another_browser_goes_on_where_the_wizard_was_left(empty, owner):
    _through(owner, ("office", OFFICE), ("business", BUSINESS))
    other = empty.client()
    other.send("/sign-in", login="ana", password=PASSWORD)
    assert other.get("/", follow_redirects=True).request.path == "/set-up/greeting"


def test_hours_are_written_shortly(empty, owner):
    hours = {
        f"{d}_{k}": v
        for d in ("mon", "tue", "wed", "sat", "sun")
        for k, v in (("open", "1"), ("begins", "09:00"), ("ends", "18:00"))
    }
    hours |= {
        "thu_open": "1",
        "thu_begins": "09:00",
        "thu_ends": "13:00",
        "thu_begins_again": "15:00",
        "thu_ends_again": "17:00",
    }
    _through(
        owner, ("office", OFFICE), ("business", {**{k: v for k, v in BUSINESS.items() if k != "always_open"}, **hours})
    )
    kept = businesses.list_businesses(empty.db)[0].hours
    assert "09:00-13:00, 15:00-17:00" in kept.values()
    assert not any("fri" in key for key in kept)
    assert 'name="thu_begins_again" value="15:00"' in owner.get("/set-up/business").text


def test_wrong_hours_are_told_beside_their_day(owner):
    _through(owner, ("office", OFFICE))
    answer = owner.send("/set-up/business", name="B", language="en", mon_open="1", mon_begins="09:00", mon_ends="")
    assert answer.status_code == 422
    assert 'id="mon_begins-error"' in answer.text


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"numbers": "12", "kind": "later"}, "numbers-error"),
        ({"numbers": "", "kind": "peer", "peer_host": "192.168.1.1"}, "numbers-error"),
        ({"numbers": "+982188001122"}, "kind-error"),
        ({"numbers": "+982188001122", "kind": "peer", "peer_host": "not a host"}, "peer_host-error"),
        ({"numbers": "+982188001122", "kind": "register", "host": "sip.example"}, "username-error"),
    ],
)
def test_a_wrong_line_is_told_beside_its_field(owner, fields, error):
    _through(owner, ("office", OFFICE), ("business", BUSINESS))
    answer = owner.send("/set-up/number", **fields)
    assert answer.status_code == 422
    assert f'id="{error}"' in answer.text


@pytest.mark.parametrize("number", ["+982188001122", "021 8800-1122", "۰۲۱۸۸۰۰۱۱۲۲", "0098 21 8800 1122"])
def test_a_number_is_understood_as_people_write_it(empty, owner, number):
    _through(owner, ("office", OFFICE), ("business", BUSINESS), ("number", {"numbers": number, "kind": "later"}))
    assert businesses.list_businesses(empty.db)[0].numbers == ("+982188001122",)
    assert lines.list_trunks(empty.db) == []


def test_an_uploaded_greeting_is_kept_and_a_broken_one_refused(owner, sound):
    _through(owner, ("office", OFFICE), ("business", BUSINESS))
    broken = owner.send("/set-up/greeting", source="upload", sound=(io.BytesIO(b"no sound"), "x.wav"))
    assert broken.status_code == 422
    assert 'id="sound-error"' in broken.text
    assert owner.send("/set-up/greeting", source="upload", sound=(io.BytesIO(sound), "g.wav")).status_code == 303
    assert owner.get("/settings/announcements/nasim-bakery/greeting.wav").data[:4] == b"RIFF"


def test_the_greeting_can_be_heard_before_it_is_saved(owner):
    _through(owner, ("office", OFFICE), ("business", BUSINESS))
    answer = owner.send("/settings/announcements/preview", greeting="Good day.", language="en", name="B")
    assert answer.mimetype == "audio/wav"
    assert len(answer.data) > 4000


def test_an_owner_who_answers_gets_a_console(owner):
    _through(owner, ("office", OFFICE), ("business", BUSINESS), ("agent", {**AGENT, "who": "me"}))
    assert owner.get("/console/").status_code == 200


def test_the_agents_link_is_made_on_the_last_page(empty, owner):
    _through(owner, ("office", OFFICE), ("business", BUSINESS), ("agent", AGENT))
    page = owner.send("/set-up/done/link").text
    secret = page.partition("/password/")[2][:43]
    sara = empty.client()
    sara.send(f"/password/{secret}", password="four words in row", again="four words in row")
    assert sara.get("/").location == "/console/"


def test_a_persian_business_gets_an_id_of_machines(empty, owner):
    _through(owner, ("office", {**OFFICE, "language": "fa"}), ("business", {**BUSINESS, "name": "نانوایی نسیم"}),
             ("agent", {**AGENT, "name": "سارا کریمی", "extension": "۱۰۱"}))  # fmt: skip
    assert businesses.list_businesses(empty.db)[0].business_id == "business"
    assert (agents.list_agents(empty.db)[0].agent_id, agents.list_agents(empty.db)[0].extension) == ("agent", "101")


def test_what_the_wizard_changes_is_written_down(empty, owner):
    _through(
        owner,
        ("office", OFFICE),
        ("business", BUSINESS),
        ("greeting", {"source": "spoken", "greeting": "Hello."}),
        ("number", {"numbers": "021 8800 1122", "kind": "later"}),
        ("agent", AGENT),
    )
    done = {entry.action for entry in accounts.list_audit(empty.db)[0]}
    assert {"settings.office", "settings.business", "settings.greeting", "settings.line", "settings.agent"} <= done
