"""Rows in quarantine."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging

PAGE = 50


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
