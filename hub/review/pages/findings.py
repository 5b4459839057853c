"""The rows that did not fit."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from hub.access import Scope
from hub.audit import record
from hub.errors import NotFoundError
from hub.review import looks
from hub.review.page import OfSettings, Reading, SignedIn, Writing, render, requires
from hub.review.queries import findings

router = APIRouter(dependencies=[Depends(requires(Scope.READ))])
Cursor = Annotated[str | None, Query(max_length=1_000)]
Choice = Annotated[str, Query(max_length=80)]


@router.get("/quarantine")
def quarantine(request: Request, connection: Reading, source: Choice = "", cursor: Cursor = None) -> Response:
    page = findings.quarantine(connection, source, cursor)
    return render(
        request,
        "quarantine.html",
        page=page,
        source=source,
        sources=findings.quarantined_by_source(connection),
        next_page=f"/quarantine?{urlencode({'source': source, 'cursor': page.next})}" if page.next else None,
    )


@router.get("/quarantine/{quarantine_id}", dependencies=[Depends(requires(Scope.SHOW))])
def quarantined(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    settings: OfSettings,
    quarantine_id: Annotated[int, Path(ge=1, le=2**63 - 1)],
) -> Response:
    """The row itself, as the source gave it. It may hold anything, so looking at it is logged."""
    row = findings.quarantined(connection, quarantine_id)
    if row is None:
        raise NotFoundError(f"there is no quarantine entry {quarantine_id}")
    departments = {source.name: source.department for source in settings.sources}
    # A source that is no longer connected may have been any department's.
    for department in [departments[row.source]] if row.source in departments else settings.private_departments:
        looks.refuse_withheld(request, department)
    record(connection, who.name, "look at quarantined row", f"{row.source}:{row.stream}:{row.source_id}")
    return render(request, "quarantine_row.html", row=row)
