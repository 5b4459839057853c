"""What the golden record of a customer would be after an act, tried and rolled back."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, text

from hub.golden import gather
from hub.golden.compose import PICKED


def after(
    connection: Connection, golden_id: uuid.UUID, rules: gather.Rules, act: Callable[[Connection], object]
) -> dict[str, Any]:
    """The values and the provenance of the customer as it would be composed once `act` is done; nothing stays of it.

    Facets are left out: no act of a person on values changes them. It is empty where nothing belongs to the id now.
    """
    with connection.begin_nested() as tried:
        act(connection)
        connection.execute(
            text("CREATE TEMP TABLE composing ON COMMIT DROP AS SELECT CAST(:id AS uuid) AS golden_id"),
            {"id": golden_id},
        )
        gather.members(connection)
        rows = list(gather.picked(connection, PICKED, rules))
        tried.rollback()
    return dict(zip(PICKED, rows[0], strict=True)) if rows else {}
