"""What composing, publishing and the checks cost beside matching: `python -m benchmarks.golden [ROWS]`.

Generates persons with facts, among them an opportunity for every fifth, into an embedded Postgres of its own; matches,
resolves, composes and publishes all of them; asks all rules and checks; and does the same with one per cent that
changed. Run by hand: at a million rows it takes the better part of an hour.
"""

import os
import time
from collections.abc import Callable

import numpy as np
from sqlalchemy import Engine, text

from benchmarks import checks, people, scratch
from benchmarks.search import CHANGED_SHARE, ROWS, USUAL, change, insert, match, say
from hub import clock
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity.resolve import resolve
from hub.progress import silent
from hub.settings import Settings


def main() -> None:
    rows = scratch.rows_asked(ROWS)
    with scratch.database() as opened:
        measure(opened.engine, rows)


def measure(engine: Engine, rows: int) -> None:
    """Print the seconds of each stage of a full run, of the checks and of a delta, and what they are of each other."""
    changed = int(rows * CHANGED_SHARE)
    world = people.persons(rows + changed)
    with engine.begin() as connection:
        insert(connection, world.slice(0, rows))
        checks.add_facts(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    say(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    full = stages(engine, "all")
    checks.measure(engine, float(full.sum()))
    with engine.begin() as connection:
        change(connection, world.slice(rows, changed), rows)
    delta = stages(engine, "delta")
    say(f"compose and publish of all took {full[2:].sum() / full[0]:.2f} times the matching")
    golden = delta[2:].sum() / full[2:].sum()
    whole = delta.sum() / full.sum()
    say(f"a delta of {CHANGED_SHARE:.0%} took {golden:.1%} of that, and {whole:.1%} of the whole run")
    with engine.connect() as connection:
        customers, changes = connection.execute(
            text("SELECT (SELECT count(*) FROM golden.customer), (SELECT count(*) FROM golden.change)")
        ).one()
    say(f"{customers:,} customers, {changes:,} changes in the feed; load {os.getloadavg()[0]:.1f}")


def stages(engine: Engine, what: str) -> np.ndarray:
    """Seconds of match, resolve, compose and publish."""
    settings = Settings()
    as_of = clock.as_of(settings)
    return np.array(
        [
            match(engine, USUAL, f"{what}: match"),
            _timed(f"{what}: resolve", lambda: resolve(engine, run_id=what, progress=silent)),
            _timed(f"{what}: compose", lambda: compose(engine, settings, run_id=what, as_of=as_of, progress=silent)),
            _timed(f"{what}: publish", lambda: publish(engine, run_id=what, as_of=as_of)),
        ]
    )


def _timed(what: str, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    report = work()
    seconds = time.perf_counter() - begun
    say(f"{what}: {seconds:.1f} s; {report}")
    return seconds


if __name__ == "__main__":
    main()
