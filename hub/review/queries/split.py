"""The records of a customer now, whether it is published or not."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

_OF = """
    FROM identity.membership m JOIN canonical.party p USING (party_id)
    WHERE m.golden_id = CAST(:id AS uuid) AND m.until IS NULL
"""


def records(connection: Connection, golden_id: str) -> Sequence[Row[Any]]:
    """Its source records, by department and source."""
    return connection.execute(
        text(
            f"""SELECT p.ref, p.source, p.department, p.name, p.email, p.phone, p.mobile, p.street, p.postcode, p.city,
                       p.birth_date, p.deleted_at, p.source_updated_at
                {_OF} ORDER BY p.department, p.source, p.ref"""
        ),
        {"id": golden_id},
    ).all()


def departments(connection: Connection, golden_id: str) -> Sequence[str]:
    """The departments that have a record of it."""
    return connection.execute(text(f"SELECT DISTINCT p.department {_OF}"), {"id": golden_id}).scalars().all()
