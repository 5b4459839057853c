"""Each hygiene rule on both sides of its boundary, at a fixed moment: one world, judged once, a case per line."""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.engine import URL

from hub.db.engine import make_engine
from hub.db.tables import canonical, identity
from hub.sections.hygiene import HygieneSettings
from hub.settings import Settings
from quality_checks.flags import flag_opportunities
from tests.conftest import cloned
from tests.support import add_parties

AS_OF = dt.datetime(2026, 6, 30, 12, tzinfo=dt.UTC)
TODAY = AS_OF.date()
SECOND = dt.timedelta(seconds=1)
STAGES = ("Lead", "Talk", "Offer", "Deal")
PROBABILITIES = {"Lead": 10, "Talk": 40, "Offer": 60, "Deal": 80}
SETTINGS = HygieneSettings(
    inactive_days_by_stage={"Offer": 20, "a: {b}": 3}, required_fields_by_stage={"Deal": ("contact_ref", "close_date")}
)


def days(number: float) -> dt.timedelta:
    return dt.timedelta(days=number)


def ago(number: float) -> dt.datetime:
    return AS_OF - days(number)


Move = tuple[str, Any, Any, dt.datetime]


@dataclass(frozen=True)
class Case:
    """An opportunity that is healthy but for `values` and `moves`; of `rule` it must be told `severity`, or nothing."""

    name: str
    rule: str
    severity: str | None
    values: dict[str, Any] = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    people: int | None = None

    @property
    def ref(self) -> str:
        return f"{self.values.get('source', 'crm')}:Opp:{self.rule}/{self.name}"


def stage(old: str, new: str, at: dt.datetime) -> Move:
    return "stage", old, new, at


def close(old: str, new: str, at: dt.datetime) -> Move:
    return "close_date", old, new, at


def won(on: dt.date, created: dt.datetime, **values: Any) -> dict[str, Any]:
    moment = dt.datetime.combine(on, dt.time(), dt.UTC)
    return {
        "status": "won",
        "stage": "Won",
        "close_date": on,
        "closed_at": moment,
        "source_created_at": created,
        **values,
    }


