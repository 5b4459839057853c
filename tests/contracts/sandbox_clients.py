"""Plain readers of the simulated APIs, written from the vendors' documentation and not from our connectors."""

from collections.abc import Iterator
from typing import Any

import requests

from connectors.sandbox import credentials

HUBSPOT = {"Authorization": f"Bearer {credentials.HUBSPOT_TOKEN}"}
ZENDESK = (f"{credentials.ZENDESK_EMAIL}/token", credentials.ZENDESK_TOKEN)
STRIPE = (credentials.STRIPE_KEY, "")


def get(url: str, **more: Any) -> requests.Response:
    return requests.get(url, timeout=20, **more)


def post(url: str, **more: Any) -> requests.Response:
    return requests.post(url, timeout=20, **more)


class Salesforce:
    def __init__(self, address: str) -> None:
        form = {"grant_type": "client_credentials", **credentials.BY_SYSTEM["salesforce"]}
        token = post(f"{address}/salesforce/services/oauth2/token", data=form).json()
        self.instance = token["instance_url"]
        self.headers = {"Authorization": f"{token['token_type']} {token['access_token']}"}

    def query(self, soql: str, *, path: str = "queryAll", batch: int = 2_000) -> requests.Response:
        headers = {**self.headers, "Sforce-Query-Options": f"batchSize={batch}"}
        return get(f"{self.instance}/services/data/v62.0/{path}", params={"q": soql}, headers=headers)

    def pages(self, soql: str, *, path: str = "queryAll", batch: int = 2_000) -> Iterator[list[dict[str, Any]]]:
        page = self.query(soql, path=path, batch=batch).json()
        yield page["records"]
        headers = {**self.headers, "Sforce-Query-Options": f"batchSize={batch}"}
        while not page["done"]:
            page = get(self.instance + page["nextRecordsUrl"], headers=headers).json()
            yield page["records"]

    def rows(self, soql: str, **more: Any) -> list[dict[str, Any]]:
        return [row for page in self.pages(soql, **more) for row in page]


def hubspot_rows(address: str, name: str, limit: int = 100, **params: str) -> list[dict[str, Any]]:
    rows, after = [], None
    while True:
        query = {"limit": limit, **params} | ({"after": after} if after else {})
        page = get(f"{address}/hubspot/crm/v3/objects/{name}", params=query, headers=HUBSPOT).json()
        rows.extend(page["results"])
        after = page.get("paging", {}).get("next", {}).get("after")
        if after is None:
            return rows


def hubspot_search(address: str, name: str, body: dict[str, Any]) -> requests.Response:
    return post(f"{address}/hubspot/crm/v3/objects/{name}/search", json=body, headers=HUBSPOT)


def hubspot_timeline(address: str, path: str, key: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    offset = None
    while True:
        query = params | ({"offset": offset} if offset else {})
        page = get(f"{address}/hubspot{path}", params=query, headers=HUBSPOT).json()
        rows.extend(page[key])
        offset = page["offset"]
        if not page["hasMore"]:
            return rows


def zendesk_pages(
    address: str, name: str, cursor: str | None = None, per_page: int = 1_000
) -> Iterator[dict[str, Any]]:
    while True:
        where: dict[str, Any] = {"cursor": cursor} if cursor else {"start_time": 0}
        url = f"{address}/zendesk/api/v2/incremental/{name}/cursor.json"
        page = get(url, params={**where, "per_page": per_page}, auth=ZENDESK).json()
        yield page
        cursor = page["after_cursor"]
        if page["end_of_stream"]:
            return


def stripe_rows(address: str, name: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        query = {"limit": 100, **params} | ({"starting_after": rows[-1]["id"]} if rows else {})
        page = get(f"{address}/stripe/v1/{name}", params=query, auth=STRIPE).json()
        rows.extend(page["data"])
        if not page["has_more"]:
            return rows
