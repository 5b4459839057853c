"""How frequent values are: kept in the model, so that a score does not depend on records that arrive later.

Values are held as 64-bit hashes: a stored model names nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.columns import MISSING, Codes, Column, Flags, Floats, Prepared, hash_together
from dedup.hashing import Hashes

# Seen this often a value's frequency is known well enough to be used on its own.
LEAST_SEEN = 4
MOST_TERMS = 20_000
# A value that is seen less often is not frequent because the table is small: it comes from a world of as many records
# at least. Tables of fewer than `LEAST_TABLE` records teach nothing about frequencies at all.
LEAST_WORLD, LEAST_TABLE = 1_000, 50


@dataclass(frozen=True)
class Frequencies:
    """Share of records per frequent value; `rest` for a value that is not; `chance` that two records agree."""

    chance: float
    rest: float
    common: Mapping[str, float]

    @cached_property
    def _table(self) -> tuple[Hashes, Floats]:
        """Hashes in order, with their shares and a last place for what is not found."""
        hashes = np.array([int(name, 16) for name in self.common], dtype=np.uint64)
        shares = np.array(list(self.common.values()), dtype=np.float64)
        order = np.argsort(hashes)
        return hashes[order], shares[order]

    def of(self, column: Column) -> Floats:
        """The frequency of each entry of the column's vocabulary, shape (vocabulary,)."""
        hashes, shares = self._table
        wanted = column.hashes[:-1]
        found = np.full(len(wanted), self.rest)
        if len(hashes):
            place = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
            hit = hashes[place] == wanted
            found[hit] = shares[place[hit]]
        return found


@dataclass(frozen=True)
class Terms:
    """Frequencies by column, and the values of contact columns that many different customers share."""

    frequencies: Mapping[str, Frequencies] = field(default_factory=dict)
    shared: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def apply(self, prepared: Prepared) -> Prepared:
        """The records with the frequency of each value.

        Each shareable column X gets a companion `own_X`: its values without those that many share.
        """
        hash_together(prepared.columns[name] for name in (*self.frequencies, *self.shared))
        frequencies = {name: known.of(prepared.columns[name]) for name, known in self.frequencies.items()}
        return self._applied(prepared, frequencies)

    def _applied(self, prepared: Prepared, frequencies: Mapping[str, Floats]) -> Prepared:
        own = {f"own_{name}": _without(prepared.columns[name], values) for name, values in self.shared.items()}
        return replace(prepared, columns={**prepared.columns, **own}, frequencies=frequencies)

    def to_dict(self) -> dict[str, Any]:
        return {
            "frequencies": {
                name: {"chance": one.chance, "rest": one.rest, "common": dict(one.common)}
                for name, one in self.frequencies.items()
            },
            "shared": {name: sorted(values) for name, values in self.shared.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Terms":
        return cls(
            frequencies={name: Frequencies(**one) for name, one in data["frequencies"].items()},
            shared={name: frozenset(values) for name, values in data["shared"].items()},
        )


def learn(
    prepared: Prepared, common: tuple[str, ...], shareable: tuple[str, ...], *, owner: str, shared_by: int, own: float
) -> tuple[Terms, Prepared]:
    """Term frequencies of the columns `common`, and shared values of the columns `shareable`; and these applied.

    `own` records with a value are taken for the customer's own, and do not make it frequent.
    """
    learned = {name: _frequencies(prepared.columns[name], own) for name in common}
    shared = {name: _shared(prepared.columns[name], prepared.columns[owner].first, shared_by) for name in shareable}
    terms = Terms({name: one for name, (one, _) in learned.items()}, shared)
    return terms, terms._applied(prepared, {name: shares for name, (_, shares) in learned.items()})  # noqa: SLF001


def _frequencies(column: Column, own: float) -> tuple[Frequencies, Floats]:
    """The frequencies, and that of each entry of the vocabulary, as `Frequencies.of` would find them."""
    present = column.first[column.first != MISSING]
    if not own and len(present) < 2:
        return Frequencies(chance=0.01, rest=0.01, common={}), np.full(len(column.words), 0.01)
    counts = np.bincount(present, minlength=len(column.words))
    total = max(len(present), 1)
    every = _strangers(counts, own, total) if own else counts / total
    seen = np.nonzero(counts >= LEAST_SEEN)[0]
    if len(seen) > MOST_TERMS:
        # Only what can be among the most frequent needs a name.
        seen = seen[counts[seen] >= np.partition(counts[seen], -MOST_TERMS)[-MOST_TERMS]]
    names = column.hashes_of(seen)
    order = np.lexsort((names, -counts[seen]))[:MOST_TERMS]
    frequent, names = seen[order], names[order]
    others = counts.copy()
    others[frequent] = 0
    rest = max(float((others * every).sum() / max(others.sum(), 1)), _least(own, total))
    shares = np.full(len(counts), rest)
    shares[frequent] = every[frequent]
    common = {f"{name:016x}": float(shares[at]) for name, at in zip(names, frequent, strict=True)}
    return Frequencies(max(float((counts * every).sum()) / total, _least(own, total)), rest, common), shares


def _strangers(counts: NDArray[np.int64], own: float, total: int) -> Floats:
    """The share of records that have a value by chance: all but the customer's own, which is all of a rare value."""
    frequent = (counts >= LEAST_SEEN) & (total >= LEAST_TABLE)
    return np.where(frequent, np.maximum(counts - own, 0.5) / total, _least(own, total))


def _least(own: float, total: int) -> float:
    return 0.5 / max(total, LEAST_WORLD) if own else 1.0 / total


def _without(column: Column, values: frozenset[str]) -> Column:
    if not values:
        return column
    shared: Flags = np.isin(column.hashes, np.array([int(value, 16) for value in values], dtype=np.uint64))
    return Column(np.where(shared[column.codes], MISSING, column.codes).astype(np.int32), column.words)


def _shared(column: Column, owner: Codes, shared_by: int) -> frozenset[str]:
    """Values with at least `shared_by` different owners."""
    rows, at = np.nonzero((column.codes != MISSING) & (owner != MISSING)[:, None])
    pairs: NDArray[np.int64] = np.unique(
        np.column_stack([column.codes[rows, at], owner[rows]]).astype(np.int64), axis=0
    )
    owners = np.bincount(pairs[:, 0], minlength=len(column.words)) if len(pairs) else np.zeros(0, dtype=int)
    return frozenset(f"{value:016x}" for value in column.hashes_of(np.nonzero(owners >= shared_by)[0]))
