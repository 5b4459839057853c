"""Compose: golden values, facets, consents and employers from what is in the database."""

import threading
from decimal import Decimal

import pytest
from sqlalchemy import Engine, text

from hub.db.tables import canonical
from hub.golden.compose import compose
from hub.progress import silent
from hub.settings import Settings
from tests.integration.golden_world import NOW, World, day, golden
from tests.waiting import PATIENCE


@pytest.fixture
def world(db: Engine) -> World:
    return World(db)


def test_values_come_from_members_with_provenance(world: World) -> None:
    world.party("crm:Account:1", name="ACME", phone="+49 30 1234", street="Old 1", city="Bonn", postcode="53111")
    world.party("bank:customer:1", name="Acme GmbH", tax_id="DE1", street="New 2", city="Köln", postcode="50667")
    world.party("desk:organization:1", name="Acme GmbH", phone="n/a")
    world.customer(1, ["crm:Account:1", "bank:customer:1", "desk:organization:1"])
    report = world.compose()
    record = world.composed(1)
    assert (report.composed, report.created, report.changed, report.removed) == (1, 1, 0, 0)
    assert (record["name"], record["street"], record["city"], record["tax_id"]) == ("Acme GmbH", "New 2", "Köln", "DE1")
    assert record["phone"] == "+49 30 1234"
    assert record["departments"] == ["finance", "sales", "support"]
    assert record["members"] == ["bank:customer:1", "crm:Account:1", "desk:organization:1"]
    assert record["provenance"]["street"] == {
        "ref": "bank:customer:1",
        "rule": "preferred_department",
        "losers": [{"ref": "crm:Account:1", "value": "Old 1"}],
    }


