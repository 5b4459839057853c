"""How the review queue holds when many work at once: `python -m benchmarks.queue [PAIRS]`.

Puts pairs that wait into an embedded Postgres of its own, starts the hub's web server as its users do, and lets twenty
people work: each looks at the queue, filters it, opens pairs and decides them, first at the pace of people who know
their work, then as fast as they could click. Prints how long each page took, and counts that no decision was lost or
made twice. Run by hand: about four minutes.
"""

import random
import re
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
from psycopg.types.json import Jsonb
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, text

import dedup
from benchmarks import scratch
from benchmarks.api import serving
from hub import users
from hub.access import Role
from hub.identity import parties, waiting
from hub.model.kinds import Department, PartyKind

PAIRS, LEADS, ROUNDS = 10_000, 20, 12
PASSWORD = "for the benchmark only"  # noqa: S105  # of accounts in a database that is dropped at the end
# Seconds before each of the three requests that a decision takes. Twenty decisions in ten minutes, which a lead is
# happy with, are ten seconds a request; nobody is faster than the second.
PACES = {"2 to 6 s": (2, 6), "0.4 to 1.2 s": (0.4, 1.2)}
LISTS = (
    "/review", "/review?sort=impact", "/review?sort=oldest", "/review?sort=teaching", "/review?q=albers",
    "/review?q=mail3", "/review?source=billing&least=50", "/review?department=finance&value=1000&sort=impact",
    "/review?age=30&kind=person",
)  # fmt: skip

_PARTIES = """
    INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name, given_name, family_name, email,
        street, city, postcode, country)
    SELECT source || ':records:' || n, source, 'records', n, 'person', department, given || ' ' || family, given,
        family,
        lower(given || '.' || family || n || '@mail' || n % 7 || '.example'), n % 90 || ' Harbour Road',
        (ARRAY['Bremen', 'Graz', 'Lyon', 'Porto', 'Turku'])[1 + n % 5], (10000 + n % 5000), 'DE'
    FROM generate_series(1, :pairs) AS n
    CROSS JOIN (VALUES ('crm', 'sales'), ('billing', 'finance')) AS s(source, department)
    CROSS JOIN LATERAL (SELECT
        (ARRAY['Anna', 'Bruno', 'Clara', 'David', 'Elena', 'Felix', 'Greta', 'Hugo'])[1 + n % 8] AS given,
        (ARRAY['Albers', 'Brandt', 'Castillo', 'Dahl', 'Engel', 'Fontana', 'Garcia'])[1 + n / 8 % 7] AS family) AS named
"""
_PAIRS = """
    INSERT INTO identity.pair (party_a, party_b, kind, band, weight, probability, blocking_rule, model_version,
        first_seen_at)
    SELECT least(a.party_id, b.party_id), greatest(a.party_id, b.party_id), 'person', 'review', 3,
        0.3 + random() * 0.68, 'name', 'bench', now() - random() * interval '90 days'
    FROM canonical.party a JOIN canonical.party b ON b.source_id = a.source_id AND b.source = 'billing'
    WHERE a.source = 'crm'
"""
_INVOICES = """
    INSERT INTO canonical.invoice (ref, source, stream, source_id, party_ref, status, currency, total, paid, remaining,
        issued_at)
    SELECT 'billing:invoices:' || n, 'billing', 'invoices', n, 'billing:records:' || n, 'open',
        (ARRAY['EUR', 'USD'])[1 + n % 2], 5000, 0, (random() * 5000)::numeric(18, 2), now()
    FROM generate_series(1, :pairs, 3) AS n
"""


@dataclass
class Told:
    """Milliseconds of each page, and the pairs that were decided: every one that the server said yes to."""

    pace: str
    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    decided: list[str] = field(default_factory=list)
    refused: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def main() -> int:
    """0 where every decision is there once, 1 otherwise."""
    pairs = scratch.rows_asked(PAIRS)
    with scratch.database() as opened:
        with opened.engine.begin() as connection:
            fill(connection, pairs)
            people = [f"lead-{n}" for n in range(LEADS)]
            for name in people:
                users.add(connection, name, Role.LEAD, tuple(Department), PASSWORD, actor="benchmark")
        with opened.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
        rounds = [Told(pace) for pace in PACES]
        with serving(opened) as (address, _), ThreadPoolExecutor(LEADS) as pool:
            for told in rounds:
                begun = time.perf_counter()
                for done in [pool.submit(work, address.geturl(), name, told) for name in people]:
                    done.result()
                report(told, pairs, time.perf_counter() - begun)
        with opened.engine.connect() as connection:
            return verdict(connection, rounds, pairs)


