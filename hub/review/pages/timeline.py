"""What happened with a customer, over all departments."""

import uuid
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from hub import clock
from hub.access import Scope
from hub.model.kinds import Department
from hub.review import happenings, words
from hub.review.page import OfSettings, Reading, render, requires
from hub.review.pages.published import published
from hub.review.queries import timeline
from hub.review.queries.timeline import KINDS, Customer, TimelineFilter

router = APIRouter(prefix="/customers/{golden_id}/timeline", dependencies=[Depends(requires(Scope.READ))])
Kind = Annotated[str, Query(pattern=f"^({'|'.join(KINDS)})?$")]


@router.get("")
def whole(
    *,
    request: Request,
    connection: Reading,
    settings: OfSettings,
    golden_id: uuid.UUID,
    department: Department | Literal[""] = "",
    kind: Kind = "",
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    row = published(connection, golden_id)
    here = f"/customers/{row['golden_id']}/timeline"
    if row["golden_id"] != golden_id:
        return RedirectResponse(here, 303)
    wanted, now = TimelineFilter(str(department), kind), clock.as_of(settings)
    found = timeline.happened(connection, Customer(golden_id, row["members"]), wanted, now=now, cursor=cursor)
    return render(
        request,
        "timeline.html",
        customer=row,
        here=here,
        wanted=wanted,
        departments=[(item.value, words.label(item.value)) for item in Department],
        kinds=happenings.KINDS,
        entries=[happenings.entry(happening, now) for happening in found.items],
        paged=cursor is not None,
        next_page=f"{here}?{urlencode({**wanted.chosen(), 'cursor': found.next})}" if found.next else None,
    )
