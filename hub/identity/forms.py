"""Standardised records as texts: standardising costs twenty times what it costs to read its result back.

A form holds the values of all columns of a standardised record in the order of its specification, each in a place of
its own, empty where there is none.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dedup.columns import MISSING, Codes, Column, Prepared, words_of
from hub.db.arrow import RECORD_END
from hub.identity.models import SPECS
from hub.model.kinds import PartyKind

SEPARATOR = "\x1f"  # ASCII unit separator
_NO_SEPARATORS = str.maketrans("", "", SEPARATOR + RECORD_END)
_SEPARATORS = f"[{SEPARATOR}{RECORD_END}]"
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
    """Standardised records from their party ids and forms, both of shape (records,); what was given is not there."""
    known = layout(kind)
    slots = [[at for place in group for at in range(place.begin, place.begin + place.width)] for group in known.groups]
    encoded = _few_read(forms, slots) if len(ids) <= _FEW else _many_read(forms, slots, known.size)
    columns: dict[str, Column] = {}
    for group, (codes, words) in zip(known.groups, encoded, strict=True):
        columns |= _columns(group, codes, words)
    return Prepared(ids, columns, pa.table({"party_id": ids}))


def _few_written(columns: Sequence[Column]) -> pa.ChunkedArray:
    values = [values for column in columns for values in _texts(column)]
    return pa.chunked_array([pa.array(map(SEPARATOR.join, zip(*values, strict=True)), pa.string())])


def _texts(column: Column) -> Iterator[Iterable[str]]:
    """The values in each place of a column, the empty text where there is none."""
    words = [*(word.translate(_NO_SEPARATORS) for word in column.words.to_list()), ""]
    for codes in column.codes.T:
        yield map(words.__getitem__, codes.tolist())


def _many_written(columns: Sequence[Column], records: int) -> pa.ChunkedArray:
    """The same without a Python object per value."""
    empty = pl.Series([""])
    words = [pl.concat([column.words.str.replace_all(_SEPARATORS, ""), empty]) for column in columns]
    numbers = [np.where(column.codes == MISSING, len(column.words), column.codes) for column in columns]
    pieces = []
    for begin in range(0, records, _PIECE):
        values = [
            texts.gather(codes).alias(f"{at} {place}")
            for at, (texts, number) in enumerate(zip(words, numbers, strict=True))
            for place, codes in enumerate(number[begin : begin + _PIECE].T)
        ]
        pieces.append(pl.select(pl.concat_str(values, separator=SEPARATOR)).to_series().to_arrow().cast(pa.string()))
    return pa.chunked_array(pieces, pa.string())


def _few_read(forms: pa.ChunkedArray, groups: Sequence[Sequence[int]]) -> Iterator[_Encoded]:
    """For a few forms, which are read before arrow has begun."""
    values = list(zip(*(form.split(SEPARATOR) for form in forms.to_pylist()), strict=True))
    for slots in groups:
        number = {"": MISSING}
        for text in chain.from_iterable(values[at] for at in slots if values):
            number.setdefault(text, len(number) - 1)
        codes = np.array([[number[text] for text in values[at]] if values else [] for at in slots], dtype=np.int32)
        yield codes.T, words_of(list(number)[1:])


def _many_read(forms: pa.ChunkedArray, groups: Sequence[Sequence[int]], size: int) -> Iterator[_Encoded]:
    """For forms by the million: no Python object per value. Most places are empty, and left out of account."""
    pieces = [forms.slice(begin, _PIECE).combine_chunks() for begin in range(0, len(forms), _PIECE)]
    split = [pc.split_pattern(piece, SEPARATOR).flatten() for piece in pieces]
    filled = [pc.not_equal(values, "").to_numpy(zero_copy_only=False).reshape(-1, size) for values in split]

    def encode(slots: Sequence[int]) -> _Encoded:
        where = [np.nonzero(flags[:, slots]) for flags in filled]
        at = [rows * size + np.array(slots)[places] for rows, places in where]
        taken = [values.take(pa.array(here)).dictionary_encode() for values, here in zip(split, at, strict=True)]
        encoded = pa.chunked_array(taken).unify_dictionaries()
        codes = [np.full((len(flags), len(slots)), MISSING, dtype=np.int32) for flags in filled]
        for piece, (rows, places), chunk in zip(codes, where, encoded.chunks, strict=True):
            piece[rows, places] = chunk.indices.to_numpy()
        return np.concatenate(codes), pl.Series(encoded.chunk(0).dictionary, dtype=pl.String)

    # Arrow leaves the interpreter's lock.
    with ThreadPoolExecutor() as pool:
        yield from pool.map(encode, groups)


def _columns(group: tuple[Place, ...], codes: Codes, words: pl.Series) -> Iterator[tuple[str, Column]]:
    begin = 0
    for place in group:
        yield place.column, Column(np.ascontiguousarray(codes[:, begin : begin + place.width]), words)
        begin += place.width
