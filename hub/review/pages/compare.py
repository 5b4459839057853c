"""Two records side by side, the evidence in words, and the three answers."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Connection, Row

from dedup.pictures import waterfall
from hub.access import Scope
from hub.decide import judging
from hub.errors import NotFoundError, OneRecordError
from hub.identity import explain
from hub.model.kinds import Verdict
from hub.review import words
from hub.review.page import OfSettings, Reading, SignedIn, Writing, from_our_form, render, requires
from hub.review.pages import together
from hub.review.pages.deciding import FromPreview
from hub.review.pages.queue import Wanted, address, done_by
from hub.review.queries import pairs
from hub.settings import Settings

router = APIRouter(prefix="/review", dependencies=[Depends(requires(Scope.REVIEW))])
PartyId = Annotated[int, Path(ge=1, le=2**63 - 1)]

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


@router.get("/{party_a}/{party_b}")
def compare(
    *,
    request: Request,
    connection: Reading,
    settings: OfSettings,
    wanted: Wanted,
    party_a: PartyId,
    party_b: PartyId,
    done: int = 0,
) -> Response:
    if party_a > party_b:
        return RedirectResponse(address(f"/review/{party_b}/{party_a}", wanted), 303)
    a, b = _both(connection, party_a, party_b)
    evidence, problem = _evidence(connection, a.ref, b.ref, settings)
    following = pairs.following(connection, wanted, party_a, party_b)
    live = pairs.live_judgement(connection, party_a, party_b)
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
        live=live,
        together=a.golden_id is not None and a.golden_id == b.golden_id,
        action=address(f"/review/{party_a}/{party_b}", wanted),
        back=address("/review", wanted),
        skip=address(f"/review/{following.party_a}/{following.party_b}", wanted) if following else None,
        waiting=pairs.count_waiting(connection, wanted),
        done=done_by(request, connection, done),
        **together.around(request, settings, a, b),
    )


@router.post("/{party_a}/{party_b}", dependencies=[Depends(from_our_form)])
def judge(
    *,
    connection: Writing,
    settings: OfSettings,
    who: SignedIn,
    wanted: Wanted,
    form: FromPreview,
    party_a: PartyId,
    party_b: PartyId,
    verdict: Annotated[Verdict, Form()],
    seen: Annotated[int | None, Form()] = None,
) -> Response:
    """Enter the judgement and go on to the next pair. `seen` is the live judgement that the page showed."""
    a, b = _both(connection, party_a, party_b)
    pairs.still_as_seen(connection, min(party_a, party_b), max(party_a, party_b), seen)
    why = form.reason or "compared by eye in the review queue"
    said = (a.ref, b.ref, verdict)
    judged = judging.judge(connection, settings, said, author=who.name, reason=why, choices=form.choices)
    if judged.proposal_id is not None:
        return RedirectResponse(f"/review/proposals/{judged.proposal_id}", 303)
    following = pairs.following(connection, wanted, party_a, party_b)
    path = f"/review/{following.party_a}/{following.party_b}" if following else "/review"
    return RedirectResponse(address(path, wanted, done=judged.judgement_id), 303)


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


def _both(connection: Connection, party_a: int, party_b: int) -> tuple[Row[Any], Row[Any]]:
    found = pairs.parties(connection, party_a, party_b)
    if party_a not in found or party_b not in found or party_a == party_b:
        raise NotFoundError("there are no two records with these numbers")
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
