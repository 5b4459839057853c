"""Comparison of single fields of any table: equal, then alike in degrees, then different.

Outcomes are the levels of `dedup.derive`; 0 is "missing". rapidfuzz sees only what equality leaves undecided and what
the letters of the two values allow.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA, JaroWinkler, Prefix

from dedup.columns import MISSING, Codes, Column, Flags, Index, Levels, Prepared
from dedup.compare.values import same
from dedup.letters import Bound, shared
from dedup.spec import UNDECIDED, Compare

CLOSE, SIMILAR = 0.92, 0.8
# rapidfuzz adds the bonus for a common beginning only above this: nothing below can become similar.
_JARO_NEEDED = 0.7
# Shares of common letters of two names whose words stand in another order, or where one has a word more.
_SAME_WORDS, _MOST_WORDS = 0.9, 0.75
SIMILAR_MAILBOX = 0.8


def quick(field: str) -> Compare:
    """0 missing, 1 equal, else undecided."""
    name = f"{field}.text"

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        codes = table.first(name)
        a, b = codes[left], codes[right]
        levels = np.where(a == b, np.uint8(1), np.uint8(UNDECIDED))
        levels[(a == MISSING) | (b == MISSING)] = 0
        return levels

    return compare


def whole(field: str, closer: Compare) -> Compare:
    """Equality, and `closer` for the pairs that it leaves undecided."""
    first = quick(field)

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        levels = first(table, left, right)
        undecided = np.nonzero(levels == UNDECIDED)[0]
        if len(undecided):
            levels[undecided] = closer(table, left[undecided], right[undecided])
        return levels

    return compare


def different(_table: Prepared, left: Index, _right: Index) -> Levels:
    """2 different: what is not equal is not alike either."""
    return np.full(len(left), 2, dtype=np.uint8)


def given_name(field: str, family: str | None) -> Compare:
    """2 short form, 3 stands in the place of the family name, then as `name` from 4 on."""
    alike = name(field)

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        roots = table.parts[f"{field}.root"]
        short = (roots[left] == roots[right]) & (roots[left] != 0)
        crossed = _crossed(table, field, family, left, right)
        levels = np.select([crossed, short], [np.uint8(3), np.uint8(2)], np.uint8(0))
        rest = np.nonzero(levels == 0)[0]
        levels[rest] = alike(table, left[rest], right[rest]) + 2
        return levels

    return compare


def family_name(field: str, given: str | None) -> Compare:
    """2 stands in the place of the given name, then as `name` from 3 on."""
    alike = name(field)

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        levels = alike(table, left, right) + np.uint8(1)
        levels[_crossed(table, field, given, left, right)] = 2
        return levels

    return compare


def name(field: str, *, several: bool = False) -> Compare:
    """2 close, 3 similar, 4 one begins with the other, 5 different. `several`: words may stand in another order."""

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        column = table.columns[f"{field}.text"]
        a, b = column.first[left], column.first[right]
        possible = shared(column.letters, a, b)
        likeness = _scored(column, a, b, possible.jaro() >= _JARO_NEEDED, JaroWinkler.normalized_similarity)
        if several:
            worth = (likeness < CLOSE) & (possible.ratio() > _MOST_WORDS)
            ratio = _scored(column, a, b, worth, fuzz.token_sort_ratio) / 100
            likeness = np.where(ratio >= _SAME_WORDS, 1, np.where(ratio > _MOST_WORDS, SIMILAR, 0)).clip(likeness)
        levels = np.select([likeness >= CLOSE, likeness >= SIMILAR], [np.uint8(2), np.uint8(3)], np.uint8(5))
        # A beginning shares all letters of the shorter value.
        maybe = (likeness < CLOSE) & (possible.most >= np.minimum(possible.a, possible.b))
        levels[_begins(column, a, b, maybe)] = 4
        return levels

    return compare


def email(field: str) -> Compare:
    """2 same mailbox elsewhere, 3 similar mailbox, 4 different."""

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        column = table.columns[f"{field}.local"]
        a, b = column.first[left], column.first[right]
        possible = shared(column.letters, a, b)
        worth = (1 - possible.edits() / np.maximum(np.maximum(possible.a, possible.b), 1)) >= SIMILAR_MAILBOX
        likeness = _scored(column, a, b, worth, OSA.normalized_similarity)
        return np.select([same(a, b), likeness >= SIMILAR_MAILBOX], [np.uint8(2), np.uint8(3)], np.uint8(4))

    return compare


def phone(field: str, others: tuple[str, ...] = ()) -> Compare:
    """2 same but for area or extension, or as one of the `others`; 3 two slips at most, 4 different."""

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        column = table.columns[f"{field}.text"]
        a, b = column.first[left], column.first[right]
        distance = _edits(column, a, b, 2)
        mine = table.parts[f"{field}.all"]
        partly = np.zeros(len(left), dtype=bool)
        for part in ("tail", "long"):
            same_part = table.parts[f"{field}.{part}"]
            partly |= same_part[left] == same_part[right]
        for other in others:
            elsewhere = table.parts[f"{other}.all"]
            partly |= (mine[left] == elsewhere[right]) | (elsewhere[left] == mine[right])
        return np.select([partly, distance <= 2], [np.uint8(2), np.uint8(3)], np.uint8(4))

    return compare


def code(field: str) -> Compare:
    """2 one slip, 3 two slips in six letters or more, 4 different; for dates, numbers, postcodes, identifiers."""

    def compare(table: Prepared, left: Index, right: Index) -> Levels:
        column = table.columns[f"{field}.text"]
        a, b = column.first[left], column.first[right]
        distance = _edits(column, a, b, 2)
        lengths = column.letters.lengths
        shorter = np.minimum(lengths[a], lengths[b])
        # One letter off a single letter is another letter.
        return np.select(
            [(distance <= 1) & (shorter >= 2), (distance <= 2) & (shorter >= 6)],
            [np.uint8(2), np.uint8(3)],
            np.uint8(4),
        )

    return compare


def _crossed(table: Prepared, field: str, other: str | None, left: Index, right: Index) -> Flags:
    """Whether given and family name of one record stand in each other's place in the other, one with a slip at most."""
    crossed = np.zeros(len(left), dtype=bool)
    if other is None:
        return crossed
    mine, yours = table.parts[f"{field}.all"], table.parts[f"{other}.all"]
    one = (mine[left] == yours[right]) & (mine[left] != 0)
    two = (yours[left] == mine[right]) & (yours[left] != 0)
    crossed |= one & two
    columns = table.columns[f"{field}.text"], table.columns[f"{other}.text"]
    for same_part, a, b in ((one, right, left), (two, left, right)):
        rows = np.nonzero(same_part & ~crossed)[0]
        crossed[rows] = _alike(columns, a[rows], b[rows])
    return crossed


