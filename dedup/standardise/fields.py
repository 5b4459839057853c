"""From the columns of any table to standardised ones: what is compared of each, and the parts that find candidates."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from dedup.columns import Codes, Column, Index, Prepared
from dedup.hashing import Hashes, of_texts
from dedup.kinds import Kind
from dedup.standardise import series
from dedup.standardise.series import Texts

# A beginning or end of this many letters survives most slips; shorter ones are shared by too many.
_END, _LONG_END = 4, 6
_FEW_RECORDS = 1_000


@dataclass(frozen=True)
class Field:
    """One thing that records have and that is compared. `name` is unique.

    A part of a person's name is taken from the column `whole`, which holds whole names, where its own `column` holds
    nothing or is not there.
    """

    name: str
    column: str | None
    kind: Kind
    whole: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(one for one in (self.column, self.whole) if one is not None)


def of_kinds(kinds: Mapping[str, Kind]) -> tuple[Field, ...]:
    """The fields of a table whose columns are of these kinds, by kind and name: the order of the columns tells nothing.

    A whole name stands for given and family name, and fills them up where they have columns of their own.
    """
    whole = sorted(column for column, kind in kinds.items() if kind is Kind.FULL_NAME)
    parted = {kind for kind in kinds.values() if kind in _PARTS}
    fields = []
    for column, kind in sorted(kinds.items()):
        if kind in _PARTS and whole and kind in parted:
            fields.append(Field(column, column, kind, whole[0]))
            parted.discard(kind)
        elif kind is Kind.FULL_NAME:
            missing = [part for part in _PARTS if column != whole[0] or part not in kinds.values()]
            fields += [Field(f"{column}/{part.value}", None, part, column) for part in missing]
        elif kind not in {Kind.ID, Kind.IGNORED}:
            fields.append(Field(column, column, kind))
    return tuple(sorted(fields, key=lambda one: (_ORDER.index(one.kind), one.name)))


def standardise(table: pa.Table, fields: Sequence[Field]) -> Prepared:
    """Standardised columns `<field>.<feature>` of a table; work is done once per distinct value, on all cores.

    `ids` is the column party_id where there is one, else the position. Raises ValueError naming a column that is
    missing or cannot be read as text.
    """
    missing = [column for field in fields for column in field.columns if column not in table.column_names]
    if missing:
        raise ValueError(f"the table has no column {missing[0]!r}, which the model compares")
    # A few records are done before the threads have started.
    with ThreadPoolExecutor(max_workers=None if len(table) > _FEW_RECORDS else 1) as pool:
        # Those that cost most first, so that no core is left with one of them at the end.
        heavy = sorted(fields, key=lambda field: _HEAVY.index(field.kind) if field.kind in _HEAVY else len(_HEAVY))
        done = list(pool.map(lambda field: _field(table, field), heavy))
    columns = {name: column for one, _ in done for name, column in one.items()}
    parts = {name: hashes for _, one in done for name, hashes in one.items()}
    return Prepared(_ids(table), columns, table, parts=parts)


def _ids(table: pa.Table) -> Index:
    if "party_id" not in table.column_names:
        return np.arange(table.num_rows)
    return np.asarray(table.column("party_id").to_numpy(), dtype=np.int64)


def _field(table: pa.Table, field: Field) -> tuple[dict[str, Column], dict[str, Hashes]]:
    texts, inverse = _values(table, field)
    features = _features(field.kind, texts)
    if field.kind is Kind.EMAIL:
        columns = _mailboxes(field.name, texts, features["local"], inverse)
    else:
        columns = {f"{field.name}.text": _encode(texts, inverse)}
    hashes = {f"{field.name}.{name}": of_texts(part) for name, part in features.items()}
    return columns, {name: np.append(each, np.uint64(0))[inverse] for name, each in hashes.items()}


def _values(table: pa.Table, field: Field) -> tuple[Texts, NDArray[np.int32]]:
    """Standardised values, and for each record the position of its value, or -1."""
    own = _own(table, field.column, field.kind) if field.column is not None else None
    if field.whole is None:
        return own or (pl.Series([], dtype=pl.String), np.full(len(table), -1, np.int32))
    distinct, inverse = _distinct(table, field.whole)
    part = _PARTS.index(field.kind)
    parts = _STANDARD[field.kind](series.split_name(series.given(distinct))[part])
    if own is None:
        return parts, inverse
    filled = np.append(own[0].is_not_null().to_numpy(), values=False)[own[1]]
    return pl.concat([own[0], parts]), np.where(filled, own[1], np.where(inverse < 0, -1, inverse + len(own[0])))


def _own(table: pa.Table, column: str, kind: Kind) -> tuple[Texts, NDArray[np.int32]]:
    distinct, inverse = _distinct(table, column)
    # A placeholder has no six digits, so that no telephone number needs to be looked at for that.
    texts = distinct if kind is Kind.PHONE else series.given(distinct)
    return _STANDARD.get(kind, series.fold)(texts), inverse


def _distinct(table: pa.Table, name: str) -> tuple[Texts, NDArray[np.int32]]:
    """The distinct values of a column as text, and for each record the position of its value, or -1."""
    column = table.column(name).combine_chunks()
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        # Without a value it only tells whether the type can be read.
        series.texts(column.slice(0, 0))
        encoded = column.dictionary_encode()
        values = series.texts(encoded.dictionary)
    except ValueError as error:
        raise ValueError(f"column {name!r} {error}: it cannot be compared") from None
    return values, _codes(encoded)


def _encode(texts: Texts, inverse: NDArray[np.int32]) -> Column:
    encoded = texts.to_frame("v").to_arrow().column(0).combine_chunks().dictionary_encode()
    spread: Codes = np.append(_codes(encoded), np.int32(-1))[inverse][:, None]
    return Column(spread, pl.Series(encoded.dictionary).cast(pl.String))


def _mailboxes(name: str, texts: Texts, local: Texts, inverse: NDArray[np.int32]) -> dict[str, Column]:
    """Addresses and their local parts. An address is numbered by its parts: numbers are cheaper to sort than texts."""
    each = np.arange(len(texts), dtype=np.int32)
    mailbox, domain = _encode(local, each), _encode(texts.str.split("@").list.get(1, null_on_oob=True), each)
    joined = mailbox.first.astype(np.int64) * (len(domain.words) + 1) + domain.first + 1
    joined[mailbox.first < 0] = -1
    values, first, codes = np.unique(joined, return_index=True, return_inverse=True)
    empty = int(len(values) > 0 and values[0] < 0)
    whole = np.append(codes - empty, -1).astype(np.int32)
    return {
        f"{name}.text": Column(whole[inverse][:, None], texts.gather(first[empty:])),
        f"{name}.local": Column(np.append(mailbox.first, np.int32(-1))[inverse][:, None], mailbox.words),
    }


def _codes(encoded: pa.DictionaryArray) -> NDArray[np.int32]:
    """The positions of an encoded column, -1 for null; through polars, since pyarrow's way imports pandas (0.4 s)."""
    return pl.Series(encoded.indices).fill_null(-1).to_numpy().astype(np.int32, copy=False)


