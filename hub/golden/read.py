"""Reading the golden record: what is published now, under any id it ever had."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from hub.errors import NotFoundError


@dataclass(frozen=True)
class Resolution:
    """Where a golden id leads.

    `status` is active, merged or retired, of the id that was `asked` for. `golden_id` is the id in use: the one asked
    for, or the last survivor of its merges; None where nothing survives. `split_into`: customers that came out of the
    id asked for, at any time and oldest first; whoever stored the id may mean one of these.
    """

    asked: uuid.UUID
    status: str
    golden_id: uuid.UUID | None
    split_into: tuple[uuid.UUID, ...]


def resolve_id(connection: Connection, golden_id: uuid.UUID) -> Resolution:
    """Follow a golden id to its survivor.

    Raises:
        NotFoundError: no customer ever had the id.
    """
    path = connection.execute(
        text(
            """WITH RECURSIVE path (golden_id, status, survivor, step) AS (
                   SELECT golden_id, status, survivor, 0 FROM identity.golden_id WHERE golden_id = :id
                   UNION ALL
                   SELECT g.golden_id, g.status, g.survivor, p.step + 1
                   FROM path p JOIN identity.golden_id g ON g.golden_id = p.survivor WHERE p.status = 'merged'
               ) CYCLE golden_id SET again USING visited
               SELECT golden_id, status FROM path WHERE NOT again ORDER BY step"""
        ),
        {"id": golden_id},
    ).all()
    if not path:
        raise NotFoundError(f"no customer has or had the golden id {golden_id}")
    split = connection.execute(
        text(
            """SELECT other_golden_id FROM identity.lineage
               WHERE event = 'split' AND golden_id = :id AND other_golden_id IS NOT NULL ORDER BY lineage_id"""
        ),
        {"id": golden_id},
    ).scalars()
    last = path[-1]
    return Resolution(golden_id, path[0].status, last.golden_id if last.status == "active" else None, tuple(split))


def current(connection: Connection, golden_id: uuid.UUID) -> dict[str, Any] | None:
    """The row of golden.customer; None where the id is not published now. Does not follow survivors."""
    row = connection.execute(text("SELECT * FROM golden.customer WHERE golden_id = :id"), {"id": golden_id})
    found = row.mappings().one_or_none()
    return None if found is None else dict(found)


def by_ref(connection: Connection, ref: str) -> dict[str, Any] | None:
    """The published customer that the source record `ref` is part of; None where it is part of none yet.

    Between a merge and its publication the record is still found where it is published.
    """
    row = connection.execute(
        text(
            """SELECT c.* FROM golden.crosswalk_row x JOIN golden.customer c USING (golden_id)
               WHERE x.ref = :ref AND x.until IS NULL"""
        ),
        {"ref": ref},
    )
    found = row.mappings().one_or_none()
    return None if found is None else dict(found)


def page(connection: Connection, after: uuid.UUID | None = None, limit: int = 500) -> list[dict[str, Any]]:
    """Up to `limit` published customers whose golden id is greater than `after`, in the order of golden ids."""
    rows = connection.execute(
        text(
            """SELECT * FROM golden.customer
               WHERE CAST(:after AS uuid) IS NULL OR golden_id > :after ORDER BY golden_id LIMIT :limit"""
        ),
        {"after": after, "limit": limit},
    )
    return [dict(row) for row in rows.mappings()]


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
