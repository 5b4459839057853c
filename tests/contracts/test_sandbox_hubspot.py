"""The simulated HubSpot behaves as the CRM v3, associations v4 and e-mail v1 references say."""

from collections.abc import Iterator

import pytest

from connectors import sandbox
from connectors.sandbox import moments, store
from tests.contracts.sandbox_clients import HUBSPOT, get, hubspot_rows, hubspot_search, hubspot_timeline, post


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=4_000, seed=12)
    return folder


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    with sandbox.running(world) as found:
        yield found


def test_a_wrong_token_is_refused(address):
    answer = get(f"{address}/hubspot/crm/v3/objects/contacts", headers={"Authorization": "Bearer x"})
    body = answer.json()
    assert (answer.status_code, body["status"], body["category"]) == (401, "error", "INVALID_AUTHENTICATION")
    assert body["correlationId"]


def test_the_list_goes_on_from_after_and_shows_every_row_once(address):
    ids = [row["id"] for row in hubspot_rows(address, "contacts", limit=37)]
    assert len(ids) == len(set(ids)) > 100
    assert ids == sorted(ids, key=int)


def test_a_page_holds_100_at_most_and_50_with_history(address):
    url = f"{address}/hubspot/crm/v3/objects/deals"
    assert get(url, params={"limit": 101}, headers=HUBSPOT).status_code == 400
    assert get(url, params={"limit": 51, "propertiesWithHistory": "dealstage"}, headers=HUBSPOT).status_code == 400
    deals = get(url, params={"limit": 50, "propertiesWithHistory": "dealstage"}, headers=HUBSPOT).json()["results"]
    stages = [version["value"] for version in deals[0]["propertiesWithHistory"]["dealstage"]]
    assert stages[0] == deals[0]["properties"]["dealstage"]


def test_only_the_asked_properties_come_and_the_default_ones_without_asking(address):
    asked = hubspot_rows(address, "contacts", properties="jobtitle,nonexistent")[0]["properties"]
    assert set(asked) == {"jobtitle", "createdate", "lastmodifieddate", "hs_object_id"}
    default = hubspot_rows(address, "companies")[0]["properties"]
    assert set(default) == {"name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"}


def test_an_address_that_is_too_long_is_refused(address):
    answer = get(f"{address}/hubspot/crm/v3/objects/contacts", params={"properties": "p" * 15_000}, headers=HUBSPOT)
    assert answer.status_code == 414


def test_search_finds_the_changed_and_continues_by_id(address):
    rows = hubspot_rows(address, "contacts")
    since = sorted(row["properties"]["lastmodifieddate"] for row in rows)[len(rows) // 2]
    wanted = {row["id"] for row in rows if row["properties"]["lastmodifieddate"] >= since}
    found: list[str] = []
    while True:
        filters = [{"propertyName": "lastmodifieddate", "operator": "GTE", "value": since}]
        if found:
            filters.append({"propertyName": "hs_object_id", "operator": "GT", "value": found[-1]})
        sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        body = {"filterGroups": [{"filters": filters}], "sorts": sorts, "limit": 20}
        page = hubspot_search(address, "contacts", body).json()["results"]
        if not page:
            break
        found.extend(row["id"] for row in page)
    assert len(found) == len(set(found))
    assert set(found) >= wanted - _unindexed(rows)


def _unindexed(rows):
    """Changed in the last seconds before the simulated now: the search index has not heard of them."""
    edge = moments.hubspot(moments.to_ms(sandbox.world.START) - 20_000)
    return {row["id"] for row in rows if row["properties"]["lastmodifieddate"] > edge}


def test_search_refuses_to_go_beyond_ten_thousand(address):
    assert hubspot_search(address, "contacts", {"limit": 200, "after": "9800"}).status_code == 200
    refused = hubspot_search(address, "contacts", {"limit": 200, "after": "9801"})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert hubspot_search(address, "contacts", {"limit": 201}).status_code == 400


def test_the_search_index_lags(world, address):
    with store.opened(world) as db:
        row = next(store.read(db, "object='hubspot.companies' AND deleted=0 LIMIT 1"))
        store.replace(db, [row._replace(stamp=store.meta(db)["now"] - 1_000)])
        db.commit()
    body = {"filterGroups": [{"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": row.id}]}]}
    assert hubspot_search(address, "companies", body).json()["total"] == 0
    assert row.id in {listed["id"] for listed in hubspot_rows(address, "companies")}


def test_archived_rows_are_listed_apart_and_merged_ones_only_in_the_survivor(world, address):
    alive, gone = (hubspot_rows(address, "contacts", archived=flag) for flag in ("false", "true"))
    assert gone
    assert all(row["archived"] and row["archivedAt"] for row in gone)
    with store.opened(world) as db:
        merged = {row.id for row in store.read(db, "object LIKE 'hubspot.%' AND deleted=2")}
    shown = [
        row
        for name in ("contacts", "companies")
        for row in hubspot_rows(address, name, properties="hs_merged_object_ids")
    ]
    known = {part for row in shown for part in (row["properties"]["hs_merged_object_ids"] or "").split(";") if part}
    assert merged == known != set()
    assert not merged & {row["id"] for row in [*alive, *gone]}


def test_associations_are_read_in_batches(address):
    deals = [row["id"] for row in hubspot_rows(address, "deals")]
    url = f"{address}/hubspot/crm/v4/associations/deals/companies/batch/read"
    answer = post(url, json={"inputs": [{"id": id_} for id_ in [*deals, "999"]]}, headers=HUBSPOT)
    assert answer.status_code == 207
    body = answer.json()
    companies = {row["id"] for row in hubspot_rows(address, "companies")}
    assert {str(to["toObjectId"]) for row in body["results"] for to in row["to"]} <= companies
    assert body["errors"][-1]["subCategory"] == "crm.associations.NO_ASSOCIATIONS_FOUND"


def test_batch_read_answers_what_it_finds(address):
    ids = [row["id"] for row in hubspot_rows(address, "deals")][:3]
    url = f"{address}/hubspot/crm/v3/objects/deals/batch/read"
    body = {
        "inputs": [{"id": id_} for id_ in [*ids, "1"]],
        "properties": ["dealname"],
        "propertiesWithHistory": ["closedate"],
    }
    answer = post(url, json=body, headers=HUBSPOT)
    assert answer.status_code == 207
    assert [row["id"] for row in answer.json()["results"]] == ids
    assert answer.json()["results"][0]["propertiesWithHistory"]["closedate"]


@pytest.mark.parametrize(
    ("path", "key", "time"),
    [
        ("/email/public/v1/events", "events", "created"),
        ("/email/public/v1/subscriptions/timeline", "timeline", "timestamp"),
    ],
)
def test_timelines_come_newest_first_within_their_window(world, address, path, key, time):
    every = hubspot_timeline(address, path, key, limit=50)
    times = [row[time] for row in every]
    assert times == sorted(times, reverse=True)
    name = {"events": "email_event", "timeline": "subscription_change"}[key]
    with store.opened(world) as db:
        assert (
            len(every) == db.execute("SELECT count(*) FROM record WHERE object=?", (f"hubspot.{name}",)).fetchone()[0]
        )
    start, end = times[-1] + 1, times[0] - 1
    inside = hubspot_timeline(address, path, key, limit=50, startTimestamp=start, endTimestamp=end)
    assert inside == [row for row in every if start <= row[time] <= end]
