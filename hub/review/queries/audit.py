"""The audit log, newest first."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging

PAGE = 100


@dataclass(frozen=True)
class AuditFilter:
    """What of the log is shown; empty text and 0 days select everything."""

    actor: str = ""
    act: str = ""
    subject: str = ""
    days: int = 0

    def chosen(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value}


_CONDITIONS = {
    "actor": "actor = :actor",
    "act": "act = :act",
    "subject": "subject = :subject",
    "days": "happened_at > now() - make_interval(days => :days)",
}


def entries(connection: Connection, wanted: AuditFilter, cursor: str | None) -> paging.Page[Row[Any]]:
    """One page of the log.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    filters = list(asdict(wanted).values())
    values: dict[str, Any] = {name: value for name, value in asdict(wanted).items() if value}
    clauses = [_CONDITIONS[name] for name in values]
    if cursor is not None:
        clauses.append("audit_id < :before")
        values["before"] = paging.decode(cursor, [int], filters)[0]
    where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
    rows = connection.execute(
        text(f"SELECT * FROM ops.audit {where} ORDER BY audit_id DESC LIMIT :limit"), values | {"limit": PAGE + 1}
    ).all()
    return paging.cut(rows, PAGE, lambda row: paging.encode([row.audit_id], filters))


def actors(connection: Connection) -> Sequence[str]:
    """Everybody in the log; hops from one to the next in the index, whatever its length."""
    return (
        connection.execute(
            text(
                """WITH RECURSIVE hop AS (
                       (SELECT actor FROM ops.audit ORDER BY actor LIMIT 1)
                       UNION ALL
                       SELECT (SELECT a.actor FROM ops.audit a WHERE a.actor > hop.actor ORDER BY a.actor LIMIT 1)
                       FROM hop WHERE hop.actor IS NOT NULL)
                   SELECT actor FROM hop WHERE actor IS NOT NULL"""
            )
        )
        .scalars()
        .all()
    )
