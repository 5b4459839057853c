"""Take a wrong merge apart: which part each record goes to, what each part gets, and do it."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from hub.access import Principal, Scope
from hub.decide import decision, rights
from hub.decide.carrying import StaleError
from hub.decide.decision import Decision
from hub.errors import NotFoundError, OneRecordError
from hub.golden.read import resolve_id
from hub.review import looks
from hub.review.page import Looking, SignedIn, from_our_form, read_first, render, requires
from hub.review.pages import deciding
from hub.review.pages.deciding import Brought, FromPreview
from hub.review.queries import split as queries

router = APIRouter(prefix="/customers/{golden_id}/split", dependencies=[Depends(requires(Scope.REVIEW))])

PART = "part:"
MOST_PARTS = 6


async def assigned(request: Request) -> dict[str, int]:
    """A dependency: the part that each record was put in, by ref.

    Raises:
        OneRecordError: a part is none that the page offers.
    """
    form = await request.form()
    found = {name.removeprefix(PART): str(value) for name, value in form.items() if name.startswith(PART)}
    if any(not value.isdecimal() or not 1 <= int(value) <= MOST_PARTS for value in found.values()):
        raise OneRecordError(f"parts are numbered 1 to {MOST_PARTS}")
    return {ref: int(value) for ref, value in found.items()}


Assigned = Annotated[dict[str, int], Depends(assigned)]


@router.get("")
def begin(request: Request, connection: Looking, who: SignedIn, golden_id: uuid.UUID) -> Response:
    own = _now(connection, who, golden_id)
    records = queries.records(connection, own)
    looks.seen(connection, who, [looks.customer_subject(own)], request)
    return render(
        request,
        "split.html",
        golden_id=golden_id,
        records=records,
        parts=range(1, min(len(records), MOST_PARTS) + 1),
    )


@router.post("/preview", dependencies=[Depends(from_our_form)])
def preview(*, request: Request, who: SignedIn, golden_id: uuid.UUID, parts: Assigned) -> Response:
    wanted = _wanted(request, who, golden_id, parts, deciding.NOTHING)
    return _shown(request, wanted, golden_id, parts)


@router.post("", dependencies=[Depends(from_our_form)])
def split(
    *,
    request: Request,
    who: SignedIn,
    golden_id: uuid.UUID,
    parts: Assigned,
    form: FromPreview,
) -> Response:
    wanted = _wanted(request, who, golden_id, parts, form)
    try:
        return deciding.go_on(deciding.carry_out(request, wanted, form))
    except StaleError as stale:
        return _shown(request, wanted, golden_id, parts, stale)


def _now(connection: Connection, who: Principal, golden_id: uuid.UUID) -> str:
    """The customer that the id leads to, if `who` answers for it."""
    found = resolve_id(connection, golden_id).golden_id
    if found is None:
        raise NotFoundError(f"customer {golden_id} was retired")
    rights.demand(who, {str(found): queries.departments(connection, str(found))})
    return str(found)


def _wanted(request: Request, who: Principal, golden_id: uuid.UUID, parts: dict[str, int], form: Brought) -> Decision:
    if len(set(parts.values())) < 2:
        raise OneRecordError("all records are in one part; put at least one of them in another")
    named = [[ref for ref, number in parts.items() if number == part] for part in sorted(set(parts.values()))]
    with read_first(request) as connection:
        own = _now(connection, who, golden_id)
        return decision.split(connection, own, named, author=who.name, reason=form.reason)


def _shown(
    request: Request, wanted: Decision, golden_id: uuid.UUID, parts: dict[str, int], stale: StaleError | None = None
) -> Response:
    return deciding.show(
        request,
        stale.picture if stale else deciding.preview(request, wanted),
        title="Split this customer",
        action=f"/customers/{golden_id}/split",
        verb="Split",
        back=(f"/customers/{golden_id}/split", "Choose the parts again"),
        fields=[(f"{PART}{ref}", str(number)) for ref, number in parts.items()],
        told=stale.told if stale else None,
        reason=wanted.reason,
    )
