"""Trouble on demand, the controls, and the life of the server's process."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from connectors import sandbox
from tests.contracts.sandbox_clients import HUBSPOT, STRIPE, ZENDESK, Salesforce, get, post
from tests.waiting import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
ZENDESK_USERS = "/zendesk/api/v2/incremental/users/cursor.json?start_time=0"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=1_500, seed=15)
    return folder


@pytest.fixture(scope="module")
def server(world) -> Iterator[str]:
    with sandbox.running(world) as found:
        yield found


@pytest.fixture
def address(server) -> Iterator[str]:
    yield server
    requests.delete(f"{server}/sandbox/faults", timeout=10)


def fault(address: str, system: str, kind: str, **more) -> None:
    post(f"{address}/sandbox/faults", json={"system": system, "kind": kind, **more}).raise_for_status()


def test_it_says_that_it_is_a_simulation(address):
    answer = get(f"{address}/sandbox")
    assert answer.json()["simulation"] is True
    assert "simulation" in answer.json()["notice"]
    for url, more in (
        (f"{address}/stripe/v1/customers", {"auth": STRIPE}),
        (f"{address}/hubspot/crm/v3/objects/deals", {}),
    ):
        assert get(url, **more).headers["X-Simulation"] == "onerecord-sandbox"


def test_the_truth_is_not_served(address):
    for path in ("/sandbox/truth", "/truth.csv", "/sandbox/world.sqlite", "/docs", "/openapi.json"):
        assert get(f"{address}{path}").status_code == 404
    assert "entity" not in get(f"{address}{ZENDESK_USERS}", auth=ZENDESK).text


def test_refusals_come_in_each_vendors_words_and_pass(address):
    fault(address, "zendesk", "429", count=2)
    first = get(f"{address}{ZENDESK_USERS}", auth=ZENDESK)
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert get(f"{address}{ZENDESK_USERS}", auth=ZENDESK).status_code == 429
    assert get(f"{address}{ZENDESK_USERS}", auth=ZENDESK).status_code == 200
    fault(address, "hubspot", "429")
    answer = get(f"{address}/hubspot/crm/v3/objects/deals", headers=HUBSPOT)
    assert answer.json()["policyName"] == "TEN_SECONDLY_ROLLING"
    assert "Retry-After" not in answer.headers
    fault(address, "stripe", "500", retry_after=3)
    answer = get(f"{address}/stripe/v1/charges", auth=STRIPE)
    assert (answer.status_code, answer.json()["error"]["type"], answer.headers["Retry-After"]) == (
        500,
        "api_error",
        "3",
    )


def test_the_salesforce_quota_and_session_can_end(address):
    org = Salesforce(address)
    fault(address, "salesforce", "limit", path="queryAll")
    assert org.query("SELECT Id FROM User", path="query").status_code == 200
    spent = org.query("SELECT Id FROM User")
    assert (spent.status_code, spent.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
    fault(address, "salesforce", "401")
    assert org.query("SELECT Id FROM User").json()[0]["errorCode"] == "INVALID_SESSION_ID"
    assert org.query("SELECT Id FROM User").status_code == 200


def test_a_page_can_be_cut_off(address):
    fault(address, "stripe", "truncate")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(f"{address}/stripe/v1/customers", auth=STRIPE)
    assert get(f"{address}/stripe/v1/customers", auth=STRIPE).json()["data"]


def test_a_page_can_be_malformed(address):
    fault(address, "zendesk", "malformed")
    answer = get(f"{address}{ZENDESK_USERS}", auth=ZENDESK)
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("wrong_type", lambda row: row["name"] == {"unexpected": True}),
        ("missing_field", lambda row: "name" not in row),
        ("renamed_field", lambda row: "name" not in row and "name_v2" in row),
    ],
)
def test_rows_of_a_page_can_lose_their_schema(address, kind, holds):
    url = f"{address}{ZENDESK_USERS}"
    fault(address, "zendesk", kind, rows=2)
    rows = get(url, auth=ZENDESK).json()["users"]
    assert [holds(row) for row in rows[:3]] == [True, True, False]
    assert not any(holds(row) for row in get(url, auth=ZENDESK).json()["users"])


def test_a_nested_property_and_a_named_field_can_be_hit(address):
    fault(address, "hubspot", "renamed_field", field="dealstage", path="deals")
    rows = get(f"{address}/hubspot/crm/v3/objects/deals", headers=HUBSPOT).json()["results"]
    assert all("dealstage_v2" in row["properties"] for row in rows)


def test_an_unknown_fault_is_refused(address):
    assert post(f"{address}/sandbox/faults", json={"system": "zendesk", "kind": "rain"}).status_code == 422


def test_a_running_server_shows_the_tick_at_once(address):
    before = get(f"{address}/sandbox/state").json()
    count = "SELECT COUNT() FROM OpportunityFieldHistory"
    org = Salesforce(address)
    rows = org.query(count).json()["totalSize"]
    after = post(f"{address}/sandbox/tick").json()
    assert after["ticks"] == before["ticks"] + 1
    assert after["now"] > before["now"]
    assert org.query(count).json()["totalSize"] > rows


def test_the_server_can_die_in_the_middle_of_an_answer(world):
    with sandbox.running(world) as address:
        fault(address, "stripe", "die")
        with pytest.raises(requests.exceptions.RequestException):
            get(f"{address}/stripe/v1/customers", auth=STRIPE)
        assert _gone(address)


def test_the_server_never_outlives_a_killed_parent(world):
    code = (
        "import sys, pathlib, time; from connectors import sandbox\n"
        "with sandbox.running(pathlib.Path(sys.argv[1])) as address:\n    print(address, flush=True); time.sleep(600)"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(world)], stdout=subprocess.PIPE, text=True, env=env
    ) as parent:
        assert parent.stdout is not None
        address = parent.stdout.readline().strip()
        assert get(f"{address}/sandbox").ok
        parent.send_signal(signal.SIGKILL)
    assert _gone(address)


def test_the_server_ends_with_its_context(world):
    with sandbox.running(world) as address:
        pass
    wait_until(lambda: _gone(address), "the server stops answering")


def _gone(address: str) -> bool:
    try:
        get(f"{address}/sandbox")
    except requests.exceptions.ConnectionError:
        return True
    return False
