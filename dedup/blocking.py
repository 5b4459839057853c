"""Candidate pairs: records that agree on the columns of at least one blocking rule.

A pair is made once, by the first rule that finds it: a later rule leaves out what an earlier one covers, which is an
integer compare per pair and needs no memory of the pairs made before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.columns import MISSING, Flags, Index, Prepared, overlap
from dedup.spec import BlockingRule, MatchSpec

# Pairs made at a time: bounds the memory of everything that follows to some hundred megabytes.
CHUNK = 1 << 20


@dataclass(frozen=True)
class DroppedBlock:
    """A value that `size` records share, too many to be a key; `records` of them are left without any other key."""

    rule: str
    size: int
    records: int


@dataclass(frozen=True)
class Keys:
    """Keys of one rule, shape (records, width); -1 where a record has none or its key was dropped."""

    rule: BlockingRule
    codes: NDArray[np.int32]


@dataclass(frozen=True)
class Candidates:
    """Pairs of record positions with left < right, all found by the rule at position `rule`."""

    rule: int
    left: Index
    right: Index


def derive(table: Prepared, spec: MatchSpec) -> tuple[tuple[Keys, ...], tuple[DroppedBlock, ...]]:
    """The keys of every rule of the specification, and the blocks that were too large to be used."""
    keys, lost = [], []
    reachable = np.zeros(len(table), dtype=bool)
    for rule in spec.blocking:
        codes = _combined(table, rule.columns)
        present = codes[codes != MISSING]
        sizes = np.bincount(present) if len(present) else np.zeros(1, dtype=np.int64)
        too_large = np.append(sizes > spec.max_block, values=False)
        kept = np.where(too_large[codes], MISSING, codes).astype(np.int32)
        reachable |= (kept != MISSING).any(axis=1)
        keys.append(Keys(rule, kept))
        lost += [(rule.name, codes, value, int(sizes[value])) for value in np.nonzero(too_large)[0]]
    dropped = [
        DroppedBlock(rule, size, int(((codes == value).any(axis=1) & ~reachable).sum()))
        for rule, codes, value, size in lost
    ]
    return tuple(keys), tuple(sorted(dropped, key=lambda block: (block.rule, -block.size)))


def candidates(keys: tuple[Keys, ...], changed: Flags | None = None) -> Iterator[Candidates]:
    """Every candidate pair once, in chunks; only those that touch a `changed` record if that is given."""
    for at, one in enumerate(keys):
        for left, right, key in _within_blocks(one.codes, changed):
            new = _first_shared(one.codes, left, right) == key if one.codes.shape[1] > 1 else np.ones(len(left), bool)
            for earlier in keys[:at]:
                new &= ~overlap(earlier.codes[left], earlier.codes[right])
            if changed is not None:
                new &= changed[left] | changed[right]
            if new.any():
                yield Candidates(at, left[new], right[new])


def _combined(table: Prepared, columns: tuple[str, ...]) -> NDArray[np.int64]:
    """One code per combination of values, shape (records, width of the first column); dense from 0."""
    codes = table.codes(columns[0]).astype(np.int64)
    for name in columns[1:]:
        other = table.first(name).astype(np.int64)[:, None]
        missing = (codes == MISSING) | (other == MISSING)
        joined = np.where(missing, MISSING, codes * (len(table.columns[name].vocabulary) + 1) + other)
        values, inverse = np.unique(joined, return_inverse=True)
        shift = 1 if len(values) and values[0] == MISSING else 0
        codes = inverse.reshape(joined.shape).astype(np.int64) - shift
    return codes


def _within_blocks(codes: NDArray[np.int32], changed: Flags | None) -> Iterator[tuple[Index, Index, NDArray[np.int32]]]:
    """All pairs of records within each block, with the key of the block, about `CHUNK` at a time."""
    rows, at = np.nonzero(codes != MISSING)
    key = codes[rows, at]
    order = np.lexsort((rows, key))
    rows, key = rows[order].astype(np.int64), key[order]
    repeated = np.append([False], (rows[1:] == rows[:-1]) & (key[1:] == key[:-1])) if len(key) else np.zeros(0, bool)
    rows, key = rows[~repeated], key[~repeated]
    if changed is not None and len(key):
        touched = np.zeros(int(key.max()) + 1, dtype=bool)
        touched[key[changed[rows]]] = True
        rows, key = rows[touched[key]], key[touched[key]]
    if not len(key):
        return
    # Each record is paired with those after it in its block.
    ends = np.searchsorted(key, key, side="right")
    partners = ends - np.arange(len(key)) - 1
    total = np.cumsum(partners)
    begin = 0
    while begin < len(key):
        before = total[begin - 1] if begin else 0
        stop = max(int(np.searchsorted(total, before + CHUNK, side="right")), begin + 1)
        counts = partners[begin:stop]
        first = np.repeat(np.arange(begin, stop), counts)
        second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
        if len(first):
            yield rows[first], rows[second], key[first]
        begin = stop


def _first_shared(codes: NDArray[np.int32], left: Index, right: Index) -> NDArray[np.int32]:
    """The first value of the left record that the right one has too."""
    found = np.full(len(left), MISSING, dtype=np.int32)
    for at in range(codes.shape[1]):
        value = codes[left, at]
        hit = (found == MISSING) & (value != MISSING) & (codes[right] == value[:, None]).any(axis=1)
        found[hit] = value[hit]
    return found