ENTERED = "stuck_in_stage"
STANDSTILL = [
    Case("stage-20", "inactive", "warning", {"stage": "Offer", "last_activity_at": ago(20)}),
    Case("stage-20-not-yet", "inactive", None, {"stage": "Offer", "last_activity_at": ago(20) + SECOND}),
    Case("odd-stage", "inactive", "warning", {"stage": "a: {b}", "last_activity_at": ago(3)}),
    Case("other-stage", "inactive", None, {"stage": "Lead", "last_activity_at": ago(13)}),
    Case("at-1.5", ENTERED, None, {"source_created_at": ago(15)}),
    Case("over-1.5", ENTERED, "warning", {"source_created_at": ago(15) - SECOND}),
    Case("at-2", ENTERED, "warning", {"source_created_at": ago(20)}),
    Case("over-2", ENTERED, "critical", {"source_created_at": ago(20) - SECOND}),
    Case("moved", ENTERED, None, {"source_created_at": ago(90)}, (stage("Lead", "Talk", ago(15)),)),
    Case("no-segment", ENTERED, "warning", {"currency": "USD", "source_created_at": ago(15) - SECOND}),
    Case("flat", ENTERED, "warning", {"source": "few", "source_created_at": ago(30)}),
    Case("flat-not-yet", ENTERED, None, {"source": "few", "source_created_at": ago(30) + SECOND}),
    Case("closed", ENTERED, None, won(TODAY - days(200), ago(300))),
]
OVER = "pushed_over_quarter"
DATES = [
    Case("over", OVER, "warning", {"close_date": dt.date(2026, 7, 1)}, (close("2026-06-30", "2026-07-01", ago(3)),)),
    Case("within", OVER, None, {"close_date": dt.date(2026, 6, 30)}, (close("2026-04-01", "2026-06-30", ago(3)),)),
    Case("taken-back", OVER, None, {"close_date": dt.date(2026, 6, 30)}, (
        close("2026-06-30", "2026-07-01", ago(3)), close("2026-07-01", "2026-06-30", ago(2)))),
    Case("no-date", OVER, None, {"close_date": dt.date(2026, 7, 1)}, (close("2026-02-31", "2026-07-01", ago(3)),)),
    Case("old-win", "backdated", None, won(TODAY - days(140), ago(91))),
]  # fmt: skip
BACK = "stage_moved_back"
STAGE_MOVES = [
    Case("once", BACK, "warning", {"stage": "Talk"}, (stage("Offer", "Talk", ago(60) + SECOND),)),
    Case("once-long-ago", BACK, None, {"stage": "Talk"}, (stage("Offer", "Talk", ago(60)),)),
    Case("twice", BACK, "critical", {"stage": "Lead"}, (
        stage("Offer", "Talk", ago(60) + SECOND), stage("Talk", "Lead", ago(1)))),
    Case("second-long-ago", BACK, "warning", {"stage": "Lead"}, (
        stage("Offer", "Talk", ago(60)), stage("Talk", "Lead", ago(1)))),
    Case("forward", BACK, None, {"stage": "Offer"}, (stage("Lead", "Offer", ago(1)),)),
    Case("unknown-stage", BACK, None, {"stage": "Talk"}, (stage("Parked", "Talk", ago(1)),)),
]  # fmt: skip
STEP = "next_step"
CONTENT = [
    Case("none", STEP, "critical", {"next_step": None}),
    Case("placeholder", STEP, "critical", {"next_step": "t.b.d."}),
    Case("old", STEP, "warning", {"source_created_at": ago(14)}),
    Case("not-yet", STEP, None, {"source_created_at": ago(14) + SECOND}),
    Case("renewed", STEP, None, {"source_created_at": ago(90)}, (("next_step", "Call", "Visit", ago(14) + SECOND),)),
    Case("no-history", STEP, None, {
        "source": "few", "source_created_at": ago(90), "source_updated_at": ago(14) + SECOND}),
    Case("no-history-untouched", STEP, "warning", {
        "source": "few", "source_created_at": ago(90), "source_updated_at": ago(14)}),
    Case("of-stage", "required_fields", "warning", {"stage": "Deal"}),
    Case("of-stage-full", "required_fields", None, {"stage": "Deal", "contact_ref": "crm:Contact:1", "amount": None}),
    Case("one", "few_contacts", "warning", people=1),
    Case("none", "few_contacts", "warning", people=0),
    Case("two", "few_contacts", None, people=2),
    Case("counted-one", "few_contacts", "warning", {"source": "few", "contact_count": 1}),
    Case("counted-two", "few_contacts", None, {"source": "few", "contact_count": 2}),
    Case("unknown", "few_contacts", None, {"source": "few"}),
]  # fmt: skip
CHF = {"currency": "CHF"}
CUT = "amount_cut"
AMOUNTS = [
    Case("much", "amount_unusual", "warning", {**CHF, "amount": 156.50}),
    Case("not-much", "amount_unusual", None, {**CHF, "amount": 155.50}),
    Case("little", "amount_unusual", "warning", {**CHF, "amount": 63.90}),
    Case("not-little", "amount_unusual", None, {**CHF, "amount": 64.40}),
    Case("too-few-deals", "amount_unusual", None, {"currency": "NOK", "amount": 1_000_000}),
    Case("over-20", CUT, "warning", {"stage": "Offer", "amount": 79.99}, (("amount", "100", "79.99", ago(1)),)),
    Case("at-20", CUT, None, {"stage": "Offer", "amount": 80}, (("amount", "100.0", "80.0", ago(1)),)),
    Case("early-stage", CUT, None, {"stage": "Talk", "amount": 50}, (("amount", "100", "50", ago(1)),)),
    Case("before-it-moved-on", CUT, None, {"stage": "Deal", "amount": 50}, (
        ("amount", "100", "50", ago(2)), stage("Talk", "Deal", ago(1)))),
    Case("after-it-moved-on", CUT, "warning", {"stage": "Deal", "amount": 50}, (
        stage("Talk", "Deal", ago(2)), ("amount", "100", "50", ago(1)))),
    Case("restored", CUT, None, {"stage": "Offer", "amount": 100}, (
        ("amount", "100", "50", ago(2)), ("amount", "50", "100", ago(1)))),
    Case("no-number", CUT, None, {"stage": "Offer", "amount": 50}, (("amount", "lots", "50", ago(1)),)),
]  # fmt: skip
EARLIER = close("2026-03-31", "2026-04-01", ago(95))
SKIPPED = "stages_skipped"
WINS = [
    Case("too-quick", "hidden", "warning", won(TODAY - days(1), ago(1) - days(3))),
    Case("quick", "hidden", None, won(TODAY - days(1), ago(1) - days(4))),
    Case("same-day-long-ago", "hidden", None, won(TODAY - days(90), ago(90))),
    Case("same-day-lately", "hidden", "warning", won(TODAY - days(89), ago(89))),
    Case("no-norm", "hidden", None, won(TODAY - days(1), ago(2), source="few")),
    Case("last-week", "held_back", "warning", won(dt.date(2026, 6, 24), ago(200)), (EARLIER,)),
    Case("week-before", "held_back", None, won(dt.date(2026, 6, 23), ago(200)), (EARLIER,)),
    Case("never-pushed", "held_back", None, won(dt.date(2026, 6, 24), ago(200))),
    Case("within", "held_back", None, won(dt.date(2026, 6, 24), ago(200)), (close("2026-04-01", "2026-06-24", ago(90)),)),
    Case("two", SKIPPED, "warning", won(TODAY - days(5), ago(200)), (stage("Talk", "Won", ago(5)),)),
    Case("one", SKIPPED, None, won(TODAY - days(5), ago(200)), (stage("Offer", "Won", ago(5)),)),
    Case("last-time", SKIPPED, None, won(TODAY - days(5), ago(200)), (
        stage("Lead", "Won", ago(50)), stage("Won", "Deal", ago(40)), stage("Deal", "Won", ago(5)))),
]  # fmt: skip
CASES = [*STANDSTILL, *DATES, *STAGE_MOVES, *CONTENT, *AMOUNTS, *WINS]


