"""Comparison of names of organizations."""

import numpy as np

from dedup.columns import MISSING, Codes, Flags, Index, Levels, Prepared, overlap
from dedup.compare.values import both, edits, jaro_winkler, same


def name(table: Prepared, left: Index, right: Index) -> Levels:
    """1 same, 2 same but for generic words, 3 acronym, 4 similar, 5 one within other, 6 shared word, 7 different."""
    ordered = table.columns["name"]
    a, b = ordered.first[left], ordered.first[right]
    exact = same(a, b) | same(table.first("core")[left], table.first("core")[right])
    telling = same(table.first("distinctive")[left], table.first("distinctive")[right])
    acronym_a, acronym_b = table.first("acronym")[left], table.first("acronym")[right]
    acronym = same(acronym_a, acronym_b) & ~same(table.first("single")[left], table.first("single")[right])
    acronym &= (table.first("single")[left] >= 0) | (table.first("single")[right] >= 0)
    undecided = ~(exact | telling | acronym)
    alike = jaro_winkler(ordered, a, b, undecided) >= 0.92
    glued = table.columns["glued"]
    alike |= edits(glued, glued.first[left], glued.first[right], undecided & ~alike) >= 0.85
    words_a, words_b = table.codes("words")[left], table.codes("words")[right]
    contains = _within(words_a, words_b) | _within(words_b, words_a)
    partly = overlap(words_a, words_b)
    outcome = [exact, telling, acronym, alike, contains, partly, both(a, b)]
    return np.select(outcome, np.arange(1, 8), 0).astype(np.uint8)


def _within(inner: Codes, outer: Codes) -> Flags:
    """Whether every word of one name is in the other; False for a name without words."""
    contained = np.ones(len(inner), dtype=bool)
    others = np.ascontiguousarray(outer.T)
    for word in inner.T:
        contained &= (word == MISSING) | (others == word).any(axis=0)
    contained &= inner[:, 0] != MISSING
    return contained
