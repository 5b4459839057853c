"""Proposals: what one person wants merged and another must confirm, who sees the same preview."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub.access import Principal, Scope
from hub.decide import carrying, kept, proposals, rights
from hub.decide.picture import Picture, changes
from hub.decide.proposals import Proposal
from hub.errors import ConflictError
from hub.review import looks
from hub.review.page import OfSettings, Reading, SignedIn, Writing, from_our_form, read_first, render, requires
from hub.review.pages import deciding
from hub.review.pages.deciding import View
from hub.review.queries import customers

router = APIRouter(prefix="/review/proposals", dependencies=[Depends(requires(Scope.REVIEW))])
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]
Why = Annotated[str, Form(max_length=2_000)]


@router.get("")
def listed(request: Request, connection: Reading) -> Response:
    waiting, closed = (proposals.listed(connection, open_only=open_only) for open_only in (True, False))
    concerned = {golden_id for row in (*waiting, *closed) for golden_id in row.shown}
    return render(
        request, "proposals.html", waiting=waiting, closed=closed, called=customers.names_of(connection, concerned)
    )


@router.get("/{proposal_id}")
def proposal(request: Request, who: SignedIn, proposal_id: Number) -> Response:
    """What was proposed, as it is now; what became of it, once it is closed."""
    with read_first(request) as connection:
        found = proposals.waiting(connection, proposal_id)
        _answers_for(connection, who, found)
    seen, told, digest = [], list[str](), ""
    if found.row.status == "waiting":
        try:
            picture = deciding.preview(request, found.decision)
        except ConflictError as error:
            told = [str(error)]
        else:
            seen, digest = _views(request, who, picture), picture.digest
            told = [] if digest == found.digest else changes(found.shown, picture.shown()) or ["what is behind it"]
    mine = found.row.proposer == who.name
    return render(request, "proposal.html", row=found.row, views=seen, told=told, digest=digest, mine=mine)


@router.post("/{proposal_id}/confirm", dependencies=[Depends(from_our_form)])
def confirm(connection: Writing, settings: OfSettings, who: SignedIn, proposal_id: Number) -> Response:
    found = _of_another(connection, who, proposal_id)
    act_id = carrying.confirmed(connection, settings, who, found)
    proposals.close(connection, found, "confirmed", by=who.name, act_id=act_id)
    return RedirectResponse(f"/review/proposals/{proposal_id}", 303)


@router.post("/{proposal_id}/refuse", dependencies=[Depends(from_our_form)])
def refuse(connection: Writing, who: SignedIn, proposal_id: Number, reason: Why = "") -> Response:
    """Whoever may confirm may refuse; the proposer may take the proposal back so."""
    found = proposals.waiting(connection, proposal_id, lock=True)
    _answers_for(connection, who, found)
    proposals.close(connection, found, "refused", by=who.name, why=reason.strip())
    return RedirectResponse(f"/review/proposals/{proposal_id}", 303)


@router.post("/{proposal_id}/renew", dependencies=[Depends(from_our_form)])
def renew(
    connection: Writing, settings: OfSettings, who: SignedIn, proposal_id: Number, seen: Annotated[str, Form()]
) -> Response:
    """Propose the same again where the picture changed: who does so has seen the new one, and is its proposer."""
    found = proposals.waiting(connection, proposal_id, lock=True)
    proposals.close(connection, found, "renewed", by=who.name)
    again = replace(found.decision, author=who.name)
    return deciding.go_on(carrying.decide(connection, settings, who, again, digest=seen))


def _of_another(connection: Connection, who: Principal, proposal_id: int) -> Proposal:
    found = proposals.waiting(connection, proposal_id, lock=True)
    proposals.not_ones_own(found, who.name)
    return found


def _answers_for(connection: Connection, who: Principal, found: Proposal) -> None:
    undoes = found.decision.undoes
    refs = found.decision.refs if undoes is None else kept.changed_by(connection, undoes).refs
    rights.demand(who, rights.of_customers(connection, refs))


def _views(request: Request, who: Principal, picture: Picture) -> list[View]:
    with request.app.state.engine.begin() as connection:
        looks.seen(connection, who, [looks.customer_subject(one) for one in picture.departments()], request)
        return deciding.views(connection, picture, choices=False)
