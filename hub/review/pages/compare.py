"""Two records side by side, the evidence in words, and the three answers."""

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Connection, Row

from dedup.pictures import waterfall
from hub.access import Scope
from hub.decide import judging
from hub.errors import NotFoundError, OneRecordError
from hub.identity import explain
from hub.model.kinds import Department, Verdict
from hub.review import looks, words
from hub.review.page import OfSettings, Reading, Writing, from_our_form, render, requires
from hub.review.pages.around import around
from hub.review.pages.deciding import FromPreview
from hub.review.pages.queue import OfSeat, Wanted, address, bulk_by, done_by, work
from hub.review.queries import claims, pairs, questions, queue, routing
from hub.review.queries.filters import Seat
from hub.settings import Settings

router = APIRouter(prefix="/review", dependencies=[Depends(requires(Scope.REVIEW))])
PartyId = Annotated[int, Path(ge=1, le=2**63 - 1)]
Pair = tuple[Row[Any], Row[Any]]

ATTRIBUTES = (
    "name", "given_name", "family_name", "job_title", "employer_name", "email", "other_emails", "phone", "mobile",
    "street", "postcode", "city", "region", "country", "website", "tax_id", "birth_date", "language", "owner_name",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One attribute of both records: `equal`, `different`, or known to one only (`left`, `right`)."""

    label: str
    state: str
    a: list[words.Segment]
    b: list[words.Segment]


def opened(request: Request, of: OfSeat, settings: OfSettings, party_a: PartyId, party_b: PartyId) -> Pair:
    """The two records: who opens them is written down, and claims the pair, unless somebody else has it.

    Who reads a pair that waits for others leaves it to them.

    In a transaction of its own, which ends before the page takes its connection: a request that held one and waited for
    another would wait for ever where as many as there are connections do.
    """
    low, high = min(party_a, party_b), max(party_a, party_b)
    with request.app.state.engine.begin() as connection:
        found = both(connection, of, party_a, party_b)
        looks.seen(connection, of.who, [looks.pair_subject(low, high)], request)
        if queue.is_theirs(connection, of, (low, high)):
            claims.claim(connection, [(low, high)], of.who.name, settings.review.claim_minutes)
    return found


Opened = Annotated[Pair, Depends(opened)]


def beside(request: Request, of: OfSeat, settings: OfSettings, found: Opened) -> dict[str, Any]:
    """What the page tells beside the two records, in a transaction that has ended before the page begins its own."""
    with request.app.state.engine.connect() as connection, connection.begin() as transaction:
        told = around(connection, of.who, settings, *found)
        transaction.rollback()
    return told


@router.get("/{party_a}/{party_b}")
def compare(
    *,
    request: Request,
    found: Opened,
    found_beside: Annotated[dict[str, Any], Depends(beside)],  # before the connection, see `opened`
    connection: Reading,
    of: OfSeat,
    settings: OfSettings,
    wanted: Wanted,
    party_a: PartyId,
    party_b: PartyId,
    done: int = 0,
    bulk: int = 0,
) -> Response:
    if party_a > party_b:
        return RedirectResponse(address(f"/review/{party_b}/{party_a}", wanted), 303)
    a, b = found
    evidence, problem = _evidence(connection, a.ref, b.ref, settings)
    behind = queue.position(connection, wanted, (party_a, party_b))
    following = queue.following(connection, of, wanted, behind, (party_a, party_b))
    return render(
        request,
        "compare.html",
        a=a,
        b=b,
        lines=lines(a, b),
        attached=pairs.attached(connection, a.ref, b.ref),
        evidence=evidence,
        picture=_picture(evidence, settings) if evidence else "",
        problem=problem,
        pair=pairs.pair(connection, party_a, party_b),
        live=pairs.live_judgement(connection, party_a, party_b),
        together=a.golden_id is not None and a.golden_id == b.golden_id,
        **_meanwhile(connection, of, party_a, party_b),
        action=lambda act="": address(f"/review/{party_a}/{party_b}{act}", wanted),
        back=address("/review", wanted),
        skip=work(following, wanted) if following else None,
        waiting=queue.count(connection, of, wanted),
        done=done_by(connection, of.who, done),
        bulk=bulk_by(connection, of.who, bulk),
        **found_beside,
    )


def _meanwhile(connection: Connection, of: Seat, party_a: int, party_b: int) -> dict[str, Any]:
    """What the pair waits for, who has it, and what was asked about it."""
    today = dt.datetime.now(dt.UTC).date()
    return {
        "waits": pairs.waiting_row(connection, party_a, party_b),
        "other": claims.of_others(connection, [(party_a, party_b)], of.who.name),
        "questions": questions.about(connection, party_a, party_b),
        "mine": of.who.answers_for,
        # Whom one can ask: nobody waits for an answer of their own.
        "departments": [one.value for one in Department if one not in (of.who.departments or ())],
        "tomorrow": today + dt.timedelta(days=1),
        "next_week": today + dt.timedelta(days=7),
    }


@router.post("/{party_a}/{party_b}", dependencies=[Depends(from_our_form)])
def judge(
    *,
    connection: Writing,
    of: OfSeat,
    settings: OfSettings,
    wanted: Wanted,
    form: FromPreview,
    party_a: PartyId,
    party_b: PartyId,
    verdict: Annotated[Verdict, Form()],
    seen: Annotated[int | None, Form()] = None,
) -> Response:
    """Enter the judgement and go on to the next work. `seen` is the live judgement that the page showed."""
    party_a, party_b = sorted((party_a, party_b))
    a, b = both(connection, of, party_a, party_b)
    pairs.take_turn(connection, party_a, party_b)
    twice = pairs.said_just_now(connection, party_a, party_b, verdict=verdict, who=of.who.name, seen=seen)
    if twice is not None:
        following = queue.following(connection, of, wanted, None, (party_a, party_b))
        return RedirectResponse(work(following, wanted, done=twice), 303)
    pairs.still_as_seen(connection, party_a, party_b, seen)
    claims.hold(connection, [(party_a, party_b)], of.who.name)
    behind = queue.position(connection, wanted, (party_a, party_b))
    why = form.reason or "compared by eye in the review queue"
    said = (a.ref, b.ref, verdict)
    judged = judging.judge(connection, settings, said, author=of.who.name, reason=why, choices=form.choices)
    claims.release(connection, [(party_a, party_b)])
    if judged.proposal_id is not None:
        return RedirectResponse(f"/review/proposals/{judged.proposal_id}", 303)
    following = queue.following(connection, of, wanted, behind, (party_a, party_b))
    return RedirectResponse(work(following, wanted, done=judged.judgement_id), 303)


def lines(a: Row[Any], b: Row[Any]) -> list[Line]:
    """What is known of either record, attribute by attribute."""
    written = ((name, _written(getattr(a, name)), _written(getattr(b, name))) for name in ATTRIBUTES)
    return [_line(name, left, right) for name, left, right in written if left or right]


def _line(name: str, left: str, right: str) -> Line:
    first, second = words.differences(left, right)
    if not left or not right:
        return Line(words.label(name), "left" if left else "right", first, second)
    equal = all(segment.same for segment in first + second)
    return Line(words.label(name), "equal" if equal else "different", first, second)


def _written(value: Any) -> str:
    return ", ".join(sorted(value)) if isinstance(value, list) else "" if value is None else str(value)


def both(connection: Connection, of: Seat, party_a: int, party_b: int) -> Pair:
    """The two records.

    Raises:
        NotFoundError: there are none with these numbers.
        HTTPException: another department judges the pair (403).
    """
    found = pairs.parties(connection, party_a, party_b)
    if party_a not in found or party_b not in found or party_a == party_b:
        raise NotFoundError("there are no two records with these numbers")
    if not routing.may_judge(connection, of.who, of.routes, [(min(party_a, party_b), max(party_a, party_b))]):
        raise HTTPException(403, "this pair is for another department to judge")
    return found[party_a], found[party_b]


def _evidence(connection: Connection, a_ref: str, b_ref: str, settings: Settings) -> tuple[dict[str, Any] | None, str]:
    """The explanation, strongest first; without a trained model the records are still worth showing."""
    try:
        explained = explain.explain_pair(connection, a_ref, b_ref, settings.match)
    except OneRecordError as error:
        return None, str(error)
    explained["fields"] = sorted(explained["fields"], key=lambda field: -abs(field["weight"]))
    return explained, ""


def _picture(evidence: dict[str, Any], settings: Settings) -> Markup:
    """The waterfall; its writer escapes what people wrote, and pages have its classes in records.css."""
    borders = {"same": settings.match.same, "review": settings.match.review}
    return Markup(waterfall(evidence, thresholds=borders, style=False))  # noqa: S704
