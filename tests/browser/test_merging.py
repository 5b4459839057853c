"""A lead judges by keys, chooses a value, takes it back, and merges and splits by hand, in real Chromium."""

import re

from playwright.sync_api import expect

from tests.browser.visits import sign_in
from tests.integration.test_web_decide import BILLED, HERO, home, pair


def heading(page, name: str):
    return page.get_by_role("heading", name=name)


def test_keys_judge_and_a_chosen_value_is_taken_back_with_its_judgement(hub, page):
    sign_in(page, hub.account("review", "read"))
    link = pair(hub, HERO, BILLED)
    page.goto(link)
    page.get_by_label("Reason").press_sequentially("same desk, surely")
    assert page.url.endswith(link), "keys are letters while one writes"
    page.get_by_role("radio", name=re.compile("2 Harbour Road")).check()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.url.endswith(link), "arrows move between choices"
    expect(page.get_by_role("radio", name=re.compile("2 Harbour Road"))).to_be_checked()
    page.keyboard.press("s")
    expect(page.get_by_role("status").filter(has_text="Recorded: the same")).to_be_visible()
    assert hub.scalar("SELECT reason FROM golden.manual_value WHERE ended_at IS NULL") == "same desk, surely"
    page.get_by_role("link", name="Undo").click()
    expect(page.get_by_text("Nothing is changed yet")).to_be_visible()
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_role("status").filter(has_text="Taken back.")).to_be_visible()
    assert hub.scalar("SELECT count(*) FROM golden.manual_value WHERE ended_at IS NULL") == 0
    assert hub.scalar("SELECT count(*) FROM identity.judgement WHERE ended_at IS NULL AND author = 'ann'") == 0


def test_keys_go_on_and_back(hub, page):
    sign_in(page, hub.account("review"))
    first = pair(hub, HERO, BILLED)
    page.goto(first)
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: "/review/" in url and not url.endswith(first))
    page.keyboard.press("d")
    expect(page.get_by_role("status").filter(has_text="Recorded: different")).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_role("status").filter(has_text="Recorded: not sure")).to_be_visible()
    page.get_by_role("button", name="Turn keys off").click()
    page.keyboard.press("ArrowLeft")
    page.reload()
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Turn keys on").click()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("heading", name="Review", exact=True)).to_be_visible()


def test_a_merge_by_hand_and_its_split(hub, page):
    sign_in(page, hub.account("review", "read"))
    page.get_by_role("link", name="Merge by hand").click()
    box = page.get_by_label("Name, e-mail")
    expect(box).to_be_focused()
    for typed, ref in (("bruno.albers@mail1.example", HERO), (BILLED, BILLED)):
        box.fill(typed)
        page.keyboard.press("Enter")
        page.locator(f"input[name=pick][value='{ref}']").check()
    page.get_by_role("button", name="See what a merge makes").click()
    expect(page.get_by_text("2 customers come together")).to_be_visible()
    page.get_by_role("button", name="Merge").click()
    assert home(hub, HERO) != home(hub, BILLED), "the browser asks for a reason first"
    page.get_by_label("Reason").fill("one desk")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Merged.")).to_be_visible()
    assert home(hub, HERO) == home(hub, BILLED)
    page.goto(f"/customers/{home(hub, HERO)}/split")
    page.get_by_label(f"Part of {BILLED}").select_option("Part 2")
    page.get_by_role("button", name="See what each part gets").click()
    expect(page.get_by_text("Golden id")).to_have_count(2)
    page.get_by_label("Reason").fill("two brothers")
    page.get_by_role("button", name="Split").dblclick()
    expect(page.get_by_role("status").filter(has_text="Split.")).to_be_visible()
    assert home(hub, HERO) != home(hub, BILLED)
