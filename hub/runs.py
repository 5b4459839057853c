"""Runs of the pipeline: when they began, what moment they judge by, and what they found."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Engine, text

from hub import clock, waivers
from hub.announcements import announce
from hub.db import locks
from hub.settings import Settings

# A release judges by the moment of the run that it releases, so that it judges the same.
_BEGIN = """
    INSERT INTO ops.run (run_id, as_of, summary, releases)
    SELECT :run, coalesce((SELECT as_of FROM ops.run WHERE run_id = :releases), :as_of), '{}', :releases
    ON CONFLICT DO NOTHING RETURNING run_id"""


def begin(engine: Engine, run_id: str, settings: Settings, releases: str | None = None) -> dt.datetime:
    """The moment (`as_of`) that all steps of a run share: fixed by the first step that asks.

    Raises:
        ConflictError: it `releases` a held run, and another run began since.
    """
    given = {"run": run_id, "as_of": clock.as_of(settings), "releases": releases}
    with engine.begin() as connection:
        if connection.execute(text(_BEGIN), given).one_or_none() is not None and releases is not None:
            waivers.refuse_later(connection, releases)
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


def tell_failed(engine: Engine, run_id: str, steps: Collection[str]) -> None:
    """Close a run that ended in an error as failed, and announce it: once, and not where it was told to be held.

    `steps` are the names of those that failed; none where the process that ran it was killed.
    """
    with engine.begin() as connection:
        locks.hold(connection, locks.PUBLICATION)
        found = connection.execute(text(_FAILED), {"run": run_id}).one()
        if found.told:
            return
        connection.execute(text(_CLOSE), {"run": run_id})
        told = {"steps": sorted(steps), "published": found.published, "publication_in_force": found.in_force}
        announce(connection, "failed", run_id, told)


_FAILED = """
    SELECT EXISTS (SELECT FROM ops.announcement WHERE run_id = :run AND kind IN ('held', 'failed')) AS told,
           EXISTS (SELECT FROM golden.publication WHERE run_id = :run) AS published,
           (SELECT coalesce(max(number), 0) FROM golden.publication) AS in_force"""
_CLOSE = "UPDATE ops.run SET status = 'failed', finished_at = now() WHERE run_id = :run AND finished_at IS NULL"


def summary(engine: Engine, run_id: str) -> dict[str, Any]:
    """What the steps of a run noted so far."""
    with engine.connect() as connection:
        found = connection.execute(text("SELECT summary FROM ops.run WHERE run_id = :run"), {"run": run_id})
        return found.scalar_one_or_none() or {}
