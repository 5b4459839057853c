"""Match: parties that changed are compared with their candidates; pairs worth keeping go to `identity.pair`."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, text

import dedup
from dedup.blocking import Blocks, derive, pairs_of
from dedup.columns import Prepared
from dedup.matching import scored
from hub.db import arrow, locks
from hub.errors import ConflictError
from hub.identity import index, learning, models, neighbours
from hub.model.kinds import PartyKind
from hub.progress import Progress, Step
from hub.settings import MatchSettings
from hub.uncollected import uncollected

# With more of the parties changed, nearly all are candidates of one that did: looking for them only costs time.
MOST_CHANGED = 0.25


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


@dataclass(frozen=True)
class _Matched:
    """The scored pairs, the ids of the parties whose pairs they are, and the keys that too many parties share."""

    result: dedup.MatchResult
    touched: np.ndarray
    model_version: str
    retrained: bool
    dropped: tuple[tuple[str, int], ...]


def match_parties(engine: Engine, kind: PartyKind, settings: MatchSettings, *, progress: Progress) -> MatchReport:
    """Match the queued parties of a kind; pairs, index and the emptied queue commit together.

    Only the candidates of changed parties are loaded and compared, unless all have to be: after the training of a new
    model, with other thresholds, with another version of the code, or where very many parties changed.
    """
    with uncollected(), engine.begin() as connection:
        locks.hold(connection, locks.IDENTITY)
        moved = models.heed_thresholds(connection, kind, settings) | learning.heed(connection, kind, settings)
        # A queue that has just been filled has no statistics, without which everything would be read for it.
        connection.execute(text("ANALYZE canonical.to_match"))
        connection.execute(text(_QUEUE_EMPLOYEES))
        queued = _queued(connection, kind)
        known = _count(connection, kind)
        newest, basis = models.newest(connection, kind), index.basis(connection, kind)
        in_step = not moved and newest is not None and basis is not None and basis.model_version == newest.version
        if queued.size == 0 and (in_step or known == 0):
            return _idle(connection, kind, known)
        progress(Step("match", f"{kind.value}s", 0, queued.size))
        model = models.kept(connection, kind, known)
        if model and basis and in_step and queued.size <= MOST_CHANGED * known:
            matched = _match_changed(connection, kind, model, settings, changed=queued, most=basis.max_block)
        else:
            matched = _match_all(connection, kind, model, settings, changed=queued, filled=basis is not None)
        written, removed = _store(connection, kind, matched)
        _leave_queue(connection, kind, queued)
        same, review = _stored(connection, kind)
        found = matched.result.report
        progress(Step("match", f"{kind.value}s", queued.size, queued.size, f"{found.candidates:,} pairs compared"))
        return MatchReport(
            kind, known, int(matched.touched.size), found.candidates, written, removed, same, review, found.different,
            matched.model_version, matched.retrained, matched.dropped,
        )  # fmt: skip


def _match_all(
    connection: Connection,
    kind: PartyKind,
    model: dedup.Model | None,
    settings: MatchSettings,
    *,
    changed: np.ndarray,
    filled: bool,
) -> _Matched:
    """Match every party of the kind, with a new model where there is none."""
    if filled:
        index.refresh(connection, kind, changed)
    else:
        index.fill(connection, kind)
    before = models.newest(connection, kind)
    records = index.everybody(connection, kind)
    model = model or models.train(connection, kind, records, settings)
    result, blocks = _compare_all(kind, records, model, settings)
    # Where the pairs would be too many, matching gives up smaller blocks than the specification says.
    max_block = min([models.SPECS[kind].max_block, *(block.size - 1 for block in blocks.dropped)])
    index.keep_basis(connection, kind, index.Basis(model.version, max_block))
    retrained = before is None or before.version != model.version
    dropped = tuple((block.rule, block.size) for block in blocks.dropped)
    return _Matched(result, np.union1d(changed, records.ids), model.version, retrained, dropped)


def _compare_all(
    kind: PartyKind, records: Prepared, model: dedup.Model, settings: MatchSettings
) -> tuple[dedup.MatchResult, Blocks]:
    table = model.terms.apply(records)
    blocks = derive(table, models.SPECS[kind])
    return scored(table, model, pairs_of(blocks), (), _thresholds(settings)), blocks


def matched_again(connection: Connection, kind: PartyKind, settings: MatchSettings) -> pa.Table | None:
    """The pairs that the next run would find by comparing everybody, as the columns of `identity.pair`. Reads only.

    Costs what a full run costs but for the reading of records that changed, which it does not know of yet. None
    where there is nobody to compare.

    Raises:
        ConflictError: the next run has a new model to train, or an index to fill: what it finds is not known before.
    """
    known = _count(connection, kind)
    if known == 0:
        return None
    kept = models.kept(connection, kind, known)
    if kept is None or index.basis(connection, kind) is None:
        raise ConflictError(f"{kind.value}s are matched with a new model or new code next: run the pipeline first")
    model = learning.moved(connection, kind, settings) or kept
    result, _ = _compare_all(kind, index.everybody(connection, kind), model, settings)
    return _rows(kind, result.pairs, model.version)


def _match_changed(
    connection: Connection,
    kind: PartyKind,
    model: dedup.Model,
    settings: MatchSettings,
    *,
    changed: np.ndarray,
    most: int,
) -> _Matched:
    """Match the changed parties with those that share a key with them which no more than `most` share."""
    near = neighbours.renew(connection, kind, changed, most)
    pairs = pairs_of(near.blocks, near.touched)
    result = scored(model.terms.apply(near.records), model, pairs, (), _thresholds(settings))
    return _Matched(result, near.ids, model.version, retrained=False, dropped=near.dropped)


def _thresholds(settings: MatchSettings) -> dedup.Thresholds:
    return dedup.Thresholds(same=settings.same, review=settings.review)


def _idle(connection: Connection, kind: PartyKind, known: int) -> MatchReport:
    model = models.newest(connection, kind)
    same, review = _stored(connection, kind)
    return MatchReport(kind, known, 0, 0, 0, 0, same, review, 0, model.version if model else None, retrained=False)


def _count(connection: Connection, kind: PartyKind) -> int:
    statement = text("SELECT count(*) FROM canonical.party WHERE kind = :kind")
    known: int = connection.execute(statement, {"kind": kind.value}).scalar_one()
    return known


def _queued(connection: Connection, kind: PartyKind) -> np.ndarray:
    """The queued parties of the kind, and those that were of it and are in its index still."""
    query = f"""SELECT party_id FROM canonical.to_match JOIN canonical.party USING (party_id)
                LEFT JOIN identity.standardised_{kind.value} known USING (party_id)
                WHERE kind = '{kind.value}' OR known.party_id IS NOT NULL"""
    (queued,) = arrow.numbers_out(connection, query, ["party_id"])
    return queued


def _leave_queue(connection: Connection, kind: PartyKind, party_ids: np.ndarray) -> None:
    """A party that changed its kind waits until the run of its former kind has let it go."""
    (other,) = (one for one in PartyKind if one is not kind)
    connection.execute(
        text(
            f"""DELETE FROM canonical.to_match q USING canonical.party p
                WHERE q.party_id = ANY(CAST(:ids AS bigint[])) AND p.party_id = q.party_id AND p.kind = :kind
                  AND NOT EXISTS (SELECT 1 FROM identity.standardised_{other.value} s WHERE s.party_id = q.party_id)"""
        ),
        {"ids": party_ids.tolist(), "kind": kind.value},
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


def _store(connection: Connection, kind: PartyKind, matched: _Matched) -> tuple[int, int]:
    """Make the stored pairs of touched parties equal those matched; parties whose pairs changed go to resolve.

    Returns:
        Pairs written and pairs removed.
    """
    locks.alone(connection, "identity.to_resolve")
    arrow.stage(connection, "scored", _rows(kind, matched.result.pairs, matched.model_version))
    arrow.stage(connection, "touched", pa.table({"party_id": matched.touched}))
    removed = connection.execute(text(_REMOVE)).scalar_one()
    written = connection.execute(text(_WRITE)).scalar_one()
    connection.execute(text(_QUEUE_NEWCOMERS))
    return written, removed


def _rows(kind: PartyKind, pairs: pa.Table, model_version: str) -> pa.Table:
    found = {name: pairs[name] for name in ("a", "b", "band", "weight", "probability", "rule")}
    said = {"kind": kind.value, "model_version": model_version}
    same = {name: pa.repeat(pa.scalar(value), pairs.num_rows) for name, value in said.items()}
    renamed = {"a": "party_a", "b": "party_b", "rule": "blocking_rule"}
    return pa.table({renamed.get(name, name): column for name, column in {**found, **same}.items()})


# A person's evidence holds the employer's name, so whoever works for a changed organization is compared anew. Only
# persons: where records of both kinds employ each other, each run would queue for the other for ever.
_QUEUE_EMPLOYEES = """
    INSERT INTO canonical.to_match (party_id)
    SELECT person.party_id FROM canonical.to_match q
    JOIN canonical.party employer USING (party_id)
    JOIN canonical.party person ON person.employer_ref = employer.ref AND person.kind = 'person'
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

# Who has no customer yet, or one of the kind that the party was of.
_QUEUE_NEWCOMERS = """
    INSERT INTO identity.to_resolve (party_id)
    SELECT t.party_id FROM touched t JOIN canonical.party p USING (party_id)
    WHERE NOT EXISTS (SELECT 1 FROM identity.membership m JOIN identity.golden_id g USING (golden_id)
                      WHERE m.party_id = t.party_id AND m.until IS NULL AND g.kind = p.kind)
    ON CONFLICT DO NOTHING
"""
