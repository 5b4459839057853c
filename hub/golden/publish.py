"""Publish: what was composed and audited becomes visible, in one transaction.

A customer's row in golden.customer_row is never changed but for being ended; every publication adds the versions that
differ. The change feed says the same as the rows, in order: `after` is the row of golden.customer that a consumer
must have from then on, and none means that the consumer must drop its row. An operation is

- created: a customer that was not there;
- split: a customer that was not there, with records of another one that goes on, or went to somebody else;
- changed: a customer of whom some published value differs;
- merged: a customer that is gone, and whose records are with `survivor` now;
- erased: a customer that is gone without a survivor: nobody has its records.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, insert, text

from hub.announcements import announce
from hub.db import locks
from hub.db.tables import golden
from hub.golden import crosswalk, opportunities

CONTENT = ", ".join(
    column.name
    for column in golden.ComposedCustomer.__table__.columns
    if column.name not in {"golden_id", "composed_at"}
)


@dataclass(frozen=True)
class PublishReport:
    """What a publication did; `number` is the last one's where nothing had to be published.

    `created` counts new golden ids, those out of a split (`split`) included; `retired` those that are gone, merged
    ones (`merged`) included. `customers` are published now.
    """

    number: int
    published: bool
    customers: int
    created: int = 0
    changed: int = 0
    retired: int = 0
    merged: int = 0
    split: int = 0
    opportunities_changed: int = 0


def publish(
    engine: Engine, *, run_id: str, as_of: dt.datetime, warnings: int = 0, waived: Sequence[Mapping[str, Any]] = ()
) -> PublishReport:
    """Release everything that waits in golden.to_publish as one publication; none is made where nothing changed.

    `warnings` is the number of checks that failed without holding the publication, those of `waived` included, which
    tells whom it has to thank for that. Publishers take turns.
    """
    with engine.begin() as connection:
        _take_turns(connection)
        number, moment = _next(connection)
        _take(connection)
        counts = _release(connection, number, moment)
        moved = opportunities.refresh(connection, number, moment)
        if not any(counts.values()) and moved == 0:
            return _last(connection)
        report = _report(connection, number, counts, moved)
        release = {"run_id": run_id, "as_of": as_of, "published_at": moment, "warnings": warnings}
        totals = {name: getattr(report, name) for name in ("number", "customers", "created", "changed", "retired")}
        shown = connection.execute(text("SELECT coalesce(max(lineage_id), 0) FROM golden.compose_state")).scalar_one()
        told = {"lineage_id": shown, "waived": list(waived)}
        connection.execute(insert(golden.Publication), release | totals | told)
        announce(connection, "published", run_id, {**asdict(report), "warnings": warnings, "waived": list(waived)})
        return report


def _take_turns(connection: Connection) -> None:
    locks.hold(connection, locks.PUBLICATION)
    locks.alone(connection, "golden.to_publish")
    connection.execute(text("SET LOCAL timezone = 'UTC'"))


def _next(connection: Connection) -> tuple[int, dt.datetime]:
    """The next number and its moment: the clock's, but never before that of the last publication."""
    row = connection.execute(
        text(
            """SELECT coalesce(max(number), 0) + 1, greatest(clock_timestamp(), max(published_at))
               FROM golden.publication"""
        )
    ).one()
    return row[0], row[1]


def _take(connection: Connection) -> None:
    """Fill the temporary table `taken` with the customers whose composed record differs from the published one."""
    connection.execute(text("ANALYZE golden.to_publish"))
    connection.execute(
        text(
            """CREATE TEMP TABLE taken ON COMMIT DROP AS
               SELECT q.golden_id, old.golden_id IS NOT NULL AS was_there, c.golden_id IS NOT NULL AS is_there,
                      old.members AS had, c.members AS has, to_jsonb(v) AS before,
                      coalesce((SELECT max(h.version) FROM golden.change h WHERE h.golden_id = q.golden_id), 0) + 1
                          AS version
               FROM golden.to_publish q
               LEFT JOIN golden.customer_row old ON old.golden_id = q.golden_id AND old.valid_to IS NULL
               LEFT JOIN golden.customer v ON v.golden_id = q.golden_id
               LEFT JOIN golden.composed_customer c ON c.golden_id = q.golden_id
               WHERE old.content_hash IS DISTINCT FROM c.content_hash"""
        )
    )
    connection.execute(text("DELETE FROM golden.to_publish"))
    connection.execute(text("ANALYZE taken"))


