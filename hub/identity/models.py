"""The matching models in use: one per kind, versioned, kept with their training report."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import Connection, Row, func, text
from sqlalchemy.dialects.postgresql import insert

import dedup
from hub.db.tables.identity import MatchModel
from hub.errors import NotFoundError
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings

SPECS = {PartyKind.PERSON: dedup.PERSON, PartyKind.ORGANIZATION: dedup.ORGANIZATION}

# Twice the records a model was trained on is a different population: its frequencies and prior no longer hold.
GROWTH = 2.0

# The model of each kind that was read last: reading one takes longer than a search with it.
_READ: dict[PartyKind, tuple[str, dedup.Model | None]] = {}


def newest(connection: Connection, kind: PartyKind) -> dedup.Model | None:
    """The model in use for a kind; None before the first training, and when the newest one no longer fits the code."""
    version = connection.execute(
        text("SELECT version FROM identity.match_model WHERE kind = :kind ORDER BY trained_at DESC, version LIMIT 1"),
        {"kind": kind.value},
    ).scalar_one_or_none()
    return None if version is None else of_version(connection, kind, version)


def of_version(connection: Connection, kind: PartyKind, version: str) -> dedup.Model | None:
    """A model that is stored; None where it no longer fits the code."""
    known = _READ.get(kind)
    if known is None or known[0] != version:
        known = _READ[kind] = (version, _read(connection, version))
    return known[1]


def in_use(connection: Connection, kind: PartyKind) -> dedup.Model:
    """The model in use for a kind.

    Raises:
        NotFoundError: nothing was matched yet.
    """
    model = newest(connection, kind)
    if model is None:
        raise NotFoundError(f"no model for {kind.value}s yet: run the pipeline once")
    return model


def kept(connection: Connection, kind: PartyKind, records: int) -> dedup.Model | None:
    """The model in use if it may go on with so many records; None where a new one has to be trained."""
    model = newest(connection, kind)
    if model is None or _outgrown(model, records):
        return None
    # This code may know more of a model than the one that stored it: then it goes by another name now.
    return model if model.version == _READ[kind][0] else None


def train(connection: Connection, kind: PartyKind, records: dedup.Prepared, settings: MatchSettings) -> dedup.Model:
    """A model trained on all records of a kind; it is in use from now on."""
    trained = dedup.train(records.raw, replace(SPECS[kind], standardise=lambda _given: records))
    save(connection, kind, trained, settings)
    return trained


def save(connection: Connection, kind: PartyKind, model: dedup.Model, settings: MatchSettings) -> None:
    """Put a model in use; the next run matches everybody with it."""
    report = {**model.report, "thresholds": {"same": settings.same, "review": settings.review}}
    values: dict[str, Any] = {
        "parameters": model.to_dict(), "report": report, "trained_at": func.clock_timestamp(),
    }  # fmt: skip
    statement = insert(MatchModel).values(version=model.version, kind=kind.value, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["version"], set_=values))
    _READ.pop(kind, None)


def versions(connection: Connection, kind: PartyKind, limit: int = 20) -> Sequence[Row[Any]]:
    """The models of a kind, the one in use first: version, trained_at, rows, pairs, judgements, moved_by (bits)."""
    return connection.execute(
        text(
            """SELECT version, trained_at, CAST(report ->> 'rows' AS bigint) AS rows,
                   CAST(report ->> 'pairs' AS bigint) AS pairs,
                   coalesce(CAST(report #>> '{learned,judgements}' AS int), 0) AS judgements,
                   coalesce(CAST(parameters ->> 'offset' AS float8), 0) AS moved_by
               FROM identity.match_model WHERE kind = :kind ORDER BY trained_at DESC, version LIMIT :limit"""
        ),
        {"kind": kind.value, "limit": limit},
    ).all()


def heed_thresholds(connection: Connection, kind: PartyKind, settings: MatchSettings) -> bool:
    """Whether the bands have other borders than at the last run, so that all parties are to be matched again."""
    values = {"kind": kind.value, "borders": Jsonb({"same": settings.same, "review": settings.review})}
    moved = connection.execute(
        text(
            """UPDATE identity.match_model
               SET report = report || jsonb_build_object('thresholds', CAST(:borders AS jsonb))
               WHERE kind = :kind AND report -> 'thresholds' IS DISTINCT FROM CAST(:borders AS jsonb)"""
        ),
        values,
    )
    return moved.rowcount > 0


def _read(connection: Connection, version: str) -> dedup.Model | None:
    parameters = connection.execute(
        text("SELECT parameters FROM identity.match_model WHERE version = :version"), {"version": version}
    ).scalar_one()
    try:
        return dedup.Model.from_dict(parameters)
    except ValueError:  # the specification has other fields or levels now: the next run trains anew
        return None


def _outgrown(model: dedup.Model, records: int) -> bool:
    trained_on = int(model.report["rows"])
    return records > 0 and records >= GROWTH * trained_on