def fill(connection: Connection, pairs: int) -> None:
    """So many pairs of two records each, a third of them with an open invoice."""
    untrained = dedup.train(parties.load(connection, PartyKind.PERSON), dedup.PERSON)
    connection.execute(
        text(
            """INSERT INTO identity.match_model (version, kind, parameters, report)
               VALUES ('bench', 'person', :parameters, '{}')"""
        ),
        {"parameters": Jsonb(untrained.to_dict())},
    )
    for statement in (_PARTIES, _INVOICES):
        connection.execute(text(statement), {"pairs": pairs})
    connection.execute(text(_PAIRS))
    connection.execute(text("ANALYZE"))
    connection.execute(text("CREATE TEMP TABLE everybody ON COMMIT DROP AS SELECT party_id FROM canonical.party"))
    waiting.refresh(connection, "everybody")


def work(address: str, name: str, told: Told) -> None:
    """One person: lists and pairs by turns, each decision by the form of its page."""
    chance = random.Random(name)  # noqa: S311  # a seed, not a secret
    # The server closes a connection that idles for 5 s; a browser opens another without a word.
    with httpx.Client(base_url=address, timeout=30, limits=httpx.Limits(keepalive_expiry=1)) as client:
        with told.lock:  # one after the other: the throttle takes twenty at once from one address for an attack
            page = client.get("/sign-in").text
            client.post("/sign-in", data={"csrf": _token(page), "name": name, "password": PASSWORD})
        for step in range(ROUNDS):
            where = LISTS[(step + int(name.split("-")[1])) % len(LISTS)]
            shown = _timed(client, told, "list", where, chance)
            links = re.findall(r'class="pair" href="([^"]+)"', shown.text)
            if not links:
                continue
            link = chance.choice(links[:5]).replace("&amp;", "&")  # the first are what everybody wants
            _decide(client, told, link, chance)


def _decide(client: httpx.Client, told: Told, link: str, chance: random.Random) -> None:
    page = _timed(client, told, "compare", link, chance)
    time.sleep(chance.uniform(*PACES[told.pace]))
    data = {"csrf": _token(page.text), "verdict": chance.choice(["same", "different", "unsure"])}
    begun = time.perf_counter()
    answer = client.post(link, data=data)
    taken = 1000 * (time.perf_counter() - begun)
    with told.lock:
        told.milliseconds["judge"].append(taken)
        if answer.status_code == httpx.codes.SEE_OTHER:
            told.decided.append(link.split("?", maxsplit=1)[0])
        elif answer.status_code == httpx.codes.CONFLICT:
            told.refused += 1
        else:
            raise RuntimeError(f"{answer.status_code} for a judgement")


def _timed(client: httpx.Client, told: Told, what: str, where: str, chance: random.Random) -> httpx.Response:
    time.sleep(chance.uniform(*PACES[told.pace]))
    begun = time.perf_counter()
    answer = client.get(where)
    with told.lock:
        told.milliseconds[what].append(1000 * (time.perf_counter() - begun))
    if answer.status_code != httpx.codes.OK:
        raise RuntimeError(f"{answer.status_code} for {what}")
    return answer


def _token(html: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    if found is None:
        raise RuntimeError("a page has no form")
    return found[1]


def report(told: Told, pairs: int, seconds: float) -> None:
    """Print the table of times."""
    table = Table(
        title=f"{pairs:,} pairs wait, {LEADS} people work for {seconds:.0f} s, {told.pace} before each request"
    )
    for name in ("page", "requests", "p50 ms", "p95 ms", "most ms"):
        table.add_column(name, justify="left" if name == "page" else "right")
    for name, taken in told.milliseconds.items():
        cuts = statistics.quantiles(taken, n=20)
        table.add_row(name, f"{len(taken):,}", f"{cuts[9]:.0f}", f"{cuts[18]:.0f}", f"{max(taken):.0f}")
    Console(width=110).print(table)


def verdict(connection: Connection, rounds: Sequence[Told], pairs: int) -> int:
    """Compare what people were told with what is stored; print both."""
    stored = dict(_facts(connection))
    decided = [pair for told in rounds for pair in told.decided]
    said, refused = len(decided), sum(told.refused for told in rounds)
    right = stored["live"] == stored["pairs"] == stored["audit"] == said and stored["waiting"] == pairs - said
    print(  # noqa: T201
        f"decided {said:,}, refused since somebody else had it {refused:,}; stored: {stored['live']:,} judgements "
        f"on {stored['pairs']:,} pairs, {stored['audit']:,} in the audit log, {stored['waiting']:,} still wait: "
        f"{'none lost, none doubled' if right else 'WRONG'}"
    )
    return 0 if right and len(set(decided)) == said else 1


def _facts(connection: Connection) -> Iterator[tuple[str, int]]:
    for name, query in {
        "live": "SELECT count(*) FROM identity.judgement WHERE author_kind = 'person'",
        "pairs": "SELECT count(DISTINCT (party_a, party_b)) FROM identity.judgement",
        "audit": "SELECT count(*) FROM ops.audit WHERE act LIKE 'judge %'",
        "waiting": "SELECT count(*) FROM identity.waiting_pair",
    }.items():
        yield name, connection.execute(text(query)).scalar_one()


if __name__ == "__main__":
    sys.exit(main())
