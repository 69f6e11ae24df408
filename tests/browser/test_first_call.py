"""The first call for real: `frontdesk up`, a SIP phone, a carrier, and two browsers that look on.

Owns: that what the phones do is what the pages show. Leaves out: sound (tests/telephony).
"""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from appliance.accounts import service as accounts
from appliance.store import connect, transaction
from tests.peers.bench import CALLER_NUMBER, NUMBER, Bench
from tests.peers.office import Office

pytestmark = [pytest.mark.browser, pytest.mark.telephony]
PASSWORD = "correct horse battery"
CHROMIUM = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}


def _people(office: Office) -> dict[str, str]:
    db = connect(office.home / "office.db")
    with transaction(db):
        for user in accounts.list_users(db):  # the office file named them
            accounts.set_password(db, user.user_id, PASSWORD)
        logins = {"owner" if u.is_owner else u.agent_id or "": u.login for u in accounts.list_users(db)}
    db.conn.close()
    return logins


async def _signed_in(browser: Browser, base: str, login: str) -> Page:
    page = await (await browser.new_context(viewport=PHONE)).new_page()  # type: ignore[arg-type]
    await page.goto(base + "/sign-in")
    await page.fill("#login", login)
    await page.fill("#password", PASSWORD)
    await page.click("main button.primary")
    await page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


async def _story(bench: Bench, browser: Browser) -> None:
    trunk = await bench.trunk()
    office = await bench.office(trunk)
    logins = _people(office)
    base = f"http://127.0.0.1:{office.web_port}"
    console = await _signed_in(browser, base, logins["agent101"])
    await expect(console.locator("#my-status .state-down")).to_be_visible()
    phone = await bench.phone("101")
    await expect(console.locator("#my-status .state-up")).to_be_visible(timeout=20_000)  # the phone registered, live
    owner = await _signed_in(browser, base, logins["owner"])
    await owner.goto(base + "/calls/")
    await expect(owner.locator("#stale")).to_be_hidden()

    caller = await trunk.call(NUMBER, shows=CALLER_NUMBER)
    rings = await phone.incoming(15)
    await expect(console.locator("#card.is-ringing")).to_contain_text("+98 912 123 4567", timeout=20_000)
    await expect(owner.locator("#live-calls .state-ringing")).to_be_visible(timeout=20_000)
    await rings.answer()
    await expect(console.locator("form.note textarea")).to_be_focused(timeout=20_000)
    await console.keyboard.type("Two cakes for Friday")
    await expect(owner.locator("#live-calls .state-talking")).to_be_visible(timeout=20_000)
    await asyncio.sleep(1.0)  # the call goes on for a while: it is what is recorded
    await caller.hang_up()
    await expect(console.locator("#card .empty")).to_be_visible(timeout=20_000)
    await console.keyboard.press("Control+Enter")
    await expect(console.locator("[data-closed-note]")).to_be_visible(timeout=20_000)

    row = owner.locator("#past-calls a.row").first
    await expect(row).to_contain_text("+98 912 123 4567", timeout=20_000)
    await row.click()
    await expect(owner.locator(".timeline")).to_contain_text("took a message")
    await owner.locator('[data-player-skip="10"]').click()
    await expect(owner.locator("audio")).to_have_js_property("readyState", 4, timeout=20_000)
    await owner.goto(base + "/messages/")
    await expect(owner.locator("#message-list")).to_contain_text("Two cakes for Friday")

    office.kill("core")
    await owner.goto(base + "/calls/")
    await expect(owner.locator("#stale")).to_be_hidden(timeout=30_000)  # it came back by itself
    await expect(owner.locator("#live-calls")).to_contain_text("Nobody is on the phone", timeout=20_000)


def test_a_call_is_seen_answered_written_about_and_heard_again(tmp_path: Path):
    async def run() -> None:
        bench = Bench("builtin", tmp_path)
        async with async_playwright() as play:
            browser = await play.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
            try:
                await _story(bench, browser)
            finally:
                await browser.close()
                await bench.close()

    asyncio.run(run())
