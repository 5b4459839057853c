"""How frequent values are: kept in the model, so that a score does not depend on records that arrive later.

Values are held as 64-bit fingerprints: a stored model names nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.columns import MISSING, Codes, Column, Floats, Prepared, fingerprint

# Seen this often a value's frequency is known well enough to be used on its own.
LEAST_SEEN = 4
MOST_TERMS = 20_000


@dataclass(frozen=True)
class Frequencies:
    """Share of records per frequent value; `rest` for a value that is not; `chance` that two records agree."""

    chance: float
    rest: float
    common: Mapping[str, float]

    def of(self, column: Column) -> Floats:
        """The frequency of each entry of the column's vocabulary, shape (vocabulary,)."""
        found = [self.common.get(fingerprint(value), self.rest) for value in column.vocabulary]
        return np.array(found, dtype=np.float64)


@dataclass(frozen=True)
class Terms:
    """Frequencies by column, and the values of contact columns that many different customers share."""

    frequencies: Mapping[str, Frequencies] = field(default_factory=dict)
    shared: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def apply(self, prepared: Prepared) -> Prepared:
        """The records with the frequency of each value.

        Each shareable column X gets a companion `own_X`: its values without those that many share.
        """
        own = {f"own_{name}": _without(prepared.columns[name], values) for name, values in self.shared.items()}
        frequencies = {name: known.of(prepared.columns[name]) for name, known in self.frequencies.items()}
        return Prepared(prepared.ids, {**prepared.columns, **own}, prepared.raw, frequencies)

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


def learn(prepared: Prepared, common: tuple[str, ...], shareable: tuple[str, ...], owner: str, shared_by: int) -> Terms:
    """Term frequencies of the columns `common`, and shared values of the columns `shareable`."""
    return Terms(
        frequencies={name: _frequencies(prepared.columns[name]) for name in common},
        shared={name: _shared(prepared.columns[name], prepared.columns[owner].first, shared_by) for name in shareable},
    )


def _frequencies(column: Column) -> Frequencies:
    present = column.first[column.first != MISSING]
    if len(present) < 2:
        return Frequencies(chance=0.01, rest=0.01, common={})
    counts = np.bincount(present, minlength=len(column.vocabulary))
    order = np.lexsort((column.vocabulary.astype(str), -counts))[:MOST_TERMS]
    frequent = order[counts[order] >= LEAST_SEEN]
    others = counts.copy()
    others[frequent] = 0
    total = len(present)
    rest = float((others.astype(float) ** 2).sum() / max(others.sum(), 1)) / total
    return Frequencies(
        chance=float(((counts / total) ** 2).sum()),
        rest=max(rest, 1.0 / total),
        common={fingerprint(str(column.vocabulary[at])): float(counts[at]) / total for at in frequent},
    )


def _without(column: Column, values: frozenset[str]) -> Column:
    if not values:
        return column
    shared = np.array([fingerprint(value) in values for value in column.vocabulary] + [False], dtype=bool)
    return Column(np.where(shared[column.codes], MISSING, column.codes).astype(np.int32), column.vocabulary)


def _shared(column: Column, owner: Codes, shared_by: int) -> frozenset[str]:
    """Values with at least `shared_by` different owners."""
    rows, at = np.nonzero((column.codes != MISSING) & (owner != MISSING)[:, None])
    pairs: NDArray[np.int64] = np.unique(
        np.column_stack([column.codes[rows, at], owner[rows]]).astype(np.int64), axis=0
    )
    owners = np.bincount(pairs[:, 0], minlength=len(column.vocabulary)) if len(pairs) else np.zeros(0, dtype=int)
    return frozenset(fingerprint(str(column.vocabulary[value])) for value in np.nonzero(owners >= shared_by)[0])
