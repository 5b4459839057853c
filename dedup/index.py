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
from dedup.columns import Flags, Prepared
from dedup.columns import Index as Positions
from dedup.explain import explained
from dedup.hashing import Hashes
from dedup.matching import MatchResult, scored
from dedup.model import Model
from dedup.spec import Thresholds

# The id of a record that is looked for and not there.
NOBODY = -1
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
    table: pa.Table | Prepared, model: Model, pairs: tuple[Positions, Positions, Positions], thresholds: Thresholds
) -> MatchResult:
    """Score given `pairs`: two arrays of row positions of `table`, and one of the numbers of the rules that found them.

    A pair that is given several times counts once, by its first rule. Raises ValueError as `match` does.
    """
    prepared = model.terms.apply(table if isinstance(table, Prepared) else model.spec.standardise(table))
    a, b, rule = pairs
    packed = [
        packed_pairs(a[rule == one].astype(np.uint64), b[rule == one].astype(np.uint64), int(one), len(prepared))
        for one in np.unique(rule)
    ]
    distinct = distinct_pairs(np.concatenate(packed), len(prepared)) if packed else Pairs(a, b, rule)
    return scored(prepared, model, distinct, (), thresholds)


@dataclass(frozen=True)
class Index:
    """Standardised records with their blocking keys in order: per rule the keys, and the row of each."""

    model: Model
    records: Prepared
    ordered: tuple[tuple[Hashes, NDArray[np.int32]], ...]

    @classmethod
    def build(cls, table: pa.Table, model: Model) -> "Index":
        """The index of a table. Raises ValueError if the table breaks the input contract."""
        return cls.of(model.spec.standardise(table), model)

    @classmethod
    def of(cls, records: Prepared, model: Model) -> "Index":
        rules = model.spec.blocking
        with ThreadPoolExecutor() as pool:
            ordered = pool.map(lambda at: _ordered(hashes_of(records, rules[at], at)), range(len(rules)))
            return cls(model, records, tuple(ordered))

    def match(self, changed: pa.Table, *, thresholds: Thresholds | None = None) -> MatchResult:
        """The pairs that `changed` records form with each other and with the records of the index that have other ids.

        Each changed record replaces that of its party_id, if there is one. The scores are those of a full run.
        """
        return self.met(self.model.spec.standardise(changed), thresholds or Thresholds())[0]

    def candidates(self, record: Mapping[str, Any], *, limit: int = 10) -> list[dict[str, Any]]:
        """The records most like one that is not there yet, best first, each explained; writes nothing.

        Returns dictionaries of party_id and explanation. Only records that may be the same are given.
        """
        given = {name: [record.get(name)] for name in self.records.raw.column_names if name != "party_id"}
        asked = self.model.spec.standardise(pa.table({"party_id": [NOBODY], **given}))
        result, together = self.met(asked, Thresholds(), raw=True)
        best = result.pairs.sort_by([("weight", "descending"), ("a", "ascending"), ("b", "ascending")])
        found = []
        for a, b in zip(best["a"].to_pylist()[:limit], best["b"].to_pylist()[:limit], strict=True):
            other = b if a == NOBODY else a
            both = together.take(np.array([0, int(np.nonzero(together.ids == other)[0][0])]))
            evidence = explained(self.model.terms.apply(both), self.model, Thresholds())
            found.append({"party_id": other, "explanation": evidence})
        return found

    def met(self, changed: Prepared, thresholds: Thresholds, *, raw: bool = False) -> tuple[MatchResult, Prepared]:
        """The scored pairs, and the records that were looked at: what changed, and then its partners."""
        rules, limit = self.model.spec.blocking, self.model.spec.max_block
        replaced = np.isin(self.records.ids, changed.ids)

        def meet(at: int) -> _Meetings:
            return _meetings(_ordered(hashes_of(changed, rules[at], at)), self.ordered[at], replaced, limit)

        # Searching among keys leaves the interpreter's lock, so that the rules are asked side by side.
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(meet, range(len(rules))))
        rows = np.unique(np.concatenate([one.known for one in found])) if found else np.zeros(0, dtype=np.int64)
        together = changed.followed_by(self.records.take(rows, raw=raw))
        a = [place for one in found for place in (one.asking, one.left)]
        b = [place for one in found for place in (len(changed) + np.searchsorted(rows, one.known), one.right)]
        rule = np.repeat(np.arange(len(found)), [len(one.asking) + len(one.left) for one in found])
        none = np.zeros(0, dtype=np.int64)
        pairs = np.concatenate([none, *a]), np.concatenate([none, *b]), rule
        return match_pairs(together, self.model, pairs, thresholds), together


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
    begins, ends = np.searchsorted(ordered, wanted, "left"), np.searchsorted(ordered, wanted, "right")
    own_ends = np.searchsorted(wanted, wanted, "right")
    size = ends - begins + own_ends - np.searchsorted(wanted, wanted, "left")
    for at in np.nonzero(size > limit)[0]:
        size[at] -= replaced[owners[begins[at] : ends[at]]].sum()
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
