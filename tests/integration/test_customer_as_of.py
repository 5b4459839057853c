"""The customer as it was published at any moment, its members, and where its values come from."""

import re
from html import unescape

from sqlalchemy import text

from hub.identity import ledger
from hub.model.kinds import Verdict
from tests.webworld import NOW, run

HERO = "crm:Contact:1"


def bare(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_a_former_version_is_shown_with_what_is_different_today(hub, signed_in):
    visitor, page = signed_in("review"), f"/customers/{hub.golden_id(HERO)}/as-of"
    first = visitor.get(f"{page}?version=1").text
    row = re.search(r'<tr class="different"><th scope="row">Job title(.*?)</tr>', first, re.DOTALL)[1]
    assert [bare(cell) for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)] == ["Buyer", "Head of buying"]
    assert len(re.findall(r'<tr class="different">', first)) == 1
    today = visitor.get(page).text
    assert "As it is published today" in today
    assert '<tr class="different">' not in today
    assert "Job title" in re.search(r'data-version="2".*?</li>', today, re.DOTALL)[0]
    assert "first published" in re.search(r'data-version="1".*?</li>', today, re.DOTALL)[0]


def test_a_moment_finds_what_was_published_then(hub, signed_in):
    visitor, golden_id = signed_in("review"), hub.golden_id(HERO)
    page = f"/customers/{golden_id}/as-of"
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                """UPDATE golden.customer_row SET
                       valid_from = CASE version WHEN 1 THEN timestamptz '2026-11-01 10:00Z' ELSE timestamptz '2026-11-10 10:00Z' END,
                       valid_to = CASE version WHEN 1 THEN timestamptz '2026-11-10 10:00Z' END
                   WHERE golden_id = :id"""
            ),
            {"id": golden_id},
        )
    for moment, version in (
        ("2026-11-01", 1), ("2026-11-09", 1), ("2026-11-10", 2), ("2026-11-10T09:59", 1), ("2026-11-10T10:00:00+00:00", 2),
        ("2026-11-10T11:30:00+02:00", 1), ("2099-01-01", 2),
    ):  # fmt: skip
        assert f"Version {version}, publication" in visitor.get(page, params={"moment": moment}).text, moment
    assert "Nothing was published then" in visitor.get(page, params={"moment": "2026-10-31"}).text
    for moment, status in (
        ("yesterday", 422), ("2026-13-01", 422), ("9999-12-31", 200), ("2026-11-10\x00", 400), ("' OR 1=1 --", 422),
    ):  # fmt: skip
        assert visitor.get(page, params={"moment": moment}).status_code == status, moment
    assert visitor.get(page, params={"moment": "x" * 50}).status_code == 422
    assert visitor.get(page, params={"version": 99}).status_code == 404
    assert visitor.get(page, params={"version": 2**40}).status_code == 422


def test_an_id_that_was_merged_away_shows_what_it_was_and_what_it_became(hub, signed_in):
    """Really merged: by a judgement, resolve, compose and publish."""
    loser, ref = hub.golden_id("crm:Contact:9001"), "newsletter:contacts:9002"
    if hub.golden_id(ref) == loser:
        ref = "crm:Contact:9001"
    other = hub.golden_id(ref)
    with hub.engine.begin() as connection:
        ledger.judge(
            connection, "crm:Contact:9001", "newsletter:contacts:9002", Verdict.SAME, author="ann", reason="met them"
        )
    run(hub.engine, hub.settings, "run-3")
    survivor = hub.golden_id(ref)
    gone = loser if survivor != loser else other
    visitor = signed_in("read", "review")
    own = visitor.get(f"/customers/{gone}/as-of?version=1").text
    assert "What it was of its own is shown" in own
    assert "came later" in own, "the record of the other one is there today"
    later = visitor.get(f"/customers/{gone}/as-of?moment=2099-01-01").text
    assert f"/customers/{survivor}/as-of?version=" in later
    page = visitor.get(f"/customers/{survivor}").text
    assert "said on" in page
    assert "met them" in bare(page)
    assert "<script>alert" not in own + later + page


def test_each_record_tells_since_when_and_why_it_belongs(hub, signed_in):
    golden_id = hub.golden_id(HERO)
    page = signed_in("read", "review").get(f"/customers/{golden_id}").text
    members = re.search(r'<ul class="members">(.*?)</section>', page, re.DOTALL)[1]
    assert "Here since" in members
    assert re.search(r"The evidence says 9[\d.]+ % that it is the same as helpdesk:users:1", bare(members))
    link = re.search(r'href="(/review/\d+/\d+)">See the evidence', members)[1]
    assert signed_in("review", name="bob").get(link).status_code == 200
    reader = signed_in("read", name="reader").get(f"/customers/{golden_id}").text
    assert "See the evidence" not in reader, "no link that leads to a 403"
    alone = signed_in("read", name="other").get(f"/customers/{hub.golden_id('crm:Account:1')}").text
    assert "It is the only record." in bare(alone)


def test_each_value_tells_its_record_its_rule_and_what_lost(hub, signed_in):
    with hub.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE canonical.party SET email = 'b.albers@old.example', source_updated_at = :now WHERE ref = :ref"
            ),
            {"ref": "helpdesk:users:1", "now": NOW},
        )
        connection.execute(
            text("INSERT INTO golden.to_compose VALUES (:id) ON CONFLICT DO NOTHING"), {"id": hub.golden_id(HERO)}
        )
    run(hub.engine, hub.settings, "run-3")
    page = signed_in("review").get(f"/customers/{hub.golden_id(HERO)}").text
    email = bare(re.search(r'<th scope="row">Email</th>(.*?)</tr>', page, re.DOTALL)[1])
    assert email.startswith(
        "b.albers@old.example Helpdesk helpdesk:users:1 Change email the record that changed last 1 other"
    )
    assert "bruno.albers@mail1.example" in email
    assert re.search(r'class="origin support">Helpdesk', page)
