"""The customer page in real Chromium: a value by hand, and the slider over former versions."""

from playwright.sync_api import expect

from tests.browser.visits import sign_in
from tests.webworld import run


def test_a_lead_overrules_a_value_and_walks_through_versions_by_keyboard(hub, page):
    sign_in(page, hub.account("review", "read"))
    page.goto(f"/customers/{hub.golden_id('crm:Contact:1')}")
    page.get_by_role("link", name="Change job").click()
    page.get_by_label("Something else").check()
    page.get_by_label("Job title").fill("Head of cranes")
    page.get_by_label("Why").fill("she told me")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("row", name="Job title")).to_contain_text("Head of cranes")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("A value by hand waits for the next publication.")).to_be_visible()
    run(hub.engine, hub.settings, "run-3")
    page.reload()
    expect(page.get_by_role("row", name="Job title")).to_contain_text("by hand")
    page.get_by_role("link", name="See it as of any moment").click()
    slider = page.get_by_role("slider", name="Version")
    expect(slider).to_have_value("2")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.get_by_text("Version 1, publication 1")).to_be_visible()
    expect(page.get_by_role("row", name="Job title")).to_contain_text("Buyer")
    expect(slider).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Version 2, publication 2")).to_be_visible()