def usual() -> list[Case]:
    """What makes the norms: 20 deals won long ago, ten days a stage; and one open deal in each stage."""
    made = []
    for number in range(20):
        created = ago(400)
        moves = [stage(a, b, created + days(10 * (n + 1))) for n, (a, b) in enumerate(pairwise((*STAGES, "Won")))]
        for currency, amount in (("EUR", 100), ("CHF", 90.48 if number % 2 else 110.52)):
            values = won((created + days(40)).date(), created, currency=currency, amount=amount)
            made.append(Case(f"{currency}-{number}", "usual", None, values, tuple(moves)))
    made += [Case(name, "usual", None, {"stage": name, "probability": PROBABILITIES[name]}) for name in STAGES]
    return made


def seed(db: Engine, cases: list[Case]) -> None:
    with db.begin() as connection:
        for case in cases:
            source = case.values.get("source", "crm")
            healthy = {
                "ref": case.ref, "source": source, "stream": "Opp", "source_id": f"{case.rule}/{case.name}",
                "party_ref": "crm:Account:1", "name": "Renewal", "stage": "Lead", "status": "open", "amount": 100,
                "currency": "EUR", "close_date": TODAY + days(20), "next_step": "Send the offer", "owner_id": "123",
                "source_created_at": ago(5), "last_activity_at": ago(1),
            }  # fmt: skip
            connection.execute(insert(canonical.Opportunity).values({**healthy, **case.values}))
            for number, (name, old, new, at) in enumerate(case.moves):
                connection.execute(insert(canonical.OpportunityChange).values(
                    ref=f"{case.ref}#{number}", source=source, stream="History", source_id=f"{case.ref}#{number}",
                    opportunity_ref=case.ref, field=name, old_value=old, new_value=new, changed_at=at,
                ))  # fmt: skip
            for number in range(2 if case.people is None and source == "crm" else case.people or 0):
                connection.execute(insert(canonical.OpportunityContact).values(
                    ref=f"{case.ref}@{number}", source=source, stream="Role", source_id=f"{case.ref}@{number}",
                    opportunity_ref=case.ref, party_ref=f"{source}:Contact:{number}",
                ))  # fmt: skip


