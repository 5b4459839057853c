"""What the checks cost beside the rest of a run: `python -m benchmarks.checks [ROWS]`.

Generates persons and an opportunity for every fifth of them into an embedded Postgres of its own, matches, resolves,
composes and publishes all, then evaluates every suite, on what is to be published again. Run by hand.
"""

import time

from sqlalchemy import Engine, text

from benchmarks import people, scratch
from benchmarks.golden import stages
from benchmarks.search import ROWS, insert, say
from hub import runs
from hub.settings import Settings

# A landed record for every party and fact, as the checks expect it; payloads are as small as JSON can be.
_LANDED = """
INSERT INTO landing.source_record (source, stream, source_id, payload, content_hash)
SELECT source, stream, source_id, CAST('{}' AS jsonb), 'h' FROM canonical.party
UNION ALL SELECT source, stream, source_id, CAST('{}' AS jsonb), 'h' FROM canonical.opportunity"""
_OPPORTUNITIES = """
INSERT INTO canonical.opportunity (ref, source, stream, source_id, party_ref, name, stage, status, amount, currency,
    close_date, source_created_at)
SELECT source || ':Deal:' || source_id, source, 'Deal', source_id, ref, 'Deal', 'Offer',
       (ARRAY['open', 'won', 'lost'])[1 + party_id % 3], party_id % 9000, 'EUR',
       CURRENT_DATE + CAST(party_id % 90 AS int), now() - interval '20 days'
FROM canonical.party WHERE party_id % 5 = 0"""


def main() -> None:
    rows = scratch.rows_asked(ROWS)
    with scratch.database() as opened:
        measure(opened.engine, rows)


def measure(engine: Engine, rows: int) -> None:
    """Print the seconds of every suite, and what they are of a full run."""
    with engine.begin() as connection:
        insert(connection, people.persons(rows))
        for statement in (_OPPORTUNITIES, _LANDED):
            connection.execute(text(statement))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    full = float(stages(engine, "all").sum())
    spent = sum(_evaluate(engine).values())
    say(f"all suites took {spent:.1f} s: {spent / (full + spent):.1%} of a full run of {full + spent:.1f} s")


def _evaluate(engine: Engine) -> dict[str, float]:
    """Seconds of each suite, without the import of Great Expectations, which every process pays once."""
    begun = time.perf_counter()
    from quality_checks import gx, runner, suites  # noqa: F401  # timed

    say(f"import of Great Expectations: {time.perf_counter() - begun:.1f} s")
    settings, seconds = Settings(), {}
    as_of = runs.begin(engine, "checks", settings)
    for suite in suites.SUITES:
        begun = time.perf_counter()
        found = runner.run_suite(engine, suite, settings, run_id="checks", as_of=as_of)
        seconds[suite] = time.perf_counter() - begun
        failed = [outcome.name for outcome in found if not outcome.passed]
        say(f"{suite}: {seconds[suite]:.1f} s for {len(found)} checks; not passed: {', '.join(failed) or 'none'}")
    return seconds


if __name__ == "__main__":
    main()
