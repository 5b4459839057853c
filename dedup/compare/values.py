"""Likeness of values: rapidfuzz over the distinct value pairs that equality left undecided."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA, JaroWinkler

from dedup.columns import MISSING, Codes, Column, Flags, Index, overlap

Scores = NDArray[np.float32]

_FEW = 200


def both(left: Codes, right: Codes) -> Flags:
    """Whether both sides have a value."""
    known: Flags = (left != MISSING) & (right != MISSING)
    return known


def same(left: Codes, right: Codes) -> Flags:
    equal: Flags = (left == right) & (left != MISSING)
    return equal


def shared(codes: Codes, left: Index, right: Index, undecided: Flags) -> Flags:
    """Whether two records have a value in common; False where not `undecided`."""
    found = np.zeros(len(left), dtype=bool)
    rows = np.nonzero(undecided)[0]
    found[rows] = overlap(codes[left[rows]], codes[right[rows]])
    return found


def jaro_winkler(column: Column, left: Codes, right: Codes, undecided: Flags) -> Scores:
    """Jaro-Winkler similarity 0..1 of two values per pair; 0 where not `undecided`."""
    return _scored(column, left, right, undecided, JaroWinkler.normalized_similarity)


def edits(column: Column, left: Codes, right: Codes, undecided: Flags) -> Scores:
    """Share 0..1 of the letters that no edit touches, a swap of neighbours being one; 0 where not `undecided`."""
    return _scored(column, left, right, undecided, OSA.normalized_similarity)


def one_slip(column: Column, left: Codes, right: Codes, undecided: Flags) -> Flags:
    """Whether two values differ by one letter more, less or other, or by a swap of neighbours; False where decided."""
    distance = _scored(column, left, right, undecided, OSA.distance)
    slip: Flags = undecided & both(left, right) & (distance <= 1)
    return slip


def any_slip(column: Column, left: Index, right: Index, undecided: Flags) -> Flags:
    """Whether any value of the left record is one slip from any of the right; shape (pairs,)."""
    found = np.zeros(len(left), dtype=bool)
    width = column.codes.shape[1]
    for one in range(width):
        for other in range(width):
            found |= one_slip(column, column.codes[left, one], column.codes[right, other], undecided & ~found)
    return found


def _scored(column: Column, left: Codes, right: Codes, undecided: Flags, scorer: Any) -> Scores:
    if len(left) <= _FEW:
        return _few_scored(column, left, right, undecided, scorer)
    scores = np.zeros(len(left), dtype=np.float32)
    chosen = undecided & both(left, right)
    if not chosen.any():
        return scores
    size = max(len(column.words), 1)
    low = np.minimum(left[chosen], right[chosen]).astype(np.int64)
    high = np.maximum(left[chosen], right[chosen]).astype(np.int64)
    pairs, inverse = np.unique(low * size + high, return_inverse=True)
    first, second = column.vocabulary[pairs // size], column.vocabulary[pairs % size]
    # Codes depend on the table, texts do not: ordered by text, a pair scores the same in every table.
    swapped = second < first
    first, second = np.where(swapped, second, first), np.where(swapped, first, second)
    scores[chosen] = process.cpdist(first, second, scorer=scorer, dtype=np.float32)[inverse]
    return scores


def _few_scored(column: Column, left: Codes, right: Codes, undecided: Flags, scorer: Any) -> Scores:
    """The same, a pair at a time: for a few, numpy takes longer to begin."""
    scores = np.zeros(len(left), dtype=np.float32)
    words = column.vocabulary
    for at in np.nonzero(undecided & both(left, right))[0].tolist():
        scores[at] = scorer(*sorted((words[left[at]], words[right[at]])))
    return scores
