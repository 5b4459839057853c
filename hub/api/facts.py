"""The API on what one department knows of a customer, fact by fact."""

import datetime as dt
import uuid
from typing import Any

from fastapi import APIRouter, HTTPException, Security
from sqlalchemy import Connection

from hub.access import Scope, facts_of
from hub.api import models, paging
from hub.api.problems import documented
from hub.api.routes import Cursor, GoldenId, KeyWith, Limit, Snapshot, WithheldFrom, position
from hub.golden import facts
from hub.golden.read import current, resolve_id
from hub.model.kinds import Department

router = APIRouter(
    prefix="/v1",
    tags=["golden record"],
    dependencies=[Security(KeyWith(Scope.READ))],
    responses=documented(401, 403, 422),
)


@router.get(
    "/customers/{golden_id}/facts/{department}",
    summary="What a department knows",
    responses=documented(400, 404, 410),
)
def get_facts(
    *,
    connection: Snapshot,
    kept_back: WithheldFrom,
    golden_id: GoldenId,
    department: Department,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> models.Facts:
    """The facts of one department, as its sources tell them now. A private department needs the scope `read:` and its
    name. A merged id answers for its survivor.
    """
    if department in kept_back:
        raise HTTPException(403, f"{department.value} is private: this needs a key with {facts_of(department).value}")
    before = position(cursor, [dt.datetime.fromisoformat, str], [golden_id, department])
    found = customer_now(connection, golden_id)
    rows = facts.facts(
        connection, department, found["members"], before=(before[0], before[1]) if before else None, limit=limit + 1
    )
    page = paging.cut(
        rows, limit, lambda row: paging.encode([row["at"].isoformat(), row["ref"]], [golden_id, department])
    )
    return models.Facts.model_validate(
        {
            "golden_id": found["golden_id"], "department": department, "facet": found[department.value],
            "items": page.items, "next_cursor": page.next,
        }
    )  # fmt: skip


def customer_now(connection: Connection, golden_id: uuid.UUID) -> dict[str, Any]:
    """What is published of this id or its survivor.

    Raises:
        NotFoundError, HTTPException: there is nothing, says why.
    """
    row = current(connection, golden_id)
    if row is not None:
        return row
    found = resolve_id(connection, golden_id)
    if found.golden_id is None:
        raise HTTPException(410, f"customer {golden_id} was retired: all its source records are gone")
    row = current(connection, found.golden_id)
    if row is None:
        raise HTTPException(404, f"customer {found.golden_id} is not published yet; it comes with the next publication")
    return row
