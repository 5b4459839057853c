"""What happened with a customer, over all departments, page by page."""

import datetime as dt
import re
import uuid
from html import unescape

from sqlalchemy import Engine, text

from hub.api import paging
from hub.db.tables import canonical
from hub.review.queries import timeline
from hub.review.queries.timeline import KINDS, Customer, TimelineFilter
from tests.integration.golden_world import NOW as NOON
from tests.integration.golden_world import World, day
from tests.webworld import NOW, write

HERO = "crm:Contact:1"


def told(html: str) -> list[str]:
    """The entries, without markup."""
    entries = re.findall(r'<li class="(?:\w+)(?: later)?">(.*?)</li>', html, re.DOTALL)
    return [" ".join(unescape(re.sub(r"<[^>]+>", " ", entry)).split()) for entry in entries]


def add(connection, table, serial: int, party: str | None, source: str, **given) -> None:
    ref = f"{source}:things:{serial}"
    row = {"ref": ref, "source": source, "stream": "things", "source_id": str(serial), "party_ref": party, **given}
    write(connection, table.__table__, [row], ("ref",))


def test_every_kind_of_thing_that_happened_is_told_newest_first_with_its_source(hub, signed_in):
    at = [NOW - dt.timedelta(hours=hours) for hours in range(1, 20)]
    with hub.engine.begin() as connection:
        add(
            connection,
            canonical.OpportunityChange,
            1,
            None,
            "crm",
            opportunity_ref="crm:Opportunity:0",
            field="stage",
            old_value="Proposal",
            new_value="Negotiation",
            changed_at=at[0],
        )
        add(
            connection,
            canonical.Ticket,
            2,
            "helpdesk:users:1",
            "helpdesk",
            subject="Rope torn",
            status="solved",
            is_complaint=False,
            source_created_at=at[2],
            solved_at=at[1],
        )
        add(
            connection,
            canonical.Rating,
            3,
            None,
            "helpdesk",
            ticket_ref="helpdesk:things:2",
            score="bad",
            comment="slow",
            rated_at=at[3],
        )
        add(
            connection,
            canonical.Payment,
            4,
            HERO,
            "billing",
            status="failed",
            currency="EUR",
            amount=700,
            refunded=0,
            paid_at=at[4],
        )
        add(
            connection,
            canonical.Subscription,
            5,
            HERO,
            "billing",
            status="canceled",
            product="Care",
            currency="EUR",
            amount=9,
            started_at=at[6],
            ended_at=at[5],
        )
        add(
            connection,
            canonical.Touch,
            6,
            HERO,
            "newsletter",
            channel="email",
            campaign="Autumn",
            outcome="declined",
            touched_at=at[7],
        )
        add(
            connection,
            canonical.Consent,
            7,
            HERO,
            "newsletter",
            channel="email",
            purpose="news",
            status="withdrawn",
            recorded_at=at[8],
        )
        add(
            connection,
            canonical.Invoice,
            8,
            HERO,
            "billing",
            number="R-8",
            status="open",
            currency="EUR",
            total=50,
            paid=0,
            remaining=50,
            issued_at=at[9],
            due_at=NOW + dt.timedelta(days=9_999),
        )
    page = f"/customers/{hub.golden_id(HERO)}/timeline"
    visitor = signed_in("review")
    entries = told(visitor.get(page).text)
    text_of = "\n".join(entries)
    assert "Invoice falls due EUR 50.00 R-8" in entries[0]
    for expected in (
        "Opportunity moved Harbour cranes, lot 0 Proposal → Negotiation CRM crm:things:1", "Opportunity won",
        "Opportunity opened EUR 12,500.00", "Ticket opened Rope torn", "Ticket solved Rope torn Helpdesk",
        "Ticket opened Crane stops complaint", "Rated bad slow", "Payment failed EUR 700.00",
        "Subscription started EUR 9.00 Care", "Subscription ended", "Offer declined Autumn email",
        "Message clicked Spring fair", "Consent withdrawn news email", "Consent given marketing email",
        "Invoice issued EUR 50.00 R-8", "Invoice overdue EUR 1,200.00 R-1", "Invoice due EUR 1,200.00 R-0",
        "Golden record changed version 2 Job title", "First published",
    ):  # fmt: skip
        assert expected.casefold() in text_of.casefold(), expected
    finance = told(visitor.get(f"{page}?department=finance").text)
    assert finance
    assert all("Billing" in entry for entry in finance), "a fact is of the department of its source"
    ratings = told(visitor.get(f"{page}?kind=rating").text)
    assert len(ratings) == 1
    assert "Nothing of this kind" in visitor.get(f"{page}?department=marketing&kind=rating").text
    assert "Everything that happened" in visitor.get(page.removesuffix("/timeline")).text