def _release(connection: Connection, number: int, moment: dt.datetime) -> dict[str, int]:
    """End old versions, add new ones, and tell the feed; returns how often each operation happened."""
    now = {"number": number, "moment": moment}
    connection.execute(
        text(
            """UPDATE golden.customer_row r SET valid_to = :moment FROM taken t
               WHERE r.golden_id = t.golden_id AND r.valid_to IS NULL AND t.was_there"""
        ),
        now,
    )
    connection.execute(
        text(
            f"""INSERT INTO golden.customer_row (golden_id, version, publication, valid_from, {CONTENT})
                SELECT t.golden_id, t.version, :number, :moment, {CONTENT}
                FROM taken t JOIN golden.composed_customer c USING (golden_id)"""
        ),
        now,
    )
    crosswalk.refresh(connection, moment)
    for step in (_MOVED, "ANALYZE moved", _HEIR, "ANALYZE heir", _PARTED, "ANALYZE parted"):
        connection.execute(text(step))
    rows = connection.execute(text(_FEED), now)
    return {op: count for op, count in rows}  # noqa: C416  # rows are not tuples to mypy


# What happened is told by the records that leave one published customer for another: identity may have moved on since
# these were composed. Tables of their own, not parts of the feed's statement: the planner took 21,000 customers of whom
# none had moved for 23 million moves, and compared every customer with every other.
_MOVED = """
CREATE TEMP TABLE moved ON COMMIT DROP AS
WITH had AS (SELECT golden_id, is_there, unnest(had) AS ref FROM taken),
has AS (SELECT golden_id, unnest(has) AS ref FROM taken)
SELECT had.golden_id AS origin, had.is_there AS origin_is_there, has.golden_id AS target, count(*) AS records
FROM had JOIN has USING (ref) WHERE had.golden_id <> has.golden_id
GROUP BY had.golden_id, had.is_there, has.golden_id
"""

_HEIR = """
CREATE TEMP TABLE heir ON COMMIT DROP AS
SELECT DISTINCT ON (m.origin) m.origin AS golden_id, m.target AS survivor
FROM moved m JOIN identity.golden_id g ON g.golden_id = m.origin JOIN identity.golden_id t ON t.golden_id = m.target
WHERE NOT m.origin_is_there AND g.status <> 'retired'
ORDER BY m.origin, m.target IS NOT DISTINCT FROM g.survivor DESC, m.records DESC, t.number
"""

_PARTED = """
CREATE TEMP TABLE parted ON COMMIT DROP AS
SELECT DISTINCT m.target AS golden_id FROM moved m LEFT JOIN heir h ON h.golden_id = m.origin
WHERE h.survivor IS DISTINCT FROM m.target
"""

# The order is that of the customers' age, so that it does not depend on how they were composed.
_FEED = """
WITH told AS (
    INSERT INTO golden.change (sequence, golden_id, version, op, survivor, publication, before, after, happened_at)
    SELECT (SELECT coalesce(max(sequence), 0) FROM golden.change) + row_number() OVER (ORDER BY g.number),
           t.golden_id, t.version,
           CASE
               WHEN t.is_there AND t.was_there THEN 'changed'
               WHEN p.golden_id IS NOT NULL THEN 'split'
               WHEN t.is_there THEN 'created'
               WHEN h.survivor IS NOT NULL THEN 'merged'
               ELSE 'erased'
           END,
           h.survivor, :number, t.before, to_jsonb(v), :moment
    FROM taken t
    JOIN identity.golden_id g USING (golden_id)
    LEFT JOIN heir h USING (golden_id)
    LEFT JOIN parted p USING (golden_id)
    LEFT JOIN golden.customer v USING (golden_id)
    RETURNING op
)
SELECT op, count(*) FROM told GROUP BY op
"""


def _report(connection: Connection, number: int, counts: dict[str, int], moved: int) -> PublishReport:
    merged, split = counts.get("merged", 0), counts.get("split", 0)
    created, retired = counts.get("created", 0) + split, counts.get("erased", 0) + merged
    return PublishReport(
        number=number,
        published=True,
        customers=_last(connection).customers + created - retired,
        created=created,
        changed=counts.get("changed", 0),
        retired=retired,
        merged=merged,
        split=split,
        opportunities_changed=moved,
    )


def _last(connection: Connection) -> PublishReport:
    row = connection.execute(
        text("SELECT number, customers FROM golden.publication ORDER BY number DESC LIMIT 1")
    ).one_or_none()
    return PublishReport(row.number if row else 0, published=False, customers=row.customers if row else 0)
