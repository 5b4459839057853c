"""Standardised records as texts: standardising costs twenty times what it costs to read its result back.

A form holds the values of all columns of a standardised record in the order of its specification, each in a place of
its own, empty where there is none. A separator begins each place, so that forms can be told apart that stand one after
the other.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate, chain

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.columns import MISSING, Codes, Column, Prepared, words_of
from hub.identity.models import SPECS
from hub.model.kinds import PartyKind

SEPARATOR = "\x1f"  # ASCII unit separator
# Forms that are made or split at a time: bounds the memory to some hundred megabytes.
_PIECE = 200_000
_FEW = 2_000

# Of some places in a form: the numbers of their values, shape (records, places), and the values.
_Encoded = tuple[Codes, pl.Series]


@dataclass(frozen=True)
class Place:
    """Where the values of a column stand in a form: `width` places from `begin` on."""

    column: str
    begin: int
    width: int


@dataclass(frozen=True)
class Layout:
    """The places of all columns. Columns of one group are compared with each other, and share their vocabulary."""

    groups: tuple[tuple[Place, ...], ...]
    size: int


@dataclass(frozen=True)
class Split:
    """The places of forms, one form after the other, each from its separator on; `filled`, of shape (forms, places)."""

    values: pa.Array
    filled: NDArray[np.bool_]


@cache
def layout(kind: PartyKind) -> Layout:
    """How the forms of a kind are made up, as its specification standardises an empty table."""
    nothing = pa.table({"party_id": pa.array([], pa.int64())})
    groups: dict[int, list[Place]] = {}
    begin = 0
    for name, column in SPECS[kind].standardise(nothing).columns.items():
        width = column.codes.shape[1]
        groups.setdefault(id(column.words), []).append(Place(name, begin, width))
        begin += width
    return Layout(tuple(tuple(group) for group in groups.values()), begin)


def write(kind: PartyKind, table: Prepared) -> pa.ChunkedArray:
    """The form of each record."""
    places = sorted((place for group in layout(kind).groups for place in group), key=lambda place: place.begin)
    columns = [table.columns[place.column] for place in places]
    return _few_written(columns) if len(table) <= _FEW else _many_written(columns, len(table))


def read(kind: PartyKind, ids: NDArray[np.int64], forms: pa.ChunkedArray) -> Prepared:
    """Standardised records without what was given, from their party ids, ascending, and forms: both (records,)."""
    if len(ids) <= _FEW:
        return _prepared(kind, ids, _few_read(forms, _slots(kind)))
    pieces = (forms.slice(begin, _PIECE).to_pylist() for begin in range(0, len(forms), _PIECE))
    return join(kind, ids, [split(kind, "".join(piece).encode()) for piece in pieces])


def split(kind: PartyKind, joined: bytes) -> Split:
    """The places of many forms that stand one after the other."""
    begins = np.flatnonzero(np.frombuffer(joined, dtype=np.uint8) == ord(SEPARATOR))
    borders = np.append(begins, len(joined)).astype(np.int32)
    values = pa.StringArray.from_buffers(len(begins), pa.py_buffer(borders), pa.py_buffer(joined))
    return Split(values, (np.diff(borders) > 1).reshape(-1, layout(kind).size))


def join(kind: PartyKind, ids: NDArray[np.int64], pieces: Sequence[Split]) -> Prepared:
    """The records whose forms were split, piece after piece, by ascending id; `ids`, in the same order, may be in any.

    Raises:
        ValueError: there are more or fewer forms than ids: they were written another way.
    """
    pieces = pieces or [split(kind, b"")]
    if sum(len(piece.filled) for piece in pieces) != len(ids):
        raise ValueError(f"{len(ids)} {kind.value}s have another number of forms: the index is to be filled anew")
    order = np.argsort(ids)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    # Arrow leaves the interpreter's lock. More threads than cores take a third longer.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return _prepared(kind, ids[order], pool.map(partial(_encoded, pieces, rank), _slots(kind)))


def _slots(kind: PartyKind) -> list[list[int]]:
    """Of each group of columns the places in a form."""
    groups = layout(kind).groups
    return [[at for place in group for at in range(place.begin, place.begin + place.width)] for group in groups]


def _prepared(kind: PartyKind, ids: NDArray[np.int64], encoded: Iterable[_Encoded]) -> Prepared:
    columns: dict[str, Column] = {}
    for group, (codes, words) in zip(layout(kind).groups, encoded, strict=True):
        columns |= _columns(group, codes, words)
    return Prepared(ids, columns, pa.table({"party_id": ids}))


def _few_written(columns: Sequence[Column]) -> pa.ChunkedArray:
    values = [values for column in columns for values in _texts(column)]
    return pa.chunked_array([pa.array(map(_form, zip(*values, strict=True)), pa.string())])


def _form(values: Iterable[str]) -> str:
    return SEPARATOR + SEPARATOR.join(values)


def _texts(column: Column) -> Iterator[Iterable[str]]:
    """The values in each place of a column, the empty text where there is none."""
    words = [*(word.replace(SEPARATOR, "") for word in column.words.to_list()), ""]
    for codes in column.codes.T:
        yield map(words.__getitem__, codes.tolist())


def _many_written(columns: Sequence[Column], records: int) -> pa.ChunkedArray:
    """The same without a Python object per value."""
    empty = pl.Series([""])
    words = [pl.concat([column.words.str.replace_all(SEPARATOR, "", literal=True), empty]) for column in columns]
    numbers = [np.where(column.codes == MISSING, len(column.words), column.codes) for column in columns]
    pieces = []
    for begin in range(0, records, _PIECE):
        values = [
            texts.gather(codes).alias(f"{at} {place}")
            for at, (texts, number) in enumerate(zip(words, numbers, strict=True))
            for place, codes in enumerate(number[begin : begin + _PIECE].T)
        ]
        written = pl.select(pl.concat_str([pl.lit(""), *values], separator=SEPARATOR)).to_series()
        pieces.append(written.to_arrow().cast(pa.string()))
    return pa.chunked_array(pieces, pa.string())


def _few_read(forms: pa.ChunkedArray, groups: Sequence[Sequence[int]]) -> Iterator[_Encoded]:
    """For a few forms, which are read before arrow has begun."""
    values = list(zip(*(form.split(SEPARATOR)[1:] for form in forms.to_pylist()), strict=True))
    codes, words = [], []
    for slots in groups:
        number = {"": MISSING}
        for text in chain.from_iterable(values[at] for at in slots if values):
            number.setdefault(text, len(number) - 1)
        found = np.array([[number[text] for text in values[at]] if values else [] for at in slots], dtype=np.int32)
        codes.append(found.T)
        words.append(list(number)[1:])
    # Polars takes as long to begin a vocabulary as to make all of them.
    together = words_of(list(chain.from_iterable(words)))
    ends = list(accumulate(map(len, words)))
    series = (together.slice(end - len(several), len(several)) for several, end in zip(words, ends, strict=True))
    yield from zip(codes, series, strict=True)


def _encoded(pieces: Sequence[Split], rank: NDArray[np.int64], slots: Sequence[int]) -> _Encoded:
    """The values at some places of forms, each of which becomes the record of its rank."""
    # Most places are empty, and left out of account.
    where = [np.nonzero(piece.filled[:, slots]) for piece in pieces]
    taken = [
        piece.values.take(pa.array(rows * piece.filled.shape[1] + np.array(slots)[places]))
        for piece, (rows, places) in zip(pieces, where, strict=True)
    ]
    encoded = pa.concat_arrays(taken).dictionary_encode()
    begins = np.cumsum([0, *(len(piece.filled) for piece in pieces)])
    rows = np.concatenate([rows + begin for (rows, _), begin in zip(where, begins[:-1], strict=True)])
    codes = np.full((begins[-1], len(slots)), MISSING, dtype=np.int32)
    codes[rank[rows], np.concatenate([places for _, places in where])] = encoded.indices.to_numpy()
    return codes, pl.Series(pc.utf8_slice_codeunits(encoded.dictionary, len(SEPARATOR)), dtype=pl.String)


def _columns(group: tuple[Place, ...], codes: Codes, words: pl.Series) -> Iterator[tuple[str, Column]]:
    begin = 0
    for place in group:
        yield place.column, Column(np.ascontiguousarray(codes[:, begin : begin + place.width]), words)
        begin += place.width