@pytest.fixture(scope="module")
def db(server: URL, template: URL) -> Iterator[Engine]:
    with cloned(server, template) as url:
        opened = make_engine(url)
        yield opened
        opened.dispose()


@pytest.fixture(scope="module")
def told(db: Engine) -> dict[tuple[str, str], Any]:
    """The flags of the whole world by ref and rule."""
    seed(db, usual() + CASES)
    seed_customers(db)
    flag_opportunities(db, Settings(hygiene=SETTINGS), as_of=AS_OF)
    with db.connect() as connection:
        rows = connection.execute(text("SELECT * FROM quality.flag")).all()
    return {(row.opportunity_ref or str(row.golden_id or row.department), row.rule): row for row in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule}/{case.name}")
def test_a_rule_on_its_boundary(told: dict[tuple[str, str], Any], case: Case) -> None:
    found = told.get((case.ref, case.rule))
    assert (found and found.severity) == case.severity, found


def test_the_evidence_names_the_norm_that_was_used(told: dict[tuple[str, str], Any]) -> None:
    own = told["crm:Opp:stuck_in_stage/over-1.5", "stuck_in_stage"].evidence
    assert (own["norm"]["median_days"], own["limit_days"], own["norm"]["segment"]) == (10.0, 15.0, "EUR")
    assert own["norm"]["deals"] >= 20
    assert own["norm"]["learned_on"] == "2026-06-30"
    fallen_back = told["crm:Opp:stuck_in_stage/no-segment", "stuck_in_stage"].evidence
    assert fallen_back["norm"]["segment"] is None
    assert told["few:Opp:stuck_in_stage/flat", "stuck_in_stage"].evidence["norm"] is None
    amount = told["crm:Opp:amount_unusual/much", "amount_unusual"].evidence["norm"]
    assert (amount["typical_amount"], round(amount["least"]), round(amount["most"])) == (100, 64, 156)


# --- What sales and finance say differently: a customer is all the records that are one golden id.

LATE = AS_OF - days(90)


@dataclass(frozen=True)
class Customer:
    """Sales knows one record, finance another; both are one customer. `told` are the rules that must be flagged."""

    name: str
    told: set[str]
    deals: tuple[dict[str, Any], ...] = ()
    invoices: tuple[dict[str, Any], ...] = ()
    payments: tuple[dict[str, Any], ...] = ()
    subscriptions: tuple[dict[str, Any], ...] = ()
    kind: str = "organization"

    @property
    def golden_id(self) -> uuid.UUID:
        return uuid.uuid5(uuid.NAMESPACE_URL, self.name)


