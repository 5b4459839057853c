"""The golden record as it would be if some records were one customer. Nothing is kept."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from hub.golden import gather
from hub.golden.policy import ATTRIBUTES

VALUES = ("kind", "departments", "members", "consents", "provenance", "employer_id", "parent_id", *ATTRIBUTES)


def as_one(
    connection: Connection, golden_id: uuid.UUID | str, refs: Sequence[str], rules: gather.Rules
) -> dict[str, Any]:
    """What survives of the records `refs` under the id `golden_id`, which must have been given once.

    Needs a transaction that may make temporary tables, which are gone before it returns.

    Returns:
        kind, departments, members, consents and provenance as published, and the attributes that have a value.
    """
    connection.execute(text("DROP TABLE IF EXISTS member"))
    connection.execute(
        text(
            f"""CREATE TEMP TABLE member ON COMMIT DROP AS
                SELECT CAST(:golden_id AS uuid) AS golden_id, {gather.OF_PARTY}
                FROM canonical.party p WHERE p.ref = ANY(:refs)"""
        ),
        {"golden_id": str(golden_id), "refs": list(refs)},
    )
    (row,) = gather.picked(connection, VALUES, rules)
    connection.execute(text("DROP TABLE member"))
    return {name: value for name, value in zip(VALUES, row, strict=True) if value is not None}
