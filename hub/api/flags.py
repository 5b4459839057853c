"""The API on flags: those whose window is over. A key is never an owner, so it sees no private flag."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Request, Security
from pydantic import BaseModel, Field

from hub import clock
from hub.access import Scope
from hub.api.problems import documented
from hub.api.queries import Withheld
from hub.api.routes import Cursor, KeyWith, Limit, Snapshot, WithheldFrom
from hub.coach import flags
from hub.coach.advice import advice, evidence

router = APIRouter(
    prefix="/v1/flags",
    tags=["flags"],
    dependencies=[Security(KeyWith(Scope.READ_SALES))],
    responses=documented(401, 403, 422),
)
FlagId = Annotated[int, Path(ge=1, le=2**63 - 1, examples=[1])]


class Flag(BaseModel):
    """Something that somebody was asked to look at; the owner of a deal had it for themselves for some days.

    Its subject is one of `opportunity_ref`, `golden_id` and `department`.
    """

    flag_id: int
    opportunity_ref: str | None
    golden_id: uuid.UUID | None
    department: str | None
    rule: str
    severity: Literal["warning", "critical"]
    evidence: dict[str, Any] = Field(description="empty where it is what a private department knows")
    suggestion: str
    raised_at: dt.datetime
    shared_from: dt.date = Field(description="the UTC day from which others than the owner see it")
    owner_name: str | None
    state: Literal["waiting", "fixed", "snoozed", "wrong"] = Field(description="what was answered")


class FlagPage(BaseModel):
    """Flags, critical ones first. Follow `next_cursor` until it is null."""

    items: list[Flag]
    next_cursor: str | None = Field(description="opaque; null on the last page")


@router.get("", summary="Flags on deals, customers and departments", responses=documented(400))
def list_flags(
    *, request: Request, connection: Snapshot, kept_back: WithheldFrom, limit: Limit = 100, cursor: Cursor = None
) -> FlagPage:
    """Open flags whose window is over. Flags of muted rules and dismissed ones are left out."""
    page = flags.shared(connection, _today(request), cursor=cursor, limit=limit)
    return FlagPage(items=[_told(row, kept_back) for row in page.items], next_cursor=page.next)


@router.get("/{flag_id}", summary="One flag", responses=documented(404))
def get_flag(request: Request, connection: Snapshot, kept_back: WithheldFrom, flag_id: FlagId) -> Flag:
    """An open flag. 403 while it is its owner's alone, and for numbers that are no open flag."""
    row = flags.one(connection, flag_id, None, _today(request))
    if row is None or not row.shared:
        raise HTTPException(403, flags.REFUSED)
    if row.muted:
        raise HTTPException(404, "the rule of this flag is muted, so its flags are not shown")
    return _told(row, kept_back)


def _today(request: Request) -> dt.date:
    return clock.as_of(request.app.state.settings).date()


def _told(row: Any, kept_back: Withheld) -> Flag:
    told = {name: getattr(row, name) for name in Flag.model_fields if name not in {"suggestion", "evidence"}}
    return Flag(**told, suggestion=advice(row.rule).do, evidence=evidence(row, kept_back))
