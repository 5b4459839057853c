"""The whole main job over two servers that we did not write: the same companies, as finance and as marketing know them."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Row, text
from sqlalchemy.engine import URL

from hub.db.engine import make_engine
from orchestration.pipeline import Outcome
from tests.conftest import cloned
from tests.hubrun import environment_of, run_with
from tests.integration import foreign
from tests.integration.foreign import COMPANIES, Company

GOLDEN = (
    "SELECT golden_id, kind, name, departments, members, finance, sales, marketing, employer_id FROM golden.customer"
)
NAMED = "SELECT ref, name, given_name, email FROM canonical.party"


@dataclass(frozen=True)
class Published:
    """What two runs in a row ended with, the customers that are published, and each party's own words by ref."""

    first: Outcome
    second: Outcome
    customers: list[Row[Any]]
    parties: dict[str, Row[Any]]


@pytest.fixture(scope="module")
def published(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder = tmp_path_factory.mktemp("foreign")
    with (
        contextlib.chdir(folder),
        foreign.departments(folder / "servers") as sources,
        cloned(server, template) as database,
        dg.DagsterInstance.ephemeral() as instance,
    ):
        variables = environment_of(sources, database, folder)
        first, second = (run_with(variables, database, instance) for _ in range(2))
        engine = make_engine(database)
        with engine.connect() as connection:
            customers = list(connection.execute(text(GOLDEN)))
            parties = {row.ref: row for row in connection.execute(text(NAMED))}
        engine.dispose()
        yield Published(first, second, customers, parties)


def organization(published: Published, company: Company) -> Row[Any]:
    """The one golden customer that holds any record of this company."""
    spellings = {company.billed_as, company.marketed_as}
    found = [
        customer
        for customer in published.customers
        if customer.kind == "organization" and {published.parties[ref].name for ref in customer.members} & spellings
    ]
    assert len(found) == 1, f"{company.billed_as} is {len(found)} customers"
    return found[0]


def test_a_publication_comes_out_and_a_second_run_changes_nothing(published: Published):
    assert published.first.status == "succeeded", published.first.errors
    assert published.first.summary["publication"]["number"] == 1
    assert set(published.first.summary["sources"]) == {"billing", "crm"}
    assert all(source["in_quarantine"] == 0 for source in published.first.summary["sources"].values())
    assert published.second.status == "succeeded", published.second.errors
    assert published.second.summary["publication"]["number"] == 1
    assert not published.second.summary["changed"]


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.marketed_as)
def test_a_company_that_both_departments_know_is_one_customer(published: Published, company: Company):
    customer = organization(published, company)
    assert sorted(ref.rsplit(":", 1)[0] for ref in customer.members) == ["billing:customers", "crm:companies"]
    assert {published.parties[ref].name for ref in customer.members} == {company.billed_as, company.marketed_as}
    assert {"finance", "marketing"} <= set(customer.departments)


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.marketed_as)
def test_its_money_and_its_deal_meet_in_the_golden_record(published: Published, company: Company):
    customer = organization(published, company)
    invoiced = {"EUR": Decimal(company.invoiced) / 100}
    paid, owed = (invoiced, {}) if company.pays else ({}, invoiced)
    assert amounts(customer.finance["lifetime_value"]) == paid
    assert amounts(customer.finance["open_balance"]) == owed
    assert customer.sales["open_opportunities"] == 1
    assert amounts(customer.sales["open_amount"]) == {"EUR": Decimal(company.deal)}


def amounts(given: dict[str, Any]) -> dict[str, Decimal]:
    return {currency: Decimal(str(amount)) for currency, amount in given.items()}


def test_no_two_companies_and_no_two_persons_were_merged(published: Published):
    organizations = {organization(published, company).golden_id for company in COMPANIES}
    assert len(organizations) == len(COMPANIES)
    persons = [customer for customer in published.customers if customer.kind == "person"]
    assert len(persons) == len(COMPANIES)
    assert len(published.customers) == 2 * len(COMPANIES), "everybody is there, once"
    members = [ref for customer in published.customers for ref in customer.members]
    assert sorted(members) == sorted(published.parties), "every party is a member of exactly one customer"


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.marketed_as)
def test_its_person_works_for_the_merged_company(published: Published, company: Company):
    name = " ".join(company.person)
    (person,) = [customer for customer in published.customers if customer.name == name]
    assert person.employer_id == organization(published, company).golden_id
