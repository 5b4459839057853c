"""A hub with something to look at, and a visitor: fixtures for the tests of the web app.

Parties, facts, flags and quarantine are written as connectors and checks would; pairs, clusters, golden records and
publications come from the real pipeline. Seeded once per session, cloned per test.
"""

import contextlib
import datetime as dt
import re
import ssl
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from sqlalchemy import Engine, Table, text
from sqlalchemy.engine import URL
from starlette.routing import BaseRoute

from hub import keys, users, web
from hub.access import Role
from hub.db import bulk, engine
from hub.db.tables import canonical, landing, ops, quality
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import Department, PartyKind
from hub.progress import silent
from hub.settings import Settings
from tests.conftest import clone, cloned
from tests.waiting import PATIENCE

NOW = dt.datetime(2026, 11, 20, 9, 30, tzinfo=dt.UTC)  # a Friday
SHARED_FROM = dt.date(2026, 11, 26)  # the day after three whole working days
FIRST = [
    "Anna",
    "Bruno",
    "Clara",
    "David",
    "Elena",
    "Felix",
    "Greta",
    "Hugo",
    "Irene",
    "Jonas",
    "Katja",
    "Luis",
    "Marta",
    "Nils",
    "Olga",
    "Paul",
    "Rosa",
    "Simon",
    "Tilda",
    "Viktor",
]
LAST = ["Albers", "Brandt", "Castillo", "Dahl", "Engel", "Fontana", "Garcia", "Haas", "Ivanov", "Jensen"]
TOWNS = [("Bremen", "28195"), ("Graz", "8010"), ("Lyon", "69001"), ("Porto", "4000"), ("Turku", "20100")]
DEPARTMENTS = {"crm": "sales", "helpdesk": "support", "billing": "finance", "newsletter": "marketing"}
XSS = "<script>alert('x')</script> & Sons"
WAITING = 31
PASSWORD = "correct horse battery"
ROLES = {"review": "lead", "read": "reader"}


def person(source: str, stream: str, number: int, **given: Any) -> dict[str, Any]:
    """A party as its connector would write it."""
    return {
        "ref": f"{source}:{stream}:{number}",
        "source": source,
        "stream": stream,
        "source_id": str(number),
        "kind": "person",
        "department": DEPARTMENTS[source],
        "source_updated_at": NOW - dt.timedelta(days=number % 90),
        **given,
    }


