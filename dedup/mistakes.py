"""Missed and wrong pairs of clusters, by what made them: where to look first when the merge is not good enough."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.columns import Flags, Index
from dedup.truth import Located, Truth, pairs_within

# Examples of pairs that no table lists are looked for among this many records of a group.
MOST_MEMBERS = 20


def mistakes(
    truth: Truth, cluster: Index, found: Located, band: NDArray[np.object_], examples: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Counts of pairs per kind of mistake, with up to `examples` pairs of ids, each of another entity or cluster.

    `cluster` is a label per record of the truth; `found` are the scored pairs and `band` the band of each.

    missed (one entity, two clusters)
        not_compared: no scored pair: no blocking key in common. Where the table leaves the band *different* out,
            pairs that scored there are among these.
        scored_different, in_review: scored below the threshold of *same*.
        kept_apart: scored *same*, and clustering did not follow: a judgement, a contradiction, a weak bridge.
    wrong (one cluster, two entities)
        scored_same: the model itself says *same*.
        joined_over_others: joined over other records, or by a judgement.
    """
    true = truth.entity[found.left] == truth.entity[found.right]
    joined = cluster[found.left] == cluster[found.right]
    cells = np.unique(cluster * (len(truth) + 1) + truth.entity, return_inverse=True)[1]
    correct = pairs_within(cells)
    listed = _Listed(truth, examples)
    missed = {
        kind: listed.kind(found.only(true & ~joined & (band == name)), truth.entity)
        for kind, name in (("scored_different", "different"), ("in_review", "review"), ("kept_apart", "same"))
    }
    wrong = listed.kind(found.only(joined & ~true & (band == "same")), cluster)
    unseen = pairs_within(truth.entity) - correct - sum(kind["pairs"] for kind in missed.values())
    over_others = pairs_within(cluster) - correct - wrong["pairs"]
    same = found.only(band == "same")
    return {
        "missed": {"not_compared": listed.rest(unseen, truth.entity, cluster, found), **missed},
        "wrong": {"scored_same": wrong, "joined_over_others": listed.rest(over_others, cluster, truth.entity, same)},
    }


class _Listed:
    """Counts with examples, as ids."""

    def __init__(self, truth: Truth, examples: int) -> None:
        self._ids, self._examples = truth.ids, examples

    def kind(self, pairs: Located, group: Index) -> dict[str, Any]:
        """Pairs of a kind that a table lists."""
        return {"pairs": len(pairs.left), "examples": self._some(pairs.left, pairs.right, group)}

    def rest(self, count: int, within: Index, between: Index, known: Located) -> dict[str, Any]:
        """`count` pairs that share `within` and differ in `between`, and are not among the `known` ones."""
        if not count or not self._examples:
            return {"pairs": count, "examples": []}
        left, right = _split_pairs(within, between)
        new = ~np.isin(left * len(self._ids) + right, known.left * len(self._ids) + known.right)
        return {"pairs": count, "examples": self._some(left[new], right[new], within)}

    def _some(self, left: Index, right: Index, group: Index) -> list[list[int]]:
        order = np.lexsort((right, left))
        left, right = left[order], right[order]
        first = np.sort(np.unique(group[left], return_index=True)[1])[: self._examples]
        return np.column_stack([self._ids[left[first]], self._ids[right[first]]]).tolist()  # type: ignore[no-any-return]


def _split_pairs(within: Index, between: Index) -> tuple[Index, Index]:
    """Pairs of positions that share `within` and differ in `between`; not all of them where groups are large."""
    order = np.lexsort((between, within))
    group, other = within[order], between[order]
    starts = _starts(group, other)
    # Ranked by their turn within (group, other), the first members of a large group differ in `between`.
    turn = np.arange(len(order)) - np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    order = order[np.lexsort((other, turn, group))]
    group, other = within[order], between[order]
    rank = np.arange(len(order)) - np.maximum.accumulate(np.where(_starts(group), np.arange(len(order)), 0))
    mixed = np.zeros(int(within.max(initial=-1)) + 1, dtype=bool)
    mixed[group[1:][(group[1:] == group[:-1]) & (other[1:] != other[:-1])]] = True
    keep = mixed[group] & (rank < MOST_MEMBERS)
    members, group = order[keep], group[keep]
    # Each member with each that follows it in its group.
    partners = np.searchsorted(group, group, side="right") - np.arange(len(group)) - 1
    first = np.repeat(np.arange(len(group)), partners)
    second = first + 1 + np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    one, two = members[first], members[second]
    differ = between[one] != between[two]
    return np.minimum(one, two)[differ], np.maximum(one, two)[differ]


def _starts(*columns: Index) -> Flags:
    """Where a run of equal values begins, shape (rows,)."""
    begins = np.ones(len(columns[0]), dtype=bool)
    begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return begins
