"""The golden record as it was: the versions of a customer, and the one that was published at a moment."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

MOST = 200
"""How many versions are listed, the newest first. What is older is found by its date."""

# The names are those of golden.customer that say something of the customer; the others are the bookkeeping of versions.
_BOOKKEEPING = ("version", "publication", "updated_at", "golden_id", "provenance")


def listed(connection: Connection, golden_id: uuid.UUID, limit: int = MOST) -> Sequence[Row[Any]]:
    """The newest versions under this very id: golden_id, version, publication, valid_from, valid_to, first, changed."""
    return connection.execute(
        text(
            """WITH newest AS (
                   SELECT golden_id, version, publication, valid_from, valid_to
                   FROM golden.customer_row
                   WHERE golden_id = :id ORDER BY version DESC LIMIT :limit
               )
               SELECT n.*, c.before IS NULL AS first, (
                   SELECT coalesce(array_agg(after.key ORDER BY after.key), '{}') FROM jsonb_each(c.after) after
                   WHERE c.before IS NOT NULL AND after.key <> ALL(:bookkeeping)
                     AND after.value IS DISTINCT FROM c.before -> after.key
               ) AS changed
               FROM newest n LEFT JOIN golden.change c ON c.golden_id = :id AND c.version = n.version
               ORDER BY n.version DESC"""
        ),
        {"id": golden_id, "limit": limit, "bookkeeping": list(_BOOKKEEPING)},
    ).all()


def numbered(connection: Connection, golden_id: uuid.UUID, version: int) -> dict[str, Any] | None:
    """The version of that number; None where there is none."""
    return _one(connection, "version = :version", {"id": golden_id, "version": version})


def at(connection: Connection, golden_id: uuid.UUID, moment: dt.datetime) -> dict[str, Any] | None:
    """The version that was published under this very id at the moment; None where nothing was."""
    return _one(
        connection,
        "valid_from <= :moment AND (valid_to IS NULL OR valid_to > :moment)",
        {"id": golden_id, "moment": moment},
    )


def _one(connection: Connection, where: str, parameters: dict[str, Any]) -> dict[str, Any] | None:
    query = f"SELECT * FROM golden.customer_history WHERE golden_id = :id AND {where} ORDER BY version DESC LIMIT 1"
    row = connection.execute(text(query), parameters).mappings().one_or_none()
    return None if row is None else dict(row)
