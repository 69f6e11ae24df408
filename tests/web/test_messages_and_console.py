"""Messages, the console, and the form in which nothing typed is lost."""

import json

from appliance.agents import service as agents
from appliance.clock import stamp

FRAGMENT = {"HX-Request": "true"}


def _draft(house):
    row = house.db.execute("SELECT fields FROM message_drafts").fetchone()
    return json.loads(row[0]) if row else None


def _bodies(house):
    return [r[0] for r in house.db.execute("SELECT body FROM messages").fetchall()]


# --- messages ---


def test_a_message_is_marked_done_and_taken_back(house, ana, a_message):
    message_id = a_message()
    assert "Please call back about the cake." in ana.get("/messages/").text
    page = ana.get(ana.send(f"/messages/{message_id}/done").location).text
    assert "Undo" in page
    assert "Please call back about the cake." not in page
    assert ana.send(f"/messages/{message_id}/done").status_code == 303  # twice
    ana.send(f"/messages/{message_id}/open")
    assert "Please call back about the cake." in ana.get("/messages/").text


def test_a_foreign_message_is_not_there(cleo, a_message):
    message_id = a_message()
    assert message_id not in cleo.get("/messages/").text
    assert cleo.get(f"/messages/{message_id}").status_code == 404
    assert cleo.send(f"/messages/{message_id}/done").status_code == 404


def test_a_mail_that_waits_says_why_and_can_be_tried_again(house, ana, cleo, a_message):
    message_id = a_message()
    house.db.execute("UPDATE outbox SET last_error = 'no-smtp'")
    text = ana.get(f"/messages/{message_id}").text
    assert "Waiting: no mail server is set." in text
    delivery_id = house.db.execute("SELECT delivery_id FROM outbox").fetchone()[0]
    assert ana.send(f"/messages/mails/{delivery_id}/retry").status_code == 303
    assert cleo.send(f"/messages/mails/{delivery_id}/retry").status_code == 404


# --- the console ---


def test_the_pop_says_who_is_called_what_to_say_and_who_calls(ana, ben, a_call, core_up):
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler")
    a_call("missed")
    a_call("ringing")
    text = ben.get("/console/card", headers=FRAGMENT).text
    for words in ("Nasim Bakery", "Nasim Bakery, hello?", "Dov Adler", "+98 912 123 4567", "is-ringing"):
        assert words in text
    assert "gave up while waiting" in ben.get("/console/history", headers=FRAGMENT).text


def test_the_pop_is_not_for_another_agent(ben, cleo, a_call):
    call_id = a_call("ringing")
    assert call_id not in cleo.get("/console/card").text
    assert call_id not in cleo.get("/console/waiting").text


def test_the_look_at_a_contact_is_written_down_once_a_call(house, ana, ben, a_call):
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler")
    a_call("ringing")
    for _n in range(3):
        ben.get("/console/card", headers=FRAGMENT)
    assert house.db.execute("SELECT COUNT(*) FROM audit_log WHERE action = 'contact.view'").fetchone()[0] == 1


def test_status_is_set_with_a_reason(house, ben):
    ben.send("/console/status", status="on_break", reason="Lunch")
    agent = agents.get_agent(house.db, "ben")
    assert (agent.status, agent.status_reason) == ("on_break", "Lunch")
    ben.send("/console/status", status="available", reason="Lunch")
    assert agents.get_agent(house.db, "ben").status_reason == ""
    assert ben.send("/console/status", status="asleep").status_code == 422


def test_an_owner_without_a_phone_has_no_console(ana):
    answer = ana.get("/console/")
    assert answer.status_code == 403
    assert "You have no phone in this office" in answer.text


def test_the_form_comes_with_the_call_and_is_prefilled(house, ana, ben, a_call):
    ana.send("/contacts/save", business_id="bakery", number="+989121234567", name="Dov Adler")
    call_id = a_call("talking")
    text = ben.get(f"/console/note/{call_id}", headers=FRAGMENT).text
    assert 'value="Dov Adler"' in text
    assert 'value="+989121234567"' in text
    assert _draft(house)["from_name"] == "Dov Adler"


