"""Upper bounds of likeness from the letters that two texts have: what cannot be alike need not be compared.

Most pairs of names share too few letters to be similar; to see that costs a twentieth of comparing them.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

Bound = NDArray[np.float32]

# Letters and digits have a bit each, everything else shares one. Longer texts are not looked at this way.
_LONGEST = 48
_OTHER = np.uint64(1) << np.uint64(36)


@dataclass(frozen=True)
class Letters:
    """The set of letters and the length of each entry of a vocabulary; a length of 0 where it is too long to tell."""

    sets: NDArray[np.uint64]
    lengths: Bound


@dataclass(frozen=True)
class Shared:
    """Per pair of values: the most letters that they can have in common (infinite if not known), and their lengths."""

    most: Bound
    a: Bound
    b: Bound

    def jaro(self) -> Bound:
        """The highest Jaro similarity that is possible."""
        with np.errstate(divide="ignore", invalid="ignore"):
            highest = np.where(self.most > 0, (self.most / self.a + self.most / self.b + 1) / 3, 0)
        return np.where(np.isfinite(self.most), highest, 1).astype(np.float32)

    def edits(self) -> Bound:
        """The fewest edits that are possible."""
        return np.where(np.isfinite(self.most), np.maximum(self.a, self.b) - self.most, 0).astype(np.float32)

    def ratio(self) -> Bound:
        """The highest share of letters in common, in any order, that is possible."""
        with np.errstate(divide="ignore", invalid="ignore"):
            highest = 2 * self.most / (self.a + self.b)
        return np.where(np.isfinite(self.most), highest, 1).astype(np.float32)


def letters_of(texts: pl.Series) -> Letters:
    """The letters of each text, shape (texts,)."""
    lengths = texts.str.len_bytes().to_numpy()
    cut = texts.str.slice(0, _LONGEST) if lengths.max(initial=0) > _LONGEST else texts
    bytes_of_all = np.frombuffer(cut.str.join("").item().encode(), dtype=np.uint8)
    begins = np.cumsum(cut.str.len_bytes().to_numpy(), dtype=np.int64)
    some = np.nonzero(lengths)[0]
    sets = np.zeros(len(texts), dtype=np.uint64)
    if len(some):
        sets[some] = np.bitwise_or.reduceat(_BITS[bytes_of_all], np.append(0, begins[some[:-1]]))
    known = np.where(lengths <= _LONGEST, texts.str.len_chars().to_numpy(), 0)
    return Letters(sets, known.astype(np.float32))


def shared(letters: Letters, left: NDArray[np.int32], right: NDArray[np.int32]) -> Shared:
    """What the values at two arrays of places can have in common; a letter that is repeated may be shared each time."""
    one, other = letters.sets[left], letters.sets[right]
    a, b = letters.lengths[left], letters.lengths[right]
    most = np.minimum(a - np.bitwise_count(one & ~other), b - np.bitwise_count(other & ~one)).astype(np.float32)
    most[(a == 0) | (b == 0)] = np.inf
    return Shared(most, a, b)


def _bits() -> NDArray[np.uint64]:
    bits = np.full(256, _OTHER, dtype=np.uint64)
    for at, letter in enumerate(b"abcdefghijklmnopqrstuvwxyz0123456789"):
        bits[letter] = np.uint64(1) << np.uint64(at)
    bits[0] = 0
    return bits


_BITS = _bits()
