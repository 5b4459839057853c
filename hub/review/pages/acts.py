"""What people did to customers, and taking it back: from a toast or from history, hours or months later."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from hub.access import Scope
from hub.decide import decision, kept, proposals
from hub.decide.carrying import StaleError
from hub.review.page import Reading, SignedIn, from_our_form, render, requires
from hub.review.pages import deciding
from hub.review.pages.deciding import FromPreview
from hub.review.queries import customers

router = APIRouter(prefix="/review/acts", dependencies=[Depends(requires(Scope.REVIEW))])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Before = Annotated[int | None, Query(ge=1, le=2**63 - 1)]
PAGE = 25


@router.get("")
def history(
    *,
    request: Request,
    connection: Reading,
    who: SignedIn,
    by: Literal["me", "all"] = "all",
    before: Before = None,
    done: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
) -> Response:
    """Acts, newest first; `done` is the one that the visitor has just done."""
    rows = kept.acts(connection, who.name if by == "me" else None, before, PAGE + 1)
    return render(
        request,
        "acts.html",
        rows=rows[:PAGE],
        by=by,
        names=customers.names_of(connection, [one["golden_id"] for row in rows for one in row.did["customers"]]),
        done=next((row for row in rows if row.act_id == done and row.author == who.name), None),
        next_page=f"/review/acts?by={by}&before={rows[PAGE - 1].act_id}" if len(rows) > PAGE else None,
        waiting=proposals.count_waiting(connection),
    )


@router.get("/{act_id}/undo")
def preview(request: Request, who: SignedIn, act_id: Number) -> Response:
    return _shown(request, decision.undo(act_id, author=who.name, reason=""))


@router.post("/{act_id}/undo", dependencies=[Depends(from_our_form)])
def undo(request: Request, who: SignedIn, act_id: Number, form: FromPreview) -> Response:
    wanted = decision.undo(act_id, author=who.name, reason=form.reason or "taken back")
    try:
        return deciding.go_on(deciding.carry_out(request, wanted, form))
    except StaleError as stale:
        return _shown(request, wanted, stale)


def _shown(request: Request, wanted: decision.Decision, stale: StaleError | None = None) -> Response:
    return deciding.show(
        request,
        stale.picture if stale else deciding.preview(request, wanted),
        title=f"Take act {wanted.undoes} back",
        action=f"/review/acts/{wanted.undoes}/undo",
        verb="Take it back",
        back=("/review/acts", "Merges and splits"),
        told=stale.told if stale else None,
        reason=wanted.reason,
        optional=True,
    )