def test_every_keystroke_survives_a_reload(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    ben.send(f"/console/draft/{call_id}", body="Two ca", version="100")
    ben.send(f"/console/draft/{call_id}", body="Two cakes", version="200")
    assert "Two cakes" in ben.get("/console/").text


def test_a_late_older_saving_does_not_overwrite_a_newer(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    ben.send(f"/console/draft/{call_id}", body="Two cakes", version="200")
    ben.send(f"/console/draft/{call_id}", body="Two ca", version="100")
    assert _draft(house)["body"] == "Two cakes"


def test_the_form_stays_after_the_call_until_saved(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    ben.send(f"/console/draft/{call_id}", body="Two cakes", version="200")
    house.db.execute("UPDATE calls SET state = 'answered', ended_at = ? WHERE call_id = ?", [stamp(), call_id])
    assert "Two cakes" in ben.get("/console/").text
    ben.send(
        f"/console/note/{call_id}",
        headers=FRAGMENT,
        body="Two cakes",
        from_name="Dov",
        callback_number="+989121234567",
        urgency="urgent",
    )
    assert "Two cakes" not in ben.get("/console/").text
    assert _bodies(house) == ["Two cakes"]


def test_saved_twice_is_one_message_and_a_late_draft_does_not_bring_it_back(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    for _twice in range(2):
        assert ben.send(f"/console/note/{call_id}", headers=FRAGMENT, body="Two cakes").status_code == 200
    assert ben.send(f"/console/draft/{call_id}", body="Two cakes", version="9").json == {"state": "closed"}
    assert _bodies(house) == ["Two cakes"]
    assert _draft(house) is None
    kinds = [r[0] for r in house.db.execute("SELECT kind FROM call_events WHERE call_id = ?", [call_id]).fetchall()]
    assert kinds.count("message_taken") == 1


def test_an_empty_message_is_refused_and_what_was_typed_is_kept(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    answer = ben.send(f"/console/note/{call_id}", headers=FRAGMENT, for_whom="Nasim")
    assert answer.status_code == 422
    assert 'value="Nasim"' in answer.text
    assert _bodies(house) == []


def test_a_discarded_form_can_be_brought_back(house, ben, a_call):
    call_id = a_call("talking")
    ben.get("/console/")
    page = ben.send(f"/console/note/{call_id}/discard", headers=FRAGMENT, body="Two cakes").text
    assert "Undo" in page
    assert _draft(house) is None
    assert "Two cakes" in ben.send(f"/console/note/{call_id}/restore", headers=FRAGMENT, body="Two cakes").text
    assert _draft(house)["body"] == "Two cakes"


def test_nobody_writes_about_a_foreign_call(house, cleo, a_call):
    call_id = a_call("talking")
    assert cleo.get(f"/console/note/{call_id}").status_code == 404
    assert cleo.send(f"/console/note/{call_id}", body="x").status_code == 404


def test_a_new_call_clears_away_forms_into_which_nothing_was_typed(house, ben, a_call):
    first = a_call("talking")
    ben.get(f"/console/note/{first}")
    house.db.execute("UPDATE calls SET state = 'answered', ended_at = ? WHERE call_id = ?", [stamp(), first])
    second = a_call("talking", caller="+982177665544")
    ben.get(f"/console/note/{second}")
    text = ben.get("/console/").text
    assert f"note-{second}" in text
    assert f"note-{first}" not in text


def test_hanging_up_anothers_call_is_refused(ben, cleo, a_call):
    call_id = a_call("talking")
    assert cleo.send(f"/calls/{call_id}/hang-up").status_code == 404
    assert ben.send(f"/calls/{call_id}/hang-up").status_code == 503  # the core is away in this test


def test_transfer_needs_a_number_and_a_call(ben, a_call):
    call_id = a_call("talking")
    assert ben.send(f"/console/transfer/{call_id}", headers=FRAGMENT, target="nonsense").status_code == 422
    assert ben.send("/console/transfer/call_none", headers=FRAGMENT, target="102").status_code == 404
