"""Candidate pairs: records that agree on the columns of at least one blocking rule.

Keys are 64-bit hashes, the same in every table, so that they can be stored and looked up. A pair is one integer, with
the rule that found it in its last bits: sorting makes the pairs of all rules distinct, and the first rule wins.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.columns import Flags, Index, Prepared
from dedup.hashing import NOTHING, Hashes, mixed
from dedup.spec import BlockingRule, MatchSpec

# Pairs compared at a time: bounds the memory of a comparison to some ten megabytes, which fit the cache.
CHUNK = 1 << 18
# Pairs per record, and in any case, that are made at most: beyond it the largest blocks are given up, and reported.
MOST_PER_RECORD, MOST_AT_LEAST = 40, 20_000_000
_RULE_BITS = 6
_TOGETHER = 20_000  # records whose keys by all rules are made at once: some ten megabytes


@dataclass(frozen=True)
class DroppedBlock:
    """A value that `size` records share, too many to be a key; `records` of them are left without any other key."""

    rule: str
    size: int
    records: int


@dataclass(frozen=True)
class Keys:
    """Keys of one rule: the records that have one, ordered by key, with the border of each block.

    A record with several values stands in several blocks. `begins` has one more entry than there are blocks.
    """

    rule: int
    rows: NDArray[np.int32]
    begins: Index

    @property
    def sizes(self) -> Index:
        return np.diff(self.begins)


@dataclass(frozen=True)
class Blocks:
    """The usable blocks of every rule, and those that were too large to be used."""

    records: int
    keys: tuple[Keys, ...]
    dropped: tuple[DroppedBlock, ...]


@dataclass(frozen=True)
class Pairs:
    """Pairs of record positions with left < right, and the rule that found each; shape (pairs,)."""

    left: Index
    right: Index
    rule: Index

    def __len__(self) -> int:
        return len(self.left)

    def part(self, chosen: slice | Index) -> "Pairs":
        return Pairs(self.left[chosen], self.right[chosen], self.rule[chosen])

    def chunks(self, size: int = CHUNK) -> Iterator["Pairs"]:
        for begin in range(0, len(self), size):
            yield self.part(slice(begin, begin + size))


def hashes_of(table: Prepared, rule: BlockingRule, place: int) -> Hashes:
    """The keys of each record by one rule, shape (records, width of its first column); 0 where there is none."""
    (found,) = _combined({name: _hashed(table, name) for name in rule.columns}, (rule,), place)
    return np.asarray(found)


def keys_of(table: Prepared, spec: MatchSpec) -> tuple[Hashes, Index, Index]:
    """The keys of all rules at once, as `hashes_of` gives them, without 0: key, row and number of the rule of each."""
    hashed = {name: _hashed(table, name) for rule in spec.blocking for name in rule.columns}
    found = []
    for begin in range(0, max(len(table), 1), _TOGETHER):
        keys = _combined({name: several[begin : begin + _TOGETHER] for name, several in hashed.items()}, spec.blocking)
        rules, rows, at = np.nonzero(keys)
        found.append((keys[rules, rows, at], rows + begin, rules))
    key, row, rule = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return key, row, rule


def _combined(hashed: Mapping[str, Hashes], rules: Sequence[BlockingRule], place: int = 0) -> Hashes:
    """Hashes of the columns of each rule together, shape (rules, records, width); 0 where one of them is.

    `place` is that of the first of the rules: it keeps their keys apart. Each step is one for all rules, however many.
    """
    firsts = [hashed[rule.columns[0]] for rule in rules]
    total = np.zeros((len(rules), len(firsts[0]), max(first.shape[1] for first in firsts)), dtype=np.uint64)
    for at, first in enumerate(firsts):
        total[at, :, : first.shape[1]] = first
    empty = total == NOTHING
    salts = mixed(np.arange(place + 1, place + 1 + len(rules), dtype=np.uint64))
    total = mixed(total ^ salts[:, None, None])
    for column in range(1, max(len(rule.columns) for rule in rules)):
        longer = [at for at, rule in enumerate(rules) if len(rule.columns) > column]
        part = np.stack([hashed[rules[at].columns[column]][:, :1] for at in longer])
        total[longer] = mixed(total[longer] ^ part)
        empty[longer] |= part == NOTHING
    total[empty] = NOTHING
    return total


def derive(table: Prepared, spec: MatchSpec) -> Blocks:
    """The usable blocks of all rules of the specification."""
    return usable(sorted_keys(table, spec), len(table), spec)


def sorted_keys(table: Prepared, spec: MatchSpec, known: Sequence[Keys] = ()) -> list[Keys]:
    """The keys of all rules; those of the first rules may be known already."""
    new = range(len(known), len(spec.blocking))
    with ThreadPoolExecutor() as pool:
        return [*known, *pool.map(lambda at: _sort(at, hashes_of(table, spec.blocking[at], at)), new)]


def usable(keys: Sequence[Keys], records: int, spec: MatchSpec) -> Blocks:
    """The blocks that are not too large."""
    limit = _limit(keys, records, spec.max_block)
    kept = tuple(_sized(one, 2, limit) for one in keys)
    large = [_sized(one, limit + 1, records) for one in keys]
    return Blocks(records, kept, _dropped(large, kept, spec, records))


def pairs_of(blocks: Blocks, changed: Flags | None = None) -> Pairs:
    """Every candidate pair once, ordered by left and right; only those with a `changed` record if that is given."""
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(lambda keys: _packed(keys, blocks.records, changed), blocks.keys))
    return distinct_pairs(np.concatenate(found) if found else np.zeros(0, dtype=np.uint64), blocks.records)


def _hashed(table: Prepared, name: str) -> Hashes:
    if name in table.parts:
        return table.parts[name][:, None]
    column = table.columns[name]
    return column.hashes[column.codes]


def _sort(rule: int, hashes: Hashes) -> Keys:
    rows, at = np.nonzero(hashes) if hashes.shape[1] > 1 else (np.nonzero(hashes[:, 0])[0], 0)
    key = hashes[rows, at]
    # Where a record has several values, equal ones must come to stand beside each other.
    order = np.argsort(key, kind="stable" if hashes.shape[1] > 1 else None)
    key = key[order]
    owners: NDArray[np.int32] = rows[order].astype(np.int32)
    new = np.ones(len(key), dtype=bool)
    new[1:] = key[1:] != key[:-1]
    if hashes.shape[1] > 1 and len(key):
        # A record whose values fall together stands in their block once.
        once = new | np.append([True], owners[1:] != owners[:-1])
        owners, new = owners[once], new[once]
    return Keys(rule, owners, np.append(np.nonzero(new)[0], len(owners)))


def _limit(keys: Sequence[Keys], records: int, most: int) -> int:
    """The largest block that is used: the specification's, or a smaller one where the pairs would be too many."""
    sizes = np.concatenate([one.sizes for one in keys]) if keys else np.zeros(0, dtype=np.int64)
    sizes = np.sort(sizes[(sizes > 1) & (sizes <= most)])
    pairs = np.cumsum(sizes * (sizes - 1) // 2)
    fits = int(np.searchsorted(pairs, max(MOST_PER_RECORD * records, MOST_AT_LEAST), side="right"))
    return most if fits == len(sizes) else int(sizes[fits]) - 1


def _sized(keys: Keys, least: int, most: int) -> Keys:
    """Only the blocks of so many records."""
    sizes = keys.sizes
    chosen = (sizes >= least) & (sizes <= most)
    return Keys(keys.rule, keys.rows[np.repeat(chosen, sizes)], np.append(0, np.cumsum(sizes[chosen])))


def _dropped(large: Sequence[Keys], kept: Sequence[Keys], spec: MatchSpec, records: int) -> tuple[DroppedBlock, ...]:
    reachable = np.zeros(records, dtype=bool)
    for keys in kept:
        reachable[keys.rows] = True
    dropped = []
    for keys in large:
        if not len(keys.rows):
            continue
        lost = np.add.reduceat(~reachable[keys.rows], keys.begins[:-1], dtype=np.int64)
        name = spec.blocking[keys.rule].name
        dropped += [DroppedBlock(name, int(size), int(few)) for size, few in zip(keys.sizes, lost, strict=True)]
    return tuple(sorted(dropped, key=lambda block: (block.rule, -block.size)))


def _packed(keys: Keys, records: int, changed: Flags | None) -> Hashes:
    """All pairs of records within each block, as integers that sort by left, right and rule."""
    first, second = _all_places(keys) if changed is None else _changed_places(keys, changed)
    rows = keys.rows.astype(np.uint64)
    return packed_pairs(rows[first], rows[second], keys.rule, records)


def _all_places(keys: Keys) -> tuple[Index, Index]:
    """Where in the blocks the two records of each pair stand: each is paired with those after it in its block."""
    partners = np.repeat(keys.begins[1:], keys.sizes) - np.arange(len(keys.rows)) - 1
    first = np.repeat(np.arange(len(keys.rows)), partners)
    return first, first + 1 + _count_up(partners)


def _changed_places(keys: Keys, changed: Flags) -> tuple[Index, Index]:
    """The same for pairs with a changed record: each is paired with all others of its block, two changed ones once."""
    places = np.nonzero(changed[keys.rows])[0]
    blocks = np.searchsorted(keys.begins, places, side="right") - 1
    sizes = keys.sizes[blocks]
    first, second = np.repeat(places, sizes), np.repeat(keys.begins[blocks], sizes) + _count_up(sizes)
    once = (first < second) | ~changed[keys.rows[second]]
    return first[once], second[once]


def _count_up(sizes: Index) -> Index:
    """0, 1, ... as many times as each size says, one after the other."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def packed_pairs(one: Hashes, other: Hashes, rule: int, records: int) -> Hashes:
    """Pairs of record positions as integers that sort by left, right and rule."""
    pair = np.minimum(one, other) * np.uint64(records) + np.maximum(one, other)
    packed: Hashes = (pair << np.uint64(_RULE_BITS)) | np.uint64(rule)
    return packed


def distinct_pairs(packed: Hashes, records: int) -> Pairs:
    """Packed pairs, each once, by the first rule that found it."""
    packed.sort()
    joined = packed >> np.uint64(_RULE_BITS)
    first = np.ones(len(joined), dtype=bool)
    first[1:] = joined[1:] != joined[:-1]
    pair: Index = joined[first].astype(np.int64)
    rule = (packed[first] & np.uint64((1 << _RULE_BITS) - 1)).astype(np.int64)
    left: Index = pair // max(records, 1)
    return Pairs(left, pair - left * records, rule)
