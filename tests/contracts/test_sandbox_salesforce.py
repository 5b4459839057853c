"""The simulated Salesforce behaves as the REST API guide says."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from connectors import sandbox
from connectors.sandbox import moments, store
from tests.contracts.sandbox_clients import Salesforce, get, post


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=4_000, seed=11)
    return folder


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    with sandbox.running(world) as found:
        yield found


@pytest.fixture(scope="module")
def org(address) -> Salesforce:
    return Salesforce(address)


def test_a_wrong_secret_gets_no_token(address):
    form = {"grant_type": "client_credentials", "client_id": "sandbox-client-id", "client_secret": "guessed"}
    answer = post(f"{address}/salesforce/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


def test_without_a_session_nothing_is_served(address):
    answer = get(f"{address}/salesforce/services/data/v62.0/query", params={"q": "SELECT Id FROM User"})
    assert answer.status_code == 401
    assert answer.json()[0]["errorCode"] == "INVALID_SESSION_ID"


def test_pages_follow_each_other_without_loss_or_repeat(org):
    pages = list(org.pages("SELECT Id FROM OpportunityFieldHistory ORDER BY CreatedDate, Id", batch=200))
    ids = [row["Id"] for page in pages for row in page]
    assert [len(page) for page in pages[:-1]] == [200] * (len(pages) - 1)
    assert len(pages) > 1
    assert len(ids) == len(set(ids)) == org.query("SELECT COUNT() FROM OpportunityFieldHistory").json()["totalSize"]


def test_a_page_is_never_smaller_than_200_nor_larger_than_2000(org):
    soql = "SELECT Id FROM OpportunityFieldHistory"
    assert len(org.query(soql, batch=1).json()["records"]) == 200
    assert org.query(soql, batch=99_999).json()["done"] is True


def test_equal_stamps_need_the_pair_to_resume(org):
    """A mass update stamps many rows alike; ordered by (stamp, id) the pair finds every row exactly once."""
    rows = org.rows("SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id")
    same = [one for one, other in pairwise(rows) if one["SystemModstamp"] == other["SystemModstamp"]]
    assert same, "the world must hold rows that share their stamp"
    at = same[0]
    stamp = at["SystemModstamp"].replace("+0000", "Z")
    rest = org.rows(
        f"SELECT Id, SystemModstamp FROM Contact WHERE SystemModstamp > {stamp} "
        f"OR (SystemModstamp = {stamp} AND Id > '{at['Id']}') ORDER BY SystemModstamp, Id"
    )
    assert [row["Id"] for row in rest] == [row["Id"] for row in rows[rows.index(at) + 1 :]]


def test_only_query_all_shows_deleted_and_merged_rows(org):
    everything = org.rows("SELECT Id, IsDeleted, MasterRecordId FROM Contact")
    alive = org.rows("SELECT Id, IsDeleted FROM Contact", path="query")
    gone = [row for row in everything if row["IsDeleted"]]
    merged = [row for row in gone if row["MasterRecordId"]]
    assert merged
    assert len(gone) > len(merged)
    assert len(alive) == len(everything) - len(gone)
    assert {row["MasterRecordId"] for row in merged} <= {row["Id"] for row in everything}


def test_rows_carry_attributes_and_the_parents_fields(org):
    row = org.rows("SELECT Id, Owner.Name, Amount, CloseDate, IsClosed FROM Opportunity LIMIT 1")[0]
    assert row["attributes"] == {"type": "Opportunity", "url": f"/services/data/v62.0/sobjects/Opportunity/{row['Id']}"}
    assert row["Owner"]["attributes"]["type"] == "User"
    assert row["Owner"]["Name"]
    assert len(row["Id"]) == 18


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id, Nickname__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Invoice", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact; DROP TABLE record", "MALFORMED_QUERY"),
    ],
)
def test_bad_queries_are_refused_in_the_vendors_words(org, soql, code):
    answer = org.query(soql)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_text_compares_without_case_and_quotes_are_escaped(org):
    total = len(org.rows("SELECT Id FROM User"))
    assert org.query("SELECT Id FROM User WHERE Name != 'O\\'Nobody'").json()["totalSize"] == total
    name = org.rows("SELECT Name FROM User LIMIT 1")[0]["Name"]
    found = org.query(f"SELECT Id FROM User WHERE Name IN ('{name.upper()}', 'x') OR Name = '{name.lower()}'")
    assert found.json()["totalSize"] >= 1


def test_usage_is_told_and_an_unknown_cursor_is_refused(org):
    assert org.query("SELECT Id FROM User").headers["Sforce-Limit-Info"].startswith("api-usage=")
    answer = get(f"{org.instance}/services/data/v62.0/query/0r8nothing-2000", headers=org.headers)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_late_transaction_shows_after_its_stamp(world, org):
    """Stamped before now, visible after it: whoever moves the watermark to now without a lookback loses the row."""
    with store.opened(world) as db:
        now = store.meta(db)["now"]
        late = next(store.read(db, "object='salesforce.Contact' LIMIT 1"))
        before = late._replace(stamp=now - moments.MINUTE, visible=now + moments.MINUTE)
        store.replace(db, [before])
        db.commit()
        assert org.query(f"SELECT Id FROM Contact WHERE Id = '{late.id}'").json()["totalSize"] == 0
        store.replace(db, [before._replace(visible=before.stamp)])
        db.commit()
    assert org.query(f"SELECT Id FROM Contact WHERE Id = '{late.id}'").json()["totalSize"] == 1
