"""Runs a suite and keeps what it found."""

import datetime as dt
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Engine, text

from hub.db import bulk
from hub.settings import Settings
from quality_checks import suites
from quality_checks.check import CheckOutcome
from quality_checks.rules import hygiene

_COLUMNS = ("run_id", "suite", "name", "severity", "passed", "checked", "failed", "examples", "as_of")


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
    outcomes = gx.evaluate(engine, checks, parameters(settings, run_id=run_id, as_of=as_of))
    with engine.begin() as connection:
        _forget(connection, suite, run_id)
        bulk.copy(connection, "quality.check_result", _COLUMNS, [_row(outcome, run_id, as_of) for outcome in outcomes])
    return outcomes


def parameters(settings: Settings, *, run_id: str, as_of: dt.datetime) -> dict[str, Any]:
    """What the SQL of checks may use, as `:name`."""
    return {
        **hygiene.parameters(settings.hygiene, as_of),
        "run_id": run_id,
        "sources": ",".join(source.name for source in settings.sources),
        "max_quarantined_share": settings.gate.max_quarantined_share,
        "max_quarantined_share_of_stream": settings.gate.max_quarantined_share_of_stream,
        "max_drop_share": settings.gate.max_drop_share,
        "max_id_churn": settings.gate.max_id_churn,
    }


def _forget(connection: Connection, suite: str, run_id: str) -> None:
    connection.execute(
        text("DELETE FROM quality.check_result WHERE run_id = :run_id AND suite = :suite"),
        {"run_id": run_id, "suite": suite},
    )


def _row(outcome: CheckOutcome, run_id: str, as_of: dt.datetime) -> tuple[Any, ...]:
    return (
        run_id, outcome.suite, outcome.name, outcome.severity.value, outcome.passed, outcome.checked, outcome.failed,
        Jsonb(list(outcome.examples)), as_of,
    )  # fmt: skip
