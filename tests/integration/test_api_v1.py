"""The API: keys, problems, paging, resolving of ids, ETags, the change feed."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from pydantic import BaseModel
from sqlalchemy import text

from hub import keys
from hub.api import models, paging
from hub.golden import manual
from hub.settings import SourceSettings
from tests import webworld
from tests.integration.test_web_records import HERO, merge
from tests.waiting import PATIENCE


@pytest.fixture
def client(hub):
    with httpx.Client(
        base_url=hub.address, headers={"Authorization": f"Bearer {hub.key('read')}"}, timeout=PATIENCE
    ) as opened:
        yield opened


def problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["type"] == f"urn:onerecord:problem:{status}"
    return body


@pytest.mark.parametrize(
    "path", ["/v1/customers", f"/v1/customers/{uuid.UUID(int=1)}", "/v1/changes", "/v1/nothing", "/openapi.json"]
)
def test_without_a_key_there_is_nothing_but_a_problem(hub, path):
    for headers in ({}, {"Authorization": "Bearer or_wrong"}, {"Authorization": "Basic b3JfOg=="}):
        answer = httpx.get(f"{hub.address}{path}", headers=headers, timeout=PATIENCE)
        problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_and_a_session_are_no_keys(hub, client, signed_in):
    assert client.get("/v1/customers").status_code == 200
    with hub.engine.begin() as connection:
        keys.revoke(connection, "ann")
    problem(client.get("/v1/customers"), 401)
    problem(signed_in("admin", name="boss").get("/v1/customers"), 401)


def test_a_key_without_the_scope_is_refused(hub):
    headers = {"Authorization": f"Bearer {hub.key('read:finance')}"}
    assert "read" in problem(httpx.get(f"{hub.address}/v1/changes", headers=headers, timeout=PATIENCE), 403)["detail"]


@pytest.mark.parametrize("limit", [1, 37, 500])
def test_paging_gives_every_customer_once(hub, client, limit):
    found, cursor = [], None
    while True:
        page = client.get("/v1/customers", params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        found += [item["golden_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if limit == 1 and len(found) == 20:
            break
        if cursor is None:
            assert len(found) == hub.scalar("SELECT count(*) FROM golden.customer")
            break
    assert len(found) == len(set(found))


def test_records_are_sent_as_they_are_documented(hub, client):
    """They come as Postgres writes them: this is what keeps them what the models of the description say."""

    def documented(model: type[BaseModel], query: str) -> list[dict]:
        with hub.engine.connect() as connection:
            rows = connection.execute(text(query)).mappings().all()
        return [model.model_validate(row).model_dump(mode="json") for row in rows]

    page = client.get("/v1/customers?limit=500")
    assert page.headers["content-type"] == "application/json"
    customers = documented(models.Customer, "SELECT * FROM golden.customer ORDER BY golden_id")
    assert page.json() == {"items": customers, "next_cursor": None}
    assert client.get(f"/v1/customers/{hub.golden_id(HERO)}").json() in customers
    feed = documented(models.Change, "SELECT * FROM golden.change ORDER BY sequence")
    assert client.get("/v1/changes?limit=500").json()["items"] == feed
    versions = documented(
        models.Version,
        f"SELECT * FROM golden.customer_history WHERE golden_id = '{hub.golden_id(HERO)}' ORDER BY version DESC",
    )
    assert client.get(f"/v1/customers/{hub.golden_id(HERO)}/history").json()["items"] == versions


def test_a_page_goes_on_behind_its_cursor_whatever_is_published_meanwhile(hub, client):
    first = client.get("/v1/customers?limit=5").json()
    ids = [item["golden_id"] for item in first["items"]]
    with hub.engine.begin() as connection:
        connection.execute(
            text("UPDATE golden.customer_row SET valid_to = now() WHERE golden_id = ANY(CAST(:ids AS uuid[]))"),
            {"ids": ids[:4]},
        )
    second = client.get("/v1/customers", params={"limit": 5, "cursor": first["next_cursor"]}).json()
    assert min(item["golden_id"] for item in second["items"]) > max(ids)


def test_lists_are_filtered_by_kind_and_by_time(hub, client):
    kinds = {item["kind"] for item in client.get("/v1/customers?kind=organization").json()["items"]}
    assert kinds == {"organization"}
    since = hub.scalar("SELECT max(updated_at) FROM golden.customer").isoformat()
    changed = client.get("/v1/customers", params={"updated_since": since}).json()["items"]
    assert [item["golden_id"] for item in changed] == [hub.golden_id(HERO)]


def test_a_cursor_belongs_to_its_filters(client):
    cursor = client.get("/v1/customers?limit=1").json()["next_cursor"]
    assert (
        "other filters"
        in problem(client.get("/v1/customers", params={"cursor": cursor, "kind": "person"}), 400)["detail"]
    )
    for nonsense in ("x", "eyJ9", paging.encode(["not an id"], [None, None]), paging.encode([1, 2, 3])):
        problem(client.get("/v1/customers", params={"cursor": nonsense}), 400)


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=501", "limit=x", "kind=robot", "updated_since=yesterday", "updated_since=20261122"]
)
def test_wrong_parameters_are_named_but_not_echoed(client, query):
    body = problem(client.get(f"/v1/customers?{query}"), 422)
    name, value = query.split("=")
    assert body["errors"][0]["parameter"] == name
    assert value not in body["detail"].split() or value in {"0", "501"}


def test_a_customer_comes_by_its_id_an_old_id_and_a_source_id(hub, client):
    golden_id, old = hub.golden_id(HERO), merge(hub, HERO)
    direct = client.get(f"/v1/customers/{golden_id}").json()
    assert direct["name"] == "Bruno Albers"
    assert direct["resolved_from"] is None
    assert direct["provenance"]["email"]["ref"] in direct["members"]
    assert client.get(f"/v1/customers/{old}").json() == {**direct, "resolved_from": str(old)}
    assert client.get("/v1/sources/helpdesk/users/1/customer").json() == direct
    problem(client.get("/v1/sources/helpdesk/users/none/customer"), 404)
    problem(client.get(f"/v1/customers/{uuid.UUID(int=1)}"), 404)
    problem(client.get("/v1/customers/not-an-id"), 422)


def test_ids_of_sources_may_hold_slashes(hub, client):
    with hub.engine.begin() as connection:
        connection.execute(
            text("UPDATE canonical.party SET ref = 'crm:Contact:a/b:c', source_id = 'a/b:c' WHERE ref = :ref"),
            {"ref": HERO},
        )
        connection.execute(
            text("UPDATE golden.crosswalk_row SET ref = 'crm:Contact:a/b:c' WHERE ref = :ref"), {"ref": HERO}
        )
    assert client.get("/v1/sources/crm/Contact/a/b:c/customer").json()["name"] == "Bruno Albers"


def test_a_retired_customer_is_gone_and_says_so(hub, client):
    golden_id = hub.golden_id(HERO)
    with hub.engine.begin() as connection:
        connection.execute(
            text("UPDATE identity.golden_id SET status = 'retired' WHERE golden_id = :id"), {"id": golden_id}
        )
        connection.execute(
            text("UPDATE golden.customer_row SET valid_to = now() WHERE golden_id = :id"), {"id": golden_id}
        )
    problem(client.get(f"/v1/customers/{golden_id}"), 410)
    assert len(client.get(f"/v1/customers/{golden_id}/history").json()["items"]) == 2


def test_an_unchanged_customer_is_not_sent_twice(hub, client):
    path = f"/v1/customers/{hub.golden_id(HERO)}"
    first = client.get(path)
    etag = first.headers["etag"]
    again = client.get(path, headers={"If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_provenance_names_winner_rule_and_losers_of_each_value(hub, client):
    golden_id, ref = hub.golden_id(HERO), "helpdesk:users:1"
    hub.settings.sources = (
        SourceSettings(
            name="helpdesk", system="zendesk", department="support", base_url="https://desk.example",
            record_url="https://desk.example/agent/{stream}/{source_id}",
        ),
    )  # fmt: skip
    with hub.engine.begin() as connection:
        manual.say(connection, ref, {"email": "bruno@albers.example"}, author="ann", reason="phoned")
    webworld.run(hub.engine, hub.settings, "run-3")
    customer = client.get(f"/v1/customers/{golden_id}").json()
    told = client.get(f"/v1/customers/{golden_id}/provenance").json()
    attributes = told.pop("attributes")
    assert told == {name: customer[name] for name in ("golden_id", "version", "publication", "resolved_from")}
    assert set(attributes) == set(customer["provenance"])
    assert {name: one["value"] for name, one in attributes.items()} == {name: customer[name] for name in attributes}
    assert attributes["job_title"] == {
        "value": "Head of buying", "ref": HERO, "rule": "only", "url": None, "losers": [],
        "sources_say": None, "sources_changed": None,
    }  # fmt: skip
    says, link = "bruno.albers@mail1.example", "https://desk.example/agent/users/1"
    assert attributes["email"] == {
        "value": "bruno@albers.example", "ref": ref, "rule": "manual", "url": link,
        "losers": [{"ref": HERO, "value": says, "url": None}, {"ref": ref, "value": says, "url": link}],
        "sources_say": says, "sources_changed": False,
    }  # fmt: skip


def test_provenance_follows_merges_and_is_not_sent_twice(hub, client):
    golden_id, old = hub.golden_id(HERO), merge(hub, HERO)
    first = client.get(f"/v1/customers/{golden_id}/provenance")
    assert client.get(f"/v1/customers/{old}/provenance").json() == {**first.json(), "resolved_from": str(old)}
    etag = first.headers["etag"]
    again = client.get(f"/v1/customers/{golden_id}/provenance", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    problem(client.get(f"/v1/customers/{uuid.UUID(int=1)}/provenance"), 404)


def test_history_tells_all_versions_newest_first(hub, client):
    path = f"/v1/customers/{hub.golden_id(HERO)}/history"
    history = client.get(path).json()
    assert [(v["version"], v["job_title"]) for v in history["items"]] == [(2, "Head of buying"), (1, "Buyer")]
    assert history["items"][0]["valid_to"] is None
    assert history["items"][1]["valid_to"] == history["items"][0]["valid_from"]
    page = client.get(path, params={"limit": 1}).json()
    rest = client.get(path, params={"limit": 1, "cursor": page["next_cursor"]}).json()
    assert page["items"] + rest["items"] == history["items"]
    assert rest["next_cursor"] is None
    problem(client.get(f"/v1/customers/{uuid.uuid4()}/history"), 404)


def test_the_feed_is_read_from_zero_and_resumed(hub, client):
    sequences, after = [], 0
    while True:
        page = client.get("/v1/changes", params={"after": after, "limit": 100}).json()
        sequences += [item["sequence"] for item in page["items"]]
        after = page["next_after"]
        if not page["has_more"]:
            break
    assert sequences == list(range(1, hub.scalar("SELECT max(sequence) FROM golden.change") + 1))
    nothing = client.get("/v1/changes", params={"after": after}).json()
    assert nothing == {"items": [], "next_after": after, "has_more": False}
    problem(client.get("/v1/changes?after=-1"), 422)
    problem(client.get(f"/v1/changes?after={2**63}"), 422)


def test_the_description_names_every_path_with_an_example(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/v1/customers",
        "/v1/customers/{golden_id}",
        "/v1/customers/{golden_id}/history",
        "/v1/customers/{golden_id}/provenance",
        "/v1/customers/{golden_id}/as-of",
        "/v1/customers/{golden_id}/facts/{department}",
        "/v1/eligibility",
        "/v1/flags",
        "/v1/flags/{flag_id}",
        "/v1/match",
        "/v1/sources/{source}/{stream}/{source_id}/customer",
        "/v1/changes",
        "/v1/webhooks",
        "/v1/webhooks/{name}/deliveries",
    }
    assert described["openapi"].startswith("3.1")
    assert described["components"]["schemas"]["Customer"]["examples"]
    for path in described["paths"].values():
        (described_method,) = path.values()
        assert described_method["security"]
        assert "application/problem+json" in described_method["responses"]["401"]["content"]


def test_unknown_paths_and_methods_are_problems_too(client):
    problem(client.get("/v1/nothing"), 404)
    problem(client.post("/v1/customers", json={}), 405)


def test_a_list_is_filtered_by_department(hub, client):
    found = client.get("/v1/customers?department=finance&limit=500").json()["items"]
    assert found
    assert all("finance" in item["departments"] for item in found)
    assert len(found) == hub.scalar("SELECT count(*) FROM golden.customer WHERE 'finance' = ANY (departments)")


def test_a_customer_is_read_as_it_was_at_a_moment(hub, client):
    golden_id = hub.golden_id(HERO)
    versions = client.get(f"/v1/customers/{golden_id}/history").json()["items"]
    assert len(versions) > 1
    for version in versions:
        answer = client.get(f"/v1/customers/{golden_id}/as-of", params={"moment": version["valid_from"]})
        assert answer.json() == version
    before = "2000-01-01T00:00:00Z"
    problem(client.get(f"/v1/customers/{golden_id}/as-of", params={"moment": before}), 404)


def test_who_is_known_is_found_before_they_are_created_again(hub, client):
    record = {
        name: value
        for name, value in client.get(f"/v1/customers/{hub.golden_id(HERO)}").json().items()
        if name in {"name", "email", "phone", "mobile", "street", "city", "postcode"} and value
    }
    before = hub.scalar("SELECT count(*) FROM canonical.party")
    answer = client.post("/v1/match", json={"kind": "person", "record": record})
    assert answer.status_code == 200, answer.text
    best = answer.json()["candidates"][0]
    assert best["golden_id"] == hub.golden_id(HERO)
    assert best["band"] == "same"
    assert best["explanation"]["fields"]
    assert hub.scalar("SELECT count(*) FROM canonical.party") == before


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"record": {"shoe_size": "44"}}, 422),
        ({"record": {"birth_date": "yesterday"}}, 422),
        ({"record": {}}, 422),
        ({"kind": "robot", "record": {"name": "R2"}}, 422),
        ({"record": {"name": {"first": "Ada"}}}, 422),
    ],
)
def test_a_record_that_cannot_be_searched_for_is_a_problem(client, body, status):
    told = problem(client.post("/v1/match", json=body), status)
    assert "yesterday" not in str(told)


def test_a_database_that_was_started_anew_is_no_problem(hub, client):
    path = f"/v1/customers/{hub.golden_id(HERO)}"
    assert client.get(path).status_code == 200
    with hub.engine.connect() as connection:
        connection.execute(
            text(
                """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid()"""
            )
        )
    assert client.get(path).status_code == 200
    assert client.get("/v1/customers?limit=1").status_code == 200


def test_many_at_a_time_get_what_each_asked_for(hub, client):
    page = client.get("/v1/customers?limit=40").json()["items"]
    refs = [item["members"][0].split(":") for item in page]
    paths = [f"/v1/customers/{item['golden_id']}" for item in page]
    paths += [f"/v1/sources/{source}/{stream}/{number}/customer" for source, stream, number in refs]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda path: client.get(path).json(), paths))
    assert answers == [*page, *page]


def test_a_private_department_is_read_with_a_scope_of_its_own(hub, client):
    hub.settings.private_departments = frozenset({"finance"})
    golden_id, old = hub.golden_id(HERO), merge(hub, HERO)
    key = hub.key("read", "read:finance", name="ledger")
    with httpx.Client(base_url=hub.address, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE) as finance:
        paths = [f"/v1/customers/{golden_id}", f"/v1/customers/{old}", "/v1/sources/crm/Contact/1/customer"]
        paths.append(f"/v1/customers/{golden_id}/as-of?moment=2100-01-01T00:00:00Z")
        for path in paths:
            kept, told = client.get(path).json(), finance.get(path).json()
            assert (kept["finance"], kept["withheld"]) == ({}, ["finance"])
            assert told["finance"]["lifetime_value"] == {"EUR": 1200.0}
            assert kept == {**told, "finance": {}, "withheld": ["finance"]}
        for path in ("/v1/customers?limit=500", f"/v1/customers/{golden_id}/history"):
            assert {str(one["finance"]) for one in client.get(path).json()["items"]} == {"{}"}
        seen, all_seen = (one.get("/v1/changes?limit=500").json()["items"] for one in (client, finance))
        assert len(seen) == len(all_seen), "every change is told"
        assert not any("finance" in (one[side] or {}) for one in seen for side in ("before", "after"))
        assert any("finance" in (one["after"] or {}) for one in all_seen)
        facts = f"/v1/customers/{golden_id}/facts/finance"
        assert "read:finance" in problem(client.get(facts), 403)["detail"]
        told = finance.get(facts).json()
        assert [one["fact"]["number"] for one in told["items"]] == ["R-1", "R-0"]
        assert told["facet"]["lifetime_value"] == {"EUR": 1200.0}
        first = finance.get(facts, params={"limit": 1}).json()
        rest = finance.get(facts, params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert first["items"] + rest["items"] == told["items"]
        assert client.get(f"/v1/customers/{old}/facts/support").json()["golden_id"] == golden_id
        etag = client.get(paths[0]).headers["etag"]
        assert finance.get(paths[0], headers={"If-None-Match": etag}).status_code == 200, "what it has is less"