WON = won(TODAY - days(30), ago(300))
CUSTOMERS = [
    Customer("invoiced", {"hidden_sale"}, invoices=({"issued_at": LATE + SECOND},)),
    Customer("invoiced-long-ago", set(), invoices=({"issued_at": LATE},)),
    Customer("void", set(), invoices=({"issued_at": ago(1), "status": "void"},)),
    Customer("paid", {"hidden_sale"}, payments=({"paid_at": ago(1)},)),
    Customer("failed", set(), payments=({"paid_at": ago(1), "status": "failed"},)),
    Customer("subscribed", {"hidden_sale"}, subscriptions=({"started_at": ago(1)},)),
    Customer("shopper", set(), payments=({"paid_at": ago(1)},), kind="person"),
    Customer("sold", set(), (won(TODAY - days(300), ago(350)),), invoices=({"issued_at": ago(1)},)),
    Customer("lost", {"hidden_sale"}, ({**WON, "status": "lost"},), invoices=({"issued_at": ago(1)},)),
    Customer("not-invoiced", {"won_not_invoiced"}, (WON,)),
    Customer("not-invoiced-yet", set(), (won(TODAY - days(29), ago(300)),)),
    Customer("invoiced-after", set(), (WON,), invoices=({"issued_at": ago(2)},)),
    Customer("invoiced-in-advance", set(), (WON,), invoices=({"issued_at": ago(60)},)),
    Customer("invoiced-before", {"won_not_invoiced"}, (WON,), invoices=({"issued_at": ago(61)},)),
    Customer("first-money", {"open_but_paid"}, ({},), payments=({"paid_at": ago(5) + SECOND, "amount": 7},)),
    Customer("money-before", set(), ({},), payments=({"paid_at": ago(5), "amount": 100},)),
    Customer("subscriber", set(), ({},), payments=({"paid_at": ago(1), "amount": 7},), subscriptions=({"started_at": ago(9)},)),
    Customer("same-amount", {"open_but_paid"}, ({},), payments=({"paid_at": ago(1), "amount": 101},), subscriptions=({"started_at": ago(9)},)),
    Customer("other-amount", set(), ({},), payments=({"paid_at": ago(1), "amount": 101.01},), subscriptions=({"started_at": ago(9)},)),
    Customer("won-before", set(), ({}, won(TODAY - days(300), ago(350))), payments=({"paid_at": ago(1), "amount": 7},)),
]  # fmt: skip


def seed_customers(db: Engine) -> None:
    with db.begin() as connection:
        given = [
            {"ref": f"{source}:{stream}:{one.name}", "kind": one.kind, "department": department}
            for one in CUSTOMERS
            for source, stream, department in (("crm", "Account", "sales"), ("bank", "customers", "finance"))
        ]
        ids = add_parties(connection, *given)
        for number, one in enumerate(CUSTOMERS):
            connection.execute(insert(identity.GoldenId).values(golden_id=one.golden_id, number=number, kind=one.kind))
            for ref in (f"crm:Account:{one.name}", f"bank:customers:{one.name}"):
                connection.execute(insert(identity.Membership).values(party_id=ids[ref], golden_id=one.golden_id))
            facts = ((canonical.Invoice, one.invoices), (canonical.Payment, one.payments),
                     (canonical.Subscription, one.subscriptions))  # fmt: skip
            for table, rows in facts:
                for place, values in enumerate(rows):
                    connection.execute(
                        insert(table).values(_fact(table.__tablename__, f"{one.name}/{place}", one, values))
                    )
    deals = [
        Case(f"{one.name}-{place}", "customer", None, {**values, "party_ref": f"crm:Account:{one.name}"})
        for one in CUSTOMERS
        for place, values in enumerate(one.deals)
    ]
    seed(db, deals)


def _fact(stream: str, name: str, one: Customer, values: dict[str, Any]) -> dict[str, Any]:
    usual_values: dict[str, dict[str, Any]] = {
        "invoice": {"status": "open", "total": 7, "paid": 0, "remaining": 7},
        "payment": {"status": "succeeded", "amount": 7, "refunded": 0},
        "subscription": {"status": "active"},
    }
    common = {"ref": f"bank:{stream}:{name}", "source": "bank", "stream": stream, "source_id": name, "currency": "EUR",
              "party_ref": f"bank:customers:{one.name}"}  # fmt: skip
    return {**common, **usual_values[stream], **values}


BETWEEN = {"hidden_sale", "won_not_invoiced", "open_but_paid"}


@pytest.mark.parametrize("one", CUSTOMERS, ids=lambda one: one.name)
def test_what_finance_knows_and_sales_does_not(told: dict[tuple[str, str], Any], one: Customer) -> None:
    subjects = {str(one.golden_id), *(f"crm:Opp:customer/{one.name}-{place}" for place in range(len(one.deals)))}
    assert {rule for subject, rule in told if subject in subjects and rule in BETWEEN} == one.told


