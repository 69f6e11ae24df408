"""Live pages: what happens is seen at once, and what is stale is never shown as fresh."""

import pytest
from playwright.sync_api import expect

from appliance.calls.models import Kind

pytestmark = pytest.mark.browser


def until(page, expression):
    """Wait for an expression in the page; its content policy forbids Playwright's own way."""
    for _n in range(100):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(100)
    raise AssertionError(expression)


@pytest.fixture
def calls_page(served, new_page, sign_in):
    served.furnish()
    page = new_page("desktop")
    sign_in(page, served, "ana")
    page.goto(served.url + "/calls/")
    page.wait_for_timeout(800)
    return page


def test_a_call_appears_and_ends_on_the_open_page(served, calls_page):
    call = served.call("+982144556677")
    live = calls_page.locator("#live-calls")
    expect(live).to_contain_text("+98 21 4455 6677", timeout=20_000)
    served.happen(call, Kind.ENDED, agent=None, cause="cancelled", by="caller")
    expect(live).not_to_contain_text("+98 21 4455 6677", timeout=20_000)
    expect(calls_page.locator("#past-calls")).to_contain_text("+98 21 4455 6677", timeout=20_000)


def test_a_dead_core_is_said_and_its_return_heals_the_page(served, calls_page):
    banner = calls_page.locator("#stale")
    expect(banner).to_be_hidden()
    served.core.stop()
    expect(banner).to_be_visible(timeout=20_000)
    expect(banner).to_contain_text("The office is not answering since")
    assert calls_page.evaluate("getComputedStyle(document.querySelector('.live')).opacity") == "0.5"
    served.core.start()
    expect(banner).to_be_hidden(timeout=20_000)
    served.call("+982144556677")
    expect(calls_page.locator("#live-calls")).to_contain_text("+98 21 4455 6677", timeout=20_000)


def test_a_restarted_web_heals_the_page_and_stops_quickly(served, calls_page):
    banner = calls_page.locator("#stale")
    assert served.stop_web() < 4.0
    expect(banner).to_be_visible(timeout=12_000)
    expect(banner).to_contain_text("No connection to the office since")
    missed = served.call("+982144556677")
    served.start_web()
    expect(banner).to_be_hidden(timeout=15_000)
    expect(calls_page.locator("#live-calls")).to_contain_text("+98 21 4455 6677", timeout=20_000)
    served.happen(missed, Kind.ENDED, agent=None, cause="cancelled", by="caller")
    expect(calls_page.locator("#live-calls")).not_to_contain_text("+98 21 4455 6677", timeout=20_000)


def test_without_the_stream_the_page_asks_every_ten_seconds(served, new_page, sign_in):
    served.furnish()
    page = new_page("desktop")
    sign_in(page, served, "ana")
    page.route(served.url + "/live", lambda route: route.fulfill(status=503))
    page.goto(served.url + "/calls/")
    served.call("+982144556677")
    expect(page.locator("#live-calls")).to_contain_text("+98 21 4455 6677", timeout=25_000)
    expect(page.locator("#stale")).to_be_hidden()


def test_a_call_of_a_foreign_business_never_reaches_the_stream(served, new_page, sign_in):
    served.furnish()
    with served.db.conn:
        served.db.execute("DELETE FROM agent_businesses WHERE agent_id = 'sara' AND business_id = 'clinic'")
    page = new_page("desktop")
    sign_in(page, served, "sara")
    page.evaluate(
        "() => { window.heard = []; const s = new EventSource('/live');"
        " for (const n of ['call', 'trunk', 'core']) s.addEventListener(n, e => window.heard.push([n, e.data])); }"
    )
    until(page, "window.heard.some(h => h[0] === 'core')")
    served.call("+982144556677", "clinic")
    served.core.tell("trunk", trunk_id="primary")
    served.call("+982144556678", "bakery")
    until(page, "window.heard.some(h => h[0] === 'call')")
    heard = page.evaluate("window.heard")
    assert [h[0] for h in heard if h[0] != "core"] == ["call"]
    assert '"bakery"' in next(h[1] for h in heard if h[0] == "call")


def test_the_player_plays_skips_and_speeds(served, new_page, sign_in, sound):
    served.furnish()
    call = served.call()
    served.happen(call, Kind.OFFERED, Kind.RANG, Kind.ANSWERED)
    served.happen(call, Kind.ENDED, cause="normal", by="caller")
    file = served.settings.recordings / "r.wav"
    file.parent.mkdir(parents=True)
    file.write_bytes(sound)
    served.db.execute(
        "INSERT INTO recordings VALUES ('rec_1', ?, 'call', 'r.wav', 'ready', 1, 30.0, ?, ?, NULL)",
        [call, len(sound), "2026-01-01T00:00:00.000Z"],
    )
    served.db.execute("UPDATE calls SET recording_id = 'rec_1' WHERE call_id = ?", [call])
    page = new_page("phone")
    sign_in(page, served, "ana")
    page.goto(f"{served.url}/calls/{call}")
    page.wait_for_timeout(500)
    plays = "SELECT COUNT(*) FROM audit_log WHERE action = 'recording.play'"
    assert served.db.execute(plays).fetchone()[0] == 0  # to open the page is not to listen
    page.click('[data-player-skip="10"]')
    until(page, "document.querySelector('audio').currentTime > 9")
    page.click('[data-player-skip="10"]')
    page.click('[data-player-skip="-10"]')
    assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(10, abs=0.5)
    page.click('[data-player-speed="1.5"]')
    assert page.evaluate("document.querySelector('audio').playbackRate") == 1.5
    page.evaluate("document.querySelector('audio').play()")
    until(page, "document.querySelector('audio').currentTime > 10.6")
    assert served.db.execute(plays).fetchone()[0] >= 1
