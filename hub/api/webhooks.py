"""The API on webhooks: how deliveries go, for a key with the scope admin. Changing them is for the command line."""

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Security
from pydantic import BaseModel, ConfigDict, Field

from hub.access import Scope
from hub.api import paging
from hub.api.problems import documented
from hub.api.routes import Cursor, KeyWith, Limit, Snapshot, position
from hub.webhooks import state

WEBHOOK: dict[str, Any] = {
    "name": "crm", "url": "https://crm.example/hooks/onerecord", "feed": "changes", "operations": [],
    "department": "sales",
    "state": "retrying", "disabled_why": None, "position": 4710, "behind": 12, "failures": 2, "problem": "status 500",
    "next_attempt_at": "2026-11-22T06:05:07Z", "delivered_at": "2026-11-22T06:00:01Z", "disabled_at": None,
    "created_at": "2026-11-01T08:00:00Z",
}  # fmt: skip


class Webhook(BaseModel):
    """A webhook and where it stands; never what it signs with."""

    model_config = ConfigDict(json_schema_extra={"examples": [WEBHOOK]})

    name: str
    url: str = Field(description="without its query, which may hold a token")
    feed: Literal["changes", "publications"] = Field(description="what it follows")
    operations: list[str] = Field(description="the operations of its feed that it is about; empty for all")
    department: str | None = Field(description="only customers that this department knows; null for all")
    state: Literal["live", "retrying", "disabled"]
    disabled_why: str | None
    position: int = Field(description="sequence of the last change that was delivered, or that filters leave out")
    behind: int = Field(description="changes of the feed behind that position")
    problem: str | None = Field(description="how the last attempt failed; null where it was delivered")
    failures: int = Field(description="attempts at the next change that failed so far")
    next_attempt_at: dt.datetime | None
    delivered_at: dt.datetime | None
    disabled_at: dt.datetime | None
    created_at: dt.datetime


class Webhooks(BaseModel):
    """All webhooks, by name."""

    items: list[Webhook]
    worker_is_running: bool = Field(description="whether any process delivers")


class Delivery(BaseModel):
    """One attempt to deliver one change."""

    sequence: int | None = Field(description="the change's sequence; null for a ping")
    attempt: int = Field(description="counts up from 1 until the change is delivered")
    attempted_at: dt.datetime
    milliseconds: int
    status: int | None = Field(description="what the receiver answered; null where it did not")
    problem: str | None = Field(description="null where it was delivered")


class Deliveries(BaseModel):
    """Attempts, newest first: the last thousand, and those that failed within 30 days."""

    items: list[Delivery]
    next_cursor: str | None


router = APIRouter(
    prefix="/v1", tags=["webhooks"], dependencies=[Security(KeyWith(Scope.ADMIN))], responses=documented(401, 403, 422)
)
Name = Annotated[str, Path(max_length=40, examples=["crm"])]


@router.get("/webhooks", summary="List webhooks")
def list_webhooks(connection: Snapshot) -> Webhooks:
    """Where each stands in the change feed, and whether its receiver takes what it is told."""
    found = {"items": state.listed(connection), "worker_is_running": state.worker_is_running(connection)}
    return Webhooks.model_validate(found)


@router.get("/webhooks/{name}/deliveries", summary="Attempts to deliver", responses=documented(400, 404))
def list_deliveries(
    connection: Snapshot, name: Name, failed: bool = False, limit: Limit = 100, cursor: Cursor = None
) -> Deliveries:
    """Newest first; with `failed` only those that failed."""
    filters = [name, failed]
    before = position(cursor, [int], filters)
    hook = state.named(connection, name)
    rows = state.deliveries(
        connection, hook.webhook_id, before=before[0] if before else None, failed=failed, limit=limit + 1
    )
    page = paging.cut(rows, limit, lambda row: paging.encode([row["attempt_id"]], filters))
    return Deliveries.model_validate({"items": page.items, "next_cursor": page.next})
