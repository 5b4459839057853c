"""Fixtures that these tests share: the hub with people in it, and a real Chromium at it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.waiting import PATIENCE
from tests.webworld import hub, lead, signed_in, visitor, world, world_template

__all__ = ["hub", "lead", "page", "signed_in", "visitor", "world", "world_template"]

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

expect.set_options(timeout=1_000 * PATIENCE)


@pytest.fixture
def page(hub, tmp_path: Path) -> Iterator[Page]:
    """A fresh browser at the hub; whatever a page complains about fails the test."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.fail("no Chromium on PATH: apt-get install chromium", pytrace=False)
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            tmp_path / "profile", executable_path=chromium, headless=True, args=list(FLAGS), base_url=hub.address
        )
        opened = browser.pages[0]
        opened.set_default_timeout(1_000 * PATIENCE)
        opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        opened.on(
            "request",
            lambda request: (
                None if request.url.startswith(hub.address) else complaints.append(f"left for {request.url}")
            ),
        )
        yield opened
        browser.close()
    assert complaints == []
