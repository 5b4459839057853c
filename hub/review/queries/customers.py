"""The golden record as people read it."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, RowMapping, text

from hub.api import paging

PAGE = 50


@dataclass(frozen=True)
class CustomerFilter:
    q: str = ""
    kind: str = ""

    def chosen(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


NAMES = (
    "golden_id", "kind", "name", "email", "phone", "mobile", "city", "country", "departments", "records", "updated_at",
)  # fmt: skip
COLUMNS = """golden_id, kind, name, email, phone, mobile, city, country, departments, cardinality(members) AS records,
    updated_at"""


def found(
    connection: Connection, wanted: CustomerFilter, open_to: frozenset[str] | None, cursor: str | None
) -> paging.Page[Row[Any]]:
    """One page of customers by name, for somebody who sees those of the departments `open_to` (None: all) unmasked.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    clauses, parameters = _conditions(wanted, open_to)
    if cursor is not None:
        position = paging.decode(cursor, [str, uuid.UUID], list(asdict(wanted).values()))
        clauses.append("(name, golden_id) > (:at, :at_id)")
        parameters |= dict(zip(("at", "at_id"), position, strict=True))
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = connection.execute(
        text(f"SELECT {COLUMNS} FROM golden.customer {where} ORDER BY name, golden_id LIMIT :limit"),
        parameters | {"limit": PAGE + 1},
    ).all()
    return paging.cut(rows, PAGE, lambda row: paging.encode([row.name, row.golden_id], list(asdict(wanted).values())))


def all_found(engine: Engine, wanted: CustomerFilter, open_to: frozenset[str] | None) -> Iterator[Row[Any]]:
    """Like `found`, all of them by name, as they come; keeps a connection until the last is taken."""
    clauses, parameters = _conditions(wanted, open_to)
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    query = text(f"SELECT {COLUMNS} FROM golden.customer {where} ORDER BY name, golden_id")
    with engine.connect() as connection:
        yield from connection.execute(query.execution_options(stream_results=True, max_row_buffer=500), parameters)


# What has a mask is found by those who know it whole: by its parts it could be asked out of the hub bit by bit.
_WHOLE = "lower(email) = lower(:word) OR phone = :word OR mobile = :word"
_PART = "email ILIKE :q OR phone ILIKE :q OR mobile ILIKE :q"


def _conditions(wanted: CustomerFilter, open_to: frozenset[str] | None) -> tuple[list[str], dict[str, Any]]:
    clauses, parameters = [], dict[str, Any]()
    if wanted.kind:
        clauses.append("kind = :kind")
        parameters["kind"] = wanted.kind
    if wanted.q:
        part = _PART if open_to is None else f"departments && CAST(:open AS text[]) AND ({_PART})"
        clauses.append(f"(name ILIKE :q OR :word = ANY(members) OR {_WHOLE} OR ({part}))")
        parameters |= {"q": like(wanted.q), "word": wanted.q}
        if open_to is not None:
            parameters["open"] = sorted(open_to)
    return clauses, parameters


def publication(connection: Connection) -> int:
    """The number of the publication in force; 0 before the first."""
    return int(connection.execute(text("SELECT coalesce(max(number), 0) FROM golden.publication")).scalar_one())


def count(connection: Connection) -> int:
    """How many customers the last publication has; 0 before the first."""
    published = connection.execute(text("SELECT customers FROM golden.publication ORDER BY number DESC LIMIT 1"))
    return published.scalar_one_or_none() or 0


def members(connection: Connection, refs: Sequence[str]) -> Sequence[Row[Any]]:
    """The source records of a customer, in the order of the sources."""
    return connection.execute(
        text(
            """SELECT party_id, ref, source, stream, source_id, department, name, email, deleted_at, source_updated_at
               FROM canonical.party WHERE ref = ANY(:refs) ORDER BY department, source, ref"""
        ),
        {"refs": list(refs)},
    ).all()


def versions(connection: Connection, golden_id: uuid.UUID, limit: int) -> Sequence[RowMapping]:
    """The last `limit` versions of a customer, newest first."""
    rows = connection.execute(
        text("SELECT * FROM golden.customer_history WHERE golden_id = :id ORDER BY version DESC LIMIT :limit"),
        {"id": golden_id, "limit": limit},
    )
    return rows.mappings().all()


def opportunities(connection: Connection, golden_id: uuid.UUID) -> Sequence[Row[Any]]:
    return connection.execute(
        text(
            """SELECT * FROM golden.opportunity WHERE golden_id = :id
               ORDER BY status <> 'open', close_date DESC NULLS LAST, ref LIMIT 50"""
        ),
        {"id": golden_id},
    ).all()


def lineage(connection: Connection, golden_id: uuid.UUID) -> Sequence[Row[Any]]:
    """Merges and splits that this id took part in, newest first."""
    return connection.execute(
        text(
            """SELECT event, golden_id, other_golden_id, reason, happened_at FROM golden.merge_log
               WHERE golden_id = :id OR other_golden_id = :id ORDER BY lineage_id DESC LIMIT 50"""
        ),
        {"id": golden_id},
    ).all()


def organizations_below(connection: Connection, golden_id: uuid.UUID) -> Sequence[Row[Any]]:
    """The organizations that belong to this one, by name; the first 50."""
    return connection.execute(
        text("SELECT golden_id, name FROM golden.customer WHERE parent_id = :id ORDER BY name, golden_id LIMIT 50"),
        {"id": golden_id},
    ).all()


def is_known(connection: Connection, golden_id: uuid.UUID) -> bool:
    """Whether any customer has or had this golden id."""
    known = connection.execute(text("SELECT 1 FROM identity.golden_id WHERE golden_id = :id"), {"id": golden_id})
    return known.scalar_one_or_none() is not None


def name_of(connection: Connection, golden_id: uuid.UUID) -> str | None:
    return connection.execute(
        text("SELECT name FROM golden.customer WHERE golden_id = :id"), {"id": golden_id}
    ).scalar_one_or_none()


def names_of(connection: Connection, golden_ids: Collection[str]) -> dict[str, str]:
    """The names of customers by golden id, of those that are published."""
    rows = connection.execute(
        text(
            """SELECT CAST(golden_id AS text) AS id, name FROM golden.customer
               WHERE golden_id = ANY(CAST(:ids AS uuid[]))"""
        ),
        {"ids": list(golden_ids)},
    )
    return {row.id: row.name for row in rows}


def like(words: str) -> str:
    """A pattern that finds `words` anywhere; what the visitor typed is never a wildcard."""
    escaped = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"