def test_composing_again_changes_nothing(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1"), world.party("bank:customer:1")])
    world.invoice("bank:invoice:1", "bank:customer:1", "10.00")
    world.consent("mail:consent:1", "crm:Account:1", "granted", day(-3))
    world.compose()
    before = world.rows("SELECT * FROM golden.composed_customer")
    assert world.compose().composed == 0
    world.changed(["crm:Account:1"])
    report = world.compose()
    assert (report.composed, report.created, report.changed) == (1, 0, 0)
    assert world.rows("SELECT * FROM golden.composed_customer") == before


def test_chunks_compose_what_one_go_composes(world: World) -> None:
    for number in range(1, 8):
        world.customer(number, [world.party(f"crm:Account:{number}", name=f"Firm {number}")])
    assert world.compose(chunk=2).created == 7
    assert world.rows("SELECT * FROM golden.to_compose") == []


def test_money_is_kept_per_currency(world: World) -> None:
    world.customer(1, [world.party("bank:customer:1")])
    world.invoice("bank:invoice:1", "bank:customer:1", "10.00", due_at=day(-1))
    world.invoice("bank:invoice:2", "bank:customer:1", "5.50", currency="USD", due_at=day(5))
    world.invoice("bank:invoice:3", "bank:customer:1", "7.00", status="void")
    world.invoice("bank:invoice:4", "bank:customer:1", "4.00", deleted_at=day(-1))
    payment = {"currency": "EUR", "status": "succeeded", "paid_at": day(-2)}
    world.fact(canonical.Payment, "bank:charge:1", "bank:customer:1", amount="100.00", refunded="20.00", **payment)
    world.compose()
    finance = world.composed(1)["finance"]
    assert finance["lifetime_value"] == {"EUR": 80}
    assert finance["open_balance"] == {"EUR": 10, "USD": 5.5}
    assert finance["overdue"] == {"EUR": 10}
    assert finance["last_purchase_at"] == day(-2).isoformat()


def test_money_paid_is_counted_once_and_outlives_its_record(world: World) -> None:
    paid = {"status": "paid", "remaining": "0.00"}
    world.customer(1, [world.party("bank:customer:1", deleted_at=day(-1))])
    world.invoice("bank:invoice:1", "bank:customer:1", "30.00", paid="30.00", **paid)
    world.invoice("bank:invoice:2", "bank:customer:1", "12.00", paid="12.00", deleted_at=day(-1), **paid)
    world.invoice("bank:invoice:3", "bank:customer:1", "99.00")
    world.fact(
        canonical.Payment, "bank:charge:1", "bank:customer:1", amount="30.00", refunded="0.00", currency="EUR",
        status="succeeded", paid_at=day(-2), invoice_ref="bank:invoice:1",
    )  # fmt: skip
    world.compose()
    finance = world.composed(1)["finance"]
    assert finance["lifetime_value"] == {"EUR": 42}
    assert finance["open_balance"] == {}
    assert world.composed(1)["departments"] == []


def test_what_falls_due_is_composed_without_any_change(world: World) -> None:
    world.customer(1, [world.party("bank:customer:1")])
    world.customer(2, [world.party("bank:customer:2")])
    world.invoice("bank:invoice:1", "bank:customer:1", "10.00", due_at=day(1))
    world.invoice("bank:invoice:2", "bank:customer:2", "10.00", due_at=day(9))
    world.compose(as_of=NOW)
    assert world.composed(1)["finance"]["overdue"] == {}
    assert world.compose(as_of=day(1)).composed == 0
    report = world.compose(as_of=day(2))
    assert (report.composed, report.changed) == (1, 1)
    assert world.composed(1)["finance"]["overdue"] == {"EUR": 10}
    assert world.composed(1)["finance"]["overdue_since"] == day(1).isoformat()
    assert world.compose(as_of=NOW).changed == 1
    assert world.composed(1)["finance"]["overdue"] == {}


def _ticket(world: World, ref: str, party_ref: str | None, **values: object) -> None:
    defaults = {"status": "open", "is_complaint": False, "source_created_at": day(-5)}
    world.fact(canonical.Ticket, ref, party_ref, **defaults | values)


def test_tickets_count_for_the_person_and_the_organization(world: World) -> None:
    world.customer(1, [world.party("desk:organization:1")])
    world.customer(2, [world.party("desk:user:1", kind="person", name="Ann Lee")], kind="person")
    _ticket(world, "desk:ticket:1", "desk:user:1", organization_ref="desk:organization:1", is_complaint=True)
    solved = {"status": "solved", "solved_at": day(-4)}
    _ticket(world, "desk:ticket:2", "desk:user:1", organization_ref="desk:organization:1", **solved)
    for number, (score, ago) in enumerate([("good", -3), ("bad", -2), ("offered", -1)]):
        rated = {"score": score, "rated_at": day(ago), "ticket_ref": "desk:ticket:2"}
        world.fact(canonical.Rating, f"desk:rating:{number}", "desk:user:1", **rated)
    world.compose()
    for number in (1, 2):
        support = world.composed(number)["support"]
        assert (support["open_tickets"], support["open_complaints"], support["tickets"]) == (1, 1, 2)
        assert (support["last_rating"], support["last_rating_at"]) == ("bad", day(-2).isoformat())
        assert support["median_hours_to_solve"] == 24


def test_sales_and_marketing_say_what_is_going_on(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1", owner_name="Olga")])
    world.opportunity("crm:Opportunity:1", "crm:Account:1", owner_name="Piet", last_activity_at=day(-3))
    world.opportunity("crm:Opportunity:2", "crm:Account:1", amount="50.00", currency="USD", stage="Closing")
    world.opportunity("crm:Opportunity:3", "crm:Account:1", status="won", closed_at=day(-9))
    world.opportunity("crm:Opportunity:4", "crm:Account:1", deleted_at=day(-1))
    touch = {"channel": "email", "campaign": "Spring"}
    world.fact(canonical.Touch, "mail:event:1", "crm:Account:1", outcome="sent", touched_at=day(-8), **touch)
    world.fact(canonical.Touch, "mail:event:2", "crm:Account:1", outcome="declined", touched_at=day(-7), **touch)
    world.compose()
    record = world.composed(1)
    sales, marketing = record["sales"], record["marketing"]
    assert (sales["open_opportunities"], sales["won"], sales["owner"]) == (2, 1, "Piet")
    assert sales["open_amount"] == {"EUR": 100, "USD": 50}
    assert sales["stages"] == ["Closing", "Proposal"]
    assert (sales["last_won_at"], sales["last_activity_at"]) == (day(-9).isoformat(), day(-3).isoformat())
    assert marketing["last_declined_at"] == day(-7).isoformat()
    assert marketing["campaigns"] == [
        {"name": "Spring", "channel": "email", "outcome": "declined", "last_touch_at": day(-7).isoformat()}
    ]
    assert marketing["fresh_at"] == day(-7).isoformat()


def test_an_opportunity_counts_for_its_contact_too(world: World) -> None:
    world.customer(1, [world.party("crm:Contact:1", kind="person", name="Ann Lee")], kind="person")
    world.opportunity("crm:Opportunity:1", "crm:Account:unknown", contact_ref="crm:Contact:1")
    world.compose()
    assert world.composed(1)["sales"]["open_amount"] == {"EUR": 100}


def test_a_merge_takes_the_strictest_consent(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1")])
    world.customer(2, [world.party("mail:contact:1")])
    world.consent("crm:consent:1", "crm:Account:1", "granted", day(-1))
    world.consent("mail:consent:1", "mail:contact:1", "withdrawn", day(-9))
    world.compose()
    assert world.composed(1)["consents"][0]["status"] == "granted"
    world.merge(2, into=1, refs=["mail:contact:1"])
    report = world.compose()
    assert (report.changed, report.removed) == (1, 1)
    assert world.composed(1)["consents"] == [
        {
            "channel": "email", "purpose": "marketing", "status": "withdrawn",
            "recorded_at": day(-9).isoformat(), "ref": "mail:consent:1",
        }
    ]  # fmt: skip


def test_a_grant_goes_with_its_record_and_a_withdrawal_stays(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1", deleted_at=day(-1)), world.party("bank:customer:1")])
    world.consent("crm:consent:1", "crm:Account:1", "granted", day(-3), channel="phone")
    world.consent("crm:consent:2", "crm:Account:1", "withdrawn", day(-3), channel="email")
    world.compose()
    assert [(c["channel"], c["status"]) for c in world.composed(1)["consents"]] == [("email", "withdrawn")]


def test_people_follow_their_employer_through_a_merge(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1")])
    world.customer(2, [world.party("bank:customer:1")])
    ann = world.party("crm:Contact:1", kind="person", name="Ann Lee", employer_ref="crm:Account:1")
    world.customer(3, [ann], kind="person")
    world.compose()
    assert world.composed(3)["employer_id"] == golden(1)
    assert world.composed(3)["provenance"]["employer_id"]["ref"] == "crm:Contact:1"
    world.merge(1, into=2, refs=["crm:Account:1"])
    report = world.compose()
    assert world.composed(3)["employer_id"] == golden(2)
    assert (report.composed, report.changed, report.removed) == (3, 2, 1)


def test_an_employer_that_arrives_later_is_found(world: World) -> None:
    ann = world.party("crm:Contact:1", kind="person", name="Ann Lee", employer_ref="crm:Account:1")
    world.customer(3, [ann], kind="person")
    world.compose()
    assert world.composed(3)["employer_id"] is None
    world.customer(1, [world.party("crm:Account:1")])
    world.compose()
    assert world.composed(3)["employer_id"] == golden(1)


def test_a_customer_without_members_is_removed(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1")])
    world.compose()
    world.customer(2, ["crm:Account:1"])
    report = world.compose()
    assert (report.created, report.removed) == (1, 1)
    assert [row["golden_id"] for row in world.rows("SELECT golden_id FROM golden.composed_customer")] == [golden(2)]


def test_a_kill_between_chunks_loses_nothing(world: World, db: Engine) -> None:
    for number in range(1, 6):
        world.customer(number, [world.party(f"crm:Account:{number}")])

    class Killed(BaseException):
        pass

    def kill(step: object) -> None:
        if getattr(step, "done", 0) >= 2:
            raise Killed

    with pytest.raises(Killed):
        compose(db, Settings(), run_id="run", as_of=NOW, progress=kill, chunk=2)
    assert len(world.rows("SELECT * FROM golden.to_compose")) == 3
    compose(db, Settings(), run_id="run", as_of=NOW, progress=silent, chunk=2)
    assert len(world.rows("SELECT * FROM golden.composed_customer")) == 5
    assert len(world.rows("SELECT * FROM golden.to_publish")) == 5


def test_a_change_that_commits_while_its_customer_is_taken_is_not_lost(world: World, db: Engine) -> None:
    """A writer that finds the id queued already does not queue it; compose must wait for that writer all the same."""
    world.customer(1, [world.party("crm:Account:1", name="Old name")])
    finished = threading.Event()

    def compose_beside() -> None:
        world.compose()
        finished.set()

    with db.connect() as writer, writer.begin():
        writer.execute(text("UPDATE canonical.party SET name = 'New name'"))
        writer.execute(text("INSERT INTO golden.to_compose VALUES (:id) ON CONFLICT DO NOTHING"), {"id": golden(1)})
        thread = threading.Thread(target=compose_beside)
        thread.start()
        world.waiting()
        assert not finished.is_set()
    thread.join(timeout=PATIENCE)
    assert world.composed(1)["name"] == "New name"


def test_money_in_facets_is_exact(world: World) -> None:
    world.customer(1, [world.party("bank:customer:1")])
    world.invoice("bank:invoice:1", "bank:customer:1", "9007199254740993.01")
    world.compose()
    row = world.rows("SELECT finance -> 'open_balance' ->> 'EUR' AS amount FROM golden.composed_customer")[0]
    assert Decimal(row["amount"]) == Decimal("9007199254740993.01")


def test_a_rating_that_comes_later_reaches_the_organization(world: World) -> None:
    world.customer(1, [world.party("desk:organization:1")])
    world.customer(2, [world.party("desk:user:1", kind="person", name="Ann Lee")], kind="person")
    _ticket(world, "desk:ticket:1", "desk:user:1", organization_ref="desk:organization:1")
    world.compose()
    rated = {"score": "bad", "rated_at": day(-2), "ticket_ref": "desk:ticket:1"}
    world.fact(canonical.Rating, "desk:rating:1", "desk:user:1", **rated)
    world.changed(["desk:user:1"])
    assert world.compose().changed == 2
    assert world.composed(1)["support"]["last_rating"] == "bad"


def test_facts_of_a_record_that_its_source_merged_away_still_count(world: World) -> None:
    gone = {"deleted_at": day(-1)}
    merged = world.party("bank:customer:1", merged_into_ref="bank:customer:2", **gone)
    deleted = world.party("bank:customer:3", **gone)
    world.customer(1, [merged, world.party("bank:customer:2"), deleted])
    world.invoice("bank:invoice:1", merged, "10.00")
    world.invoice("bank:invoice:2", deleted, "5.00")
    world.compose()
    assert world.composed(1)["finance"]["open_balance"] == {"EUR": 10}


def test_an_organization_belongs_to_another_through_merges_and_never_to_itself(world: World) -> None:
    world.customer(1, [world.party("crm:Account:1", name="Acme Pumps", parent_ref="crm:Account:2")])
    world.compose()
    assert world.composed(1)["parent_id"] is None, "the parent is not known yet"
    world.customer(2, [world.party("crm:Account:2", name="Acme Holding")])
    world.compose()
    assert world.composed(1)["parent_id"] == golden(2)
    assert world.composed(1)["provenance"]["parent_id"]["ref"] == "crm:Account:1"
    world.customer(3, [world.party("bank:customer:3", name="Acme Holding SE"), "crm:Account:2"])
    world.lineage("merged", 2, 3)
    world.release()
    assert world.composed(1)["parent_id"] == golden(3)
    assert world.rows("SELECT golden_id, parent_id FROM golden.customer WHERE parent_id IS NOT NULL") == [
        {"golden_id": golden(1), "parent_id": golden(3)}
    ]
    world.merge(1, into=3, refs=["crm:Account:1"])
    world.release()
    assert world.composed(3)["parent_id"] is None
    assert world.compose().composed == 0
