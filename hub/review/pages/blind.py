"""Blind re-review: one pair after the other, without evidence and without what is held of it until it is answered."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response

from hub.access import Scope
from hub.errors import ConflictError
from hub.identity import blind
from hub.model.kinds import Verdict
from hub.review import looks
from hub.review.page import Looking, SignedIn, Writing, from_our_form, render, requires
from hub.review.pages.compare import lines
from hub.review.pages.dashboard import departments_of
from hub.review.queries import pairs

router = APIRouter(prefix="/dashboard/blind", dependencies=[Depends(requires(Scope.REVIEW))])
SampleId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("")
def next_pair(
    request: Request, connection: Looking, who: SignedIn, done: int = 0, drawn: int | None = None
) -> Response:
    """The next pair to answer, below what the last answer turned out to be."""
    waiting = blind.waiting(connection, who.name, departments_of(who))
    found = pairs.parties(connection, waiting.party_a, waiting.party_b) if waiting else {}
    both = (found[waiting.party_a], found[waiting.party_b]) if waiting else None
    if waiting:
        looks.seen(connection, who, [looks.pair_subject(waiting.party_a, waiting.party_b)], request)
    return render(
        request,
        "blind.html",
        waiting=waiting,
        both=both,
        lines=lines(*both) if both else [],
        last=_last(connection, done, who.name) if done else None,
        drawn=drawn,
    )


@router.post("/draw", dependencies=[Depends(from_our_form)])
def draw(connection: Writing, who: SignedIn) -> Response:
    """Draw pairs for the visitor."""
    drawn = blind.draw(connection, who.name, departments_of(who))
    return RedirectResponse(f"/dashboard/blind?drawn={drawn}", 303)


@router.post("/{sample_id}", dependencies=[Depends(from_our_form)])
def answer(connection: Writing, who: SignedIn, sample_id: SampleId, verdict: Annotated[Verdict, Form()]) -> Response:
    """Enter an answer and go on."""
    sample = blind.sample(connection, sample_id)
    found = pairs.parties(connection, sample.party_a, sample.party_b).values()
    if not any(who.answers_for(party.department) for party in found):
        raise ConflictError("this pair is not among those of your departments")
    blind.answer(connection, sample_id, verdict, author=who.name)
    return RedirectResponse(f"/dashboard/blind?done={sample_id}", 303)


def _last(connection: Looking, sample_id: int, author: str) -> object:
    """The visitor's own answer of a moment ago; of others' they are told nothing."""
    sample = blind.sample(connection, min(sample_id, 2**63 - 1))
    return sample if sample.answered_by == author else None
