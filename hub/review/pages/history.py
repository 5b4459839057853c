"""What people decided, and how it is taken back: with a preview, hours or months later."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Engine, Row

from hub.access import Principal, Scope
from hub.decide import judging, kept
from hub.errors import ConflictError, NotFoundError
from hub.identity import bulk, conflicts
from hub.review.page import Reading, SignedIn, from_our_form, render, requires, settings_of
from hub.review.pages.queue import Cursor, OfSeat
from hub.review.queries import decisions

router = APIRouter(prefix="/review", dependencies=[Depends(requires(Scope.REVIEW))])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Reason = Annotated[str, Form(max_length=2_000)]
Digest = Annotated[str, Form(max_length=64)]
# A page of work; what is solved makes room for the next.
MOST_CONFLICTS = 50


@router.get("/history")
def history(
    *,
    request: Request,
    connection: Reading,
    of: OfSeat,
    by: Literal["me", "all"] = "me",
    cursor: Cursor = None,
    undone: Annotated[str, "a judgement's number, or `bulk` and that of an act"] = "",
) -> Response:
    page = decisions.history(connection, of, of.who.name if by == "me" else None, cursor)
    return render(
        request,
        "history.html",
        page=page,
        by=by,
        undone=undone if undone.isdecimal() or undone == "bulk" else "",
        next_page=f"/review/history?{urlencode({'by': by, 'cursor': page.next})}" if page.next else None,
    )


@router.get("/conflicts")
def contradicting(request: Request, connection: Reading) -> Response:
    """Judgements that cannot all hold; whoever takes one of them back solves the conflict."""
    found = conflicts.conflicts(connection)
    shown = conflicts.told(connection, found[:MOST_CONFLICTS])
    return render(request, "conflicts.html", conflicts=shown, many=len(found))


@router.get("/history/{judgement_id}/undo")
def preview(request: Request, who: SignedIn, judgement_id: Number) -> Response:
    """What taking a judgement back would move."""
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        act, row = _single(connection, who, judgement_id, "", judging.for_two(settings_of(request)))
        act_id = kept.of_judgement(connection, judgement_id)
    if act_id is not None and row.ended_at is None:
        # Values were chosen with it: they are taken back together, seeing first what that does.
        return RedirectResponse(f"/review/acts/{act_id}/undo", 303)
    picture = bulk.preview(engine, act)
    return render(request, "undo.html", picture=picture, row=row, names=_names(engine, picture), many=1)


@router.post("/history/{judgement_id}/undo", dependencies=[Depends(from_our_form)])
def undo(request: Request, who: SignedIn, judgement_id: Number, seen: Digest, reason: Reason = "") -> Response:
    """Take back one's own judgement; an admin may take back anybody's. `seen` is the digest of the preview."""
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        act, _ = _single(connection, who, judgement_id, reason, judging.for_two(settings_of(request)))
        act_id = kept.of_judgement(connection, judgement_id)
    if act_id is not None:
        raise ConflictError("values were chosen with this judgement: take both back in the list of acts")
    bulk.perform(engine, act, seen=seen)
    return RedirectResponse(f"/review/history?undone={judgement_id}", 303)


@router.get("/history/bulk/{bulk_id}/undo")
def preview_bulk(request: Request, who: SignedIn, bulk_id: Number) -> Response:
    """What taking a whole act back would move."""
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        act, row = _bulk(connection, who, bulk_id, "", judging.for_two(settings_of(request)))
    picture = bulk.preview(engine, act)
    return render(request, "undo.html", picture=picture, row=row, names=_names(engine, picture), many=row.pairs)


@router.post("/history/bulk/{bulk_id}/undo", dependencies=[Depends(from_our_form)])
def undo_bulk(request: Request, who: SignedIn, bulk_id: Number, seen: Digest, reason: Reason = "") -> Response:
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        act, _ = _bulk(connection, who, bulk_id, reason, judging.for_two(settings_of(request)))
    bulk.perform(engine, act, seen=seen)
    return RedirectResponse("/review/history?undone=bulk", 303)


def _single(
    connection: Connection, who: Principal, judgement_id: int, reason: str, hold: bulk.Hold
) -> tuple[bulk.TakingBack, Row[Any]]:
    row = decisions.judgement(connection, judgement_id)
    if row is None:
        raise NotFoundError(f"no person made a judgement {judgement_id}")
    _may_undo(who, row.author, f"judgement {judgement_id}")
    return bulk.TakingBack((judgement_id,), str(judgement_id), who.name, _why(reason), hold), row


def _bulk(
    connection: Connection, who: Principal, bulk_id: int, reason: str, hold: bulk.Hold
) -> tuple[bulk.TakingBack, Row[Any]]:
    row = decisions.bulk(connection, bulk_id)
    if row is None:
        raise NotFoundError(f"there is no bulk act {bulk_id}")
    _may_undo(who, row.author, f"bulk act {bulk_id}")
    held = decisions.of_bulk(connection, bulk_id)
    return bulk.TakingBack(held, f"bulk {bulk_id}", who.name, _why(reason), hold), row


def _may_undo(who: Principal, author: str, what: str) -> None:
    if author != who.name and not who.may(Scope.ADMIN):
        raise HTTPException(403, f"{what} is {author}'s; only they or an admin undo it")


def _why(reason: str) -> str:
    return reason.strip() or "taken back in the review queue"


def _names(engine: Engine, picture: bulk.Picture) -> dict[str, str]:
    with engine.connect() as connection:
        return decisions.names(connection, picture)
