"""Parties, as the matching engine takes them: an arrow table per kind."""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, text

from hub.db import arrow, plain
from hub.errors import NotFoundError
from hub.model.kinds import PartyKind

SEPARATOR = "\x1f"  # ASCII unit separator: cannot occur in an e-mail address

TEXTS = (
    "name", "given_name", "family_name", "job_title", "email", "phone", "mobile", "street", "city", "region",
    "postcode", "country", "website", "tax_id", "employer_name",
)  # fmt: skip
COLUMNS = ("party_id", "kind", *TEXTS, "birth_date", "other_emails")

_TYPES: dict[str, pa.DataType] = {
    "party_id": pa.int64(),
    "kind": pa.string(),
    **dict.fromkeys(TEXTS, pa.string()),
    "birth_date": pa.date32(),
    "other_emails": pa.string(),
}
_SCHEMA = pa.schema([(name, _TYPES[name]) for name in COLUMNS])


def load(connection: Connection, kind: PartyKind) -> pa.Table:
    """All parties of a kind, ordered by party_id; columns as in `dedup`.

    Parties that were deleted at their source are included: they keep their customer, and a rebuild must find the
    same clusters as the increments did.
    """
    return _query(connection, f"SELECT {_ARROW} FROM {_FROM} WHERE p.kind = '{kind.value}' ORDER BY p.party_id")


def load_some(connection: Connection, party_ids: Iterable[int]) -> pa.Table:
    """The parties with these ids, whatever their kind, ordered by party_id."""
    wanted = f"p.party_id = ANY({arrow.array_of(party_ids)})"
    return _query(connection, f"SELECT {_ARROW} FROM {_FROM} WHERE {wanted} ORDER BY p.party_id")


def as_given(connection: Connection, party_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Per party its ref, its present `golden_id` (None before it is resolved), and what its source gave, as texts.

    The texts are those of `dedup.standardise.table.normal_form`: dates in ISO 8601, addresses of e-mail a line each.
    """
    rows = plain.rows(connection, _GIVEN, {"ids": list(party_ids)})
    given = (dict(zip(("ref", "golden_id", *COLUMNS), row, strict=True)) for row in rows)
    return {one["party_id"]: one for one in given}


def ids_of(connection: Connection, refs: Iterable[str]) -> dict[str, tuple[int, str]]:
    """party_id and kind per ref.

    Raises:
        NotFoundError: no party has one of the refs; names it.
    """
    wanted = list(refs)
    rows = connection.execute(
        text("SELECT ref, party_id, kind FROM canonical.party WHERE ref = ANY(:refs)"), {"refs": wanted}
    ).all()
    found = {row.ref: (row.party_id, row.kind) for row in rows}
    for ref in wanted:
        if ref not in found:
            raise NotFoundError(f"no party is called {ref!r}; refs look like salesforce:Contact:0035g00000XyZ")
    return found


def _selected(special: Mapping[str, str]) -> str:
    """The columns of `dedup`. Who a source links to an organization works for one that has that organization's name."""
    said = {"employer_name": "coalesce(p.employer_name, employer.name)", **special}
    return ", ".join(f"{said.get(column, f'p.{column}')} AS {column}" for column in COLUMNS)


_ARROW = _selected({"other_emails": f"array_to_string(p.other_emails, E'\\x{ord(SEPARATOR):02x}')"})
_AS_GIVEN = _selected(
    {
        "birth_date": "CAST(p.birth_date AS text)",
        "other_emails": "nullif(array_to_string(p.other_emails, E'\\n'), '')",
    }
)
_FROM = "canonical.party p LEFT JOIN canonical.party employer ON employer.ref = p.employer_ref"
_GIVEN = f"""
    SELECT p.ref, CAST(m.golden_id AS text), {_AS_GIVEN} FROM {_FROM}
    LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
    WHERE p.party_id = ANY(CAST(%(ids)s AS bigint[]))
"""


def _query(connection: Connection, query: str) -> pa.Table:
    return _with_lists(arrow.copy_out(connection, query, _SCHEMA))


def _with_lists(table: pa.Table) -> pa.Table:
    joined = table["other_emails"]
    emails = pc.split_pattern(pc.if_else(pc.equal(joined, ""), None, joined), SEPARATOR)
    return table.set_column(table.schema.get_field_index("other_emails"), "other_emails", emails)
