"""Runs of the pipeline: when they began, what moment they judge by, and what they found."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text

from hub import clock
from hub.settings import Settings


def begin(engine: Engine, run_id: str, settings: Settings) -> dt.datetime:
    """The moment (`as_of`) that all steps of a run share: fixed by the first step that asks."""
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO ops.run (run_id, as_of, summary) VALUES (:run, :as_of, '{}') ON CONFLICT DO NOTHING"),
            {"run": run_id, "as_of": clock.as_of(settings)},
        )
        as_of: dt.datetime = connection.execute(
            text("SELECT as_of FROM ops.run WHERE run_id = :run"), {"run": run_id}
        ).scalar_one()
    return as_of


def note(engine: Engine, run_id: str, section: str, name: str, value: Mapping[str, Any]) -> None:
    """Add what one step found to the run's summary, under summary[section][name]."""
    with engine.begin() as connection:
        connection.execute(
            text(
                """UPDATE ops.run SET summary = summary || jsonb_build_object(
                       CAST(:section AS text),
                       coalesce(summary -> CAST(:section AS text), '{}')
                           || jsonb_build_object(CAST(:name AS text), CAST(:value AS jsonb))
                   ) WHERE run_id = :run"""
            ),
            {"run": run_id, "section": section, "name": name, "value": Jsonb(dict(value))},
        )


def finish(engine: Engine, run_id: str, status: str, summary: Mapping[str, Any] | None = None) -> None:
    """Close a run as succeeded, held (checks kept the publication back) or failed."""
    with engine.begin() as connection:
        connection.execute(
            text(
                """UPDATE ops.run SET status = :status, finished_at = now(),
                       summary = coalesce(CAST(:summary AS jsonb), summary)
                   WHERE run_id = :run"""
            ),
            {"run": run_id, "status": status, "summary": None if summary is None else Jsonb(dict(summary))},
        )


def summary(engine: Engine, run_id: str) -> dict[str, Any]:
    """What the steps of a run noted so far."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT summary FROM ops.run WHERE run_id = :run"), {"run": run_id})
        return found.scalar_one_or_none() or {}
