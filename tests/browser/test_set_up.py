"""The wizard from the printed link to a ringing phone, in real Chromium."""

import pytest
from playwright.sync_api import expect

from appliance.accounts import service as accounts
from appliance.businesses import service as businesses
from appliance.store import transaction

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
GO_ON = "main .actions button.primary"


@pytest.mark.parametrize(("size", "language"), [("phone", "en"), ("phone", "fa"), ("desktop", "en"), ("desktop", "fa")])
def test_an_owner_sets_the_office_up(served, new_page, size, language):
    with transaction(served.db) as db:
        link = served.url + "/set-up/" + accounts.create_link(db, "set-up")
    page = new_page(size, timezone_id="Asia/Tehran", locale="en-US")
    page.goto(link)
    page.click(f'.languages a[lang="{language}"]')
    expect(page.locator("html")).to_have_attribute("dir", "rtl" if language == "fa" else "ltr")
    page.fill("#login", "ana@example.com")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click(GO_ON)

    page.wait_for_url("**/set-up/office")
    expect(page.locator("#timezone")).to_have_value("Asia/Tehran")  # the browser's own
    expect(page.locator("#owner_email")).to_have_value("ana@example.com")
    page.fill("#name", "Nasim House")
    page.click(GO_ON)

    page.wait_for_url("**/set-up/business")
    page.fill("#name", "Nasim Bakery")
    expect(page.locator("input[name=mon_begins]")).to_be_hidden()
    page.uncheck("#always_open")
    expect(page.locator("input[name=mon_begins]")).to_be_visible()
    page.fill("input[name=mon_begins]", "08:30")
    page.click(GO_ON)

    page.wait_for_url("**/set-up/greeting")
    assert "Nasim Bakery" in page.input_value("#greeting")
    page.click("[data-listen]")
    expect(page.locator("[data-listen-here]")).to_be_visible(timeout=20_000)
    page.go_back()
    expect(page.locator("#name")).to_have_value("Nasim Bakery")
    page.go_forward()
    page.reload()
    page.click(GO_ON)

    page.wait_for_url("**/set-up/number")
    page.fill("#numbers", "۰۲۱ ۸۸۰۰ ۱۱۲۲" if language == "fa" else "021 8800 1122")
    page.check("input[value=register]")
    expect(page.locator("#username")).to_be_visible()
    page.check("input[value=later]")
    expect(page.locator("#username")).to_be_hidden()
    page.click(GO_ON)

    page.wait_for_url("**/set-up/agent")
    page.check("input[value=me]")
    page.fill("#name", "Ana Azad")
    page.click(GO_ON)

    page.wait_for_url("**/set-up/done")
    expect(page.locator("svg.qr")).to_be_visible()
    ring = page.locator("#phone-state button.primary")
    expect(ring).to_be_disabled()
    served.register("101")
    expect(ring).to_be_enabled(timeout=20_000)  # the page notices by itself
    served.core.ring_result = "busy"
    ring.click()
    expect(page.locator("#ring-result .notice.warn")).to_be_visible(timeout=20_000)
    served.core.ring_result = "answered"
    ring.click()
    expect(page.locator("#ring-result .notice.good")).to_be_visible(timeout=20_000)
    assert ("ring-phone", {"extension": "101"}) in served.core.asked
    assert businesses.list_businesses(served.db)[0].numbers == ("+982188001122",)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_the_office_is_set_up_without_any_script(served, new_page):
    with transaction(served.db) as db:
        link = served.url + "/set-up/" + accounts.create_link(db, "set-up")
    page = new_page("phone", java_script_enabled=False)
    page.goto(link)
    for name, value in (("login", "ana"), ("password", PASSWORD), ("again", PASSWORD)):
        page.fill(f"#{name}", value)
    page.click(GO_ON)
    page.fill("#name", "Nasim House")
    page.fill("#timezone", "Asia/Tehran")
    page.click(GO_ON)
    page.click(GO_ON)
    page.click(GO_ON)
    page.check("input[value=later]")
    page.click(GO_ON)
    page.fill("#name", "Ana")
    page.click(GO_ON)
    expect(page.locator("svg.qr")).to_be_visible()
    served.register("101")
    page.reload()
    page.click("#phone-state button.primary")
    expect(page.locator(".notice.good").first).to_contain_text("It works")
