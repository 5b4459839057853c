"""axe, which knows the rules of WCAG, looks at every page in light and in dark."""

import re

from axe_playwright_python.sync_playwright import Axe

from hub.web import create_app
from tests.browser.visits import sign_in
from tests.integration.test_web_safety import all_routes
from tests.pages import ADMIN, furnish

# Answers that are no page: downloads, health, and the steps of a sign-in elsewhere.
NO_PAGES = ("/v1/", "/healthz", "/sign-in/provider", "/signed-out", "/customers/export.csv")
PHONE = 360  # CSS pixels: a small telephone
SERIOUS = {"serious", "critical"}
# Bulk acts are undone from a page like that of one judgement; Data Docs are a page of Great Expectations, not of ours.
NOT_REACHED = {"/review/history/bulk/{bulk_id}/undo", "/checks/docs/{suite}"}


def test_axe_finds_nothing_serious_on_any_page(hub, page):
    found = furnish(hub)
    problems = look(page, "sign-in", found.pop("sign-in"))
    del found["not-found"]  # the browser complains about it, as it should
    sign_in(page, ADMIN.name)
    for name, address in found.items():
        problems += look(page, name, address)
    assert problems == []


def test_every_page_of_the_application_is_among_them(hub):
    shown = [address.split("?")[0] for address in furnish(hub).values()]
    for route in all_routes(create_app(hub.engine, hub.settings).routes):
        if "GET" not in route.methods or route.path.startswith(NO_PAGES) or route.path.endswith(".csv"):
            continue
        pattern = re.compile(re.sub(r"\{\w+(:\w+)?\}", "[^/]+", route.path))
        assert route.path in NOT_REACHED or any(map(pattern.fullmatch, shown)), route.path


def look(page, name: str, address: str) -> list[tuple[str, str, str, list[str]]]:
    """What is seriously wrong with a page: its name, light, dark or phone, the rule, and the elements that break it.

    In the dark nothing but the colours is another, so only contrast is looked at again.
    """
    page.emulate_media(color_scheme="light")
    page.goto(address)
    problems = _serious(Axe().run(page), name, "light")
    page.emulate_media(color_scheme="dark")
    problems += _too_wide(page, name)
    return problems + _serious(Axe().run(page, options={"runOnly": ["color-contrast"]}), name, "dark")


def _too_wide(page, name: str) -> list[tuple[str, str, str, list[str]]]:
    """A page that a phone shows only by scrolling sideways."""
    whole = page.viewport_size
    page.set_viewport_size({"width": PHONE, "height": 800})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(whole)
    return [(name, "phone", "wider than the screen", [str(width)])] if width > PHONE else []


def _serious(found, name: str, scheme: str) -> list[tuple[str, str, str, list[str]]]:
    return [
        (name, scheme, one["id"], [node["target"][0] for node in one["nodes"]][:5])
        for one in found.response["violations"]
        if one["impact"] in SERIOUS
    ]
