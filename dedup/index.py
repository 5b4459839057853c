"""Matching against what is known already: what changed, or one record before it is created, costs what it touches.

An index is the blocking keys of all records, ordered, beside the records themselves. Keys are hashes that depend on the
values and the model alone, so another store can hold them: `keys` gives them as a table.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.blocking import Pairs, distinct_pairs, hashes_of, packed_pairs
from dedup.columns import Flags
from dedup.columns import Index as Positions
from dedup.explain import explain
from dedup.hashing import Hashes
from dedup.matching import MatchResult, scored
from dedup.model import Model
from dedup.spec import Thresholds

KEYS = pa.schema([pa.field("row", pa.int64()), pa.field("rule", pa.int16()), pa.field("key", pa.int64())])


def keys(table: pa.Table, model: Model) -> pa.Table:
    """The blocking keys of records, columns of `KEYS`: row position, number of the rule, and key, as a signed integer.

    Two records are candidates for each other if they share a rule and a key. Raises ValueError if the table breaks the
    input contract.
    """
    prepared = model.spec.standardise(table)
    parts = []
    for place, rule in enumerate(model.spec.blocking):
        rows, found = _distinct(hashes_of(prepared, rule, place))
        columns = {"row": rows, "rule": np.full(len(rows), place, np.int16), "key": found.view(np.int64)}
        parts.append(pa.table(columns, schema=KEYS))
    return pa.concat_tables(parts) if parts else KEYS.empty_table()


def match_pairs(
    table: pa.Table, model: Model, pairs: tuple[Positions, Positions, Positions], thresholds: Thresholds
) -> MatchResult:
    """Score given `pairs`: two arrays of row positions of `table`, and one of the numbers of the rules that found them.

    A pair that is given several times counts once, by its first rule. Raises ValueError as `match` does.
    """
    prepared = model.terms.apply(model.spec.standardise(table))
    a, b, rule = pairs
    packed = [
        packed_pairs(a[rule == one].astype(np.uint64), b[rule == one].astype(np.uint64), int(one), len(prepared))
        for one in np.unique(rule)
    ]
    distinct = distinct_pairs(np.concatenate(packed), len(prepared)) if packed else Pairs(a, b, rule)
    return scored(prepared, model, distinct, (), thresholds)


@dataclass(frozen=True)
class Index:
    """Records with their blocking keys in order: per rule the keys, and the row of each.

    `records` is an arrow table with the column party_id, unique.
    """

    model: Model
    records: pa.Table
    ordered: tuple[tuple[Hashes, NDArray[np.int32]], ...]

    @classmethod
    def build(cls, table: pa.Table, model: Model) -> "Index":
        """The index of a table. Raises ValueError if the table breaks the input contract."""
        prepared = model.spec.standardise(table)
        rules = model.spec.blocking
        with ThreadPoolExecutor() as pool:
            ordered = pool.map(lambda at: _ordered(hashes_of(prepared, rules[at], at)), range(len(rules)))
            return cls(model, table, tuple(ordered))

    def match(self, changed: pa.Table, *, thresholds: Thresholds | None = None) -> MatchResult:
        """The pairs that `changed` records form with each other and with the records of the index that have other ids.

        Each changed record replaces that of its party_id, if there is one. The scores are those of a full run.
        """
        ids = changed.column("party_id").to_numpy()
        replaced = np.isin(self.records.column("party_id").to_numpy(), ids)
        prepared = self.model.spec.standardise(changed)
        asked = [_ordered(hashes_of(prepared, rule, at)) for at, rule in enumerate(self.model.spec.blocking)]
        limit = self.model.spec.max_block
        found = [_meetings(new, old, replaced, limit) for new, old in zip(asked, self.ordered, strict=True)]
        rows = np.unique(np.concatenate([one.known for one in found]))
        # The schema of what changed is its own: a column may hold nothing but nulls in it.
        known = self.records.take(pa.array(rows)).select(changed.column_names)
        together = pa.concat_tables([changed, known], promote_options="permissive")
        a = np.concatenate([np.concatenate([one.asking, one.left]) for one in found])
        b = np.concatenate([np.concatenate([len(ids) + np.searchsorted(rows, one.known), one.right]) for one in found])
        rule = np.repeat(np.arange(len(found)), [len(one.asking) + len(one.left) for one in found])
        return match_pairs(together, self.model, (a, b, rule), thresholds or Thresholds())

    def candidates(self, record: Mapping[str, Any], *, limit: int = 10) -> list[dict[str, Any]]:
        """The records most like one that is not there yet, best first, each explained; writes nothing.

        Returns dictionaries of party_id and explanation. Only records that may be the same are given.
        """
        columns = self.records.schema
        given = {name: pa.array([record.get(name)], columns.field(name).type) for name in columns.names}
        asked = pa.table({**given, "party_id": pa.array([-1], pa.int64())})
        pairs = self.match(asked).pairs.sort_by([("weight", "descending")])[:limit]
        ids = self.records.column("party_id").to_numpy()
        found = []
        for a, b in zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True):
            other = b if a == -1 else a
            row = self.records.slice(int(np.nonzero(ids == other)[0][0]), 1).to_pylist()[0]
            found.append({"party_id": other, "explanation": explain(record, row, self.model, Thresholds())})
        return found


@dataclass(frozen=True)
class _Meetings:
    """By one rule: changed rows `asking` and `known` rows of the index that share a key; and pairs of changed rows."""

    asking: Positions
    known: Positions
    left: Positions
    right: Positions


def _distinct(hashes: Hashes) -> tuple[Positions, Hashes]:
    """Rows and keys that are not 0, a key of a row once."""
    rows, at = np.nonzero(hashes)
    found = hashes[rows, at]
    if hashes.shape[1] == 1:
        return rows, found
    order = np.lexsort((found, rows))
    rows, found = rows[order], found[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (found[1:] != found[:-1])
    return rows[first], found[first]


def _ordered(hashes: Hashes) -> tuple[Hashes, NDArray[np.int32]]:
    rows, found = _distinct(hashes)
    order = np.argsort(found)
    return found[order], rows[order].astype(np.int32)


def _meetings(
    new: tuple[Hashes, NDArray[np.int32]], old: tuple[Hashes, NDArray[np.int32]], replaced: Flags, limit: int
) -> _Meetings:
    """A key is used if no more than `limit` records have it once the changed ones have taken their places."""
    (wanted, asking), (ordered, owners) = new, old
    staying = np.concatenate([[0], np.cumsum(~replaced[owners])])
    begins, ends = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
    own_ends = np.searchsorted(wanted, wanted, "right")
    size = staying[ends] - staying[begins] + own_ends - np.searchsorted(wanted, wanted, "left")
    counts = np.where(size <= limit, ends - begins, 0)
    known = owners[_spread(begins, counts)].astype(np.int64)
    keep = ~replaced[known]
    # Each changed record is paired with those after it that have its key.
    partners = np.where(size <= limit, own_ends - np.arange(len(wanted)) - 1, 0)
    rows = asking.astype(np.int64)
    return _Meetings(
        np.repeat(rows, counts)[keep],
        known[keep],
        np.repeat(rows, partners),
        rows[_spread(np.arange(len(wanted)) + 1, partners)],
    )


def _spread(begins: Positions, counts: Positions) -> Positions:
    """Runs of so many places, one after the other, each from its own begin."""
    return np.repeat(begins, counts) + np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
