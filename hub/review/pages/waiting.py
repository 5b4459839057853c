"""What people do with a pair that they do not decide now: put it off, ask another department, answer, take it over."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub.access import Scope
from hub.errors import OneRecordError
from hub.model.kinds import Department
from hub.review.page import OfSettings, Writing, from_our_form, requires
from hub.review.pages.compare import PartyId, both
from hub.review.pages.queue import OfSeat, Wanted, address, work
from hub.review.queries import claims, questions, queue
from hub.review.queries.filters import QueueFilter, Seat

router = APIRouter(
    prefix="/review/{party_a}/{party_b}", dependencies=[Depends(requires(Scope.REVIEW)), Depends(from_our_form)]
)
Words = Annotated[str, Form(max_length=2_000)]
LONGEST = 366  # days; what is put off for longer is forgotten


@router.post("/later")
def later(
    *,
    connection: Writing,
    of: OfSeat,
    wanted: Wanted,
    party_a: PartyId,
    party_b: PartyId,
    until: Annotated[dt.date, Form()],
) -> Response:
    """Put the pair off until a day, and go on to the next work."""
    _mine(connection, of, party_a, party_b)
    today = dt.datetime.now(dt.UTC).date()
    if not today < until <= today + dt.timedelta(days=LONGEST):
        raise OneRecordError(f"choose a day after today, at most {LONGEST} days ahead")
    behind = queue.position(connection, wanted, (party_a, party_b))
    questions.put_off(connection, party_a, party_b, until, of.who.name)
    return _onward(connection, of, wanted, behind, (party_a, party_b))


@router.post("/now")
def now(connection: Writing, of: OfSeat, wanted: Wanted, party_a: PartyId, party_b: PartyId) -> Response:
    """Have a pair that was put off back in the queue."""
    both(connection, of, party_a, party_b)
    questions.put_off(connection, party_a, party_b, None, of.who.name)
    return _here(wanted, party_a, party_b)


@router.post("/ask")
def ask(
    *,
    connection: Writing,
    of: OfSeat,
    wanted: Wanted,
    party_a: PartyId,
    party_b: PartyId,
    department: Annotated[Department, Form()],
    question: Words,
) -> Response:
    """Ask another department, for which the pair waits from now on, and go on to the next work."""
    _mine(connection, of, party_a, party_b)
    behind = queue.position(connection, wanted, (party_a, party_b))
    questions.ask(connection, party_a, party_b, department.value, _written(question), who=of.who.name)
    return _onward(connection, of, wanted, behind, (party_a, party_b))


@router.post("/answer")
def answer(
    *, connection: Writing, of: OfSeat, wanted: Wanted, party_a: PartyId, party_b: PartyId, answer: Words
) -> Response:
    """Answer the question, with which the pair goes back to who asked."""
    both(connection, of, party_a, party_b)
    behind = queue.position(connection, wanted, (party_a, party_b))
    questions.answer(connection, party_a, party_b, _written(answer), of.who.name)
    return _onward(connection, of, wanted, behind, (party_a, party_b))


@router.post("/withdraw")
def withdraw(connection: Writing, of: OfSeat, wanted: Wanted, party_a: PartyId, party_b: PartyId) -> Response:
    """Wait no longer for the answer."""
    both(connection, of, party_a, party_b)
    questions.withdraw(connection, party_a, party_b, of.who.name)
    return _here(wanted, party_a, party_b)


@router.post("/take-over")
def take_over(
    *, connection: Writing, of: OfSeat, settings: OfSettings, wanted: Wanted, party_a: PartyId, party_b: PartyId
) -> Response:
    """Have the pair although somebody else has opened it."""
    both(connection, of, party_a, party_b)
    claims.take_over(connection, [(party_a, party_b)], of.who.name, settings.review.claim_minutes)
    return _here(wanted, party_a, party_b)


def _mine(connection: Connection, of: Seat, party_a: int, party_b: int) -> None:
    both(connection, of, party_a, party_b)
    claims.hold(connection, [(party_a, party_b)], of.who.name)


def _onward(
    connection: Connection, of: Seat, wanted: QueueFilter, behind: str | None, pair: tuple[int, int]
) -> Response:
    claims.release(connection, [pair])
    return RedirectResponse(work(queue.following(connection, of, wanted, behind, pair), wanted), 303)


def _here(wanted: QueueFilter, party_a: int, party_b: int) -> Response:
    return RedirectResponse(address(f"/review/{party_a}/{party_b}", wanted), 303)


def _written(text: str) -> str:
    said = text.strip()
    if not said:
        raise OneRecordError("write something first")
    return said
