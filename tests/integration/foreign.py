"""Two servers that we did not write, as real processes: localstripe (Stripe) and backlot (HubSpot).

Both are seeded with the same companies, spelled as their departments would. Where a server deviates from its vendor,
a small proxy in front of it answers as the vendor does; the connectors know nothing of it. `departments()` is the way in.
"""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from hub.settings import SourceSettings
from tests.waiting import wait_until

STRIPE_KEY, HUBSPOT_TOKEN = "sk_test_foreign", "foreign-admin-token"
CARD, DECLINED = "4242424242424242", "4000000000000341"  # Stripe's own test cards
QUICK = {"retries": 3, "backoff_seconds": 0.1, "max_wait_seconds": 1}


@dataclass(frozen=True)
class Company:
    """One customer, as finance and as marketing write it."""

    billed_as: str
    marketed_as: str
    domain: str
    phone: str
    city: str
    postcode: str
    street: tuple[str, str]
    person: tuple[str, str]
    invoiced: int
    deal: str
    pays: bool = True


COMPANIES = (
    Company("Nordwind Logistik GmbH", "Nordwind Logistik", "nordwind-logistik.example", "+49 30 5550101", "Berlin", "10115",
            ("Hafenstraße 12", "Hafenstr. 12"), ("Jana", "Kessler"), 125_000, "14200"),
    Company("Blue Heron Analytics, Inc.", "Blue Heron Analytics", "blueheron.example", "+1 212 555 0142", "New York", "10001",
            ("18 West 30th Street", "18 W 30th St"), ("Miguel", "Santos"), 98_050, "36000"),
    Company("Atelier Beaumont SARL", "ATELIER BEAUMONT", "atelier-beaumont.example", "+33 1 55 50 12 34", "Paris", "75011",
            ("4 rue des Lilas", "4, Rue des Lilas"), ("Chloé", "Beaumont"), 45_500, "8000"),
    Company("Kestrel & Finch Ltd", "Kestrel and Finch Limited", "kestrelfinch.example", "+44 20 7946 0321", "London", "EC1A 1BB",
            ("77 Long Lane", "77 Long Ln"), ("Priya", "Raman"), 210_000, "52000"),
    Company("Fjordtech AS", "Fjord Tech", "fjordtech.example", "+47 22 55 50 10", "Oslo", "0150",
            ("Skippergata 9", "Skippergata 9"), ("Ingrid", "Solberg"), 77_700, "21000", pays=False),
)  # fmt: skip


@contextmanager
def departments(folder: Path) -> Iterator[tuple[SourceSettings, SourceSettings]]:
    """Finance (Stripe) and marketing (HubSpot), running and seeded, as sources of the hub."""
    with stripe() as stripe_url, hubspot(folder) as hubspot_url:
        yield (
            SourceSettings.model_validate(
                {
                    "name": "billing", "system": "stripe", "department": "finance", "base_url": stripe_url,
                    "credentials": {"api_key": STRIPE_KEY}, "options": QUICK,
                }
            ),
            SourceSettings.model_validate(
                {
                    "name": "crm", "system": "hubspot", "department": "marketing", "base_url": hubspot_url,
                    "credentials": {"token": HUBSPOT_TOKEN},
                    "options": {**QUICK, "streams": ["companies", "contacts", "deals"]},  # backlot has no e-mail logs
                }
            ),
        )  # fmt: skip


@contextmanager
def stripe() -> Iterator[str]:
    """localstripe behind a proxy that gives it Stripe's event list; the address."""
    port = free_port()
    command = [sys.executable, "-m", "localstripe", "--port", str(port), "--from-scratch"]
    upstream = f"http://127.0.0.1:{port}"
    with process(command, {}, lambda: call_stripe(upstream, "GET", "/v1/customers")):
        for company in COMPANIES:
            bill(upstream, company)
        with proxy(upstream, stripe_as_documented) as address:
            yield address