def _features(kind: Kind, texts: Texts) -> dict[str, Texts]:
    """What records may agree on to become candidates; `all` is the whole value."""
    if kind is Kind.EMAIL:
        local = texts.str.split("@").list.first()
        return {"local": local, "head": local.str.slice(0, _LONG_END), "tail": local.str.tail(_LONG_END)}
    found = {"all": texts}
    if kind in _WORDS:
        first = texts.str.split(" ").list
        found |= {"word": first.first(), "last": first.last()} if kind in _SEVERAL else {}
        root = series.root(texts) if kind is Kind.GIVEN_NAME else texts
        found |= {"sound": series.sound(root)}
        found |= {"root": root} if kind is Kind.GIVEN_NAME else {}
    if kind is Kind.PHONE:
        # Seven digits name a subscriber in most numbering plans; behind ten stands an extension.
        found |= {"head": texts.str.slice(0, 8), "tail": texts.str.tail(7), "long": texts.str.slice(0, 10)}
    elif kind not in {Kind.CATEGORY, Kind.COUNTRY, Kind.REGION, Kind.NUMBER}:
        found |= {"head": texts.str.slice(0, _END), "tail": texts.str.tail(_END)}
    return found


_ORDER = tuple(Kind)
_HEAVY = (Kind.EMAIL, Kind.PHONE, Kind.ORGANIZATION, Kind.STREET, Kind.TEXT)
_PARTS = (Kind.GIVEN_NAME, Kind.FAMILY_NAME)
_SEVERAL = frozenset((Kind.ORGANIZATION, Kind.STREET, Kind.TEXT))
_WORDS = frozenset((Kind.GIVEN_NAME, Kind.FAMILY_NAME, Kind.CITY, *_SEVERAL))
_STANDARD: Mapping[Kind, Callable[[Texts], Texts]] = {
    Kind.GIVEN_NAME: series.given_name,
    Kind.FAMILY_NAME: series.family_name,
    Kind.ORGANIZATION: series.organization,
    Kind.EMAIL: series.email,
    Kind.PHONE: series.phone,
    Kind.STREET: series.street,
    Kind.HOUSE_NUMBER: series.code,
    Kind.POSTCODE: series.code,
    Kind.COUNTRY: series.country,
    Kind.DATE: series.date,
    Kind.IDENTIFIER: series.code,
    Kind.URL: series.url,
}
