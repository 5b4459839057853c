"""Search before create: who of those that are known may be the one that a record describes. Writes nothing."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

import dedup
from dedup.columns import Prepared
from dedup.explain import explained_pairs
from dedup.matching import evidence
from dedup.weigh import Evidence, probability, total_bits
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
    asked = models.SPECS[kind].standardise(_table(record))
    version, partners = index.partners(connection, kind, asked) or (None, [])
    model = models.of_version(connection, kind, version) if version else None
    if model is None:
        raise NotFoundError(f"no index of {kind.value}s by this version of the code yet: run the pipeline once")
    ids = np.array([NOBODY, *(party_id for party_id, _ in partners)], dtype=np.int64)
    known = pa.array([form for _, form in partners], pa.string())
    table = model.terms.apply(forms.read(kind, ids, pa.chunked_array([*forms.write(kind, asked).chunks, known])))
    best = _best(table, model, settings.review, limit)
    ids = table.ids[best.right].tolist()
    if not ids:
        return []
    given = parties.as_given(connection, ids)
    found = [given[party_id] for party_id in ids]
    (record,) = asked.raw.to_pylist()
    thresholds = dedup.Thresholds(same=settings.same, review=settings.review)
    told = explained_pairs(table, best, [(record, one) for one in found], model, thresholds)
    return [_named(one["ref"], one["golden_id"], said) for one, said in zip(found, told, strict=True)]


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


def _best(table: Prepared, model: dedup.Model, least: float, limit: int) -> Evidence:
    """What is known of the pairs that are at least as likely, best first, each of the record, which is row 0."""
    rows = np.arange(1, len(table))
    known = evidence(table, np.zeros(len(rows), dtype=np.int64), rows, model)
    bits = total_bits(model.prior_bits, known)
    likely = np.nonzero(probability(bits) >= least)[0]
    return known.take(likely[np.lexsort((table.ids[rows[likely]], -bits[likely]))][:limit])


def _named(ref: str, golden_id: str | None, told: dict[str, Any]) -> dict[str, Any]:
    said = {"ref": ref, "golden_id": golden_id, "probability": told["probability"], "band": told["band"]}
    return {**said, "explanation": told}
