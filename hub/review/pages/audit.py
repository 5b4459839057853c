"""The audit log, for admins: who did what, and who looked at whom."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from hub.access import Scope
from hub.review.page import Reading, render, requires
from hub.review.queries import audit
from hub.review.queries.audit import AuditFilter

router = APIRouter(prefix="/audit", dependencies=[Depends(requires(Scope.ADMIN))])
Words = Annotated[str, Query(max_length=200)]


def audit_filter(
    actor: Words = "", act: Words = "", subject: Words = "", days: Annotated[int, Query(ge=0, le=36_500)] = 0
) -> AuditFilter:
    """The filter that the query of an address describes."""
    return AuditFilter(actor, act.strip(), subject.strip(), days)


@router.get("")
def log(
    request: Request,
    connection: Reading,
    wanted: Annotated[AuditFilter, Depends(audit_filter)],
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    page = audit.entries(connection, wanted, cursor)
    return render(
        request,
        "audit.html",
        wanted=wanted,
        page=page,
        actors=audit.actors(connection),
        next_page=f"/audit?{urlencode({**wanted.chosen(), 'cursor': page.next})}" if page.next else None,
        paged=cursor is not None,
    )
