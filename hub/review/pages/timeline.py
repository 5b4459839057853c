"""What happened with a customer, over all departments."""

import uuid
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from hub import clock
from hub.access import Scope
from hub.api.facts import customer_now
from hub.model.kinds import Department
from hub.review import happenings, looks, words
from hub.review.page import Looking, OfSettings, SignedIn, render, requires
from hub.review.queries import timeline
from hub.review.queries.timeline import KINDS, Customer, TimelineFilter

router = APIRouter(prefix="/customers/{golden_id}/timeline", dependencies=[Depends(requires(Scope.READ))])
Kind = Annotated[str, Query(pattern=f"^({'|'.join(KINDS)})?$")]


@router.get("")
def whole(
    *,
    request: Request,
    connection: Looking,
    who: SignedIn,
    settings: OfSettings,
    golden_id: uuid.UUID,
    department: Department | Literal[""] = "",
    kind: Kind = "",
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    row = customer_now(connection, golden_id)
    here = f"/customers/{row['golden_id']}/timeline"
    if row["golden_id"] != golden_id:
        return RedirectResponse(here, 303)
    if department:
        looks.refuse_withheld(request, department)
    wanted, now, withheld = TimelineFilter(str(department), kind), clock.as_of(settings), looks.withheld(request)
    masked = not looks.opened(connection, who, row, request)
    found = timeline.happened(
        connection, Customer(golden_id, row["members"]), wanted, now=now, cursor=cursor, without=withheld
    )
    return render(
        request,
        "timeline.html",
        customer=row,
        here=here,
        wanted=wanted,
        departments=[(item.value, words.label(item.value)) for item in Department if item not in withheld],
        kinds=happenings.KINDS,
        entries=[happenings.entry(happening, now, masked=masked) for happening in found.items],
        paged=cursor is not None,
        next_page=f"{here}?{urlencode({**wanted.chosen(), 'cursor': found.next})}" if found.next else None,
    )
