"""Clusters after a change: only what is tied to changed records is clustered again."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dedup.bridges import Evidence, joined, nameless
from dedup.clusters import places_of
from dedup.columns import Flags, Floats, Prepared
from dedup.columns import Index as Positions
from dedup.index import Index
from dedup.matching import score
from dedup.spec import Thresholds

_KNOWN = ["a", "b", "weight", "probability"]
_ORDER = [("a", "ascending"), ("b", "ascending")]


@dataclass(frozen=True)
class State:
    """What is known: pairs by party_id, in any order, and the cluster of each id: its smallest id.

    `ids` are in ascending order; `labels` has their shape.
    """

    pairs: pa.Table
    ids: Positions
    labels: Positions


def update(known: State, index: Index, changed: pa.Table, *, threshold: float, thresholds: Thresholds) -> State:
    """The state after some records came or changed; the same as that of matching and clustering all records anew.

    `index` holds the records as they were. Pairs from `threshold` on are edges.
    """
    new = index.model.spec.standardise(changed)
    found, _ = index.met(new, thresholds)
    moved = np.sort(new.ids)
    old_a, old_b = known.pairs["a"].to_numpy(), known.pairs["b"].to_numpy()
    changing = np.zeros(len(known.ids), dtype=bool)
    changing[places_of(known.ids, moved[places_of(known.ids, moved) >= 0])] = True
    gone = changing[places_of(known.ids, old_a)] | changing[places_of(known.ids, old_b)]
    pairs = pa.concat_tables([known.pairs.filter(pa.array(~gone)), found.pairs])
    came = moved[places_of(known.ids, moved) < 0]
    ids = np.sort(np.concatenate([known.ids, came])) if len(came) else known.ids
    labels = ids.copy()
    labels[places_of(ids, known.ids)] = known.labels
    a, b = (places_of(ids, pairs[side].to_numpy()) for side in ("a", "b"))
    strong = pairs["probability"].to_numpy() >= threshold
    seeds = places_of(ids, np.concatenate([moved, old_a[gone], old_b[gone]]))
    touched = _reached(_mates(places_of(ids, labels), seeds), a[strong], b[strong])
    within = pairs.select(_KNOWN).filter(pa.array(touched[a] & touched[b])).sort_by(_ORDER)
    records = _Records(index, new)
    labels[touched] = joined(ids[touched], Evidence(within, records.weigh, records.nameless), threshold)
    return State(pairs, ids, labels)


def _mates(first: Positions, seeds: Positions) -> Flags:
    """Who is in the cluster of a seed; `first` is the place of the first member of the cluster of each record."""
    touched = np.zeros(len(first), dtype=bool)
    touched[first[seeds]] = True
    return touched[first]


def _reached(touched: Flags, a: Positions, b: Positions) -> Flags:
    """All records that edges tie to touched ones: a step from record to record at a time, few steps in all."""
    while True:
        new = touched[a] != touched[b]
        if not new.any():
            return touched
        touched[a[new]] = True
        touched[b[new]] = True


@dataclass(frozen=True)
class _Records:
    """The records of an index, with those that are `new` in the place of those with their ids."""

    index: Index
    new: Prepared

    def weigh(self, a: Positions, b: Positions) -> Floats:
        """The bits of pairs of ids: only the records of these are brought together."""
        ids = np.unique(np.concatenate([a, b]))
        moved, known = self._places(ids)
        first = np.nonzero(moved >= 0)[0]
        rest = np.nonzero(moved < 0)[0]
        table = self.new.take(moved[first], raw=False).followed_by(self.index.records.take(known[rest], raw=False))
        place = np.empty(len(ids), dtype=np.int64)
        place[np.concatenate([first, rest])] = np.arange(len(ids))
        left, right = (place[np.searchsorted(ids, side)] for side in (a, b))
        return score(self.index.model.terms.apply(table), left, right, self.index.model)

    def nameless(self, ids: Positions) -> Flags:
        """Which of the ids have no first name."""
        moved, known = self._places(ids)
        found = np.zeros(len(ids), dtype=bool)
        for here, table, rows in ((moved >= 0, self.new, moved), (moved < 0, self.index.records, known)):
            found[here] = nameless(table, rows[here], self.index.model.spec)
        return found

    def _places(self, ids: Positions) -> tuple[Positions, Positions]:
        """The place of each id among the new records, and in the index; -1 where it is not there."""
        return _places(self.new.ids, ids), _places(self.index.records.ids, ids)


def _places(held: Positions, ids: Positions) -> Positions:
    """The place of each id in `held`, which is in any order; -1 where it is not there."""
    if (held[1:] > held[:-1]).all():
        return places_of(held, ids)
    order = np.argsort(held)
    found = places_of(held[order], ids)
    return np.where(found >= 0, order[found], -1)
