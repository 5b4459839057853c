"""The audit log: every human act, in the transaction that carries it out."""

from typing import Any

from sqlalchemy import Connection, insert

from hub.db.tables.ops import Audit


def record(
    connection: Connection,
    actor: str,
    act: str,
    subject: str,
    *,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write who did what to which record and why. `subject` and `details` hold ids and refs, never personal data."""
    connection.execute(
        insert(Audit).values(actor=actor, act=act, subject=subject, reason=reason, details=details or {})
    )
