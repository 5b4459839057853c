"""Our Stripe and HubSpot connectors against servers that we did not write."""

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal

import pytest
import requests
from sqlalchemy import Engine, text

from connectors.conform import conform_source
from connectors.sync import StreamReport, sync_source
from hub.settings import SourceSettings
from tests.integration import foreign
from tests.integration.foreign import COMPANIES

Sources = tuple[SourceSettings, SourceSettings]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    with foreign.departments(tmp_path_factory.mktemp("foreign")) as given:
        yield given


def run(db: Engine, sources: Sources) -> dict[str, StreamReport]:
    now = dt.datetime.now(dt.UTC)
    reports = [report for source in sources for report in sync_source(db, source, run_id="test", as_of=now)]
    for source in sources:
        conform_source(db, source, run_id="test")
    return {report.stream: report for report in reports}


def column(db: Engine, query: str) -> list:
    with db.connect() as connection:
        return list(connection.execute(text(query)).scalars())


def test_the_same_companies_arrive_from_both_under_their_two_spellings(db: Engine, sources: Sources):
    first = run(db, sources)
    billed = column(db, "SELECT name FROM canonical.party WHERE source = 'billing' AND kind = 'organization'")
    marketed = column(db, "SELECT name FROM canonical.party WHERE source = 'crm' AND kind = 'organization'")
    assert sorted(billed) == sorted(company.billed_as for company in COMPANIES)
    assert sorted(marketed) == sorted(company.marketed_as for company in COMPANIES)
    employers = column(
        db,
        "SELECT e.name FROM canonical.party p JOIN canonical.party e ON e.ref = p.employer_ref WHERE p.kind = 'person'",
    )
    assert sorted(employers) == sorted(marketed)
    assert column(db, "SELECT count(*) FROM landing.quarantine") == [0]
    assert {r.inserted for r in first.values() if r.stream in ("customers", "invoices", "companies", "deals")} == {5}
    again = run(db, sources)
    assert {(r.inserted, r.updated, r.deleted) for r in again.values()} == {(0, 0, 0)}


def test_invoices_payments_and_deals_hang_on_their_companies(db: Engine, sources: Sources):
    run(db, sources)
    for status, pays in (("paid", True), ("open", False)):
        query = f"""SELECT i.total FROM canonical.invoice i JOIN canonical.party p ON p.ref = i.party_ref
                    WHERE i.status = '{status}' AND i.remaining = i.total - i.paid"""
        assert sorted(column(db, query)) == sorted(Decimal(c.invoiced) / 100 for c in COMPANIES if c.pays is pays)
    paid = """SELECT y.amount FROM canonical.payment y JOIN canonical.party p ON p.ref = y.party_ref
              WHERE y.status = 'succeeded'"""
    assert sorted(column(db, paid)) == sorted(Decimal(c.invoiced) / 100 for c in COMPANIES if c.pays)
    subscribed = "SELECT s.amount FROM canonical.subscription s JOIN canonical.party p ON p.ref = s.party_ref"
    assert sorted(column(db, subscribed)) == sorted(Decimal(c.invoiced) / 100 for c in COMPANIES)
    deals = "SELECT o.amount FROM canonical.opportunity o JOIN canonical.party p ON p.ref = o.party_ref WHERE o.status = 'open'"
    assert sorted(column(db, deals)) == sorted(Decimal(company.deal) for company in COMPANIES)


def test_what_changes_at_stripe_comes_through_its_events(db: Engine, sources: Sources):
    billing, _ = sources
    run(db, sources)
    headers = {"Authorization": f"Bearer {foreign.STRIPE_KEY}"}
    customer = column(db, "SELECT source_id FROM canonical.party WHERE source = 'billing' ORDER BY ref")[0]
    address = f"{billing.base_url}/v1/customers/{customer}"
    requests.post(address, data={"phone": "+49 30 5559999"}, headers=headers, timeout=30).raise_for_status()
    changed = run(db, sources)
    assert (changed["customers"].inserted, changed["customers"].updated) == (0, 1)
    assert column(db, f"SELECT phone FROM canonical.party WHERE source_id = '{customer}'") == ["+49 30 5559999"]
