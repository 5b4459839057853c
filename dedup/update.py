"""Clusters after a change: only what is tied to changed records is clustered again."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from dedup.clusters import cluster, places_of
from dedup.columns import Flags, Floats, Prepared
from dedup.columns import Index as Positions
from dedup.index import Index
from dedup.matching import score
from dedup.spec import Thresholds


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
    ids = np.sort(np.concatenate([known.ids, moved[places_of(known.ids, moved) < 0]]))
    labels = ids.copy()
    labels[places_of(ids, known.ids)] = known.labels
    strong = pairs["probability"].to_numpy() >= threshold
    a, b, probability = (pairs[name].to_numpy()[strong] for name in ("a", "b", "probability"))
    a, b = places_of(ids, a), places_of(ids, b)
    seeds = places_of(ids, np.concatenate([moved, old_a[gone], old_b[gone]]))
    touched = _reached(_mates(places_of(ids, labels), seeds), a, b)
    inside = touched[a]
    rows = ids[touched]
    table = index.model.terms.apply(_records(index, new, rows))
    chosen = (ids[a[inside]], ids[b[inside]], probability[inside])
    labels[touched] = cluster(rows, chosen, evidence=lambda one, other: _evidence(table, index, one, other))
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


def _records(index: Index, new: Prepared, ids: Positions) -> Prepared:
    """The standardised records with these ids, changed ones as they are now; in the order of the ids."""
    order = np.argsort(new.ids)
    moved = places_of(new.ids[order], ids) >= 0
    old = np.argsort(index.records.ids)
    kept = old[np.searchsorted(index.records.ids, ids[~moved], sorter=old)]
    table = new.take(order, raw=False).followed_by(index.records.take(kept, raw=False))
    return table.take(np.argsort(table.ids)[np.searchsorted(np.sort(table.ids), ids)], raw=False)


def _evidence(table: Prepared, index: Index, a: Positions, b: Positions) -> Floats:
    return score(table, np.searchsorted(table.ids, a), np.searchsorted(table.ids, b), index.model)