def people() -> Iterator[dict[str, Any]]:
    """200 persons of sales; half of them are known to support by the same address, some to finance in other words."""
    for number in range(200):
        first, last = FIRST[number % 20], LAST[number // 20]
        city, postcode = TOWNS[number % 5]
        known = {
            "name": f"{first} {last}",
            "given_name": first,
            "family_name": last,
            "email": f"{first}.{last}@mail{number % 7}.example".lower(),
            "mobile": f"+49151{number:08d}",
            "city": city,
            "postcode": postcode,
            "country": "DE",
        }
        yield person("crm", "Contact", number, **known, job_title="Buyer", street=f"{number % 60 + 1} Harbour Road")
        if number % 2:
            yield person("helpdesk", "users", number, **{**known, "mobile": None})
        if number < WAITING:
            other = {**known, "name": f"{first[0]}. {last}", "given_name": first[0], "email": None, "mobile": None}
            yield person("billing", "customers", number, **other, street=f"{number % 60 + 1} Harbor Rd")


def write(connection: Any, table: Table, rows: list[dict[str, Any]], key: tuple[str, ...], queue: Any = None) -> None:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    filled = ([row.get(name) for name in columns] for row in rows)
    bulk.upsert(connection, table, columns, filled, key=key, queue=queue)


def seed(opened: Engine, settings: Settings) -> None:
    """Fill a migrated database and run the pipeline over it, twice, so that there is a history."""
    with opened.begin() as connection:
        write_parties(connection)
        write_facts(connection)
        write_operations(connection)
    for kind in PartyKind:
        match_parties(opened, kind, settings.match, progress=silent)
    with opened.begin() as connection:
        _let_only_chosen_pairs_wait(connection)
    run(opened, settings, "run-1")
    with opened.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET job_title = 'Head of buying' WHERE ref = 'crm:Contact:1'"))
        connection.execute(
            text(
                """INSERT INTO golden.to_compose SELECT m.golden_id FROM identity.membership m
                   JOIN canonical.party p USING (party_id) WHERE p.ref = 'crm:Contact:1' AND m.until IS NULL"""
            )
        )
    run(opened, settings, "run-2")


def run(opened: Engine, settings: Settings, run_id: str) -> None:
    """Resolve, compose and publish."""
    resolve(opened, run_id=run_id, progress=silent)
    compose(opened, settings, run_id=run_id, as_of=NOW, progress=silent)
    publish(opened, run_id=run_id, as_of=NOW)
    with opened.begin() as connection:
        row = {"run_id": run_id, "as_of": NOW, "finished_at": NOW, "status": "published", "summary": {}}
        write(connection, ops.Run.__table__, [row], ("run_id",))


def write_parties(connection: Any) -> None:
    rows = list(people())
    rows.append(person("crm", "Contact", 9001, name=XSS, email="sons@xss.example"))
    rows.append(person("newsletter", "contacts", 9002, name=XSS, email="other@xss.example"))
    write(connection, canonical.Party.__table__, rows, ("ref",), canonical.ToMatch.__table__)
    # Organizations too few to train a model on are customers of their own.
    companies = [
        person("crm", "Account", n, kind="organization", name=f"{LAST[n]} Werke GmbH", city="Bremen", website=f"{LAST[n]}.example")
        for n in range(4)
    ]  # fmt: skip
    write(connection, canonical.Party.__table__, companies, ("ref",))
    connection.execute(text("INSERT INTO identity.to_resolve SELECT party_id FROM canonical.party"))


def write_facts(connection: Any) -> None:
    def fact(source: str, stream: str, serial: int, party: str, /, **given: Any) -> dict[str, Any]:
        ref = f"{source}:{stream}:{serial}"
        return {"ref": ref, "source": source, "stream": stream, "source_id": str(serial), "party_ref": party, **given}

    hero, helped = "crm:Contact:1", "helpdesk:users:1"
    moment = NOW - dt.timedelta(days=12)
    facts: dict[Any, list[dict[str, Any]]] = {
        canonical.Opportunity: [
            fact("crm", "Opportunity", n, hero, name=f"Harbour cranes, lot {n}", stage=stage, status=status, amount=12_500 * (n + 1),
                 currency="EUR", close_date=NOW.date() - dt.timedelta(days=7 * n), owner_id="U1", owner_name="Sven Holm", source_created_at=moment)
            for n, (stage, status) in enumerate([("Negotiation", "open"), ("Proposal", "open"), ("Closed won", "won")])
        ],
        canonical.Ticket: [
            fact("helpdesk", "tickets", 1, helped, subject="Crane stops", status="open", is_complaint=True, source_created_at=moment)
        ],
        canonical.Invoice: [
            fact("billing", "invoices", n, hero, number=f"R-{n}", status=status, currency="EUR", total=1200, paid=paid,
                 remaining=1200 - paid, issued_at=moment - dt.timedelta(days=40), due_at=moment)
            for n, (status, paid) in enumerate([("paid", 1200), ("open", 0)])
        ],
        canonical.Touch: [
            fact("newsletter", "events", 1, hero, channel="email", campaign="Spring fair", outcome="clicked", touched_at=moment)
        ],
        canonical.Consent: [
            fact("newsletter", "consents", 1, hero, channel="email", purpose="marketing", status="granted", recorded_at=moment)
        ],
    }  # fmt: skip
    for table, rows in facts.items():
        write(connection, table.__table__, rows, ("ref",))


def write_operations(connection: Any) -> None:
    flags = [
        {"opportunity_ref": f"crm:Opportunity:{n}", "rule": rule, "severity": severity, "first_seen": NOW, "last_seen": NOW,
         "raised_at": NOW, "shared_from": SHARED_FROM, "evidence": {"close_date": "2026-11-13", "days": 7}}
        for n, rule, severity in [(0, "no_progress", "warning"), (1, "past_close_date", "critical"), (1, "no_progress", "warning")]
    ]  # fmt: skip
    write(connection, quality.Flag.__table__, flags, ("opportunity_ref", "rule"))
    synced = [
        {"run_id": "run-1", "source": source, "stream": "all", "finished_at": NOW, "inserted": 200 - 30 * n, "error": None}
        for n, source in enumerate(DEPARTMENTS)
    ]  # fmt: skip
    columns = list(synced[0])
    bulk.copy(connection, "landing.sync_run", columns, ([row[name] for name in columns] for row in synced))
    refused = [
        ("crm", "Contact", "bad-1", "conform", "is not an e-mail address", "Email", {"Email": "private@@secret"}),
        ("billing", "invoices", "bad-2", "conform", "is missing", "currency", {"total": 12}),
    ]
    columns = ["source", "stream", "source_id", "stage", "reason", "field", "payload"]
    bulk.stage(connection, "refused", landing.Quarantine.__table__, columns, refused)
    names = ", ".join(columns)
    connection.execute(text(f"INSERT INTO landing.quarantine ({names}) SELECT {names} FROM refused"))


def _let_only_chosen_pairs_wait(connection: Any) -> None:
    """Whatever the model thinks: sales and finance agree on the first persons with chances of 0.31 to 0.91."""
    connection.execute(text("DELETE FROM identity.pair WHERE band = 'review'"))
    connection.execute(
        text(
            """WITH chosen AS (
                   SELECT least(a.party_id, b.party_id) AS party_a, greatest(a.party_id, b.party_id) AS party_b,
                          0.31 + 0.02 * CAST(b.source_id AS int) % 0.6 AS probability
                   FROM canonical.party b JOIN canonical.party a ON a.ref = 'crm:Contact:' || b.source_id
                   WHERE b.source = 'billing' AND b.stream = 'customers' AND b.source_id <> '0'
                   UNION ALL
                   SELECT min(party_id), max(party_id), 0.95 FROM canonical.party WHERE source_id IN ('9001', '9002'))
               INSERT INTO identity.pair (party_a, party_b, kind, band, weight, probability, blocking_rule, model_version)
               SELECT party_a, party_b, 'person', 'review', 3.5, probability, 'family_name+postcode',
                      (SELECT version FROM identity.match_model WHERE kind = 'person')
               FROM chosen
               ON CONFLICT (party_a, party_b) DO UPDATE SET band = 'review', probability = excluded.probability"""
        )
    )


@pytest.fixture(scope="session")
def world_template(server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> URL:
    """A database with the world in it, that is only ever cloned."""
    return _seeded(server, template, tmp_path_factory.getbasetemp())


@cache
def _seeded(server: URL, template: URL, folder: Path) -> URL:
    copy = clone(server, template)
    opened = engine.make_engine(copy)
    try:
        seed(opened, Settings(data_dir=folder))
    finally:
        opened.dispose()
    return copy


@pytest.fixture
def world(server: URL, world_template: URL) -> Iterator[Engine]:
    """An engine on a world of the test's own."""
    with cloned(server, world_template) as copy:
        opened = engine.make_engine(copy)
        yield opened
        opened.dispose()


@contextlib.contextmanager
def serving(opened: Engine, settings: Settings) -> Iterator[str]:
    """The web app over real HTTP, in a thread; gives its address."""
    listener = web.listen("127.0.0.1", 0)
    app = web.create_app(opened, settings)
    # FastAPI prepares routes when they are first asked for: 0.25 s for each app. They know nothing of their app.
    PREPARED.extend([] if PREPARED else app.router.routes)
    app.router.routes[:] = PREPARED
    server = web.server(app)
    started = threading.Event()
    startup = server.startup

    async def tell(*args: Any, **kwargs: Any) -> None:
        await startup(*args, **kwargs)
        started.set()

    server.startup = tell  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


@dataclass
class Hub:
    """A served world: its address and engine, and keys and accounts on demand."""

    address: str
    engine: Engine
    settings: Settings

    def key(self, *scopes: str, name: str = "ann") -> str:
        with self.engine.begin() as connection:
            return keys.create_key(connection, name, scopes)

    def account(self, *may: str, name: str = "ann", departments: Collection[str] | None = None) -> str:
        """Make an account, and return its name; its password is PASSWORD.

        `may` is a role, or what one wants to do: `review` gives a lead (of all departments unless told), `admin`
        an admin, `read` alone a reader.
        """
        role = next(
            ROLES.get(one, one) for one in ("admin", "engineer", "lead", "review", "read", "reader") if one in may
        )
        held = (departments or tuple(Department)) if role == Role.LEAD else ()
        with self.engine.begin() as connection:
            users.add(connection, name, role, held, PASSWORD, actor="test")
        return name

    def scalar(self, query: str, **parameters: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.execute(text(query), parameters).scalar_one_or_none()

    def golden_id(self, ref: str) -> str:
        return str(self.scalar("SELECT golden_id FROM golden.crosswalk WHERE ref = :ref AND until IS NULL", ref=ref))


PREPARED: list[BaseRoute] = []
# To read the certificates of all authorities takes 0.2 s; the servers of tests have none.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Visitor(httpx.Client):
    """A browser without a screen: keeps cookies, follows redirects only when told, fills in the token of forms.

    A page may take longer than the 5 s that httpx waits: tests share the machine.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(verify=PLAIN, timeout=PATIENCE, **given)

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
        return self.submit("/sign-in", "/sign-in", name=name, password=password, **fields)

    def submit(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open `page`, and post `fields` with its token to `action`."""
        return self.post(action, data={"csrf": token(self.get(page).text), **fields})


def token(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found is not None, "the page has no form"
    return found[1]


@pytest.fixture
def hub(world: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The world, served; passwords are hashed with little effort."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    settings = Settings(data_dir=tmp_path / "data")
    with serving(world, settings) as address:
        yield Hub(address, world, settings)


@pytest.fixture
def visitor(hub: Hub) -> Iterator[Visitor]:
    """A stranger."""
    with Visitor(base_url=hub.address) as opened:
        yield opened


@pytest.fixture
def signed_in(hub: Hub) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors who have an account, as `Hub.account` makes it, and have signed in."""
    with contextlib.ExitStack() as stack:

        def make(*may: str, name: str = "ann", departments: Collection[str] | None = None) -> Visitor:
            made = stack.enter_context(Visitor(base_url=hub.address))
            assert made.sign_in(hub.account(*may, name=name, departments=departments)).status_code == 303
            return made

        yield make


@pytest.fixture
def lead(signed_in: Callable[..., Visitor]) -> Callable[..., Visitor]:
    """Makes leads of some departments only, by name."""
    return lambda name, *departments: signed_in("lead", name=name, departments=departments)
