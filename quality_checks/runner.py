"""Runs a suite and keeps what it found."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Engine, text

from hub.db import bulk
from hub.settings import Settings
from quality_checks import docs, fill_rates, suites
from quality_checks.check import Check, CheckOutcome
from quality_checks.suites import canonical

_COLUMNS = (
    "run_id", "suite", "name", "severity", "passed", "checked", "failed", "description", "looks_at", "waivable",
    "state", "as_of",
)  # fmt: skip
FAILING_RUNS = 50  # of so many runs the failing rows are kept by name; counts stay

_FAILING = """
    INSERT INTO quality.failing_row (check_result_id, place, key)
    SELECT r.check_result_id, f.place, f.key
    FROM unnest(CAST(:names AS text[]), CAST(:places AS int[]), CAST(:keys AS text[])) AS f (name, place, key)
    JOIN quality.check_result r ON r.run_id = :run_id AND r.suite = :suite AND r.name = f.name"""
_DOCS = """
    INSERT INTO quality.data_docs (suite, run_id, page) VALUES (:suite, :run_id, :page)
    ON CONFLICT (suite) DO UPDATE SET run_id = excluded.run_id, page = excluded.page, made_at = now()"""
_PRUNE = """
    DELETE FROM quality.failing_row WHERE check_result_id < (
        SELECT min(check_result_id) FROM quality.check_result
        WHERE run_id IN (SELECT run_id FROM ops.run ORDER BY started_at DESC LIMIT :kept))"""


def run_suite(engine: Engine, suite: str, settings: Settings, *, run_id: str, as_of: dt.datetime) -> list[CheckOutcome]:
    """Evaluate all checks of `suite` on what is committed now and write quality.check_result.

    Outcomes of the same suite and run that were written before are replaced. When a check is broken, none is written,
    and the gate then holds the publication, because critical checks have no outcome.

    Raises:
        BrokenCheckError: a check could not be evaluated; names it.
        NotFoundError: there is no such suite.
    """
    checks = suites.suite(suite)
    from quality_checks import gx

    with engine.begin() as connection:
        _forget(connection, suite, run_id)
        if suite == canonical.SUITE:
            fill_rates.measure(connection, run_id)
    found = gx.evaluate(engine, checks, parameters(settings, run_id=run_id, as_of=as_of))
    outcomes, page = found.outcomes, docs.page(suite, run_id, found.results)
    with engine.begin() as connection:
        _forget(connection, suite, run_id)
        _write(connection, zip(checks, outcomes, strict=True), run_id, as_of)
        _write_failing(connection, suite, outcomes, run_id)
        connection.execute(text(_DOCS), {"suite": suite, "run_id": run_id, "page": page})
    return outcomes


def parameters(settings: Settings, *, run_id: str, as_of: dt.datetime) -> dict[str, Any]:
    """What the SQL of checks may use, as `:name`."""
    ages = {one.name: str(one.max_age_hours) for one in settings.sources if one.max_age_hours is not None}
    return {
        **settings.gate.model_dump(),
        "as_of": as_of,
        "run_id": run_id,
        "sources": ",".join(source.name for source in settings.sources),
        "sources_with_age": ",".join(ages),
        "ages": ",".join(ages.values()),
    }


def _forget(connection: Connection, suite: str, run_id: str) -> None:
    connection.execute(
        text("DELETE FROM quality.check_result WHERE run_id = :run_id AND suite = :suite"),
        {"run_id": run_id, "suite": suite},
    )


def _write(
    connection: Connection, judged: Iterable[tuple[Check, CheckOutcome]], run_id: str, as_of: dt.datetime
) -> None:
    rows = [
        (
            run_id, check.suite, check.name, check.severity.value, found.passed, found.checked, found.failed,
            check.description, check.table, check.title not in suites.PROTECTED, found.state, as_of,
        )
        for check, found in judged
    ]  # fmt: skip
    bulk.copy(connection, "quality.check_result", _COLUMNS, rows)


def _write_failing(connection: Connection, suite: str, outcomes: list[CheckOutcome], run_id: str) -> None:
    named = [(found.name, place, key) for found in outcomes for place, key in enumerate(found.failing, 1)]
    if named:
        names, places, keys = map(list, zip(*named, strict=True))
        connection.execute(
            text(_FAILING), {"names": names, "places": places, "keys": keys, "run_id": run_id, "suite": suite}
        )
    connection.execute(text(_PRUNE), {"kept": FAILING_RUNS})
