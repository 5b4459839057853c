"""Filters of the queue that people gave a name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.errors import ConflictError

MOST = 20  # per person; more would not be found again in a row of links


def saved(connection: Connection, owner: str) -> Sequence[Row[Any]]:
    """A person's filters by name: name, query."""
    return connection.execute(
        text("SELECT name, query FROM ops.saved_filter WHERE owner = :owner ORDER BY name"), {"owner": owner}
    ).all()


def save(connection: Connection, owner: str, name: str, query: str) -> None:
    """Keep a filter; another one of the same name is replaced.

    Raises:
        ConflictError: the person has as many as anybody may have.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"filters {owner}"})
    others = [row for row in saved(connection, owner) if row.name != name]
    if len(others) >= MOST:
        raise ConflictError(f"you have {MOST} saved filters already; delete one first")
    connection.execute(
        text(
            """INSERT INTO ops.saved_filter (owner, name, query) VALUES (:owner, :name, :query)
               ON CONFLICT (owner, name) DO UPDATE SET query = excluded.query, saved_at = now()"""
        ),
        {"owner": owner, "name": name, "query": query},
    )


def delete(connection: Connection, owner: str, name: str) -> None:
    """Forget a filter; that it is gone already is no error."""
    connection.execute(
        text("DELETE FROM ops.saved_filter WHERE owner = :owner AND name = :name"), {"owner": owner, "name": name}
    )
