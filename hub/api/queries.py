"""What the API reads: the public views of `golden`, one published version at a time."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, text

# Ids merge in chains; cycles cannot be made, but a loop in the data must not become one here.
RESOLVE = """
    WITH RECURSIVE chain AS (
        SELECT golden_id, survivor, status, 0 AS hops FROM identity.golden_id WHERE golden_id = :id
        UNION ALL
        SELECT g.golden_id, g.survivor, g.status, chain.hops + 1
        FROM chain JOIN identity.golden_id g ON g.golden_id = chain.survivor WHERE chain.hops < 1000
    )
    SELECT golden_id, status FROM chain ORDER BY hops DESC LIMIT 1"""


@dataclass(frozen=True)
class Resolved:
    """Where a golden id leads: the id in use, its status, and its published record; None while there is none."""

    golden_id: uuid.UUID
    status: str
    customer: RowMapping | None


def customer(connection: Connection, golden_id: uuid.UUID) -> RowMapping | None:
    """The published record under exactly this id."""
    return (
        connection.execute(text("SELECT * FROM golden.customer WHERE golden_id = :id"), {"id": golden_id})
        .mappings()
        .one_or_none()
    )


def resolve(connection: Connection, golden_id: uuid.UUID) -> Resolved | None:
    """The customer of this id, or of the id that it was merged into; None if the id was never given."""
    published = customer(connection, golden_id)
    if published is not None:
        return Resolved(golden_id, "active", published)
    end = connection.execute(text(RESOLVE), {"id": golden_id}).one_or_none()
    if end is None:
        return None
    return Resolved(end.golden_id, end.status, customer(connection, end.golden_id))


def customers(
    connection: Connection,
    *,
    kind: str | None,
    department: str | None,
    updated_since: dt.datetime | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Up to `limit` customers by golden id, behind `after`: an order that no update changes."""
    conditions = {
        "kind = :kind": kind is not None,
        ":department = ANY (departments)": department is not None,
        "updated_at >= :since": updated_since is not None,
        "golden_id > :after": after is not None,
    }
    clauses = [clause for clause, used in conditions.items() if used]
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    return (
        connection.execute(
            text(f"SELECT * FROM golden.customer {where} ORDER BY golden_id LIMIT :limit"),
            {"kind": kind, "department": department, "since": updated_since, "after": after, "limit": limit},
        )
        .mappings()
        .all()
    )


def owner_of(connection: Connection, ref: str) -> uuid.UUID | None:
    """The golden id that this source record belongs to now."""
    return connection.execute(
        text("SELECT golden_id FROM golden.crosswalk WHERE ref = :ref AND until IS NULL"), {"ref": ref}
    ).scalar_one_or_none()


def history(connection: Connection, golden_id: uuid.UUID, *, before: int | None, limit: int) -> Sequence[RowMapping]:
    """Versions of one id, newest first, below version `before`."""
    below = "AND version < :before" if before is not None else ""
    return (
        connection.execute(
            text(
                f"""SELECT * FROM golden.customer_history WHERE golden_id = :id {below}
                    ORDER BY version DESC LIMIT :limit"""
            ),
            {"id": golden_id, "before": before, "limit": limit},
        )
        .mappings()
        .all()
    )


def as_of(connection: Connection, golden_id: uuid.UUID, moment: dt.datetime) -> RowMapping | None:
    """The version of this very id that was published at a moment; None where there was none."""
    return (
        connection.execute(
            text(
                """SELECT * FROM golden.customer_history
                   WHERE golden_id = :id AND valid_from <= :moment AND (valid_to IS NULL OR valid_to > :moment)"""
            ),
            {"id": golden_id, "moment": moment},
        )
        .mappings()
        .one_or_none()
    )


def changes(
    connection: Connection,
    *,
    after: int,
    limit: int,
    up_to: int | None = None,
    operations: Sequence[str] = (),
    department: str | None = None,
) -> Sequence[RowMapping]:
    """The change feed behind sequence number `after`, in order.

    Optionally no further than `up_to`, only some `operations`, or only customers that a department knows or knew
    before the change.
    """
    conditions = {
        "sequence > :after": True,
        "sequence <= :up_to": up_to is not None,
        "op = ANY (:operations)": bool(operations),
        "(before -> 'departments' ? :department OR after -> 'departments' ? :department)": department is not None,
    }
    where = " AND ".join(clause for clause, used in conditions.items() if used)
    return (
        connection.execute(
            text(
                f"""SELECT sequence, golden_id, version, op, survivor, publication, before, after, happened_at
                    FROM golden.change WHERE {where} ORDER BY sequence LIMIT :limit"""
            ),
            {
                "after": after, "limit": limit, "up_to": up_to,
                "operations": list(operations), "department": department,
            },
        )
        .mappings()
        .all()
    )  # fmt: skip


def newest_change(connection: Connection) -> int:
    """The sequence of the last published change; 0 where nothing was published yet."""
    return int(connection.execute(text("SELECT coalesce(max(sequence), 0) FROM golden.change")).scalar_one())
