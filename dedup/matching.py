"""Scored pairs of a table: candidates, their evidence, and the band they fall into."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
import pyarrow as pa

from dedup.blocking import CHUNK, DroppedBlock, Pairs, derive, pairs_of
from dedup.columns import Flags, Floats, Index, Prepared
from dedup.early import weighed
from dedup.model import Model
from dedup.spec import Thresholds
from dedup.weigh import Evidence, compare, frequency_bits, probability, total_bits

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

# Small tables need no blocking: their pairs are found by this.
EVERY_PAIR = "every pair"


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
    pairs: Pairs
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
    if changed is not None and len(changed) != table.num_rows:
        raise ValueError(f"changed has {len(changed)} entries for {table.num_rows} rows")
    prepared = model.terms.apply(model.spec.standardise(table))
    blocks = derive(prepared, model.spec)
    pairs = pairs_of(blocks, None if changed is None else np.asarray(changed, dtype=bool))
    return scored(prepared, model, pairs, blocks.dropped, thresholds or Thresholds(), progress=progress)


def scored(
    table: Prepared,
    model: Model,
    pairs: Pairs,
    dropped: tuple[DroppedBlock, ...],
    limits: Thresholds,
    *,
    progress: Callable[[int], None] | None = None,
) -> MatchResult:
    """The candidate `pairs` of a prepared table that are at least doubtful, scored on all cores."""
    floor = float(np.log2(limits.review / (1 - limits.review))) if 0 < limits.review < 1 else -np.inf
    worker = partial(_above, table, model, floor)
    kept, done = [], 0
    size = min(CHUNK, max(1, -(-len(pairs) // (os.cpu_count() or 1))))
    with ThreadPoolExecutor() as pool:
        for part in pool.map(worker, pairs.chunks(size)):
            kept.append(part)
            done = min(done + size, len(pairs))
            if progress:
                progress(done)
    rules = [rule.name for rule in model.spec.blocking] + [EVERY_PAIR]
    result = _table(table.ids, kept, rules, limits)
    same = int(np.count_nonzero(result.column("band").to_numpy() == "same")) if result.num_rows else 0
    counts = np.bincount(pairs.rule, minlength=len(rules)).tolist()
    by_rule = {name: count for name, count in zip(rules, counts, strict=True) if count or name != EVERY_PAIR}
    review = result.num_rows - same
    report = Report(len(table), len(pairs), by_rule, same, review, len(pairs) - same - review, dropped)
    return MatchResult(result, report)


def score(table: Prepared, left: Index, right: Index, model: Model) -> Floats:
    """The evidence in bits for pairs of record positions, prior included; shape (pairs,)."""
    return total_bits(model.prior_bits, evidence(table, left, right, model))


def evidence(table: Prepared, left: Index, right: Index, model: Model) -> Evidence:
    """The evidence about pairs of record positions. `table` has the terms of the model applied."""
    patterns = compare(table, left, right, model.spec)
    distinct, inverse = np.unique(patterns, return_inverse=True)
    weights = model.weights(distinct)
    frequent = frequency_bits(table, left, right, patterns, spec=model.spec, terms=model.terms)
    return Evidence(left, right, patterns, weights.fields[inverse] + frequent, weights.ceiling[inverse])


def _above(table: Prepared, model: Model, floor: float, pairs: Pairs) -> _Scored:
    """The pairs of at least `floor` bits."""
    if model.spec.dependent:
        pairs, bits, patterns = weighed(table, pairs, model, floor)
        levels = (level for comparison in model.spec.comparisons for level in comparison.levels)
        if model.spec.contradictions or any(level.ceiling is not None for level in levels):
            distinct, inverse = np.unique(patterns, return_inverse=True)
            bits = np.minimum(bits, model.weights(distinct).ceiling[inverse])
    else:
        bits = score(table, pairs.left, pairs.right, model)
    keep = np.nonzero(bits >= floor)[0]
    return _Scored(pairs.part(keep), bits[keep])


def band(chance: float, thresholds: Thresholds) -> str:
    if chance >= thresholds.same:
        return "same"
    return "review" if chance >= thresholds.review else "different"


def _table(ids: Index, several: list[_Scored], rules: list[str], thresholds: Thresholds) -> pa.Table:
    if not several:
        return SCHEMA.empty_table()
    left = ids[np.concatenate([one.pairs.left for one in several])]
    right = ids[np.concatenate([one.pairs.right for one in several])]
    bits = np.concatenate([one.bits for one in several])
    rule = np.concatenate([one.pairs.rule for one in several])
    a, b = np.minimum(left, right), np.maximum(left, right)
    order = np.lexsort((b, a))
    chance = probability(bits[order])
    bands = np.where(chance >= thresholds.same, 0, 1)
    columns = {
        "a": a[order],
        "b": b[order],
        "rule": pl.Series(rules).gather(rule[order]),
        "weight": bits[order],
        "probability": chance,
        "band": pl.Series(["same", "review"]).gather(bands),
    }
    return pl.DataFrame(columns).to_arrow().cast(SCHEMA)


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
        return np.asarray(np.isfinite(model.weights(patterns).ceiling)[inverse], dtype=bool)

    return contradict
