"""Which comparisons are not independent evidence, learned from the data: the same city and the same postcode.

The naive model multiplies the chances of all comparisons. Here each pair of a spanning tree of the comparisons gets
its chance taken jointly (Chow and Liu, 1968), among unrelated records for u and among matches for m. What a bond
changes stays small where little was seen, and is bounded where much was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dedup.columns import Floats

Outcomes = NDArray[np.int64]

# Pairs that a joint outcome must be seen in beyond what independence expects before it counts in full.
_DOUBT = 3.0
# Matches that training missed look like dependence among unrelated records: 2.5 bits leave a strong agreement strong.
# Where more pairs than matches could be agree on both, the city and its region, the dependence is taken in full.
_MOST_BITS = 2.5
_FEWEST_PAIRS = 200
_LEAST_EFFECT = 1e-3


@dataclass(frozen=True)
class Bond:
    """How much likelier two outcomes are together than apart, in bits; shape (levels of first, levels of second)."""

    first: int
    second: int
    bits: tuple[tuple[float, ...], ...]

    def table(self) -> Floats:
        """The bits with a row and a column of zeros for "missing" before them."""
        return np.pad(np.array(self.bits), ((1, 0), (1, 0)))

    def to_dict(self, names: Sequence[str]) -> dict[str, Any]:
        return {"first": names[self.first], "second": names[self.second], "bits": [list(row) for row in self.bits]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], names: Sequence[str]) -> "Bond":
        """Raises ValueError for a comparison that is not among `names`."""
        return cls(names.index(data["first"]), names.index(data["second"]), tuple(map(tuple, data["bits"])))


def bonds(
    levels: Outcomes, weights: Floats, matched: Sequence[Floats], *, doubtful: float = np.inf,
    tied: Sequence[tuple[int, int]] = (),
) -> tuple[Bond, ...]:  # fmt: skip
    """The spanning tree of bonds that matter most for matches.

    `levels` of shape (pairs, comparisons), 0 for "missing"; `weights` of shape (pairs,); `matched`: m by comparison.
    `doubtful` counts the pairs that could be matches which were missed. Between `tied` comparisons it is already known.
    """
    found = []
    for one, other in combinations(range(levels.shape[1]), 2):
        if (one, other) in tied or (other, one) in tied:
            continue
        sizes = len(matched[one]), len(matched[other])
        bits = _joint(levels[:, one] * (sizes[1] + 1) + levels[:, other], weights, sizes, doubtful)
        if bits is not None:
            effect = float((np.outer(matched[one], matched[other]) * np.maximum(bits, 0)).sum())
            found.append((effect, one, other, bits))
    return tuple(_tree(found, levels.shape[1]))


def bond_bits(levels: Outcomes, several: Sequence[Bond]) -> Floats:
    """Bits that the bonds add, booked on the second comparison of each; shape (pairs, comparisons)."""
    added = np.zeros(levels.shape)
    for bond in several:
        added[:, bond.second] += bond.table()[levels[:, bond.first], levels[:, bond.second]]
    return added


def _joint(both: NDArray[np.int64], weights: Floats, sizes: tuple[int, int], doubtful: float) -> Floats | None:
    width = sizes[1] + 1
    counts = np.bincount(both, weights=weights, minlength=(sizes[0] + 1) * width).reshape(-1, width)[1:, 1:]
    total = counts.sum()
    if total < _FEWEST_PAIRS:
        return None
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / total
    bits = np.clip(np.log2((counts + _DOUBT) / (expected + _DOUBT)), -_MOST_BITS, _MOST_BITS)
    certain = np.log2(np.maximum(counts - doubtful, _DOUBT) / (expected + _DOUBT))
    either: Floats = np.maximum(bits, certain)
    return either


def _tree(found: list[tuple[float, int, int, Floats]], comparisons: int) -> list[Bond]:
    """Kruskal's algorithm: the strongest bonds first, none that closes a circle."""
    group = list(range(comparisons))
    kept = []
    for effect, one, other, bits in sorted(found, key=lambda bond: (-bond[0], bond[1], bond[2])):
        if effect < _LEAST_EFFECT or group[one] == group[other]:
            continue
        merged = group[other]
        group = [group[one] if label == merged else label for label in group]
        kept.append(Bond(one, other, tuple(tuple(float(bit) for bit in row) for row in bits)))
    return kept
