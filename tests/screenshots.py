"""`make screenshots`: every page of the app, light and dark, on a desk and on a phone, to be looked at by people."""

import shutil
import sys
import tempfile
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.progress import track

from hub.db import embedded, engine, migrate
from hub.settings import Settings
from tests.browser.visits import sign_in
from tests.pages import ADMIN, furnish
from tests.webworld import Hub, seed, serving

FOLDER = Path("screenshots")
SIZES = {"desktop": {"width": 1280, "height": 860}, "phone": {"width": 390, "height": 844}}
SCHEMES = ("light", "dark")


def main() -> int:
    """0, or 1 where there is no Chromium or a page is wider than its screen; the pictures are made all the same."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("error: no Chromium on PATH: apt-get install chromium", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="onerecord-") as folder, embedded.running(Path(folder) / "pg") as url:
        engine.create_if_missing(url.set(database="pictures"))
        opened = engine.make_engine(url.set(database="pictures"))
        migrate.upgrade(opened)
        settings = Settings(data_dir=Path(folder) / "data")
        print("Furnishing a hub ...")
        seed(opened, settings)
        with serving(opened, settings) as address, sync_playwright() as playwright:
            hub = Hub(address, opened, settings)
            pages = furnish(hub)
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            wide = [one for size in SIZES for scheme in SCHEMES for one in visit(browser, address, pages, size, scheme)]
            browser.close()
        opened.dispose()
    index(list(pages))
    print(f"{len(pages) * len(SIZES) * len(SCHEMES)} pictures: open {FOLDER}/index.html")
    for one in wide:
        print(f"wider than the screen: {one}", file=sys.stderr)
    return 1 if wide else 0


def visit(browser: Browser, address: str, pages: dict[str, str], size: str, scheme: str) -> list[str]:
    """Take a picture of every page; the names of those that are wider than the screen."""
    context = browser.new_context(base_url=address, viewport=SIZES[size], color_scheme=scheme)
    page = context.new_page()
    take(page, "sign-in", pages["sign-in"], size, scheme)
    sign_in(page, ADMIN.name)
    names = track([name for name in pages if name != "sign-in"], f"{size}, {scheme}")
    widths = {name: take(page, name, pages[name], size, scheme) for name in names}
    context.close()
    return [f"{name} ({size}, {scheme})" for name, width in widths.items() if width > SIZES[size]["width"]]


def take(page: Page, name: str, path: str, size: str, scheme: str) -> int:
    """One picture; returns how wide the page is, in pixels."""
    page.goto(path)
    page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png", full_page=True)
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


def index(names: list[str]) -> None:
    """A page that shows all pictures, a row for each page of the app."""
    kinds = [f"{size}-{scheme}" for size in SIZES for scheme in SCHEMES]
    rows = "".join(
        f"<h2>{escape(name)}</h2><p>"
        + "".join(f'<a href="{name}-{kind}.png"><img src="{name}-{kind}.png" alt="{kind}"></a>' for kind in kinds)
        for name in names
    )
    style = "body{font-family:sans-serif;background:#888}img{height:420px;margin:6px;vertical-align:top}"
    (FOLDER / "index.html").write_text(f"<!doctype html><title>OneRecord</title><style>{style}</style>{rows}")


if __name__ == "__main__":
    sys.exit(main())
