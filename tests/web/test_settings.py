"""The owner's settings: saved, refused beside the field, gone, twice."""

import re

import pytest

from appliance.agents import service as agents
from appliance.businesses import service as businesses
from appliance.contacts import service as contacts
from appliance.extensions import service as extensions
from appliance.lines import service as lines
from appliance.lines.models import TrunkState
from appliance.office import service as offices
from appliance.store import transaction
from web.home.reach import Seen, judge

BUSINESS = {"name": "Nasim Bakery", "language": "fa", "timezone": "", "ring_seconds": "25",
            "voicemail_seconds": "60", "numbers": "+982188001122\n021 8800 9999",
            "messages_to": "a@example.com\nb@example.com",
            "always_open": "1", "answer_as": "Hello"}  # fmt: skip


def test_a_business_is_changed(house, ana):
    assert ana.send("/settings/businesses/bakery", **BUSINESS).status_code == 303
    kept = businesses.get_business(house.db, "bakery")
    assert (kept.language, kept.ring_seconds, kept.numbers) == ("fa", 25, ("+982188001122", "+982188009999"))
    assert kept.messages_to == ("a@example.com", "b@example.com")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("ring_seconds", "0"),
        ("ring_seconds", "soon"),
        ("messages_to", "no address"),
        ("timezone", "Mars/Base"),
        ("numbers", "12"),
    ],
)
def test_a_wrong_field_of_a_business_is_told_beside_it(house, ana, field, value):
    answer = ana.send("/settings/businesses/bakery", **{**BUSINESS, field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert businesses.get_business(house.db, "bakery").language == "en"


def test_a_number_of_another_business_is_refused(ana):
    answer = ana.send("/settings/businesses/bakery", **{**BUSINESS, "numbers": "+982188003344"})
    assert "belongs to" in answer.text
    assert "Rose Clinic" in answer.text


def test_a_business_is_added_and_removed(house, ana):
    ana.send("/settings/businesses/new", **{**BUSINESS, "name": "Third", "numbers": ""})
    assert businesses.get_business(house.db, "third")
    assert ana.send("/settings/businesses/third/delete").status_code == 303
    assert ana.send("/settings/businesses/third/delete").status_code == 404


def test_a_business_with_calls_cannot_be_removed(ana, a_call):
    a_call("answered")
    assert ana.send("/settings/businesses/bakery/delete").status_code == 409


def test_a_line_is_added_changed_and_removed_and_its_password_is_never_shown(house, ana):
    ana.send(
        "/settings/lines/new",
        name="Main",
        kind="register",
        host="sip.example.com",
        username="u",
        password="very-secret",
        transport="tcp",
    )
    assert lines.get_trunk(house.db, "main").transport == "tcp"
    assert "very-secret" not in ana.get("/settings/lines/main").text
    ana.send(
        "/settings/lines/main", kind="register", host="sip.example.com", username="v", password="", transport="udp"
    )
    assert (lines.get_trunk(house.db, "main").username, lines.get_trunk(house.db, "main").password) == (
        "v",
        "very-secret",
    )
    ana.send("/settings/lines/main/delete")
    assert ana.get("/settings/lines/main").status_code == 404


def test_an_agent_is_added_with_a_phone_account(house, ana):
    page = ana.get(
        ana.send(
            "/settings/agents/new", name="Dina Dar", extension="109", serves_bakery="dedicated", serves_clinic=""
        ).location
    ).text
    assert agents.get_agent(house.db, "dina").serves == {"bakery": "dedicated"}
    assert extensions.get_extension(house.db, "109").sip_password in page


def test_an_extension_that_is_taken_is_refused_beside_its_field(ana):
    answer = ana.send("/settings/agents/new", name="Dina", extension="101")
    assert answer.status_code == 422
    assert 'id="extension-error"' in answer.text


def test_an_agents_extension_and_businesses_are_changed(house, ana):
    ana.send("/settings/agents/ben", name="Ben B.", extension="150", email="", serves_bakery="", serves_clinic="shared")
    agent = agents.get_agent(house.db, "ben")
    assert (agent.name, agent.extension, agent.serves) == ("Ben B.", "150", {"clinic": "shared"})


def test_a_phone_gets_a_new_password(house, ana):
    before = extensions.get_extension(house.db, "101").sip_password
    ana.send("/settings/agents/ben/password")
    assert extensions.get_extension(house.db, "101").sip_password != before


def test_an_agent_is_removed_with_the_phone_account(house, ana):
    ana.send("/settings/agents/ben/delete")
    assert ana.get("/settings/agents/ben").status_code == 404
    assert [e.extension for e in extensions.list_extensions(house.db)] == ["102"]


def test_ringing_a_phone_while_the_core_is_away_says_so(ana):
    answer = ana.send("/settings/agents/ben/ring")
    assert answer.status_code == 503
    assert "The office is not answering" in answer.text


def test_the_mail_server_is_set_and_its_password_kept(house, ana):
    fields = {
        "smtp_host": "smtp.example.com",
        "smtp_port": "587",
        "smtp_from": "f@example.com",
        "smtp_username": "u",
        "smtp_security": "starttls",
    }
    ana.send("/settings/mail", **fields, smtp_password="mail-secret")
    ana.send("/settings/mail", **fields, smtp_password="")
    assert offices.get_office(house.db).smtp_password == "mail-secret"
    assert "mail-secret" not in ana.get("/settings/mail").text
    answer = ana.send("/settings/mail", **{**fields, "smtp_from": ""})
    assert 'id="smtp_from-error"' in answer.text


def test_a_test_mail_goes_through_the_outbox(house, ana):
    ana.send("/settings/mail/test", recipient="ana@example.com")
    assert house.db.execute("SELECT recipient FROM outbox").fetchone()[0] == "ana@example.com"
    assert "ana@example.com" in ana.get("/settings/mail").text


def test_the_office_is_changed_and_a_wrong_time_zone_refused(house, ana):
    assert (
        ana.send("/settings/office", name="N", language="ms", timezone="Asia/Kuala_Lumpur", owner_email="").status_code
        == 303
    )
    answer = ana.send("/settings/office", name="N", language="ms", timezone="Asia/Teheran", owner_email="")
    assert 'id="timezone-error"' in answer.text or "timezone" in answer.text
    assert "Asia/Tehran" in answer.text  # did you mean


def test_a_greeting_is_uploaded_and_taken_away(ana, sound):
    import io

    ana.send("/settings/announcements/bakery/closed/upload", sound=(io.BytesIO(sound), "c.wav"))
    assert "your own sound" in ana.get("/settings/announcements/bakery").text
    for _twice in range(2):
        ana.send("/settings/announcements/bakery/closed/remove")
    assert "your own sound" not in ana.get("/settings/announcements/bakery").text
    assert (
        ana.send("/settings/announcements/bakery/goodness/upload", sound=(io.BytesIO(sound), "c.wav")).status_code
        == 303
    )


# --- can callers reach us ---


def _seen(house, **changes):
    of = {"core_up": True, "trunks": [TrunkState("primary", "up")], "numbers": 1,
          "agents": agents.list_agents(house.db), "registered": frozenset({"101"}), "open_now": True}  # fmt: skip
    return judge(Seen(**{**of, **changes}))


@pytest.mark.parametrize(
    ("changes", "tone", "words"),
    [
        ({}, "good", "You are reachable."),
        ({"core_up": False}, "bad", "not running"),
        ({"trunks": [TrunkState("primary", "down", "wrong password")]}, "bad", "no line is up"),
        ({"trunks": [TrunkState("a", "up"), TrunkState("b", "down", "x")]}, "warn", "not over every line"),
        ({"registered": frozenset()}, "warn", "leave a message"),
        ({"agents": []}, "warn", "leave a message"),
        ({"open_now": False}, "good", "closed now"),
        ({"trunks": []}, "warn", "Only phones in this house"),
    ],
)
def test_the_home_page_says_truly_whether_callers_reach_somebody(house, changes, tone, words):
    reach = _seen(house, **changes)
    assert reach.tone == tone
    assert words in reach.sentence


def test_unanswered_callers_stand_on_home_until_somebody_spoke_with_them(ana, a_call):
    a_call("missed")
    assert "Nobody was left unanswered." not in ana.get("/home").text
    a_call("answered")
    assert "Nobody was left unanswered." in ana.get("/home").text


def test_whom_we_called_and_did_not_reach_is_no_unanswered_caller(ana, a_call):
    a_call("missed", direction="outbound", caller="101")
    assert "Nobody was left unanswered." in ana.get("/home").text


def test_what_waits_to_be_sent_is_a_part_of_its_own_and_can_be_stopped(house, ana, a_message):
    a_message()
    page = ana.get("/settings/mail")
    part = ana.get("/settings/mail", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert 'hx-trigger="sse:outbox' in part.text
    assert "ana@example.com" in part.text
    [address] = re.findall(r'action="(/messages/mails/[^"]+/cancel)"', page.text)
    assert ana.send(address).status_code == 303
    assert "Everything has been sent." in ana.get("/settings/mail").text


def test_the_next_page_of_blocked_contacts_holds_blocked_ones(house, ana):
    with transaction(house.db) as db:
        for number in range(51):
            contacts.set_blocked(db, "bakery", f"+9891200000{number:02d}", blocked=True)
    address = re.search(r'href="(/contacts/[^"]*offset=50[^"]*)"', ana.get("/contacts/?blocked=on").text)
    assert address
    assert "blocked=on" in address[1]


@pytest.mark.parametrize(("reason", "word"), [("no answer", "firewall"), ("wrong password", "password")])
def test_home_tells_of_a_dead_line_what_helps_for_its_reason(house, reason, word):
    dead = Seen(True, [TrunkState("primary", "down", reason, "")], 1, [], frozenset(), True)
    with house.app.test_request_context():
        [problem] = [p for p in judge(dead).problems if p.page == "lines.index"]
    assert word in problem.hint
