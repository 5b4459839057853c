"""What the API reads: the public views of `golden`. Records come as the JSON text that Postgres makes of them, and are
sent as they are: to decode half a megabyte a page, check it and encode it again took most of the time of an answer.

Each answer is one statement, and so one snapshot.
"""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel

from hub.api import models
from hub.db.reader import Fetch, Key, Together
from hub.golden.read import HOME
from hub.model.kinds import Department

# What is kept back: the private departments that a key does not read.
Withheld = frozenset[Department]


@cache
def _columns(model: type[BaseModel], withheld: Withheld) -> str:
    """The columns of a view that `model` answers; moments in UTC, to the microsecond, and withheld facets empty."""
    return ", ".join(_column(name, field.annotation, withheld) for name, field in model.model_fields.items())


def _column(name: str, annotation: Any, withheld: Withheld) -> str:
    if dt.datetime in (annotation, *get_args(annotation)):
        return f"""to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS {name}"""
    names = ", ".join(f"'{one.value}'" for one in sorted(withheld))
    if name == "withheld":
        return f"CAST(ARRAY[{names}] AS text[]) AS withheld"
    if name in withheld:
        return f"CAST('{{}}' AS jsonb) AS {name}"
    return f"{name} - ARRAY[{names}] AS {name}" if withheld and name in {"before", "after"} else name


_BY_ID = """
    SELECT golden_id, golden_id, 'active', version, CAST(row_to_json(r) AS text)
    FROM (SELECT {columns} FROM (SELECT *, NULL AS resolved_from FROM golden.customer) c) r
    WHERE golden_id = ANY (%(asked)s)"""
_BY_REF = """
    SELECT x.ref, r.golden_id, 'active', r.version, CAST(row_to_json(r) AS text)
    FROM golden.crosswalk x
    JOIN (SELECT {columns} FROM (SELECT *, NULL AS resolved_from FROM golden.customer) c) r USING (golden_id)
    WHERE x.ref = ANY (%(asked)s) AND x.until IS NULL"""
_RESOLVED = (
    HOME.format(asked="%(asked)s")
    + """
    SELECT coalesce(home.golden_id, asked.golden_id), home.status_there, r.version, CAST(row_to_json(r) AS text)
    FROM home CROSS JOIN asked
    LEFT JOIN LATERAL (
        SELECT {columns} FROM (SELECT *, nullif(asked.golden_id, golden_id) AS resolved_from FROM golden.customer) c
        WHERE golden_id = home.golden_id
    ) r ON true"""
)


@dataclass(frozen=True)
class Found:
    """Where a golden id leads: the id in use, its status, and what is published of it; None while there is nothing."""

    golden_id: uuid.UUID
    status: str
    version: int | None
    body: str | None


class Record(NamedTuple):
    """A record as JSON, and its place in the order of its list."""

    place: Any
    body: str


class Published:
    """Finds customers for many who ask at a time, each with what is withheld from them."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._by_id = cache(partial(self._together, _BY_ID))
        self._by_ref = cache(partial(self._together, _BY_REF))

    def _together(self, query: str, withheld: Withheld) -> Together[Any, Found]:
        columns = _columns(models.Customer, withheld)
        return Together(partial(_published, self._fetch, query.format(columns=columns)))

    async def by_id(self, golden_id: uuid.UUID, withheld: Withheld = frozenset()) -> Found | None:
        """The customer of this id, or of the id that it was merged into; None if the id was never given."""
        return await self._by_id(withheld).get(golden_id) or await resolve(self._fetch, golden_id, withheld)

    async def by_ref(self, ref: str, withheld: Withheld = frozenset()) -> Found | None:
        """The customer that this source record is published under; None if there is none."""
        return await self._by_ref(withheld).get(ref)


async def _published(fetch: Fetch, query: str, asked: list[Key]) -> dict[Key, Found]:
    return {key: Found(*found) for key, *found in await fetch(query, {"asked": asked})}


async def resolve(fetch: Fetch, golden_id: uuid.UUID, withheld: Withheld = frozenset()) -> Found | None:
    """Like `Published.by_id`, for one id alone."""
    rows = await fetch(_RESOLVED.format(columns=_columns(models.Customer, withheld)), {"asked": golden_id})
    return Found(*rows[0]) if rows else None


async def customers(
    fetch: Fetch,
    *,
    kind: str | None,
    department: str | None,
    updated_since: dt.datetime | None,
    after: uuid.UUID | None,
    limit: int,
    withheld: Withheld = frozenset(),
) -> Sequence[Record]:
    """Up to `limit` customers by golden id, behind `after`: an order that no update changes."""
    conditions = {
        "kind = %(kind)s": kind is not None,
        "%(department)s = ANY (departments)": department is not None,
        "updated_at >= %(since)s": updated_since is not None,
        "golden_id > %(after)s": after is not None,
    }
    clauses = [clause for clause, used in conditions.items() if used]
    source = f"(SELECT *, NULL AS resolved_from FROM golden.customer) c {_where(clauses)} ORDER BY golden_id"
    values = {"kind": kind, "department": department, "since": updated_since, "after": after}
    return await _records(fetch, "golden_id", _columns(models.Customer, withheld), source, {**values, "limit": limit})


async def history(
    fetch: Fetch, golden_id: uuid.UUID, *, before: int | None, limit: int, withheld: Withheld = frozenset()
) -> Sequence[Record]:
    """Versions of one id, newest first, below version `before`."""
    clauses = ["golden_id = %(id)s", *(["version < %(before)s"] if before is not None else [])]
    source = f"golden.customer_history {_where(clauses)} ORDER BY version DESC"
    columns, values = _columns(models.Version, withheld), {"id": golden_id, "before": before, "limit": limit}
    return await _records(fetch, "version", columns, source, values)


async def as_of(
    fetch: Fetch, golden_id: uuid.UUID, moment: dt.datetime, withheld: Withheld = frozenset()
) -> str | None:
    """The version of this very id that was published at a moment; None where there was none."""
    source = f"golden.customer_history {_where(['golden_id = %(id)s', 'valid_from <= %(at)s', _STILL_VALID])}"
    columns, values = _columns(models.Version, withheld), {"id": golden_id, "at": moment, "limit": 1}
    found = await _records(fetch, "version", columns, source, values)
    return found[0].body if found else None


_STILL_VALID = "(valid_to IS NULL OR valid_to > %(at)s)"


async def changes(fetch: Fetch, *, after: int, limit: int, withheld: Withheld = frozenset()) -> Sequence[Record]:
    """The change feed behind sequence number `after`, in order."""
    source = "golden.change WHERE sequence > %(after)s ORDER BY sequence"
    return await _records(
        fetch, "sequence", _columns(models.Change, withheld), source, {"after": after, "limit": limit}
    )


def _where(clauses: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(clauses)}" if clauses else ""


async def _records(fetch: Fetch, place: str, columns: str, source: str, values: dict[str, Any]) -> Sequence[Record]:
    query = f"SELECT {place}, CAST(row_to_json(r) AS text) FROM (SELECT {columns} FROM {source} LIMIT %(limit)s) r"
    return [Record(*row) for row in await fetch(query, values)]
