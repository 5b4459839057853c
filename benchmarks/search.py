"""What a change and a search cost with the index in Postgres: `python -m benchmarks.search [ROWS]`.

Generates persons into an embedded Postgres of its own, matches all of them, then one per cent that changed, three
times, and everything again to compare with; and searches for records before they are created. Run by hand: minutes.
"""

import resource
import statistics
import sys
import time
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

from benchmarks import people, scratch
from hub.db import arrow
from hub.golden import dirty
from hub.identity.matching import match_parties
from hub.identity.search import candidates
from hub.model.kinds import PartyKind
from hub.progress import silent
from hub.settings import MatchSettings

ROWS, CHANGED_SHARE, DELTAS, SEARCHES = 1_000_000, 0.01, 3, 1_000
KIND = PartyKind.PERSON
USUAL = MatchSettings()
# Other borders have everything matched again under the same model; these move no pair.
OTHER = MatchSettings(same=USUAL.same + 1e-12)
# What changes in a record, and how often.
CHANGES = (("phone",), 0.4), (("email",), 0.3), (("street", "postcode", "city"), 0.2), (("family_name", "name"), 0.1)


def main() -> None:
    rows = scratch.rows_asked(ROWS)
    with scratch.database() as opened:
        measure(opened.engine, rows)


def measure(engine: Engine, rows: int) -> None:
    """Print the seconds of a first run, of a delta and of a run over everything, and the milliseconds of a search."""
    changed = int(rows * CHANGED_SHARE)
    world = people.persons(rows + DELTAS * changed + SEARCHES)
    with engine.begin() as connection:
        insert(connection, world.slice(0, rows))
    first = match(engine, USUAL, "first run: standardise, fill the index, train, match")
    # What autovacuum does in the minutes after a load: a change is seldom the next second's.
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    deltas = []
    for number in range(DELTAS):
        with engine.begin() as connection:
            change(connection, world.slice(rows + number * changed, changed), rows, seed=number)
        deltas.append(match(engine, USUAL, f"{CHANGED_SHARE:.0%} of the parties changed"))
    again = match(engine, OTHER, "everything again under the same model")
    delta = statistics.median(deltas)
    say(f"the median delta took {delta / first:.1%} of the first run, {delta / again:.1%} of the run over everything")
    _say_sizes(engine)
    _search(engine, world.slice(rows + DELTAS * changed).drop(["person"]).to_pylist())
    say(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GB")


def insert(connection: Connection, world: pa.Table) -> None:
    """Write the persons of a world as parties that nobody has matched yet."""
    numbers = [str(number) for number in range(world.num_rows)]
    constant = {"source": "crm", "stream": "Contact", "kind": KIND.value, "department": "sales"}
    columns = {name: pa.repeat(pa.scalar(value), world.num_rows) for name, value in constant.items()}
    refs = {"ref": pa.array([f"crm:Contact:{number}" for number in numbers]), "source_id": pa.array(numbers)}
    given = {name: world[name] for name in (*people.TEXTS, "birth_date")}
    arrow.copy_in(connection, "canonical.party", pa.table({**refs, **columns, **given}))
    connection.execute(text("INSERT INTO canonical.to_match SELECT party_id FROM canonical.party"))
    connection.execute(text("ANALYZE canonical.party"))


def change(connection: Connection, new: pa.Table, rows: int, *, seed: int = 1) -> None:
    """As many of the first `rows` records as `new` has get something of it, and are queued as conform would."""
    random = np.random.default_rng(seed)
    refs = pa.array([f"crm:Contact:{number}" for number in random.choice(rows, new.num_rows, replace=False)])
    which = pa.array(random.choice(len(CHANGES), new.num_rows, p=[share for _, share in CHANGES]))
    connection.execute(
        text(
            """CREATE TEMP TABLE news ON COMMIT DROP AS
               SELECT ref, name, family_name, email, phone, street, postcode, city, 0 AS which
               FROM canonical.party WITH NO DATA"""
        )
    )
    names = ("name", "family_name", "email", "phone", "street", "postcode", "city")
    arrow.copy_in(connection, "news", pa.table({"ref": refs, "which": which, **{name: new[name] for name in names}}))
    for number, (columns, _) in enumerate(CHANGES):
        assigned = ", ".join(f"{name} = coalesce(news.{name}, p.{name})" for name in columns)
        connection.execute(
            text(f"UPDATE canonical.party p SET {assigned} FROM news WHERE p.ref = news.ref AND which = {number}")
        )
    connection.execute(
        text("INSERT INTO canonical.to_match SELECT party_id FROM canonical.party JOIN news USING (ref)")
    )
    dirty.mark(connection, refs.to_pylist())


def match(engine: Engine, settings: MatchSettings, what: str) -> float:
    """Match what is queued, say what came of it, and return the seconds."""
    begun = time.perf_counter()
    report = match_parties(engine, KIND, settings, progress=silent)
    seconds = time.perf_counter() - begun
    say(
        f"{what}: {seconds:.1f} s; {report.changed:,} of {report.parties:,} parties, {report.compared:,} pairs, "
        f"{report.written:,} written, {report.removed:,} removed, {len(report.dropped_blocks):,} keys too common"
    )
    return seconds


def _search(engine: Engine, records: list[dict[str, Any]]) -> None:
    taken, found = [], 0
    with engine.connect() as connection:
        candidates(connection, records[0], KIND, USUAL)  # reads the model
        for record in records:
            begun = time.perf_counter()
            found += bool(candidates(connection, record, KIND, USUAL))
            taken.append(1000 * (time.perf_counter() - begun))
    p50, p95, p99 = np.percentile(taken, [50, 95, 99])
    say(f"{len(records):,} searches, {found:,} with candidates: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")


def _say_sizes(engine: Engine) -> None:
    with engine.connect() as connection:
        for table in ("canonical.party", "identity.standardised_person", "identity.blocking_key_person"):
            size, rows = connection.execute(
                text(f"SELECT pg_total_relation_size('{table}') / 1e6, (SELECT count(*) FROM {table})")
            ).one()
            say(f"{table}: {rows:,} rows, {size:,.0f} MB with its indexes")


def say(line: str) -> None:
    """A line at once, also where the output is a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
