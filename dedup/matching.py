"""Scored pairs of a table: candidates, their evidence, and the band they fall into."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dedup.blocking import Candidates, DroppedBlock, candidates, derive
from dedup.columns import Flags, Floats, Index, Prepared
from dedup.model import Model
from dedup.spec import Thresholds
from dedup.weigh import compare, frequency_bits, pattern_weights, probability, total_bits

SCHEMA = pa.schema(
    [
        pa.field("a", pa.int64(), nullable=False),
        pa.field("b", pa.int64(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("weight", pa.float64(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("band", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Report:
    """What matching did: pairs made by each blocking rule, pairs per band, and keys given up."""

    records: int
    candidates: int
    by_rule: dict[str, int]
    same: int
    review: int
    different: int
    dropped_blocks: tuple[DroppedBlock, ...]


@dataclass(frozen=True)
class MatchResult:
    """`pairs` of the bands *same* and *review* (columns of `SCHEMA`, a < b, ordered by a and b) and the report."""

    pairs: pa.Table
    report: Report


@dataclass(frozen=True)
class _Scored:
    rule: int
    left: Index
    right: Index
    bits: Floats


def match(
    table: pa.Table,
    model: Model,
    *,
    thresholds: Thresholds | None = None,
    changed: Flags | None = None,
    progress: Callable[[int], None] | None = None,
) -> MatchResult:
    """Score the candidate pairs of a table.

    With `changed` (shape (rows,)) only pairs that touch a changed row are made; their scores are those of a full run.
    `progress` is told the number of candidate pairs scored so far. Raises ValueError if the table breaks the input
    contract or `changed` has another length than the table.
    """
    limits = thresholds or Thresholds()
    if changed is not None and len(changed) != table.num_rows:
        raise ValueError(f"changed has {len(changed)} entries for {table.num_rows} rows")
    spec = model.spec
    prepared = model.terms.apply(spec.standardise(table))
    keys, dropped = derive(prepared, spec)
    by_rule = dict.fromkeys((rule.name for rule in spec.blocking), 0)
    kept: list[_Scored] = []
    for chunk in candidates(keys, None if changed is None else np.asarray(changed, dtype=bool)):
        bits = score(prepared, chunk.left, chunk.right, model)
        by_rule[spec.blocking[chunk.rule].name] += len(bits)
        kept.append(_above(chunk, bits, limits.review))
        if progress:
            progress(sum(by_rule.values()))
    pairs = _table(prepared.ids, kept, [rule.name for rule in spec.blocking], limits)
    same = int(np.count_nonzero(pairs.column("band").to_numpy() == "same")) if pairs.num_rows else 0
    total = sum(by_rule.values())
    review = pairs.num_rows - same
    return MatchResult(pairs, Report(len(prepared), total, by_rule, same, review, total - same - review, dropped))


def score(table: Prepared, left: Index, right: Index, model: Model) -> Floats:
    """The evidence in bits for pairs of record positions, prior included; shape (pairs,)."""
    patterns = compare(table, left, right, model.spec)
    distinct, inverse = np.unique(patterns, return_inverse=True)
    weights = pattern_weights(distinct, model.spec, arrays(model.m), arrays(model.u))
    fields = weights.fields[inverse] + frequency_bits(table, left, right, patterns, model)
    return total_bits(model.prior_bits, fields, weights.ceiling[inverse])


def arrays(shares: Mapping[str, tuple[float, ...]]) -> dict[str, Floats]:
    return {name: np.array(several) for name, several in shares.items()}


def band(chance: float, thresholds: Thresholds) -> str:
    if chance >= thresholds.same:
        return "same"
    return "review" if chance >= thresholds.review else "different"


def _above(chunk: Candidates, bits: Floats, review: float) -> _Scored:
    keep = probability(bits) >= review
    return _Scored(chunk.rule, chunk.left[keep], chunk.right[keep], bits[keep])


def _table(ids: Index, scored: list[_Scored], rules: list[str], thresholds: Thresholds) -> pa.Table:
    if not scored:
        return SCHEMA.empty_table()
    left = ids[np.concatenate([one.left for one in scored])]
    right = ids[np.concatenate([one.right for one in scored])]
    bits = np.concatenate([one.bits for one in scored])
    rule = np.repeat([one.rule for one in scored], [len(one.left) for one in scored])
    a, b = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((b, a))
    chance = probability(bits[order])
    bands = np.where(chance >= thresholds.same, "same", "review")
    columns = [a[order], b[order], np.array(rules)[rule[order]], bits[order], chance, bands]
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )


def contradictions(table: pa.Table, model: Model) -> Callable[[Index, Index], Flags]:
    """A function of two arrays of party ids that says of which pairs the evidence contradicts itself.

    Meant for `cluster`, which must not join over a third record what contradicts directly: two birth dates, two tax
    ids, two first names. Raises ValueError if the table breaks the input contract.
    """
    prepared = model.terms.apply(model.spec.standardise(table))
    order = np.argsort(prepared.ids)

    def contradict(a: Index, b: Index) -> Flags:
        left, right = (order[np.searchsorted(prepared.ids, ids, sorter=order)] for ids in (a, b))
        patterns, inverse = np.unique(compare(prepared, left, right, model.spec), return_inverse=True)
        weights = pattern_weights(patterns, model.spec, arrays(model.m), arrays(model.u))
        return np.asarray(np.isfinite(weights.ceiling)[inverse], dtype=bool)

    return contradict
