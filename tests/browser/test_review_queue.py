"""A department lead clears a doubtful duplicate, in real Chromium."""

import pytest
from playwright.sync_api import expect

from tests.browser.visits import sign_in
from tests.webworld import WAITING, XSS


def test_a_lead_judges_by_keyboard_and_takes_it_back(hub, page):
    sign_in(page, hub.account("review"))
    expect(page.get_by_text(f"{WAITING} pairs wait")).to_be_visible()
    pair = page.locator("a.pair").nth(1)
    link = pair.get_attribute("href")
    pair.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Is this the same person?")).to_be_visible()
    page.get_by_label("Reason").focus()
    page.keyboard.type("they share a desk")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Same")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Recorded: different")
    assert hub.scalar("SELECT reason FROM identity.judgement WHERE author = 'ann'") == "they share a desk"
    page.get_by_role("link", name="Review", exact=True).first.click()
    expect(page.get_by_text(f"{WAITING - 1} pairs wait")).to_be_visible()
    expect(page.locator(f"a.pair[href='{link}']")).to_have_count(0)
    page.get_by_role("link", name="Recent decisions").click()
    page.get_by_role("link", name="Undo").click()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("was taken back")
    page.goto("/review")
    expect(page.locator(f"a.pair[href='{link}']")).to_have_count(1)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_lead_ticks_pairs_by_keyboard_judges_them_in_one_act_and_takes_it_back(hub, page):
    sign_in(page, hub.account("review"))
    page.locator("a.pair").first.focus()
    for key in ("x", "ArrowDown", "j", "x", "k"):
        page.keyboard.press(key)
    assert page.locator("input[name=pair]").evaluate_all("boxes => boxes.map(box => box.checked).slice(0, 4)") == [
        True, False, True, False,
    ]  # fmt: skip
    page.get_by_role("button", name="The same…").click()
    expect(page.get_by_role("heading", name="2 pairs: the same")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text(f"{WAITING - 2} pairs wait")).to_be_visible()
    page.get_by_role("link", name="Undo all").click()
    expect(page.get_by_text("2 customers come out of others again")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("were taken back")
    page.goto("/review")
    expect(page.get_by_text(f"{WAITING} pairs wait")).to_be_visible()


def test_a_name_full_of_markup_is_shown_as_it_is(hub, page):
    sign_in(page, hub.account("admin"))
    expect(page.get_by_text(XSS).first).to_be_visible()
    page.goto(f"/customers/{hub.golden_id('crm:Contact:9001')}")
    expect(page.get_by_role("heading", level=1)).to_have_text(XSS)


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_no_page_is_wider_than_the_screen(hub, page, width):
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, hub.account("admin"))
    compare = page.locator("a.pair").first.get_attribute("href")
    customer = f"/customers/{hub.golden_id('crm:Contact:1')}"
    for address in ("/", "/review", compare, "/review/history", "/customers", customer, "/flags", "/quarantine"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
