"""Short queries that are asked often: SQLAlchemy's results take as long as Postgres does to find a few rows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection


def rows(connection: Connection, query: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a query with psycopg's parameters, such as %(kind)s."""
    raw = connection.connection.dbapi_connection
    found: list[tuple[Any, ...]] = raw.execute(query, values).fetchall()  # type: ignore[union-attr]
    return found
