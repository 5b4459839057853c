"""64-bit fingerprints of texts, the same on every machine and for ever: blocking keys are stored as such."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

NOTHING = np.uint64(0)
_WORD = 8
_FEW, _SHORT = 10_000, 256
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


def of_texts(texts: pl.Series) -> Hashes:
    """A hash per text, shape (texts,); 0 for null and for the empty text."""
    if len(texts) <= _FEW:
        given = [(text or "").encode() for text in texts.to_list()]
        if all(len(text) <= _SHORT for text in given):
            return _of_few(given)
    lengths = texts.str.len_bytes().fill_null(0).to_numpy()
    hashes = mixed(lengths.astype(np.uint64) + _GOLDEN)
    rows = np.nonzero(lengths)[0]
    hashes[lengths == 0] = NOTHING
    begin = 0
    while len(rows):
        # Eight bytes at a time, as a number; filled up with zero bytes, which the length tells from given ones.
        filled = texts.gather(rows).str.pad_end(begin + _WORD, "\0").cast(pl.Binary)
        words = filled.bin.slice(begin, _WORD).bin.reinterpret(dtype=pl.UInt64).to_numpy()
        hashes[rows] = mixed(hashes[rows] ^ words)
        begin += _WORD
        rows = rows[lengths[rows] > begin]
    return hashes


def _of_few(texts: Sequence[bytes]) -> Hashes:
    """The same for a few short texts: a call of polars takes longer than they do."""
    lengths = np.array([len(text) for text in texts], dtype=np.uint64)
    size = int(lengths.max(initial=0)) // _WORD + 1
    words = np.array(texts, dtype=f"S{size * _WORD}").view("<u8").reshape(len(texts), size)
    hashes = mixed(lengths + _GOLDEN)
    for at in range(size):
        longer = lengths > at * _WORD
        hashes[longer] = mixed(hashes[longer] ^ words[longer, at])
    hashes[lengths == 0] = NOTHING
    return hashes


def mixed(values: Hashes) -> Hashes:
    """Every bit of the result depends on every bit of the value; never 0."""
    values = (values ^ (values >> _SHIFTS[0])) * _MIX[0]
    values = (values ^ (values >> _SHIFTS[1])) * _MIX[1]
    result: Hashes = np.asarray(values ^ (values >> _SHIFTS[2]))
    np.copyto(result, _GOLDEN, where=result == NOTHING)
    return result
