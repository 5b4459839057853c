"""Open flags on opportunities, and rows in quarantine."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging

PAGE = 50
SUBJECT = "coalesce(f.opportunity_ref, CAST(f.golden_id AS text), f.department)"


def flags(connection: Connection, rule: str, severity: str, cursor: str | None) -> paging.Page[Row[Any]]:
    """One page of open flags, critical ones first.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    chosen = {name: value for name, value in (("rule", rule), ("severity", severity)) if value}
    clauses = "".join(f" AND f.{name} = :{name}" for name in chosen)
    parameters: dict[str, Any] = {**chosen, "limit": PAGE + 1}
    if cursor is not None:
        position = paging.decode(cursor, [str, str, str], [rule, severity])
        clauses += f" AND (f.severity, {SUBJECT}, f.rule) > (:at, :at_ref, :at_rule)"
        parameters |= dict(zip(("at", "at_ref", "at_rule"), position, strict=True))
    rows = connection.execute(
        text(
            f"""SELECT f.rule, f.severity, f.evidence, f.first_seen, f.opportunity_ref, f.department,
                    {SUBJECT} AS subject,
                    coalesce(o.name, c.name) AS name, o.stage, o.amount, o.currency, o.close_date, o.owner_name,
                    coalesce(p.golden_id, c.golden_id) AS golden_id
                FROM quality.flag f
                LEFT JOIN canonical.opportunity o ON o.ref = f.opportunity_ref
                LEFT JOIN golden.opportunity p ON p.ref = f.opportunity_ref
                LEFT JOIN golden.customer c ON c.golden_id = f.golden_id
                WHERE f.resolved_at IS NULL {clauses}
                ORDER BY f.severity, {SUBJECT}, f.rule LIMIT :limit"""
        ),
        parameters,
    ).all()
    return paging.cut(rows, PAGE, lambda row: paging.encode([row.severity, row.subject, row.rule], [rule, severity]))


def quarantine(connection: Connection, source: str, cursor: str | None) -> paging.Page[Row[Any]]:
    """One page of rows that do not fit, newest first; without what is in them.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    parameters: dict[str, Any] = {"limit": PAGE + 1}
    clauses = ""
    if source:
        clauses += " AND source = :source"
        parameters["source"] = source
    if cursor is not None:
        clauses += " AND quarantine_id < :before"
        parameters["before"] = paging.decode(cursor, [int], [source])[0]
    rows = connection.execute(
        text(
            f"""SELECT quarantine_id, source, stream, source_id, stage, reason, field, first_seen_at, last_seen_at
                FROM landing.quarantine WHERE resolved_at IS NULL {clauses}
                ORDER BY quarantine_id DESC LIMIT :limit"""
        ),
        parameters,
    ).all()
    return paging.cut(rows, PAGE, lambda row: paging.encode([row.quarantine_id], [source]))


def quarantined_by_source(connection: Connection) -> Sequence[Row[Any]]:
    return connection.execute(
        text(
            """SELECT source, count(*) AS many FROM landing.quarantine WHERE resolved_at IS NULL
               GROUP BY source ORDER BY source"""
        )
    ).all()


def quarantined(connection: Connection, quarantine_id: int) -> Row[Any] | None:
    """One row with its payload."""
    return connection.execute(
        text("SELECT * FROM landing.quarantine WHERE quarantine_id = :id"), {"id": quarantine_id}
    ).one_or_none()
