"""The queue of pairs that wait for a person, and the decisions that people made."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from hub.access import Scope
from hub.decide import kept
from hub.errors import NotFoundError
from hub.identity import conflicts, ledger
from hub.model.kinds import PartyKind
from hub.review.page import Reading, SignedIn, Writing, from_our_form, render, requires
from hub.review.queries import overview, pairs
from hub.review.queries.pairs import QueueFilter

router = APIRouter(prefix="/review", dependencies=[Depends(requires(Scope.REVIEW))])
Cursor = Annotated[str | None, Query(max_length=1_000)]
# A page of work; what is solved makes room for the next.
MOST_CONFLICTS = 50


def queue_filter(
    kind: PartyKind | Literal[""] = "",
    source: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    sort: Literal["likely", "unlikely", "teaching", "oldest"] = "likely",
) -> QueueFilter:
    """The filter that the query of an address describes."""
    return QueueFilter(str(kind), source, q.replace("\x00", "").strip(), sort)


Wanted = Annotated[QueueFilter, Depends(queue_filter)]


def address(path: str, wanted: QueueFilter, **more: object) -> str:
    """`path` with the filter, and whatever else, as query."""
    chosen = {**wanted.chosen(), **{name: value for name, value in more.items() if value}}
    return f"{path}?{urlencode(chosen)}" if chosen else path


@router.get("")
def queue(request: Request, connection: Reading, wanted: Wanted, cursor: Cursor = None, done: int = 0) -> Response:
    page = pairs.waiting(connection, wanted, cursor)
    waiting = pairs.count_waiting(connection, QueueFilter())
    return render(
        request,
        "queue.html",
        wanted=wanted,
        page=page,
        waiting=waiting,
        matching=pairs.count_waiting(connection, wanted) if wanted.narrows() else waiting,
        conflicts=len(conflicts.conflicts(connection)),
        decided=pairs.decided_since(connection, 7),
        sources=pairs.sources(connection),
        run=overview.last_run(connection),
        done=done_by(request, connection, done),
        next_page=address("/review", wanted, cursor=page.next) if page.next else None,
        paged=cursor is not None,
        link=lambda row: address(f"/review/{row.party_a}/{row.party_b}", wanted),
    )


@router.get("/history")
def history(
    *,
    request: Request,
    connection: Reading,
    who: SignedIn,
    by: Literal["me", "all"] = "me",
    cursor: Cursor = None,
    done: int = 0,
) -> Response:
    page = pairs.decisions(connection, who.name if by == "me" else None, cursor)
    return render(
        request,
        "history.html",
        page=page,
        by=by,
        undone=pairs.judgement(connection, done) if done else None,
        next_page=f"/review/history?{urlencode({'by': by, 'cursor': page.next})}" if page.next else None,
    )


@router.get("/conflicts")
def contradicting(request: Request, connection: Reading) -> Response:
    """Judgements that cannot all hold; whoever takes one of them back solves the conflict."""
    found = conflicts.conflicts(connection)
    shown = conflicts.told(connection, found[:MOST_CONFLICTS])
    return render(request, "conflicts.html", conflicts=shown, many=len(found))


@router.post("/history/{judgement_id}/undo", dependencies=[Depends(from_our_form)])
def undo(
    connection: Writing, who: SignedIn, judgement_id: int, reason: Annotated[str, Form(max_length=2_000)] = ""
) -> Response:
    """Take back one's own judgement; an admin may take back anybody's."""
    judgement = pairs.judgement(connection, judgement_id)
    if judgement is None:
        raise NotFoundError(f"no person made a judgement {judgement_id}")
    if judgement.author != who.name and not who.may(Scope.ADMIN):
        raise HTTPException(403, f"judgement {judgement_id} is {judgement.author}'s; only they or an admin undo it")
    act_id = kept.of_judgement(connection, judgement_id)
    if act_id is not None and judgement.ended_at is None:
        # Values were chosen with it: they are taken back together, seeing first what that does.
        return RedirectResponse(f"/review/acts/{act_id}/undo", 303)
    ledger.undo(connection, judgement_id, author=who.name, reason=reason.strip() or "taken back in the review queue")
    return RedirectResponse(f"/review/history?done={judgement_id}", 303)


def done_by(request: Request, connection: Reading, judgement_id: int) -> object:
    """The live judgement that the visitor has just made, so that the page can offer to undo it."""
    judgement = pairs.judgement(connection, judgement_id) if judgement_id else None
    mine = judgement is not None and judgement.author == request.state.principal.name
    return judgement if judgement is not None and mine and judgement.ended_at is None else None