@contextmanager
def hubspot(folder: Path) -> Iterator[str]:
    """backlot over a corpus of our companies, behind a proxy that gives it HubSpot's histories and associations."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = folder / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(record) + "\n" for company in COMPANIES for record in market(company)))
    environment = {
        "BACKLOT_TELEMETRY": "0", "DO_NOT_TRACK": "1", "BACKLOT_DATA_DIR": str(folder / "data"),
        "BACKLOT_ADMIN_TOKEN": HUBSPOT_TOKEN,
    }  # fmt: skip
    backlot = [sys.executable, "-m", "backlot"]
    subprocess.run([*backlot, "import", str(corpus)], env=os.environ | environment, check=True, capture_output=True)
    port = free_port()
    upstream = f"http://127.0.0.1:{port}/hubspot"
    command = [*backlot, "serve", "--port", str(port), "--log-level", "critical", "--disable-telemetry"]
    answers = partial(call_hubspot, upstream, "/crm/v3/objects/companies")
    with process(command, environment, answers), proxy(upstream, hubspot_as_documented) as address:
        yield address


def bill(upstream: str, company: Company) -> None:
    """Make the customer, with a yearly subscription whose first invoice is paid by card, or fails to be."""
    form = {
        "name": company.billed_as, "email": f"billing@{company.domain}", "phone": company.phone,
        "address[line1]": company.street[0], "address[city]": company.city, "address[postal_code]": company.postcode,
    }  # fmt: skip
    customer = call_stripe(upstream, "POST", "/v1/customers", form)["id"]
    card = {
        "type": "card",
        "card[number]": CARD if company.pays else DECLINED,
        "card[exp_month]": "12",
        "card[exp_year]": "2090",
        "card[cvc]": "123",
    }
    method = call_stripe(upstream, "POST", "/v1/payment_methods", card)["id"]
    call_stripe(upstream, "POST", f"/v1/payment_methods/{method}/attach", {"customer": customer})
    default = {"invoice_settings[default_payment_method]": method}
    call_stripe(upstream, "POST", f"/v1/customers/{customer}", default)
    plan = f"yearly-{COMPANIES.index(company)}"
    price = {
        "id": plan,
        "amount": str(company.invoiced),
        "currency": "eur",
        "interval": "year",
        "product[name]": "Service",
    }
    call_stripe(upstream, "POST", "/v1/plans", price)
    call_stripe(upstream, "POST", "/v1/subscriptions", {"customer": customer, "items[0][plan]": plan})


def market(company: Company) -> list[dict[str, Any]]:
    """The company, its person and its deal as lines of backlot's corpus."""
    number = 1_000 + COMPANIES.index(company) * 10
    given, family = company.person
    created, stamp = "2026-03-01T09:00:00Z", "2026-03-02T09:00:00.000Z"
    common = {
        "source_type": "hubspot",
        "author_email": "owner@ourcompany.example",
        "visibility": "public",
        "created": created,
    }
    modified = {"createdate": "2026-03-01T09:00:00.000Z", "hs_lastmodifieddate": stamp, "lastmodifieddate": stamp}
    place = {"city": company.city, "zip": company.postcode, "address": company.street[1], "phone": company.phone}
    rows = (
        ("companies", company.marketed_as, {"name": company.marketed_as, "domain": company.domain, **place}),
        ("contacts", f"{given} {family}", {
            "firstname": given, "lastname": family, "email": f"{given}.{family}@{company.domain}".lower(),
            "company": company.marketed_as, "associatedcompanyid": str(number),
        }),
        ("deals", f"{company.marketed_as} renewal", {
            "dealname": f"{company.marketed_as} renewal", "dealstage": "contractsent", "amount": company.deal,
            "closedate": "2026-12-15T00:00:00.000Z", "deal_currency_code": "EUR", "hs_is_closed": "false",
        }),
    )  # fmt: skip
    return [
        {
            **common, "doc_id": f"{name}-{number}", "record_id": str(number + offset), "object_type": name, "title": title,
            "content": title, "properties": {**properties, **modified, "hs_object_id": str(number + offset)},
            "associations": [{"to": f"companies-{number}"}] if name != "companies" else [],
        }
        for offset, (name, title, properties) in enumerate(rows)
    ]  # fmt: skip