def test_a_hidden_sale_names_the_records_of_finance(told: dict[tuple[str, str], Any]) -> None:
    found = told[str(uuid.uuid5(uuid.NAMESPACE_URL, "paid")), "hidden_sale"]
    assert (found.opportunity_ref, found.department) == (None, None)
    assert (found.evidence["records"], found.evidence["count"]) == (["bank:payment:paid/0"], 1)


# --- One figure a department, and what our own snapshots see. Worlds of their own, as they judge all deals at once.


@pytest.mark.parametrize(("late", "flagged"), [(7, False), (8, True)])
def test_more_than_35_percent_of_the_wins_of_a_quarter_in_its_last_week(
    server: URL, template: URL, late: int, flagged: bool
) -> None:
    with cloned(server, template) as url:
        db = make_engine(url)
        with db.begin() as connection:
            add_parties(connection, {"ref": "crm:Account:1", "kind": "organization", "department": "sales"})
        lately = [won(dt.date(2026, 3, 25 if n < late else 24), ago(300)) for n in range(20)]
        seed(db, [Case(str(n), "late_wins", None, values) for n, values in enumerate(lately)])
        report = flag_opportunities(db, Settings(), as_of=AS_OF)
        with db.connect() as connection:
            found = connection.execute(text("SELECT * FROM quality.flag WHERE rule = 'late_wins'")).one_or_none()
        db.dispose()
    assert ("late_wins" in report.open) is (found is not None) is flagged
    assert found is None or (found.department, found.evidence["won_in_last_week"]) == ("sales", 8)


def test_moves_that_the_source_does_not_tell_are_seen_by_our_own_snapshots(server: URL, template: URL) -> None:
    def ran(on: int, **values: Any) -> dict[str, int]:
        with db.begin() as connection:
            if values:
                connection.execute(canonical.Opportunity.__table__.update().values(**values))
        return flag_opportunities(db, Settings(), as_of=AS_OF + days(on)).open

    with cloned(server, template) as url:
        db = make_engine(url)
        seed(db, [Case("quiet", "snapshots", None, {"source": "few", "source_created_at": ago(1)})])
        june, july = dt.date(2026, 6, 30), dt.date(2026, 7, 31)
        assert ran(0, close_date=june) == {}
        assert ran(0.1) == {}
        assert ran(0.2, close_date=july) == {}  # the last state of a day counts
        assert ran(0.3, close_date=june) == {}
        assert ran(1, close_date=july) == {"pushed_over_quarter": 1}
        assert ran(2, close_date=dt.date(2026, 8, 15)) == {"pushed": 1, "pushed_over_quarter": 1}
        with db.connect() as connection:
            kept = connection.execute(
                text("SELECT valid_from, valid_to, close_date FROM quality.opportunity_snapshot ORDER BY valid_from")
            ).all()
        assert [tuple(row) for row in kept] == [
            (TODAY, TODAY + days(1), june),
            (TODAY + days(1), TODAY + days(2), july),
            (TODAY + days(2), None, dt.date(2026, 8, 15)),
        ]
        ran(3)
        ran(4, status="won", stage="Won")
        ran(5, next_step="Celebrate")
        with db.connect() as connection:
            rows = connection.execute(
                text("SELECT valid_from, status, stage FROM quality.opportunity_snapshot ORDER BY valid_from")
            ).all()
            history = connection.execute(
                text("SELECT field, old_value, new_value FROM quality.opportunity_history ORDER BY changed_at, field")
            ).all()
        db.dispose()
    assert {tuple(row) for row in rows[3:]} == {(TODAY + days(4), "won", "Won")}
    assert [tuple(row) for row in history] == [
        ("close_date", "2026-06-30", "2026-07-31"),
        ("close_date", "2026-07-31", "2026-08-15"),
        ("stage", "Lead", "Won"),
    ]
