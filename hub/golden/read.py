"""Reading the golden record: what is published now, under any id it ever had."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from hub.errors import NotFoundError

# Where the golden id {asked} leads: no row for one that was never given, no golden_id where nothing survives. What is
# published goes before what identity says by now: a merge, a split and an id that comes back are told with the next
# publication, and until then an id leads to the customer that shows most of its records.
HOME = """
    WITH RECURSIVE asked AS (SELECT golden_id, status FROM identity.golden_id WHERE golden_id = CAST({asked} AS uuid)),
    chain AS (
        SELECT golden_id, survivor, status, 0 AS hops FROM identity.golden_id JOIN asked USING (golden_id, status)
        UNION ALL
        SELECT g.golden_id, g.survivor, g.status, chain.hops + 1
        FROM chain JOIN identity.golden_id g ON g.golden_id = chain.survivor
        WHERE chain.status = 'merged' AND chain.hops < 1000
    ),
    survivor AS (SELECT golden_id, status FROM chain ORDER BY hops DESC LIMIT 1),
    shown AS (
        SELECT x.golden_id FROM survivor
        JOIN identity.membership m ON m.golden_id = survivor.golden_id AND m.until IS NULL
        JOIN canonical.party p USING (party_id)
        JOIN golden.crosswalk_row x ON x.ref = p.ref AND x.until IS NULL
        GROUP BY x.golden_id ORDER BY count(*) DESC, x.golden_id LIMIT 1
    ),
    home AS (
        SELECT asked.status, survivor.status AS status_there, CASE
            WHEN EXISTS (SELECT FROM golden.customer c WHERE c.golden_id = asked.golden_id) THEN asked.golden_id
            WHEN EXISTS (SELECT FROM golden.customer c WHERE c.golden_id = survivor.golden_id) THEN survivor.golden_id
            WHEN survivor.status = 'active' THEN coalesce(shown.golden_id, survivor.golden_id)
            END AS golden_id
        FROM asked CROSS JOIN survivor LEFT JOIN shown ON true
    )"""


@dataclass(frozen=True)
class Resolution:
    """Where a golden id leads.

    `status` is active, merged or retired, of the id that was `asked` for. `golden_id` is the id in use: the one asked
    for, or the last survivor of its merges; until these are published, that of the customer which shows its records
    now; None where nothing survives. `split_into`: customers that came out of the
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
    found = connection.execute(
        text(f"{HOME.format(asked=':asked')} SELECT * FROM home"), {"asked": golden_id}
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"no customer has or had the golden id {golden_id}")
    split = connection.execute(
        text(
            """SELECT other_golden_id FROM identity.lineage
               WHERE event = 'split' AND golden_id = :id AND other_golden_id IS NOT NULL ORDER BY lineage_id"""
        ),
        {"id": golden_id},
    ).scalars()
    return Resolution(golden_id, found.status, found.golden_id, tuple(split))


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
