"""Match: parties that changed are compared with all others; pairs worth keeping go to `identity.pair`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

import dedup
from hub.db import bulk, locks
from hub.db.tables import identity
from hub.identity import models, parties
from hub.model.kinds import PartyKind
from hub.progress import Progress, Step
from hub.settings import MatchSettings

PAIR_COLUMNS = ("party_a", "party_b", "kind", "band", "weight", "probability", "blocking_rule", "model_version")


@dataclass(frozen=True)
class MatchReport:
    """What one matching run did: parties looked at anew, pairs compared, and the pairs that are stored now.

    `different` counts pairs that were compared now and left apart; they are not stored.
    """

    kind: PartyKind
    parties: int
    changed: int
    compared: int
    written: int
    removed: int
    same: int
    review: int
    different: int
    model_version: str | None
    retrained: bool
    dropped_blocks: tuple[tuple[str, int], ...] = ()


def match_parties(engine: Engine, kind: PartyKind, settings: MatchSettings, *, progress: Progress) -> MatchReport:
    """Match the queued parties of a kind; pairs and the emptied queue commit together.

    The whole table is loaded, since any party may be the other half of a pair; only pairs that touch a changed
    party are compared, unless a new model was trained, which compares all.
    """
    with engine.begin() as connection:
        locks.hold(connection, locks.IDENTITY)
        models.heed_thresholds(connection, kind, settings)
        connection.execute(text(_QUEUE_EMPLOYEES))
        queued = _queued(connection, kind)
        if queued.size == 0:
            return _idle(connection, kind)
        progress(Step("match", f"{kind.value}s", 0, queued.size))
        table = parties.load(connection, kind)
        model, retrained = models.fit(connection, kind, table, settings)
        everybody = table["party_id"].to_numpy()
        changed = None if retrained else np.isin(everybody, queued)
        thresholds = dedup.Thresholds(same=settings.same, review=settings.review)
        result = dedup.match(table, model, thresholds=thresholds, changed=changed)
        touched = everybody if retrained else queued
        written, removed = _store(connection, kind, result.pairs, model.version, touched)
        _leave_queue(connection, queued)
        same, review = _stored(connection, kind)
        note = f"{result.report.candidates:,} pairs compared"
        progress(Step("match", f"{kind.value}s", queued.size, queued.size, note))
    return MatchReport(
        kind, table.num_rows, int(touched.size), result.report.candidates, written, removed, same, review,
        result.report.different, model.version, retrained,
        tuple((block.rule, block.size) for block in result.report.dropped_blocks),
    )  # fmt: skip


def _idle(connection: Connection, kind: PartyKind) -> MatchReport:
    known = connection.execute(
        text("SELECT count(*) FROM canonical.party WHERE kind = :kind"), {"kind": kind.value}
    ).scalar_one()
    model = models.newest(connection, kind)
    same, review = _stored(connection, kind)
    return MatchReport(kind, known, 0, 0, 0, 0, same, review, 0, model.version if model else None, retrained=False)


def _queued(connection: Connection, kind: PartyKind) -> np.ndarray:
    rows = connection.execute(
        text("SELECT party_id FROM canonical.to_match JOIN canonical.party USING (party_id) WHERE kind = :kind"),
        {"kind": kind.value},
    )
    return np.array(rows.scalars().all(), dtype=np.int64)


def _leave_queue(connection: Connection, party_ids: np.ndarray) -> None:
    connection.execute(
        text("DELETE FROM canonical.to_match WHERE party_id = ANY(CAST(:ids AS bigint[]))"), {"ids": party_ids.tolist()}
    )


def _stored(connection: Connection, kind: PartyKind) -> tuple[int, int]:
    row = connection.execute(
        text(
            """SELECT count(*) FILTER (WHERE band = 'same'), count(*) FILTER (WHERE band = 'review')
               FROM identity.pair WHERE kind = :kind"""
        ),
        {"kind": kind.value},
    ).one()
    return row[0], row[1]


def _store(
    connection: Connection, kind: PartyKind, pairs: pa.Table, model_version: str, touched: np.ndarray
) -> tuple[int, int]:
    """Make the stored pairs of `touched` parties equal `pairs`; parties whose pairs changed go to resolve.

    Returns:
        Pairs written and pairs removed.
    """
    bulk.stage(connection, "scored", identity.Pair.__table__, PAIR_COLUMNS, _rows(kind, pairs, model_version))
    _stage_touched(connection, touched)
    removed = connection.execute(text(_REMOVE)).scalar_one()
    written = connection.execute(text(_WRITE)).scalar_one()
    connection.execute(text(_QUEUE_NEWCOMERS))
    return written, removed


def _rows(kind: PartyKind, pairs: pa.Table, model_version: str) -> Iterator[tuple[object, ...]]:
    columns = (pairs[name].to_pylist() for name in ("a", "b", "band", "weight", "probability", "rule"))
    for a, b, band, weight, probability, rule in zip(*columns, strict=True):
        yield a, b, kind.value, band, weight, probability, rule, model_version


def _stage_touched(connection: Connection, touched: np.ndarray) -> None:
    connection.execute(text("DROP TABLE IF EXISTS touched"))
    connection.execute(text("CREATE TEMP TABLE touched (party_id bigint PRIMARY KEY) ON COMMIT DROP"))
    bulk.copy(connection, "touched", ["party_id"], ([int(party_id)] for party_id in touched))
    connection.execute(text("ANALYZE touched"))


# A person's evidence holds the employer's name, so whoever works for a changed organization is compared anew.
_QUEUE_EMPLOYEES = """
    INSERT INTO canonical.to_match (party_id)
    SELECT person.party_id FROM canonical.to_match q
    JOIN canonical.party employer USING (party_id)
    JOIN canonical.party person ON person.employer_ref = employer.ref
    ON CONFLICT DO NOTHING
