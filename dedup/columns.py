"""Dictionary-encoded columns: the shape in which everything after standardisation works.

Each distinct text is held once in a vocabulary; a record holds integers. Equality is an integer compare, and a
field of several values (all phones of a person) is a matrix with one row per record.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from dedup.hashing import Hashes, of_texts
from dedup.letters import Letters, letters_of

MISSING = -1
# So many records are told apart in less time than arrow takes to begin.
_FEW, _FEW_WORDS, _FEW_PAIRS = 100, 2_000, 500
_NO_WORDS = pl.Series([], dtype=pl.String)

Codes = NDArray[np.int32]
Index = NDArray[np.int64]
Flags = NDArray[np.bool_]
Levels = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """`codes` of shape (records, width): position in `words`, the distinct values, or -1 where there is no value."""

    codes: Codes
    words: pl.Series

    @cached_property
    def vocabulary(self) -> NDArray[np.object_]:
        """The distinct values as Python texts, which is what rapidfuzz takes."""
        texts: NDArray[np.object_] = self.words.to_numpy()
        return texts

    @property
    def first(self) -> Codes:
        """The first value of each record, shape (records,)."""
        return self.codes[:, 0]

    def take(self, rows: Index) -> "Column":
        """Some of the records, with their own small vocabulary."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        missing = int(len(used) > 0 and used[0] == MISSING)
        return Column(
            (codes.reshape(len(rows), self.codes.shape[1]) - missing).astype(np.int32),
            self.words.gather(used[missing:]),
        )

    def followed_by(self, other: "Column") -> "Column":
        """These records and then those of `other`, in one vocabulary."""
        known = pl.DataFrame({"word": self.words, "code": np.arange(len(self.words), dtype=np.int32)})
        found = pl.DataFrame({"word": other.words}).join(known, on="word", how="left", maintain_order="left")["code"]
        new = found.is_null()
        numbers = found.fill_null(MISSING).to_numpy().copy()
        numbers[new.to_numpy()] = len(self.words) + np.arange(int(new.sum()))
        codes = np.append(numbers, MISSING).astype(np.int32)[other.codes]
        return Column(np.concatenate([self.codes, codes]), pl.concat([self.words, other.words.filter(new)]))

    @cached_property
    def hashes(self) -> Hashes:
        """A hash of each entry of the vocabulary, and a last one, 0, for "missing": shape (vocabulary + 1,)."""
        return np.append(of_texts(self.words), np.uint64(0))

    def hashes_of(self, entries: Index) -> Hashes:
        """A hash of some entries of the vocabulary."""
        return of_texts(self.words.gather(entries))

    @cached_property
    def letters(self) -> Letters:
        """The letters of each entry of the vocabulary."""
        return letters_of(self.words)


@dataclass(frozen=True)
class Prepared:
    """Standardised records. `raw` keeps what was given, for the explanation; `ids` are its party ids.

    `frequencies` holds, by column, how frequent each entry of the vocabulary is in the eyes of a model; `parts` holds
    hashes of what is only ever asked for equality, such as the beginning of a name: shape (records,), 0 for none.
    """

    ids: Index
    columns: Mapping[str, Column]
    raw: pa.Table
    frequencies: Mapping[str, Floats] = field(default_factory=dict)
    parts: Mapping[str, Hashes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Index, *, raw: bool = True) -> "Prepared":
        """Some of the records, with their own small vocabularies; without what was given if not `raw`."""
        columns = {name: column.take(rows) for name, column in self.columns.items()}
        parts = {name: hashes[rows] for name, hashes in self.parts.items()}
        given = self.raw.take(pa.array(rows)) if raw else self.raw.slice(0, 0)
        return Prepared(self.ids[rows], columns, given, {}, parts)

    def followed_by(self, other: "Prepared") -> "Prepared":
        """These records and then those of `other`, which has the same columns; frequencies are left out."""
        columns = {name: column.followed_by(other.columns[name]) for name, column in self.columns.items()}
        parts = {name: np.concatenate([hashes, other.parts[name]]) for name, hashes in self.parts.items()}
        raw = pa.concat_tables([self.raw, other.raw.select(self.raw.column_names)], promote_options="permissive")
        return Prepared(np.concatenate([self.ids, other.ids]), columns, raw, {}, parts)

    def first(self, name: str) -> Codes:
        return self.columns[name].first

    def codes(self, name: str) -> Codes:
        return self.columns[name].codes