def test_merges_and_splits_are_told_on_both_sides(hub, signed_in):
    hero, other, part = hub.golden_id(HERO), uuid.uuid4(), uuid.uuid4()
    with hub.engine.begin() as connection:
        for number, golden_id in ((900_001, other), (900_002, part)):
            connection.execute(
                text("INSERT INTO identity.golden_id (golden_id, number, kind) VALUES (:id, :number, 'person')"),
                {"id": golden_id, "number": number},
            )
        for event, golden_id, second in (("merged", other, hero), ("split", hero, part)):
            connection.execute(
                text(
                    """INSERT INTO identity.lineage (event, golden_id, other_golden_id, reason, run_id)
                       VALUES (:event, :a, :b, 'judged by ann', 'run-3')"""
                ),
                {"event": event, "a": golden_id, "b": second},
            )
        connection.execute(
            text(
                """INSERT INTO golden.change (sequence, golden_id, version, op, publication)
                   SELECT (SELECT max(sequence) FROM golden.change) + n, id, 1, op, 2
                   FROM (VALUES (1, CAST(:other AS uuid), 'merged'), (2, CAST(:part AS uuid), 'split')) AS v (n, id, op)"""
            ),
            {"other": other, "part": part},
        )
        connection.execute(
            text("UPDATE golden.publication SET lineage_id = (SELECT max(lineage_id) FROM identity.lineage)")
        )
    entries = "\n".join(told(signed_in("review").get(f"/customers/{hero}/timeline?kind=record").text))
    assert f"Merged with another customer {other} judged by ann" in entries
    assert f"Split: a part became a customer of its own {part}" in entries


def test_what_is_asked_for_is_checked_and_sql_in_it_is_harmless(hub, signed_in):
    visitor, page = signed_in("review"), f"/customers/{hub.golden_id(HERO)}/timeline"
    for name, value, status in (
        ("kind", "x' OR '1'='1", 422), ("department", "finance'; DROP TABLE golden.change; --", 422), ("kind", "a\x00", 400),
        ("cursor", "nonsense", 400), ("cursor", "\x00", 400), ("cursor", "x" * 1_001, 422), ("kind", "", 200),
    ):  # fmt: skip
        assert visitor.get(page, params={name: value}).status_code == status, (name, value)
    elsewhere = f"/customers/{hub.golden_id('crm:Contact:2')}/timeline"
    assert visitor.get(elsewhere).status_code == 200
    forged = paging.encode([NOW, "touch", "a\x00", "sent"], [hub.golden_id(HERO), "", ""])
    assert visitor.get(page, params={"cursor": forged}).status_code == 400


def test_a_thousand_things_are_told_once_each_over_the_pages(db: Engine):
    """Also where many happened at the same moment, and each is of one opportunity's two customers only once."""
    world = World(db)
    refs = [
        world.party("crm:Account:1"),
        world.party("mail:contacts:1"),
        world.party("desk:users:1", deleted_at=day(-1)),
    ]
    golden_id = world.customer(1, refs)
    with db.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO canonical.touch (ref, source, stream, source_id, party_ref, channel, campaign, outcome, touched_at)
                   SELECT 'mail:events:' || n, 'mail', 'events', n, 'mail:contacts:1', 'email', 'Spring', 'sent',
                          CAST(:now AS timestamptz) - n / 100 * interval '1 day' FROM generate_series(1, 900) n"""
            ),
            {"now": NOON},
        )
    world.opportunity("crm:Opportunity:1", "crm:Account:1", contact_ref="mail:contacts:1")
    world.consent("desk:consents:1", "desk:users:1", "withdrawn", day(-3))
    world.consent("desk:consents:2", "desk:users:1", "granted", day(-3), channel="phone")
    world.release()
    found, cursor = [], None
    with db.connect() as connection:
        while True:
            page = timeline.happened(connection, Customer(golden_id, refs), TimelineFilter(), now=NOON, cursor=cursor)
            found += page.items
            cursor = page.next
            if cursor is None:
                break
    keys = [(row.at, row.kind, row.ref, row.what) for row in found]
    assert keys == sorted(set(keys), reverse=True)
    counted = {kind: sum(row.kind == kind for row in found) for kind in KINDS}
    assert (counted["touch"], counted["opportunity"], counted["consent"], counted["record"]) == (900, 1, 1, 1)
    assert {row.department for row in found if row.kind == "touch"} == {"marketing"}


def test_a_change_of_facts_alone_is_no_change_of_the_golden_record(db: Engine):
    world = World(db)
    refs = [world.party("crm:Account:1")]
    golden_id = world.customer(1, refs)
    world.release()
    world.opportunity("crm:Opportunity:1", "crm:Account:1")
    world.changed(refs)
    world.release()
    world.party("crm:Account:1", name="Acme Ltd")
    world.changed(refs)
    world.release()
    with db.connect() as connection:
        page = timeline.happened(connection, Customer(golden_id, refs), TimelineFilter(kind="record"), now=NOON)
    assert [(row.what, row.version, row.changed) for row in page.items] == [
        ("changed", 3, ["name"]), ("published", 1, None)
    ]  # fmt: skip
