"""What people said of a customer, before all sources."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text


def live(connection: Connection, refs: Sequence[str]) -> dict[str, Row[Any]]:
    """The manual value of each group that was not ended, of several the last that was said.

    A row: manual_id, ref, attributes (name of the group), said, author, reason, made_at, until.
    """
    rows = connection.execute(
        text(
            """SELECT manual_id, ref, attributes, said, author, reason, made_at, until FROM golden.manual_value
               WHERE ref = ANY(:refs) AND ended_at IS NULL ORDER BY manual_id"""
        ),
        {"refs": list(refs)},
    )
    return {row.attributes: row for row in rows}


def newest(connection: Connection, refs: Sequence[str], group: str) -> Sequence[Row[Any]]:
    """The last 20 manual values of a group, ended ones too, newest first."""
    return connection.execute(
        text(
            """SELECT manual_id, ref, said, author, reason, made_at, until, ended_at, ended_by FROM golden.manual_value
               WHERE ref = ANY(:refs) AND attributes = :group ORDER BY manual_id DESC LIMIT 20"""
        ),
        {"refs": list(refs), "group": group},
    ).all()
