"""Precision, recall and F1 of pairs and of clusters at every threshold, in one sweep from the surest pair down."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

from dedup.columns import Flags, Floats, Index
from dedup.truth import Truth, locate, pairs_within

# Probabilities nearer to 0 or 1 than a millionth are drawn at the edge: nobody sets a threshold there.
EDGE_BITS = 20.0


def threshold_curve(pairs: pa.Table, truth: tuple[ArrayLike, ArrayLike], *, points: int = 100) -> dict[str, Any]:
    """How good it would be to merge every pair from a probability on, for all such thresholds.

    `pairs` has the columns a, b and probability, and each pair once; `truth` are arrays of ids and of the entity that
    each belongs to. Pairs are measured if both records have a truth. Clusters are the plain connected components of
    the pairs, records without truth included: what `cluster` keeps apart in them is not kept apart here.

    Returns `pairs` and `clusters`, each with lists threshold (falling), precision, recall and f1, and with `best`: the
    threshold of the highest F1 of all and its measures, or None if there are no pairs. The lists hold at most `points`
    thresholds about equally far apart in bits; of those within a millionth of 0 and of 1 only the innermost. A ratio
    of nothing is None. A million pairs cost about ten seconds at most.
    """
    known = Truth.of(*truth)
    chance = pairs.column("probability").to_numpy().astype(np.float64)
    distinct, rank = np.unique(-chance, return_inverse=True)
    thresholds, true_pairs = -distinct, pairs_within(known.entity)
    shown = _spread(thresholds, points)
    sweeps = (("pairs", _pairs(pairs, known, rank)), ("clusters", _clusters(pairs, known, rank)))
    return {name: _measures(thresholds, _running(gained, len(distinct)), true_pairs, shown) for name, gained in sweeps}


def _pairs(pairs: pa.Table, truth: Truth, rank: Index) -> tuple[Index, Index, Index]:
    """What each pair adds: the rank of its threshold, one pair, and whether that is right."""
    found = locate(pairs, truth.ids)
    right: Flags = truth.entity[found.left] == truth.entity[found.right]
    return rank[found.row], np.ones(len(right), dtype=np.int64), right.astype(np.int64)


def _clusters(pairs: pa.Table, truth: Truth, rank: Index) -> tuple[Index, Index, Index]:
    """What each merge of two clusters adds: the rank of its threshold, the pairs it joins, and the right ones of them.

    Only the pairs of a spanning tree merge anything, so they alone are walked through.
    """
    a, b = (pairs.column(name).to_numpy().astype(np.int64) for name in ("a", "b"))
    nodes = np.unique(np.concatenate([a, b]))
    entity = np.full(len(nodes), -1, dtype=np.int64)
    at = np.searchsorted(truth.ids, nodes)
    hit = np.isin(nodes, truth.ids)
    entity[hit] = truth.entity[at[hit]]
    # A stored zero would be no edge at all.
    graph = coo_array((rank + 1.0, (np.searchsorted(nodes, a), np.searchsorted(nodes, b))), shape=(len(nodes),) * 2)
    tree = minimum_spanning_tree(graph.tocsr()).tocoo()
    order = np.argsort(tree.data, kind="stable")
    gains = np.array(list(_merges(tree.row[order].tolist(), tree.col[order].tolist(), entity.tolist())), dtype=np.int64)
    gains = gains.reshape(-1, 2)
    return tree.data[order].astype(np.int64) - 1, gains[:, 0], gains[:, 1]


def _merges(a: list[int], b: list[int], entity: list[int]) -> Iterator[tuple[int, int]]:
    """For each merge of the clusters of a and b, how many pairs with a truth it joins, and how many rightly.

    A cluster counts its members by entity. The smaller count is poured into the larger, so that no record is counted
    again more often than the logarithm of the size of its cluster.
    """
    parent = list(range(len(entity)))
    counts: dict[int, dict[int, int]] = {}
    sizes = [int(one >= 0) for one in entity]

    def root(member: int) -> int:
        while parent[member] != member:
            parent[member] = parent[parent[member]]
            member = parent[member]
        return member

    def taken(of: int) -> dict[int, int]:
        # Most records are merged once; only what was merged has a count.
        return counts.pop(of) if of in counts else {entity[of]: 1} if sizes[of] else {}

    for one, other in zip(a, b, strict=True):
        keep, drop = root(one), root(other)
        most, least = taken(keep), taken(drop)
        if len(most) < len(least):
            most, least = least, most
        yield sizes[keep] * sizes[drop], sum(count * most.get(name, 0) for name, count in least.items())
        for name, count in least.items():
            most[name] = most.get(name, 0) + count
        parent[drop], counts[keep] = keep, most
        sizes[keep] += sizes[drop]


def _running(gained: tuple[Index, Index, Index], many: int) -> tuple[Floats, Floats]:
    """Pairs and right pairs from the highest threshold down to each of `many`; both of shape (many,)."""
    rank, joined, right = gained
    first, second = (np.bincount(rank, weights=part, minlength=many) for part in (joined, right))
    return np.cumsum(first, dtype=np.float64), np.cumsum(second, dtype=np.float64)


def _measures(thresholds: Floats, running: tuple[Floats, Floats], true_pairs: int, shown: Index) -> dict[str, Any]:
    joined, right = running
    columns = {
        "threshold": thresholds,
        "precision": _divided(right, joined),
        "recall": _divided(right, np.full(len(right), float(true_pairs))),
        "f1": _divided(2 * right, joined + true_pairs),
    }
    # The first of equals is the highest threshold, the careful choice.
    best = int(np.argmax(np.nan_to_num(columns["f1"], nan=-1.0))) if len(thresholds) else None
    listed = {name: [_plain(value) for value in column[shown]] for name, column in columns.items()}
    return {**listed, "best": None if best is None else {name: _plain(c[best]) for name, c in columns.items()}}


def _divided(part: Floats, whole: Floats) -> Floats:
    shares: Floats = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return shares


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _spread(thresholds: Floats, points: int) -> Index:
    """At most `points` positions among falling thresholds, about equally far apart in bits, from edge to edge.

    Of the thresholds beyond an edge the one nearest to it stands for all: the others hold a few extreme pairs.
    """
    if not len(thresholds):
        return np.zeros(0, dtype=np.int64)
    with np.errstate(divide="ignore"):
        bits = np.clip(np.log2(thresholds) - np.log2(1.0 - thresholds), -EDGE_BITS, EDGE_BITS)
    wanted = np.linspace(-bits[0], -bits[-1], points - 1)
    reached = np.searchsorted(-bits, wanted, side="right") - 1
    lowest = np.searchsorted(-bits, -bits[-1])
    return np.unique(np.append(np.minimum(reached, lowest), lowest))
