"""The owner of deals answers flags, in real Chromium, by keyboard and on a phone."""

from playwright.sync_api import expect

from hub.coach import owners
from tests.webworld import NOW, PASSWORD


def sign_in(page, hub, name: str, role: str = "read") -> None:
    hub.account(role, name=name)
    with hub.engine.begin() as connection:
        owners.own(connection, name, "crm", "U1", actor="test")
    page.goto("/flags")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")


def test_an_owner_answers_by_keyboard_and_takes_it_back(hub, page, tmp_path):
    hub.settings.clock_file = tmp_path / "clock"
    hub.settings.clock_file.write_text(NOW.isoformat())
    sign_in(page, hub, "sven.holm")
    expect(page.get_by_text("3 flags on your deals wait for you")).to_be_visible()
    page.locator("a.pair").first.focus()
    for key in ("ArrowDown", "k", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_role("heading", level=1)).to_have_text("Harbour cranes, lot 1")
    expect(page.get_by_text("Only you see this flag until 26 Nov 2026")).to_be_visible()
    expect(page.get_by_text("Set the close date that you believe in now")).to_be_visible()
    page.keyboard.press("w")
    expect(page.get_by_label("Wrong, because")).to_be_focused()
    page.keyboard.type("the customer signed on paper")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Recorded")
    expect(page.get_by_text("2 flags on your deals wait for you")).to_be_visible()
    page.get_by_role("link", name="Answered 1").click()
    page.locator("a.pair").first.click()
    expect(page.get_by_text("Because: the customer signed on paper")).to_be_visible()
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("heading", name="Your answer")).to_be_visible()
    page.keyboard.press("f")
    expect(page.get_by_role("status")).to_contain_text("Recorded")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Your answer")).to_be_visible()
    page.keyboard.press("s")
    expect(page.get_by_text("2 flags on your deals wait for you")).to_be_visible()
    assert hub.scalar("SELECT until - CAST('2026-11-20' AS date) FROM quality.flag_answer WHERE undone_at IS NULL") == 7


def test_no_page_of_flags_is_wider_than_a_phone(hub, page, tmp_path):
    hub.settings.clock_file = tmp_path / "clock"
    hub.settings.clock_file.write_text(NOW.isoformat())
    page.set_viewport_size({"width": 360, "height": 800})
    sign_in(page, hub, "sven.holm", "lead")
    flag = page.locator("a.pair").first.get_attribute("href")
    for address in ("/flags", flag, "/flags/department", "/flags/team", "/flags/rules"):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
