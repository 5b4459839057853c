"""Standardised records as texts: standardising costs twenty times what it costs to read its result back.

A form holds the values of all columns of a standardised record in the order of its specification, each in a place of
its own, empty where there is none.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
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
# Forms that are split at a time: bounds the memory to some hundred megabytes.
_PIECE = 200_000
_FEW = 2_000

# From places in a form to the numbers of their values, shape (records, places), and the values.
_Encode = Callable[[Sequence[int]], tuple[Codes, pl.Series]]


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


def write(kind: PartyKind, table: Prepared) -> list[str]:
    """The form of each record."""
    places = sorted((place for group in layout(kind).groups for place in group), key=lambda place: place.begin)
    values = [values for place in places for values in _texts(table.columns[place.column])]
    return list(map(SEPARATOR.join, zip(*values, strict=True)))


def read(kind: PartyKind, ids: NDArray[np.int64], forms: pa.ChunkedArray) -> Prepared:
    """Standardised records from their party ids and forms, both of shape (records,); what was given is not there."""
    known = layout(kind)
    encode = _few(forms) if len(ids) <= _FEW else _many(forms, known.size)
    columns: dict[str, Column] = {}
    for group in known.groups:
        slots = [at for place in group for at in range(place.begin, place.begin + place.width)]
        columns |= _columns(group, *encode(slots))
    return Prepared(ids, columns, pa.table({"party_id": ids}))


def _texts(column: Column) -> Iterator[Iterable[str]]:
    """The values in each place of a column, the empty text where there is none."""
    words = [*(word.translate(_NO_SEPARATORS) for word in column.words.to_list()), ""]
    for codes in column.codes.T:
        yield map(words.__getitem__, codes.tolist())


def _few(forms: pa.ChunkedArray) -> _Encode:
    """For a few forms, which are read before arrow has begun."""
    values = list(zip(*(form.split(SEPARATOR) for form in forms.to_pylist()), strict=True))

    def encode(slots: Sequence[int]) -> tuple[Codes, pl.Series]:
        number = {"": MISSING}
        for text in chain.from_iterable(values[at] for at in slots if values):
            number.setdefault(text, len(number) - 1)
        codes = np.array([[number[text] for text in values[at]] if values else [] for at in slots], dtype=np.int32)
        return codes.T, words_of(list(number)[1:])

    return encode


def _many(forms: pa.ChunkedArray, size: int) -> _Encode:
    """For forms by the million: no Python object per value."""
    pieces = [forms.slice(begin, _PIECE).combine_chunks() for begin in range(0, len(forms), _PIECE)]
    split = [pc.split_pattern(piece, SEPARATOR).flatten() for piece in pieces]

    def encode(slots: Sequence[int]) -> tuple[Codes, pl.Series]:
        where = [np.concatenate([np.arange(at, len(values), size) for at in slots]) for values in split]
        taken = [values.take(pa.array(at)).dictionary_encode() for values, at in zip(split, where, strict=True)]
        encoded = pa.chunked_array(taken).unify_dictionaries()
        words = pl.Series(encoded.chunk(0).dictionary, dtype=pl.String)
        number = np.where((words == "").to_numpy(), MISSING, np.arange(len(words), dtype=np.int32))
        codes = [number[chunk.indices.to_numpy()].reshape(len(slots), -1).T for chunk in encoded.chunks]
        return np.concatenate(codes).astype(np.int32), words

    return encode


def _columns(group: tuple[Place, ...], codes: Codes, words: pl.Series) -> Iterator[tuple[str, Column]]:
    begin = 0
    for place in group:
        yield place.column, Column(np.ascontiguousarray(codes[:, begin : begin + place.width]), words)
        begin += place.width