"""

_REMOVE = """
    WITH gone AS (
        DELETE FROM identity.pair old
        WHERE (old.party_a IN (SELECT party_id FROM touched) OR old.party_b IN (SELECT party_id FROM touched))
          AND NOT EXISTS (SELECT 1 FROM scored s WHERE s.party_a = old.party_a AND s.party_b = old.party_b)
        RETURNING party_a, party_b
    ), queued AS (
        INSERT INTO identity.to_resolve (party_id)
        SELECT party_a FROM gone UNION SELECT party_b FROM gone ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM gone
"""

_WRITE = """
    WITH written AS (
        INSERT INTO identity.pair AS old
            (party_a, party_b, kind, band, weight, probability, blocking_rule, model_version)
        SELECT party_a, party_b, kind, band, weight, probability, blocking_rule, model_version FROM scored
        ON CONFLICT (party_a, party_b) DO UPDATE SET
            kind = excluded.kind, band = excluded.band, weight = excluded.weight, probability = excluded.probability,
            blocking_rule = excluded.blocking_rule, model_version = excluded.model_version, scored_at = now()
        WHERE (old.kind, old.band, old.weight, old.probability, old.blocking_rule, old.model_version) IS DISTINCT FROM
            (excluded.kind, excluded.band, excluded.weight, excluded.probability, excluded.blocking_rule,
             excluded.model_version)
        RETURNING party_a, party_b
    ), queued AS (
        INSERT INTO identity.to_resolve (party_id)
        SELECT party_a FROM written UNION SELECT party_b FROM written ON CONFLICT DO NOTHING
    )
    SELECT count(*) FROM written
"""

_QUEUE_NEWCOMERS = """
    INSERT INTO identity.to_resolve (party_id)
    SELECT t.party_id FROM touched t
    WHERE NOT EXISTS (SELECT 1 FROM identity.membership m WHERE m.party_id = t.party_id AND m.until IS NULL)
    ON CONFLICT DO NOTHING
"""
