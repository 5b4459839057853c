"""The simulated Stripe behaves as the API reference says."""

from collections.abc import Iterator

import pytest

from connectors import sandbox
from connectors.sandbox import moments, store
from tests.contracts.sandbox_clients import STRIPE, get, stripe_rows


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sandbox")
    sandbox.create(folder, size=4_000, seed=14)
    return folder


@pytest.fixture(scope="module")
def address(world) -> Iterator[str]:
    with sandbox.running(world) as found:
        yield found


def test_the_key_goes_as_bearer_or_as_user_name(address):
    url = f"{address}/stripe/v1/customers"
    assert get(url, auth=STRIPE).status_code == 200
    bearer = get(url, headers={"Authorization": f"Bearer {STRIPE[0]}", "Stripe-Version": "2024-06-20"})
    assert bearer.headers["Request-Id"].startswith("req_")
    assert bearer.headers["Stripe-Version"] == "2024-06-20"
    refused = get(url, auth=("sk_live_wrong", ""))
    assert (refused.status_code, refused.json()["error"]["type"]) == (401, "invalid_request_error")
    assert "wrong" not in refused.text


@pytest.mark.parametrize("name", ["customers", "invoices", "charges", "events"])
def test_lists_come_newest_first_and_whole(world, address, name):
    rows = stripe_rows(address, name, limit=13)
    assert len({row["id"] for row in rows}) == len(rows) > 13
    made = {row.id: row.created // 1_000 for row in _alive(world, name)}
    assert {row["id"] for row in rows} == set(made)
    order = [made[row["id"]] for row in rows]
    assert order == sorted(order, reverse=True)


def _alive(world, name):
    with store.opened(world) as db:
        edge = store.meta(db)["now"] - 30 * moments.DAY if name == "events" else 0
        yield from store.read(db, "object=? AND deleted=0 AND created>?", (f"stripe.{name.rstrip('s')}", edge))


def test_ending_before_goes_back(address):
    rows = stripe_rows(address, "invoices")
    page = get(
        f"{address}/stripe/v1/invoices", params={"limit": 5, "ending_before": rows[10]["id"]}, auth=STRIPE
    ).json()
    assert [row["id"] for row in page["data"]] == [row["id"] for row in rows[5:10]]


def test_canceled_subscriptions_show_only_on_demand(address):
    default = {row["status"] for row in stripe_rows(address, "subscriptions")}
    every = {row["status"] for row in stripe_rows(address, "subscriptions", status="all")}
    assert "canceled" not in default
    assert every >= {"active", "canceled", "past_due"}


def test_lists_filter_by_creation_and_know_no_other_cursor(address):
    rows = stripe_rows(address, "charges")
    middle = rows[len(rows) // 2]["created"]
    later = stripe_rows(address, "charges", **{"created[gte]": middle})
    assert {row["id"] for row in later} == {row["id"] for row in rows if row["created"] >= middle}
    url = f"{address}/stripe/v1/charges"
    unknown = get(url, params={"updated[gte]": 1}, auth=STRIPE)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (400, "parameter_unknown")
    assert get(url, params={"limit": 101}, auth=STRIPE).status_code == 400


def test_events_take_several_types(address):
    some = stripe_rows(address, "events", **{"types[]": ["invoice.paid", "customer.created"]})
    assert {row["type"] for row in some} == {"invoice.paid", "customer.created"}


def test_events_are_kept_for_thirty_days(tmp_path):
    sandbox.create(tmp_path, size=300, seed=4)
    with sandbox.running(tmp_path) as address:
        events = stripe_rows(address, "events")
        assert min(row["created"] for row in events) * 1_000 >= moments.to_ms(sandbox.world.START) - 30 * moments.DAY
        sandbox.tick(tmp_path, days=31)
        assert not {row["id"] for row in stripe_rows(address, "events")} & {row["id"] for row in events}


def test_deleted_customers_answer_by_id_only(world, address):
    with store.opened(world) as db:
        gone = next(store.read(db, "object='stripe.customer' AND deleted=1"))
    assert gone.id not in {row["id"] for row in stripe_rows(address, "customers")}
    answer = get(f"{address}/stripe/v1/customers/{gone.id}", auth=STRIPE)
    assert (answer.status_code, answer.json()) == (200, {"id": gone.id, "object": "customer", "deleted": True})
    missing = get(f"{address}/stripe/v1/customers/cus_nobody", auth=STRIPE)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
