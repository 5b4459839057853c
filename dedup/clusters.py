"""Clusters of records that are one customer, from scored pairs and the judgements of people.

Pairs join their clusters one after the other, unless something speaks against it: a *different* judgement between any
two members, a contradiction between any two members, or a weak bridge. Where the evidence of all pairs is known, a
bridge is weak if that between the two groups is against them on the average; else, if it is one single pair between two
groups of three or more. Pairs that a third record confirms come first, then the others, each in order of falling
probability: so dense groups exist before a bridge between them is tried.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from dedup.columns import Flags, Floats, Index

Pairs = Iterable[tuple[int, int]]
Conflicts = Callable[[Index, Index], Flags]
Evidence = Callable[[Index, Index], Floats]

# Groups of this many members are not joined by one pair alone.
DENSE = 3
# All pairs of a larger component are not examined for contradictions: their number grows with its square.
MOST_EXAMINED = 2_000
# Mean bits between two groups below which they stay apart. Records of one customer that were typed badly look different
# from each other, so a mean somewhat below even odds is no reason yet. One pair counts for 12 bits at the most.
LEAST_MEAN, MOST_BITS = -3.0, 12.0


def cluster(
    ids: ArrayLike,
    edges: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    must_link: Pairs = (),
    cannot_link: Pairs = (),
    conflicts: Conflicts | None = None,
    evidence: Evidence | None = None,
) -> Index:
    """A label per id, the smallest id of its cluster; the same for any order of ids, edges and judgements.

    `edges` are arrays a, b and probability of the *same* band. `must_link` pairs are together unless `cannot_link`
    forbids it (see `contradicted`); a `cannot_link` pair is never together. `conflicts` says of pairs of ids whether
    their evidence contradicts; it is asked about pairs that edges would join over others. `evidence` gives the bits of
    pairs of ids, whether they are edges or not; nan where a pair tells nothing about the others of its groups. Pairs of
    which an id is not in `ids` are left out. Raises ValueError for repeated ids or edge arrays of unequal length.
    """
    known = np.asarray(ids, dtype=np.int64)
    ordered = np.sort(known)
    if (ordered[1:] == ordered[:-1]).any():
        raise ValueError("ids must be unique")
    a, b, probability = _edges(ordered, edges)
    must, cannot = _positions(ordered, must_link), _positions(ordered, cannot_link)
    groups = _components(len(ordered), np.concatenate([a, must[:, 0]]), np.concatenate([b, must[:, 1]]))
    examined = _inner_pairs(groups)
    opposed = _opposed(ordered, examined, a, b, conflicts)
    bits = evidence(ordered[examined[:, 0]], ordered[examined[:, 1]]) if evidence and len(examined) else np.zeros(0)
    against = examined[: len(bits)][bits < LEAST_MEAN]
    careful = _careful(groups, cannot, np.concatenate([opposed, against]), known_evidence=evidence is not None)
    if careful.any():
        groups = groups.copy()
        forest = _Forest.over(np.nonzero(careful[groups])[0])
        _grow(forest, _inside(must, careful[groups]), _inside(cannot, careful[groups]), opposed)
        weighed = np.nonzero(careful[groups[examined[: len(bits), 0]]] & ~np.isnan(bits))[0]
        clipped = np.clip(bits[weighed], -MOST_BITS, MOST_BITS).tolist()
        for (one, other), bit in zip(examined[weighed].tolist(), clipped, strict=True):
            forest.weigh(one, other, bit)
        within = careful[groups[a]] if len(a) else np.zeros(0, dtype=bool)
        _join(forest, a[within], b[within], probability[within])
        for member in forest.parent:
            groups[member] = len(ordered) + forest.root(member)
    return _labels(ordered, groups)[places_of(ordered, known)]


def contradicted(must_link: Pairs, cannot_link: Pairs) -> list[tuple[int, int]]:
    """The `must_link` pairs that `cluster` cannot honour: a `cannot_link` forbids them, directly or over others."""
    must, cannot = sorted({(min(p), max(p)) for p in must_link}), sorted({(min(p), max(p)) for p in cannot_link})
    forest = _Forest.over({one for pair in (*must, *cannot) for one in pair})
    for pair in cannot:
        forest.forbid(*pair)
    return [pair for pair in must if not forest.join(*pair)]


@dataclass
class _Forest:
    """Union-find whose trees know with which trees they must not be joined, and how many edges lead to which.

    `evidence` holds the sum of the bits between two trees, and `weighed` the number of pairs that it is the sum of.
    """

    parent: dict[int, int]
    size: dict[int, int]
    foes: dict[int, set[int]] = field(default_factory=dict)
    bridges: dict[int, dict[int, float]] = field(default_factory=dict)
    evidence: dict[int, dict[int, float]] = field(default_factory=dict)
    weighed: dict[int, dict[int, float]] = field(default_factory=dict)

    @classmethod
    def over(cls, members: Iterable[int]) -> "_Forest":
        listed = [int(member) for member in members]
        return cls(parent={one: one for one in listed}, size=dict.fromkeys(listed, 1))

    def root(self, member: int) -> int:
        while self.parent[member] != member:
            self.parent[member] = self.parent[self.parent[member]]
            member = self.parent[member]
        return member

    def forbid(self, a: int, b: int) -> None:
        one, other = self.root(a), self.root(b)
        if one != other:
            self.foes.setdefault(one, set()).add(other)
            self.foes.setdefault(other, set()).add(one)

    def bridge(self, a: int, b: int) -> None:
        self._add(self.bridges, a, b, 1)

    def weigh(self, a: int, b: int, bits: float) -> None:
        self._add(self.evidence, a, b, bits)
        self._add(self.weighed, a, b, 1)

    def _add(self, ties: dict[int, dict[int, float]], a: int, b: int, amount: float) -> None:
        one, other = self.root(a), self.root(b)
        if one != other:
            for here, there in ((one, other), (other, one)):
                sums = ties.setdefault(here, {})
                sums[there] = sums.get(there, 0.0) + amount

    def weak(self, a: int, b: int) -> bool:
        one, other = self.root(a), self.root(b)
        known = self.evidence.get(one, {}).get(other)
        if known is not None:
            return known / self.weighed[one][other] < LEAST_MEAN
        dense = min(self.size[one], self.size[other]) >= DENSE
        return dense and self.bridges.get(one, {}).get(other, 0) < 2

    def join(self, a: int, b: int) -> bool:
        """Join two trees; False, and nothing done, if that is forbidden."""
        one, other = self.root(a), self.root(b)
        if one == other:
            return True
        if other in self.foes.get(one, ()):
            return False
        keep, drop = (one, other) if (self.size[one], -one) >= (self.size[other], -other) else (other, one)
        self.parent[drop] = keep
        self.size[keep] += self.size.pop(drop)
        for foe in self.foes.pop(drop, ()):
            self.foes[foe].discard(drop)
            self.foes[foe].add(keep)
            self.foes.setdefault(keep, set()).add(foe)
        for ties in (self.bridges, self.evidence, self.weighed):
            for far, amount in ties.pop(drop, {}).items():
                ties[far].pop(drop)
                if far != keep:
                    ties[far][keep] = ties[far].get(keep, 0.0) + amount
                    kept = ties.setdefault(keep, {})
                    kept[far] = kept.get(far, 0.0) + amount
        return True


def _grow(forest: _Forest, must: Index, cannot: Index, opposed: Index) -> None:
    """Judgements first: *different* before *same*; then contradictions of the evidence, which judgements overrule."""
    for a, b in cannot.tolist():
        forest.forbid(a, b)
    for a, b in must.tolist():
        forest.join(a, b)
    for a, b in opposed.tolist():
        forest.forbid(a, b)


def _join(forest: _Forest, a: Index, b: Index, probability: Floats) -> None:
    neighbours: dict[int, set[int]] = {}
    for one, other in zip(a.tolist(), b.tolist(), strict=True):
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
        forest.bridge(one, other)
    alone = np.array([neighbours[x].isdisjoint(neighbours[y]) for x, y in zip(a.tolist(), b.tolist(), strict=True)])
    order = np.lexsort((b, a, -probability, alone))
    for one, other in zip(a[order].tolist(), b[order].tolist(), strict=True):
        if not forest.weak(one, other):
            forest.join(one, other)


def _edges(ordered: Index, edges: tuple[ArrayLike, ArrayLike, ArrayLike]) -> tuple[Index, Index, Floats]:
    """Positions of distinct edges with a < b, each with its highest probability."""
    a, b = (np.asarray(side, dtype=np.int64) for side in edges[:2])
    probability = np.asarray(edges[2], dtype=np.float64)
    if not len(a) == len(b) == len(probability):
        raise ValueError(f"edge arrays differ in length: {len(a)}, {len(b)}, {len(probability)}")
    low, high = places_of(ordered, np.minimum(a, b)), places_of(ordered, np.maximum(a, b))
    keep = np.nonzero((low >= 0) & (high >= 0) & (low != high))[0]
    low, high, probability = low[keep], high[keep], probability[keep]
    edge = low * len(ordered) + high
    if (edge[1:] <= edge[:-1]).any():
        order = np.lexsort((-probability, edge))
        low, high, probability, edge = low[order], high[order], probability[order], edge[order]
        first = np.append([True], edge[1:] != edge[:-1])
        low, high, probability = low[first], high[first], probability[first]
    return low, high, probability


def places_of(ordered: Index, ids: Index) -> Index:
    """The position of each id, -1 where it is not there."""
    if len(ordered) and ordered[-1] - ordered[0] == len(ordered) - 1:
        places = ids - ordered[0]
        return np.where((places >= 0) & (places < len(ordered)), places, -1)
    places = np.searchsorted(ordered, ids)
    found: Index = (
        np.where(np.append(ordered, -1)[places] == ids, places, -1) if len(ordered) else np.full(ids.shape, -1)
    )
    return found


def _positions(ordered: Index, pairs: Pairs) -> Index:
    listed = np.array([(min(pair), max(pair)) for pair in pairs], dtype=np.int64).reshape(-1, 2)
    places = places_of(ordered, listed)
    places = places[(places >= 0).all(axis=1) & (listed[:, 0] != listed[:, 1])]
    return np.unique(places, axis=0).reshape(-1, 2)


def _components(size: int, a: Index, b: Index) -> Index:
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _inner_pairs(groups: Index) -> Index:
    """All pairs of positions within components of three to `MOST_EXAMINED` members; shape (pairs, 2)."""
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, dtype=np.int64)
    examined = np.nonzero(((sizes > 2) & (sizes <= MOST_EXAMINED))[groups])[0] if len(groups) else np.zeros(0, np.int64)
    if not len(examined):
        return np.zeros((0, 2), dtype=np.int64)
    members = examined[np.argsort(groups[examined], kind="stable")]
    counts = np.diff(np.append(np.nonzero(np.diff(groups[members], prepend=-1))[0], len(members)))
    ends = np.repeat(np.cumsum(counts), counts)
    partners = ends - np.arange(len(members)) - 1
    first = np.repeat(np.arange(len(members)), partners)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    return np.column_stack([members[first], members[second]])


def _opposed(ordered: Index, pairs: Index, a: Index, b: Index, conflicts: Conflicts | None) -> Index:
    """The pairs of positions whose evidence contradicts, of those that are no edges; shape (pairs, 2)."""
    if conflicts is None or not len(pairs):
        return np.zeros((0, 2), dtype=np.int64)
    pairs = pairs[~np.isin(pairs[:, 0] * len(ordered) + pairs[:, 1], a * len(ordered) + b)]
    return pairs[conflicts(ordered[pairs[:, 0]], ordered[pairs[:, 1]])] if len(pairs) else pairs


def _careful(groups: Index, cannot: Index, opposed: Index, *, known_evidence: bool) -> Flags:
    """Per component, whether anything could speak against joining all of it."""
    sizes = np.bincount(groups) if len(groups) else np.zeros(0, dtype=np.int64)
    careful: Flags = sizes > MOST_EXAMINED if known_evidence else sizes >= 2 * DENSE
    for pairs in (cannot, opposed):
        inside = groups[pairs[:, 0]] == groups[pairs[:, 1]]
        careful[groups[pairs[inside, 0]]] = True
    return careful


def _inside(pairs: Index, members: Flags) -> Index:
    return pairs[members[pairs].all(axis=1)] if len(pairs) else pairs


def _labels(ordered: Index, groups: Index) -> Index:
    """The smallest id of each group, by position."""
    if not len(groups):
        return ordered
    smallest = np.full(int(groups.max()) + 1, len(ordered))
    np.minimum.at(smallest, groups, np.arange(len(ordered)))
    labels: Index = ordered[smallest[groups]]
    return labels
