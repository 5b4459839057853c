"""What happened with a customer, over all departments and in the golden record itself: one query per page.

The facts are those that the departments' facets count: of records that still exist at their source, or became another
one there. A withdrawal of consent outlives its record, as in the golden record.
"""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging
from hub.golden.policy import ATTRIBUTES

PAGE = 50
GOLDEN = "record"
"""The kind of what happened to the golden record itself; it is of no department."""

VALUES = tuple(name.replace("_ref", "_id") for name in ATTRIBUTES)
"""What of a golden record is a value of the customer: its facets change with every fact, which is told already."""


@dataclass(frozen=True)
class TimelineFilter:
    """What of a timeline is shown. Empty text selects everything; a department leaves out the golden record."""

    department: str = ""
    kind: str = ""

    def chosen(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True)
class Customer:
    """Whose timeline it is: the published id, and the refs of its source records."""

    golden_id: uuid.UUID
    members: Sequence[str]


_NOTHING = {"title": "NULL", "before": "NULL", "after": "NULL", "note": "NULL", "amount": "NULL", "currency": "NULL"}
_TYPES = {"amount": "numeric"}


def _told(source: str, at: str, what: str, where: str = "true", **columns: str) -> str:
    """A part of the timeline: rows of `source` (an alias f with ref, source, of_member) at the moment `at`."""
    told = (_NOTHING | columns).items()
    named = ", ".join(f"CAST({expression} AS {_TYPES.get(name, 'text')}) AS {name}" for name, expression in told)
    return f"""SELECT {at} AS at, {what} AS what, f.ref, f.source, f.of_member, {named}, CAST(NULL AS int) AS version
               FROM {source} WHERE {at} IS NOT NULL AND {where}"""


def _of(table: str, keep: str = "f.deleted_at IS NULL AND m.counted") -> str:
    """The facts of a table that hang on one of the customer's records."""
    return f"""(SELECT f.*, m.department AS of_member
                FROM member m JOIN canonical.{table} f ON f.party_ref = m.ref WHERE {keep}) f"""


_DUE = """CASE WHEN f.status <> 'open' THEN 'due' WHEN f.due_at < :now THEN 'overdue' ELSE 'falls_due' END"""
_CLOSED = "coalesce(f.closed_at, CAST(f.close_date AS timestamp) AT TIME ZONE 'UTC')"
_MONEY = {"amount": "f.amount", "currency": "f.currency"}
_STAGES = """(SELECT c.*, w.of_member, w.name FROM worked w
              JOIN canonical.opportunity_change c ON c.opportunity_ref = w.ref WHERE c.deleted_at IS NULL) f"""
_HELD = "(f.deleted_at IS NULL AND m.counted) OR f.status = 'withdrawn'"

PARTS: dict[str, tuple[str, ...]] = {
    "opportunity": (
        _told("worked f", "f.source_created_at", "'created'", title="f.name", **_MONEY),
        _told(_STAGES, "f.changed_at", "'stage'", "f.field = 'stage'",
              title="f.name", before="f.old_value", after="f.new_value"),
        _told("worked f", _CLOSED, "f.status", "f.status IN ('won', 'lost')", title="f.name", **_MONEY),
    ),
    "ticket": (
        _told("asked f", "f.source_created_at", "'opened'", title="f.subject",
              note="CASE WHEN f.is_complaint THEN 'complaint' END"),
        _told("asked f", "f.solved_at", "'solved'", "f.status = 'solved'", title="f.subject",
              note="CASE WHEN f.is_complaint THEN 'complaint' END"),
    ),
    "rating": (_told("rated f", "f.rated_at", "f.score", "f.score IN ('good', 'bad')", title="f.comment"),),
    "invoice": (
        _told(_of("invoice"), "f.issued_at", "'issued'", title="f.number", amount="f.total", currency="f.currency"),
        _told(_of("invoice"), "f.due_at", _DUE, "f.status <> 'void'", title="f.number",
              amount="CASE WHEN f.status = 'open' THEN f.remaining ELSE f.total END", currency="f.currency"),
        _told(_of("invoice"), "f.paid_at", "'paid'", title="f.number", amount="f.paid", currency="f.currency"),
    ),
    "payment": (_told(_of("payment"), "f.paid_at", "f.status", title="f.invoice_ref", **_MONEY),),
    "subscription": (
        _told(_of("subscription"), "f.started_at", "'started'", title="f.product", **_MONEY),
        _told(_of("subscription"), "f.ended_at", "'ended'", title="f.product", **_MONEY),
    ),
    "touch": (_told(_of("touch"), "f.touched_at", "f.outcome", title="f.campaign", note="f.channel"),),
    "consent": (_told(_of("consent", _HELD), "f.recorded_at", "f.status", title="f.purpose", note="f.channel"),),
    GOLDEN: (
        f"""SELECT at, CASE WHEN earlier IS NULL THEN 'published' ELSE 'changed' END AS what,
                   CAST(version AS text) AS ref, NULL AS source, NULL AS of_member, NULL AS title, NULL AS before,
                   NULL AS after, NULL AS note, CAST(NULL AS numeric) AS amount, NULL AS currency, version
            FROM (SELECT version, valid_from AS at, said, lag(said) OVER (ORDER BY version) AS earlier
                  FROM (SELECT version, valid_from, ROW({", ".join(VALUES)}, members, consents) AS said
                        FROM golden.customer_row WHERE golden_id = :id) one) versions
            WHERE earlier IS NULL OR said IS DISTINCT FROM earlier""",
        """SELECT happened_at AS at,
                  CASE WHEN event = 'merged' THEN 'merged' WHEN golden_id = :id THEN 'gave' ELSE 'came' END AS what,
                  CAST(lineage_id AS text) AS ref, NULL AS source, NULL AS of_member,
                  CAST(CASE WHEN golden_id = :id THEN other_golden_id ELSE golden_id END AS text) AS title,
                  NULL AS before, NULL AS after, reason AS note, CAST(NULL AS numeric) AS amount, NULL AS currency,
                  CAST(NULL AS int) AS version
           FROM golden.merge_log WHERE golden_id = :id AND event = 'split' OR other_golden_id = :id""",
    ),
}  # fmt: skip
KINDS = tuple(PARTS)