def call_stripe(upstream: str, method: str, path: str, form: dict[str, str] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {STRIPE_KEY}"}
    answer = requests.request(method, upstream + path, data=form, headers=headers, timeout=30)
    answer.raise_for_status()
    return answer.json()


def call_hubspot(upstream: str, path: str) -> Any:
    answer = requests.get(upstream + path, headers={"Authorization": f"Bearer {HUBSPOT_TOKEN}"}, timeout=30)
    answer.raise_for_status()
    return answer.json()


@dataclass(frozen=True)
class Asked:
    """A request on its way through a proxy."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes
    headers: dict[str, str]
    upstream: str

    def pass_on(self, query: list[tuple[str, str]] | None = None) -> requests.Response:
        url = f"{self.upstream}{self.path}?{urlencode(self.query if query is None else query)}"
        return requests.request(self.method, url, data=self.body, headers=self.headers, timeout=30)

    def values(self, key: str) -> list[str]:
        return [value for name, value in self.query if name == key]


def stripe_as_documented(asked: Asked) -> tuple[int, Any]:
    """Events: several types[] at once, newest first. Invoices: amount_remaining. Tax ids are there without `expand`."""
    if asked.path == "/v1/events":
        bound = [(key, value) for key, value in asked.query if key.startswith("created")]
        answer = asked.pass_on([*bound, ("limit", "100")])
        if not answer.ok:
            return answer.status_code, answer.json()
        events = [event for event in answer.json()["data"] if event["type"] in asked.values("types[]")]
        return 200, {"object": "list", "has_more": False, "data": events[::-1]}
    answer = asked.pass_on([(key, value) for key, value in asked.query if key != "expand[]"])
    body = answer.json()
    for each in body.get("data", [body]):
        if each.get("object") == "invoice":
            each["amount_remaining"] = each["amount_due"] - each["amount_paid"]
    return answer.status_code, body


def hubspot_as_documented(asked: Asked) -> tuple[int, Any]:
    """v4 batch read of associations, and property histories, of which backlot keeps the value of today."""
    if asked.path.startswith("/crm/v4/associations/"):
        return _associations(asked)
    answer = asked.pass_on()
    body = answer.json()
    wanted = [name for value in asked.values("propertiesWithHistory") for name in value.split(",")]
    if asked.path.endswith("/batch/read"):
        wanted = json.loads(asked.body).get("propertiesWithHistory", [])
    for record in body.get("results", []) if wanted else []:
        known = record["properties"]
        record["propertiesWithHistory"] = {
            name: [{"value": known[name], "timestamp": record["createdAt"], "sourceType": "IMPORT"}]
            for name in wanted
            if name in known
        }
    return answer.status_code, body


def _associations(asked: Asked) -> tuple[int, Any]:
    _, _, _, _, source, target, *_ = asked.path.split("/")
    results = []
    for given in json.loads(asked.body)["inputs"]:
        url = f"{asked.upstream}/crm/v4/objects/{source}/{given['id']}/associations/{target}"
        answer = requests.get(url, headers=asked.headers, timeout=30)
        answer.raise_for_status()
        if answer.json()["results"]:
            results.append({"from": {"id": given["id"]}, "to": answer.json()["results"]})
    return 200, {"status": "COMPLETE", "results": results}


@contextmanager
def proxy(upstream: str, answer: Callable[[Asked], tuple[int, Any]]) -> Iterator[str]:
    """An HTTP server in a thread that answers through `answer`; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            kept = {key: value for key, value in self.headers.items() if key in ("Authorization", "Content-Type")}
            status, content = answer(Asked(self.command, parts.path, parse_qsl(parts.query), body, kept, upstream))
            encoded = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(encoded)))
            self.end_headers()
            self.wfile.write(encoded)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Quiet: a test's output is pytest's."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def process(command: list[str], environment: dict[str, str], answers: Callable[[], Any]) -> Iterator[None]:
    """A server in a process of its own, from when it answers until the end of the `with`."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=os.environ | environment, **quiet) as running:
        try:
            wait_until(lambda: _works(answers), f"{command[2]} answers", going_on=lambda: running.poll() is None)
            yield
        finally:
            running.terminate()
            try:
                running.wait(10)
            except subprocess.TimeoutExpired:
                running.kill()


def _works(answers: Callable[[], Any]) -> bool:
    try:
        answers()
    except requests.RequestException:
        return False
    return True


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
