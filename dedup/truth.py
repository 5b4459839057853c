"""A known truth: which records are one customer, and where the pairs of a table stand in it."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from dedup.columns import Flags, Index


@dataclass(frozen=True)
class Truth:
    """`ids`, ascending, and the `entity` of each as a number from 0; both of shape (records,)."""

    ids: Index
    entity: Index

    @classmethod
    def of(cls, ids: ArrayLike, entities: ArrayLike) -> "Truth":
        """From ids and the names of their entities; a record whose entity is null has no truth and is left out.

        Raises ValueError for an id that is given twice, for arrays of unequal length, and for names of mixed types.
        """
        known, names = np.asarray(ids, dtype=np.int64), _names(entities)
        if len(known) != len(names):
            raise ValueError(f"truth: {len(known)} ids for {len(names)} entities")
        present = names.is_valid().to_numpy(zero_copy_only=False)
        known, names = known[present], names.drop_null()
        order = np.argsort(known, kind="stable")
        known = known[order]
        if (known[1:] == known[:-1]).any():
            raise ValueError("truth: an id is given twice; each record belongs to one entity")
        return cls(known, names.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)[order])

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Located:
    """Pairs of which both records have a truth, as positions `left` < `right` in it; `row` is each pair's in the table.

    All of shape (pairs,).
    """

    left: Index
    right: Index
    row: Index

    def only(self, chosen: Flags) -> "Located":
        return Located(self.left[chosen], self.right[chosen], self.row[chosen])


def locate(pairs: pa.Table, ids: Index) -> Located:
    """Where the pairs (columns a and b) stand among `ids`, which ascend; pairs with another id are left out."""
    a, b = (pairs.column(name).to_numpy().astype(np.int64) for name in ("a", "b"))
    known = np.isin(a, ids) & np.isin(b, ids) & (a != b)
    one, other = np.searchsorted(ids, a[known]), np.searchsorted(ids, b[known])
    return Located(np.minimum(one, other), np.maximum(one, other), np.nonzero(known)[0])


def pairs_within(groups: NDArray[np.integer]) -> int:
    """Number of pairs that share a group."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def ratio(part: float, whole: float) -> float | None:
    """A ratio of nothing is None."""
    return part / whole if whole else None


def _names(entities: ArrayLike) -> pa.Array:
    try:
        made = pa.array(entities if isinstance(entities, list | tuple) else np.asarray(entities), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError("truth: the names of the entities are of different types; make all of them text") from error
    return made.cast(pa.string()) if pa.types.is_null(made.type) else made
