"""How good clusters are against the truth: pairwise figures, the best threshold, and the blocking recall. Pure.

It is a ruler of its own, not `dedup.evaluate`, so that the engine is not measured with a part of itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

Index: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
# Clusters of the rows from the pairs a, b and their scores; shapes (rows,) and (pairs,).
Cluster: TypeAlias = Callable[[int, Index, Index, Floats], Index]

# Thresholds are tried in passes: 7 over the whole range, then 5 more between the neighbours of the best, and so on.
# A pass narrows the range to a third, so that after five the number of pairs is met to about 1 %, and F1 much better.
FIRST, NEXT, PASSES = 7, 5, 5
# The range, as multiples of the number of true pairs. Outside of it F1 is below 0.5 unless chains of pairs join more.
LEAST, MOST = 1 / 3, 3.0


@dataclass(frozen=True)
class Quality:
    """Pairwise figures of clusters, 0 to 1. A ratio of nothing is 1: no pair was joined wrongly, none was missed."""

    precision: float
    recall: float
    f1: float


def quality(clusters: Index, truth: Index) -> Quality:
    """Precision, recall and F1 over all pairs of rows that share a cluster. Both inputs are labels, shape (rows,)."""
    found, true = _codes(clusters), _codes(truth)
    joined, expected = _pairs(found), _pairs(true)
    right = _pairs(found * (int(true.max(initial=0)) + 1) + true)
    return Quality(
        precision=right / joined if joined else 1.0,
        recall=right / expected if expected else 1.0,
        f1=2 * right / (joined + expected) if joined + expected else 1.0,
    )


def blocking_recall(a: Index, b: Index, truth: Index) -> float:
    """Share of the true pairs of rows that are among the candidates a, b: row positions, in any order and repeated."""
    labels = _codes(truth)
    expected = _pairs(labels)
    low, high = np.minimum(a, b), np.maximum(a, b)
    same = (labels[low] == labels[high]) & (low != high)
    kept = len(np.unique(low[same] * len(labels) + high[same]))
    return kept / expected if expected else 1.0


def components(rows: int, a: Index, b: Index, _scores: Floats) -> Index:
    """Connected components: what Splink makes of the pairs above its threshold."""
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(rows, rows))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def best_f1(a: Index, b: Index, scores: Floats, truth: Index, cluster: Cluster) -> tuple[float, float]:
    """The highest F1 of clusters over about 25 thresholds of the score, and the threshold; (0, nan) without pairs.

    Scores of engines crowd at 0 and 1, so thresholds are taken by rank: so that the number of pairs at or above them
    is from a third to three times the number of true pairs.
    """
    if not len(scores):
        return 0.0, float("nan")
    order = np.argsort(-scores, kind="stable")
    a, b, scores = a[order], b[order], scores[order]
    expected = max(_pairs(_codes(truth)), 1)
    tried: dict[int, float] = {}
    counts = np.geomspace(min(LEAST * expected, len(a)), min(MOST * expected, len(a)), FIRST)
    for _ in range(PASSES):
        for count in sorted({_with_ties(scores, int(one)) for one in counts} - tried.keys()):
            tried[count] = quality(cluster(len(truth), a[:count], b[:count], scores[:count]), truth).f1
        known = sorted(tried)
        place = known.index(_best(tried))
        counts = np.linspace(known[max(place - 1, 0)], known[min(place + 1, len(known) - 1)], NEXT + 2)[1:-1]
    count = _best(tried)
    return tried[count], float(scores[count - 1])


def _best(tried: dict[int, float]) -> int:
    """The number of pairs with the highest F1; of equal ones the fewest pairs."""
    return min(tried, key=lambda count: (-tried[count], count))


def _with_ties(scores: Floats, count: int) -> int:
    """The number of pairs that score at least what the `count`-th does. `scores` fall."""
    last = scores[min(max(count, 1), len(scores)) - 1]
    return int(np.searchsorted(-scores, -last, side="right"))


def _codes(labels: Index) -> Index:
    """The labels as 0, 1, 2 ..."""
    return np.asarray(np.unique(labels, return_inverse=True)[1], dtype=np.int64)


def _pairs(codes: Index) -> int:
    """Number of pairs of rows that share a code."""
    sizes: Index = np.unique(codes, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())
