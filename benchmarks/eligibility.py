"""How quick contact eligibility is: `python -m benchmarks.eligibility [CUSTOMERS]`.

Puts customers of two records each, with their consents, touches, tickets, invoices and subscriptions, into an embedded
Postgres of its own; then asks for single customers by HTTP, one after the other, for 1,000 in one body, and for a
list of 100,000 at once. Run by hand: minutes.
"""

import csv
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import psutil
from sqlalchemy import Connection, Engine, text

from benchmarks import scratch
from benchmarks.api import serving
from benchmarks.search import say
from hub import clock, keys
from hub.access import Scope
from hub.eligibility.ask import ask
from hub.eligibility.question import Purpose, Question
from hub.model.kinds import Channel
from hub.settings import Settings

CUSTOMERS, LISTED, SINGLE, SINGLE_WARM = 1_000_000, 100_000, 500, 20
TURN = 50  # requests of one kind before those of the other
BATCH = 1_000
SOURCES = """(VALUES ('crm', 'sales'), ('mail', 'marketing'), ('desk', 'support'), ('bank', 'finance'))
    AS s(source, department)"""
FILL = (
    f"""INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name, email, country)
        SELECT source || ':people:' || n, source, 'people', n, 'person', department, 'Customer ' || n,
               'customer.' || n || '@example.com', (ARRAY['DE', 'US', 'FR', NULL])[1 + n % 4]
        FROM generate_series(1, :customers) AS n CROSS JOIN {SOURCES}
        WHERE source = 'crm' OR n % 3 = CASE source WHEN 'mail' THEN 0 WHEN 'desk' THEN 1 ELSE 2 END""",
    """INSERT INTO identity.golden_id (golden_id, number, kind)
       SELECT CAST(md5(CAST(n AS text)) AS uuid), n, 'person' FROM generate_series(1, :customers) AS n""",
    """INSERT INTO identity.membership (party_id, golden_id)
       SELECT party_id, CAST(md5(source_id) AS uuid) FROM canonical.party""",
    """INSERT INTO canonical.consent (ref, source, stream, source_id, party_ref, channel, purpose, status, recorded_at,
           mailbox)
       SELECT 'mail:consents:' || n, 'mail', 'consents', n, 'crm:people:' || n, 'email', 'marketing',
              CASE WHEN n % 7 = 0 THEN 'withdrawn' ELSE 'granted' END, now() - n % 900 * interval '1 day',
              CASE WHEN n % 2 = 0 THEN 'customer.' || n || '@example.com' END
       FROM generate_series(1, :customers) AS n WHERE n % 10 < 8""",
    """INSERT INTO canonical.touch (ref, source, stream, source_id, party_ref, channel, campaign, outcome, touched_at)
       SELECT 'mail:events:' || n || '-' || m, 'mail', 'events', n || '-' || m, 'crm:people:' || n, 'email',
              'Mail ' || (n + m) % 200, (ARRAY['sent', 'opened', 'responded', 'declined', 'sent'])[1 + (n + m) % 5],
              now() - (n + 97 * m) % 700 * interval '1 day'
       FROM generate_series(1, :customers) AS n CROSS JOIN generate_series(1, 5) AS m""",
    """INSERT INTO canonical.ticket (ref, source, stream, source_id, party_ref, status, is_complaint,
           source_created_at, solved_at)
       SELECT 'desk:tickets:' || n, 'desk', 'tickets', n, 'desk:people:' || n,
              CASE WHEN n % 5 = 0 THEN 'open' ELSE 'solved' END, n % 2 = 0,
               now() - (3 + n % 400) * interval '1 day', now() - n % 400 * interval '1 day'
       FROM generate_series(1, :customers, 3) AS n""",
    """INSERT INTO canonical.rating (ref, source, stream, source_id, ticket_ref, score, rated_at)
       SELECT 'desk:ratings:' || n, 'desk', 'ratings', n, 'desk:tickets:' || n, (ARRAY['good', 'bad'])[1 + n % 2],
              now() - n % 400 * interval '1 day'
       FROM generate_series(1, :customers, 6) AS n""",
    """INSERT INTO canonical.invoice (ref, source, stream, source_id, party_ref, status, currency, total, paid,
           remaining, issued_at, due_at, paid_at)
       SELECT 'bank:invoices:' || n || '-' || m, 'bank', 'invoices', n || '-' || m, 'bank:people:' || n,
              CASE WHEN n % 9 = 0 THEN 'open' ELSE 'paid' END, 'EUR', 100, 100,
              CASE WHEN n % 9 = 0 THEN 100 ELSE 0 END,
              now() - (30 + 30 * m) * interval '1 day', now() - 30 * m * interval '1 day',
              now() - 29 * m * interval '1 day'
       FROM generate_series(2, :customers, 3) AS n CROSS JOIN generate_series(1, 4) AS m""",
    """INSERT INTO canonical.subscription (ref, source, stream, source_id, party_ref, status, product, started_at)
       SELECT 'bank:subscriptions:' || n, 'bank', 'subscriptions', n, 'bank:people:' || n, 'active',
              'Product ' || n % 20,
              now() - n % 700 * interval '1 day'
       FROM generate_series(2, :customers, 3) AS n""",
    """INSERT INTO canonical.opportunity (ref, source, stream, source_id, contact_ref, name, stage, status,
           source_created_at, closed_at)
       SELECT 'crm:Opportunity:' || n, 'crm', 'Opportunity', n, 'crm:people:' || n, 'Deal', 'Closed',
              (ARRAY['won', 'lost', 'open'])[1 + n % 3], now() - interval '1 year', now() - n % 500 * interval '1 day'
       FROM generate_series(1, :customers, 2) AS n""",
    f"""INSERT INTO landing.sync_run (run_id, source, stream, finished_at)
        SELECT 'run ' || n, source, 'people', now() FROM generate_series(1, 2000) AS n CROSS JOIN {SOURCES}""",
)  # fmt: skip