# A ticket belongs to who asked and to the organization it was asked for, an opportunity to its organization and its
# contact; where both are one customer it is told once.
_QUERY = """
WITH RECURSIVE
member AS MATERIALIZED (
    SELECT ref, department, deleted_at IS NULL OR merged_into_ref IS NOT NULL AS counted
    FROM canonical.party WHERE ref = ANY(:refs)
),
working (source, department) AS (
    (SELECT source, department FROM canonical.party ORDER BY source LIMIT 1)
    UNION ALL
    SELECT next.source, next.department FROM working w CROSS JOIN LATERAL (
        SELECT p.source, p.department FROM canonical.party p WHERE p.source > w.source ORDER BY p.source LIMIT 1
    ) next
),
worked AS MATERIALIZED (
    SELECT o.*, m.department AS of_member FROM member m JOIN canonical.opportunity o ON o.party_ref = m.ref
    WHERE m.counted AND o.deleted_at IS NULL
    UNION ALL
    SELECT o.*, m.department FROM member m JOIN canonical.opportunity o ON o.contact_ref = m.ref
    WHERE m.counted AND o.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM member other WHERE other.ref = o.party_ref AND other.counted)
),
asked AS MATERIALIZED (
    SELECT t.*, m.department AS of_member FROM member m JOIN canonical.ticket t ON t.party_ref = m.ref
    WHERE m.counted AND t.deleted_at IS NULL
    UNION ALL
    SELECT t.*, m.department FROM member m JOIN canonical.ticket t ON t.organization_ref = m.ref
    WHERE m.counted AND t.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM member other WHERE other.ref = t.party_ref AND other.counted)
),
rated AS MATERIALIZED (
    SELECT r.*, m.department AS of_member FROM member m JOIN canonical.rating r ON r.party_ref = m.ref
    WHERE m.counted AND r.deleted_at IS NULL
    UNION ALL
    SELECT r.*, a.of_member FROM asked a JOIN canonical.rating r ON r.ticket_ref = a.ref
    WHERE r.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM member other WHERE other.ref = r.party_ref AND other.counted)
),
page AS (
    SELECT e.*, coalesce(w.department, e.of_member) AS department
    FROM ({parts}) e LEFT JOIN working w USING (source)
    WHERE {where} ORDER BY at DESC, e.kind DESC, e.ref DESC, e.what DESC LIMIT :limit
)
SELECT page.*, (
    SELECT array_agg(after.key ORDER BY after.key) FROM golden.change c CROSS JOIN LATERAL jsonb_each(c.after) after
    WHERE page.what = 'changed' AND c.golden_id = :id AND c.version = page.version
      AND after.key = ANY(:values) AND after.value IS DISTINCT FROM c.before -> after.key
) AS changed
FROM page ORDER BY at DESC, kind DESC, ref DESC, what DESC
"""


def happened(
    connection: Connection,
    customer: Customer,
    wanted: TimelineFilter,
    *,
    now: dt.datetime,
    cursor: str | None = None,
    limit: int = PAGE,
    without: Collection[str] = (),
) -> paging.Page[Row[Any]]:
    """One page of what happened, newest first; what falls due later stands at the top. Nothing of the departments
    `without`.

    A row: at, kind, what, ref, source, department (of the source; None for the golden record), title, before, after,
    note, amount, currency, version and, of a golden record, the names of what `changed`.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    filters = [str(customer.golden_id), *asdict(wanted).values()]
    clauses, parameters = ["true"], dict[str, Any]()
    if wanted.department:
        clauses.append("coalesce(w.department, e.of_member) = :department")
        parameters["department"] = wanted.department
    if without:
        clauses.append("coalesce(w.department, e.of_member, '') <> ALL(:without)")
        parameters["without"] = [str(one) for one in without]
    if cursor is not None:
        clauses.append("(at, e.kind, e.ref, e.what) < (:at, :at_kind, :at_ref, :at_what)")
        position = paging.decode(cursor, [dt.datetime.fromisoformat, str, str, str], filters)
        parameters |= dict(zip(("at", "at_kind", "at_ref", "at_what"), position, strict=True))
    rows = connection.execute(
        text(_QUERY.format(parts=_parts(wanted), where=" AND ".join(clauses))),
        parameters
        | {
            "id": customer.golden_id, "refs": list(customer.members), "now": now, "limit": limit + 1,
            "values": [*VALUES, "members", "consents"],
        },
    ).all()  # fmt: skip
    return paging.cut(rows, limit, lambda row: paging.encode([row.at, row.kind, row.ref, row.what], filters))


def _parts(wanted: TimelineFilter) -> str:
    kinds = [wanted.kind] if wanted.kind else [kind for kind in KINDS if not (wanted.department and kind == GOLDEN)]
    return " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, part.* FROM ({part}) part" for kind in kinds for part in PARTS[kind]
    )
