"""Search before create: who of those that are known may be the one that a record describes. Writes nothing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, text

import dedup
from dedup.columns import Index, Prepared
from dedup.explain import explained_pairs
from dedup.matching import score
from dedup.standardise.table import normal_form
from dedup.weigh import probability
from hub.errors import NotFoundError, OneRecordError
from hub.identity import forms, index, models, parties
from hub.model.kinds import PartyKind
from hub.settings import MatchSettings

# What a record to look for may hold, and of which types.
FIELDS: dict[str, pa.DataType] = {
    **dict.fromkeys(parties.TEXTS, pa.string()),
    "birth_date": pa.date32(),
    "other_emails": pa.list_(pa.string()),
}
_SAID = {"birth_date": "a date such as 1980-05-03", "other_emails": "a list of texts"}
# The id of the record that is looked for: no party has it.
NOBODY = -1


def candidates(
    connection: Connection, record: Mapping[str, Any], kind: PartyKind, settings: MatchSettings, limit: int = 10
) -> list[dict[str, Any]]:
    """The parties that may be the customer that `record` describes, best first, at most `limit`.

    `record` has values of `FIELDS`; a text such as 1980-05-03 may stand for a date, and one for a list of one. Who is
    found, and in which band, is what matching would say of the record now.

    Returns:
        ref, golden_id (None before it is resolved), probability, band and explanation (`a` is the record) of each.

    Raises:
        NotFoundError: nothing was matched yet.
        OneRecordError: the record has a field that is not known, or a value that cannot be read.
    """
    model = models.in_use(connection, kind)
    basis = index.basis(connection, kind)
    if basis is None:
        raise NotFoundError(f"no index of {kind.value}s by this version of the code yet: run the pipeline once")
    asked = models.SPECS[kind].standardise(_table(record))
    partners = index.partners(connection, kind, asked, basis.max_block)
    ids = np.array([NOBODY, *(party_id for party_id, _ in partners)], dtype=np.int64)
    texts = pa.chunked_array([pa.array([*forms.write(kind, asked), *(form for _, form in partners)], pa.string())])
    table = model.terms.apply(forms.read(kind, ids, texts))
    best = _best(table, model, settings.review)[:limit]
    if not len(best):
        return []
    ids = table.ids[best].tolist()
    thresholds = dedup.Thresholds(same=settings.same, review=settings.review)
    pairs = (np.zeros(len(best), dtype=np.int64), best)
    evidence = explained_pairs(table, pairs, _given(connection, asked, ids), model, thresholds)
    return [_named(name, told) for name, told in zip(_names(connection, ids), evidence, strict=True)]


def _table(record: Mapping[str, Any]) -> pa.Table:
    """The record as a table of one row."""
    columns = {"party_id": pa.array([NOBODY], pa.int64())}
    for name, value in record.items():
        if name not in FIELDS:
            raise OneRecordError(f"there is no field {name!r} to search by; known are {', '.join(FIELDS)}")
        try:
            columns[name] = pa.array([_read(name, value)], FIELDS[name])
        except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError):
            raise OneRecordError(f"{name} cannot be read: it is to be {_SAID.get(name, 'a text')}") from None
    return pa.table(columns)


def _read(name: str, value: Any) -> Any:
    """A text may stand for a date, and for a list of one."""
    if isinstance(value, str) and name == "birth_date":
        return dt.date.fromisoformat(value)
    return [value] if isinstance(value, str) and name == "other_emails" else value


def _best(table: Prepared, model: dedup.Model, least: float) -> Index:
    """The row positions of those that are at least as likely, best first; the first row is the record."""
    rows = np.arange(1, len(table))
    bits = score(table, np.zeros(len(rows), dtype=np.int64), rows, model)
    likely = np.nonzero(probability(bits) >= least)[0]
    order = likely[np.lexsort((table.ids[rows[likely]], -bits[likely]))]
    return rows[order]


def _given(
    connection: Connection, asked: Prepared, party_ids: list[int]
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """The record and each of the parties, as they were given."""
    (record,) = asked.raw.to_pylist()
    known = {row["party_id"]: row for row in normal_form(parties.load_some(connection, party_ids)).to_pylist()}
    return [(record, known[party_id]) for party_id in party_ids]


def _named(name: tuple[str, str | None], evidence: dict[str, Any]) -> dict[str, Any]:
    ref, golden_id = name
    said = {"ref": ref, "golden_id": golden_id, "probability": evidence["probability"], "band": evidence["band"]}
    return {**said, "explanation": evidence}


def _names(connection: Connection, party_ids: list[int]) -> list[tuple[str, str | None]]:
    """The ref and the present golden id of each party."""
    rows = connection.execute(
        text(
            """SELECT p.party_id, p.ref, CAST(m.golden_id AS text) FROM canonical.party p
               LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE p.party_id = ANY(CAST(:ids AS bigint[]))"""
        ),
        {"ids": party_ids},
    )
    found = {row[0]: (row[1], row[2]) for row in rows}
    return [found[party_id] for party_id in party_ids]
