"""What every visit begins with."""

from playwright.sync_api import Page, expect

from tests.webworld import PASSWORD


def sign_in(page: Page, name: str) -> None:
    page.goto("/review")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()
