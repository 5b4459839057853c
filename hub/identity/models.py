"""The matching models in use: one per kind, versioned, kept with their training report."""

from typing import Any

import pyarrow as pa
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, insert, text

import dedup
from hub.db.tables.identity import MatchModel
from hub.errors import NotFoundError
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings

SPECS = {PartyKind.PERSON: dedup.PERSON, PartyKind.ORGANIZATION: dedup.ORGANIZATION}

# Twice the records a model was trained on is a different population: its frequencies and prior no longer hold.
GROWTH = 2.0


def newest(connection: Connection, kind: PartyKind) -> dedup.Model | None:
    """The model in use for a kind; None before the first training, and when the newest one no longer fits the code."""
    parameters = connection.execute(
        text(
            "SELECT parameters FROM identity.match_model WHERE kind = :kind ORDER BY trained_at DESC, version LIMIT 1"
        ),
        {"kind": kind.value},
    ).scalar_one_or_none()
    if parameters is None:
        return None
    try:
        return dedup.Model.from_dict(parameters)
    except ValueError:  # the specification has other fields or levels now: the next run trains anew
        return None


def in_use(connection: Connection, kind: PartyKind) -> dedup.Model:
    """The model in use for a kind.

    Raises:
        NotFoundError: nothing was matched yet.
    """
    model = newest(connection, kind)
    if model is None:
        raise NotFoundError(f"no model for {kind.value}s yet: run the pipeline once")
    return model


def fit(connection: Connection, kind: PartyKind, table: pa.Table, settings: MatchSettings) -> tuple[dedup.Model, bool]:
    """The model to match `table` with, and whether it is a new one: trained on it because none fitted it."""
    model = newest(connection, kind)
    if model is not None and not _outgrown(model, table.num_rows):
        return model, False
    trained = dedup.train(table, SPECS[kind])
    if model is not None and trained.version == model.version:
        return model, False
    _save(connection, kind, trained, settings)
    return trained, True


def heed_thresholds(connection: Connection, kind: PartyKind, settings: MatchSettings) -> None:
    """Where the bands have other borders than at the last run, all parties of the kind are matched again."""
    values = {"kind": kind.value, "borders": Jsonb({"same": settings.same, "review": settings.review})}
    connection.execute(
        text(
            """WITH moved AS (
                   UPDATE identity.match_model
                   SET report = report || jsonb_build_object('thresholds', CAST(:borders AS jsonb))
                   WHERE kind = :kind AND report -> 'thresholds' IS DISTINCT FROM CAST(:borders AS jsonb) RETURNING 1
               )
               INSERT INTO canonical.to_match (party_id)
               SELECT party_id FROM canonical.party WHERE kind = :kind AND EXISTS (SELECT 1 FROM moved)
               ON CONFLICT DO NOTHING"""
        ),
        values,
    )


def _outgrown(model: dedup.Model, records: int) -> bool:
    trained_on = int(model.report["rows"])
    return records > 0 and records >= GROWTH * trained_on


def _save(connection: Connection, kind: PartyKind, model: dedup.Model, settings: MatchSettings) -> None:
    report = {**model.report, "thresholds": {"same": settings.same, "review": settings.review}}
    values: dict[str, Any] = {
        "version": model.version, "kind": kind.value, "parameters": model.to_dict(), "report": report,
    }  # fmt: skip
    connection.execute(insert(MatchModel).values(values))