def _alike(columns: tuple[Column, Column], left: Index, right: Index) -> Flags:
    """Whether values of two columns, with vocabularies of their own, are close."""
    a, b = (column.first[rows] for column, rows in zip(columns, (left, right), strict=True))
    alike = np.zeros(len(a), dtype=bool)
    rows = np.nonzero((a != MISSING) & (b != MISSING))[0]
    one, other = columns[0].vocabulary[a[rows]], columns[1].vocabulary[b[rows]]
    alike[rows] = process.cpdist(one, other, scorer=JaroWinkler.normalized_similarity, dtype=np.float32) >= CLOSE
    return alike


def _edits(column: Column, a: Codes, b: Codes, most: int) -> NDArray[np.float32]:
    """Edits between two values; more than `most` where there are more."""
    worth = shared(column.letters, a, b).edits() <= most
    distance = np.full(len(a), most + 1, dtype=np.float32)
    rows = np.nonzero(worth)[0]
    distance[rows] = process.cpdist(
        column.vocabulary[a[rows]], column.vocabulary[b[rows]], scorer=OSA.distance, dtype=np.float32, score_cutoff=most
    )
    return distance


def _scored(column: Column, a: Codes, b: Codes, worth: Flags, scorer: Any) -> Bound:
    """Likeness of the pairs that are `worth` it, 0 of the others."""
    scores = np.zeros(len(a), dtype=np.float32)
    rows = np.nonzero(worth)[0]
    if len(rows):
        one, other = _ordered(column, a[rows], b[rows])
        scores[rows] = process.cpdist(column.vocabulary[one], column.vocabulary[other], scorer=scorer, dtype=np.float32)
    return scores


def _ordered(column: Column, a: Codes, b: Codes) -> tuple[Codes, Codes]:
    """Pairs of values in an order of their own: Jaro-Winkler is not quite symmetric, and codes depend on the table.

    By letters and length, which are numbers; by text only where those are the same.
    """
    sets, lengths = column.letters.sets, column.letters.lengths
    turned = (sets[a] > sets[b]) | ((sets[a] == sets[b]) & (lengths[a] > lengths[b]))
    tied = np.nonzero((sets[a] == sets[b]) & (lengths[a] == lengths[b]))[0]
    turned[tied] = column.vocabulary[a[tied]] > column.vocabulary[b[tied]]
    return np.where(turned, b, a), np.where(turned, a, b)


def _begins(column: Column, a: Codes, b: Codes, maybe: Flags) -> Index:
    """The pairs of which one value begins with the other."""
    rows = np.nonzero(maybe)[0]
    one, other = column.vocabulary[a[rows]], column.vocabulary[b[rows]]
    common = process.cpdist(one, other, scorer=Prefix.similarity, dtype=np.float32)
    lengths = column.letters.lengths
    shorter = np.minimum(lengths[a[rows]], lengths[b[rows]])
    begins: Index = rows[(common >= shorter) & (shorter > 0)]
    return begins
