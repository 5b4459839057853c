"""The published customer that an address means, whoever of its former ids is asked for."""

import uuid
from typing import Any

from fastapi import HTTPException
from sqlalchemy import Connection

from hub.golden.read import current, resolve_id


def published(connection: Connection, golden_id: uuid.UUID) -> dict[str, Any]:
    """The row of golden.customer under this id, else of who goes on for it.

    Raises:
        NotFoundError, HTTPException: there is none, says why.
    """
    row = current(connection, golden_id)
    if row is not None:
        return row
    found = resolve_id(connection, golden_id)
    if found.golden_id is None:
        raise HTTPException(410, "this customer was retired: all its source records are gone")
    row = current(connection, found.golden_id)
    if row is None:
        raise HTTPException(404, f"customer {found.golden_id} is not published yet")
    return row
