"""The agent's day at the console: the pop, the form, a lost connection, keys."""

import pytest
from playwright.sync_api import expect

from appliance.agents import service as agents
from appliance.calls.models import Kind
from appliance.messages import service as messages

pytestmark = pytest.mark.browser
RUNG = (Kind.OFFERED, Kind.RANG)


@pytest.fixture(params=[("desktop", "en"), ("phone", "fa")], ids=["desktop-en", "phone-fa"])
def sara(request, served, new_page, sign_in):
    size, language = request.param
    served.furnish(language)
    served.register("101")
    page = new_page(size)
    sign_in(page, served, "sara")
    page.wait_for_url("**/console/")
    page.locator("body:not(.is-stale)").wait_for()
    page.wait_for_timeout(800)  # the stream's first connection
    return page


def _texts(served):
    return [m.body for m in messages.list_messages(served.db, businesses=None).items]


def test_the_pop_comes_before_hello_and_the_message_goes_out(served, sara):
    earlier = served.call()
    served.happen(earlier, Kind.ENDED, agent=None, cause="cancelled", by="caller")
    call = served.call()
    expect(sara.locator("#waiting li")).to_have_count(1)
    served.happen(call, *RUNG)
    pop = sara.locator("#card.is-ringing")
    expect(pop).to_be_visible(timeout=20_000)
    expect(pop.locator(".say")).to_be_visible()
    expect(pop).to_contain_text("+98 912 123 4567")
    expect(sara.locator("#history .row")).to_have_count(1)
    assert "☎" in sara.title()
    expect(sara.locator("form.note")).to_have_count(0)

    served.happen(call, Kind.ANSWERED)
    form = sara.locator(f"#note-{call}")
    expect(form.locator("textarea")).to_be_focused(timeout=20_000)  # typing can begin at once
    sara.keyboard.type("Two cakes for Friday")
    served.core.tell("call", call_id=call, business_id="bakery", agent_id="sara", state="talking", phase="talking")
    served.core.tell("agent", agent_id="sara")
    sara.wait_for_timeout(500)
    expect(form.locator("textarea")).to_be_focused()  # fragments that refresh take nothing away
    sara.keyboard.type(", with walnuts")

    served.happen(call, Kind.ENDED, cause="normal", by="caller")
    expect(sara.locator("#card .empty")).to_be_visible(timeout=20_000)
    expect(form.locator("textarea")).to_have_value("Two cakes for Friday, with walnuts")  # stays after the call
    sara.keyboard.press("Control+Enter")
    expect(sara.locator(f'[data-closed-note="{call}"]')).to_be_visible(timeout=20_000)
    assert _texts(served) == ["Two cakes for Friday, with walnuts"]
    assert ("outbox-changed", {}) in served.core.asked
    sara.reload()
    expect(sara.locator("form.note")).to_have_count(0)


def test_what_is_typed_survives_a_browser_that_dies(served, sara):
    call = served.call()
    served.happen(call, *RUNG, Kind.ANSWERED)
    sara.locator(f"#note-{call} textarea").type("Call Dov bac")
    sara.wait_for_timeout(900)
    state = sara.context.storage_state()
    other = sara.context.browser.new_context(storage_state={**state, "origins": []}).new_page()
    sara.context.close()
    other.goto(served.url + "/console/")
    expect(other.locator(f"#note-{call} textarea")).to_have_value("Call Dov bac")
    other.context.close()


def test_what_is_typed_while_web_is_gone_is_sent_when_it_is_back(served, sara):
    call = served.call()
    served.happen(call, *RUNG, Kind.ANSWERED)
    text = sara.locator(f"#note-{call} textarea")
    expect(text).to_be_focused(timeout=20_000)
    served.stop_web()
    text.type("typed in the dark")
    expect(sara.locator(f"#note-{call} .draft-state.bad")).to_be_visible(timeout=20_000)
    served.start_web()
    expect(sara.locator(f"#note-{call} .draft-state:not(.bad)")).to_be_visible(timeout=15_000)
    user = served.db.execute("SELECT user_id FROM users WHERE login = 'sara'").fetchone()[0]
    assert messages.draft_of(served.db, user, call)["body"] == "typed in the dark"


def test_what_is_typed_while_web_is_gone_survives_a_reload(served, sara):
    call = served.call()
    served.happen(call, *RUNG, Kind.ANSWERED)
    text = sara.locator(f"#note-{call} textarea")
    expect(text).to_be_focused(timeout=20_000)
    served.stop_web()
    text.type("typed in the dark")
    sara.wait_for_timeout(600)
    served.start_web()
    sara.goto(served.url + "/console/")
    expect(sara.locator(f"#note-{call} textarea")).to_have_value("typed in the dark")


def test_discarding_can_be_undone(served, sara):
    call = served.call()
    served.happen(call, *RUNG, Kind.ANSWERED)
    sara.locator(f"#note-{call} textarea").type("keep me")
    sara.click(f"#note-{call} button[formaction]")
    sara.click(f'[data-closed-note="{call}"] button')
    expect(sara.locator(f"#note-{call} textarea")).to_have_value("keep me")
    assert _texts(served) == []


def test_keys_do_the_work(served, sara):
    sara.keyboard.press("2")
    expect(sara.locator('#my-status [data-key="2"]')).to_have_attribute("aria-pressed", "true")
    assert agents.get_agent(served.db, "sara").status == "on_break"
    sara.keyboard.press("1")
    expect(sara.locator('#my-status [data-key="1"]')).to_have_attribute("aria-pressed", "true")
    sara.keyboard.press("?")
    expect(sara.locator("#keys")).to_be_visible()
    sara.keyboard.press("Escape")
    expect(sara.locator("#keys")).to_be_hidden()
    call = served.call()
    served.happen(call, *RUNG, Kind.ANSWERED)
    expect(sara.locator(f"#note-{call} textarea")).to_be_focused(timeout=20_000)
    sara.keyboard.press("Escape")
    sara.keyboard.press("t")
    expect(sara.locator("#target")).to_be_focused()
    sara.keyboard.type("102")
    sara.keyboard.press("Enter")
    expect(sara.locator("#notices .notice.good")).to_be_visible()
    assert ("transfer", {"call_id": call, "target": "102"}) in served.core.asked
    sara.keyboard.press("Escape")
    sara.keyboard.press("m")
    expect(sara.locator(f"#note-{call} textarea")).to_be_focused()


def test_two_calls_in_a_row_keep_both_messages_apart(served, sara):
    first = served.call()
    served.happen(first, *RUNG, Kind.ANSWERED)
    sara.locator(f"#note-{first} textarea").type("first message")
    sara.wait_for_timeout(700)
    served.happen(first, Kind.ENDED, cause="normal", by="caller")
    second = served.call("+982177665544", "clinic")
    served.happen(second, *RUNG, Kind.ANSWERED)
    expect(sara.locator(f"#note-{second}")).to_be_visible(timeout=20_000)
    expect(sara.locator(f"#note-{first} textarea")).to_have_value("first message")