def main() -> None:
    customers = scratch.rows_asked(CUSTOMERS)
    with scratch.database() as opened:
        with opened.engine.begin() as connection:
            fill(connection, customers)
            key = keys.create_key(connection, "bench", [Scope.READ])
        with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        ids = chosen(opened.engine, max(LISTED, SINGLE))
        say(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        with serving(opened) as (address, server):
            by_http(address.geturl(), server, key, ids)
        by_list(opened.engine, ids[:LISTED])
        say(f"load {os.getloadavg()[0]:.1f}")


def fill(connection: Connection, customers: int) -> None:
    """So many customers, as a hub would have them after it read and resolved them."""
    for statement in FILL:
        connection.execute(text(statement), {"customers": customers})


def chosen(engine: Engine, many: int) -> list[Any]:
    """Ids of so many customers, or of all, in no order."""
    with engine.connect() as connection:
        query = text("SELECT golden_id FROM identity.golden_id ORDER BY md5(CAST(number AS text)) LIMIT :many")
        return list(connection.execute(query, {"many": many}).scalars())


def by_http(address: str, server: psutil.Process, key: str, ids: Sequence[Any]) -> None:
    """Print how long single customers take, beside requests that ask nothing, in turns; and bodies of many."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=address, headers=headers, timeout=60) as client:
        for one in ids[:SINGLE_WARM]:
            _asked(client, [one])
        asked, nothing = Taken(), Taken()
        for first in range(0, SINGLE, TURN):
            asked.add(server, [partial(_asked, client, [one]) for one in ids[first : first + TURN]])
            nothing.add(server, [partial(_nothing, client)] * TURN)
        many = [_asked(client, ids[first : first + BATCH]) for first in range(0, 5 * BATCH, BATCH)]
    say(f"single: {asked}")
    say(f"/healthz, SELECT 1: {nothing}; p95 of a single is {asked.p95() / nothing.p95():.1f} times that")
    say(f"{BATCH:,} in one body: {statistics.median(many):.0f} ms")


@dataclass
class Taken:
    """Milliseconds of each request, and the server's seconds of processor time for all."""

    milliseconds: list[float] = field(default_factory=list)
    processor: float = 0.0

    def add(self, server: psutil.Process, requests: Sequence[Callable[[], float]]) -> None:
        before = _processor(server)
        self.milliseconds += [request() for request in requests]
        self.processor += _processor(server) - before

    def p95(self) -> float:
        return statistics.quantiles(self.milliseconds, n=20)[18]

    def __str__(self) -> str:
        many = len(self.milliseconds)
        p50, each = statistics.median(self.milliseconds), 1000 * self.processor / many
        return f"p50 {p50:.1f} ms, p95 {self.p95():.1f} ms of {many}; {each:.1f} ms of the server's processor time each"


def _processor(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _asked(client: httpx.Client, ids: Sequence[Any]) -> float:
    body = {"golden_ids": [str(one) for one in ids], "channel": "email", "purpose": "marketing"}
    begun = time.perf_counter()
    client.post("/v1/eligibility", json=body).raise_for_status()
    return 1000 * (time.perf_counter() - begun)


def _nothing(client: httpx.Client) -> float:
    begun = time.perf_counter()
    client.get("/healthz").raise_for_status()
    return 1000 * (time.perf_counter() - begun)


def by_list(engine: Engine, ids: Sequence[Any]) -> None:
    """Print how long a campaign's list takes, with the processor time of both sides, and what was answered."""
    settings = Settings()
    counts: Counter[str] = Counter()
    question = Question(Channel.EMAIL, Purpose.MARKETING)
    with engine.connect() as connection, tempfile.TemporaryFile("w", newline="") as out:
        backend = psutil.Process(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        begun, ours, theirs = time.perf_counter(), time.process_time(), _processor(backend)
        writer = csv.writer(out)
        for told in ask(connection, ids, question, settings.eligibility, clock.as_of(settings)):
            writer.writerow([told.asked, told.golden_id, told.answer.verdict, told.answer.reason, *told.answer.reach])
            counts[told.answer.reason or "allowed"] += 1
        seconds, ours, theirs = time.perf_counter() - begun, time.process_time() - ours, _processor(backend) - theirs
    say(f"a list of {len(ids):,}: {seconds:.1f} s; of the processors {ours:.1f} s by us and {theirs:.1f} s by Postgres")
    say(", ".join(f"{reason} {many:,}" for reason, many in counts.most_common()))


if __name__ == "__main__":
    main()