def encode(values: Sequence[Sequence[str | None]], inverse: Index, width: int = 1) -> Column:
    """A column from the values of each distinct input, at most `width` of them, spread to records by `inverse`."""
    return encode_together({"": (values, width)}, inverse)[""]


def encode_together(
    parts: Mapping[str, tuple[Sequence[Sequence[str | None]], int]], inverse: Index
) -> dict[str, Column]:
    """Columns that share a vocabulary, so that their values can be compared crosswise; values and width by name."""
    vocabulary: dict[str, int] = {}
    codes = {name: _numbered(values, width, vocabulary)[inverse] for name, (values, width) in parts.items()}
    words = words_of(list(vocabulary))
    return {name: Column(column, words) for name, column in codes.items()}


def _numbered(values: Sequence[Sequence[str | None]], width: int, vocabulary: dict[str, int]) -> Codes:
    """The numbers of the first `width` values of each record, shape (records, width); new words are added."""
    places, numbers = [], []
    for row, several in enumerate(values):
        place, end = row * width, (row + 1) * width
        for value in several:
            if value and place < end:
                places.append(place)
                numbers.append(vocabulary.setdefault(value, len(vocabulary)))
                place += 1
    codes = np.full(len(values) * width, MISSING, dtype=np.int32)
    codes[places] = numbers
    return codes.reshape(len(values), width)


def words_of(texts: Sequence[str]) -> pl.Series:
    """Texts as a vocabulary of its own. Most of a single record's are empty: a copy is quicker than a new one."""
    return pl.Series(texts, dtype=pl.String) if texts else _NO_WORDS.clone()


def hash_together(columns: Iterable[Column]) -> None:
    """Hash the vocabularies of several columns in one call: of a few words, each call costs as much as one for all."""
    several = {id(column.words): column for column in columns if "hashes" not in column.__dict__}
    if not several or sum(len(column.words) for column in several.values()) > _FEW_WORDS:
        return
    ends = np.cumsum([len(column.words) for column in several.values()])[:-1]
    found = np.split(of_texts(pl.concat([column.words for column in several.values()])), ends)
    for column, hashes in zip(several.values(), found, strict=True):
        column.__dict__["hashes"] = np.append(hashes, np.uint64(0))


def distinct_rows(table: pa.Table, names: Sequence[str]) -> tuple[list[tuple[object, ...]], Index]:
    """The distinct combinations of some columns, and for each record the position of its combination."""
    if table.num_rows <= _FEW:
        places: dict[tuple[object, ...], int] = {}
        given = zip(*(table.column(name).to_pylist() for name in names), strict=True)
        inverse = [places.setdefault(row, len(places)) for row in given]
        return list(places), np.array(inverse, dtype=np.int64)
    combined = np.zeros(table.num_rows, dtype=np.int64)
    for name in names:
        encoded = table.column(name).combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        _, combined = np.unique(combined * (len(encoded.dictionary) + 1) + codes, return_inverse=True)
    _, where, positions = np.unique(combined, return_index=True, return_inverse=True)
    picked = table.select(list(names)).take(pa.array(where))
    return list(zip(*(column.to_pylist() for column in picked.columns), strict=True)), positions.astype(np.int64)


def overlap(left: Codes, right: Codes) -> Flags:
    """Whether two records share any value; both of shape (pairs, width)."""
    if len(left) <= _FEW_PAIRS:
        shared: Flags = ((left[:, :, None] == right[:, None, :]) & (left != MISSING)[:, :, None]).any(axis=(1, 2))
        return shared
    # Column by column: numpy goes through many rows of a few values each several times slower.
    shared = np.zeros(len(left), dtype=bool)
    others = [column for column in np.ascontiguousarray(right.T) if column.max() != MISSING]
    for values in left.T:
        if values.max() != MISSING:
            known = np.where(values == MISSING, MISSING - 1, values)
            for column in others:
                shared |= column == known
    return shared
