"""Some records that wait together, decided as one piece of work: who of them is one customer."""

import re
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Engine, Row

from hub.access import Scope
from hub.decide import judging
from hub.errors import NotFoundError, OneRecordError
from hub.identity import bulk
from hub.model.kinds import Verdict
from hub.review import looks
from hub.review.page import Looking, OfSettings, from_our_form, render, requires, settings_of
from hub.review.pages.bulk import show as show_act
from hub.review.pages.compare import ATTRIBUTES, PartyId
from hub.review.pages.queue import OfSeat, Wanted, address, bulk_by, done_by, work
from hub.review.queries import claims, filters, pairs, queue, routing
from hub.review.queries.filters import Seat

router = APIRouter(prefix="/review/together", dependencies=[Depends(requires(Scope.REVIEW))])
# `12=2`: record 12 belongs to the second customer; which number a customer has does not matter.
BELONGS = re.compile(r"(\d{1,18})=(\d{1,2})")


def claimed(request: Request, of: OfSeat, settings: OfSettings, party_id: PartyId) -> None:
    """Who opens some records claims all their pairs that nobody else has, see `compare.claimed`."""
    with request.app.state.engine.begin() as connection:
        claims.claim(connection, _waiting(connection, of, party_id), of.who.name, settings.review.claim_minutes)


@router.get("/{party_id}", dependencies=[Depends(claimed)])
def show(
    *,
    request: Request,
    connection: Looking,
    of: OfSeat,
    wanted: Wanted,
    party_id: PartyId,
    done: int = 0,
    bulk: int = 0,
) -> Response:
    waiting = _waiting(connection, of, party_id)
    if len({party for pair in waiting for party in pair}) > filters.MOST_TOGETHER or len(waiting) < 2:
        return RedirectResponse(address("/review/{}/{}".format(*waiting[0]), wanted, done=done, bulk=bulk), 303)
    looks.seen(connection, of.who, [looks.pair_subject(a, b) for a, b in waiting], request)
    records = _records(connection, waiting)
    return render(
        request,
        "together.html",
        records=records,
        lines=[(name, _line(records, name)) for name in ATTRIBUTES if any(getattr(record, name) for record in records)],
        leads=_leads({record.party_id: record for record in records}),
        attached=pairs.attached(connection, *(record.ref for record in records)),
        pairs=pairs.cluster_of(connection, party_id),
        link=lambda row: address(f"/review/{row.party_a}/{row.party_b}", wanted),
        names={record.party_id: record.name for record in records},
        sources={record.party_id: record.source for record in records},
        other=claims.of_others(connection, waiting, of.who.name),
        action=address(f"/review/together/{party_id}", wanted),
        take_over=address(f"/review/together/{party_id}/take-over", wanted),
        back=address("/review", wanted),
        done=done_by(connection, of.who, done),
        bulk=bulk_by(connection, of.who, bulk),
    )


@router.post("/{party_id}", dependencies=[Depends(from_our_form)])
def preview(
    *,
    request: Request,
    of: OfSeat,
    wanted: Wanted,
    party_id: PartyId,
    belongs: Annotated[list[str], Form(max_length=filters.MOST_TOGETHER)],
) -> Response:
    """What putting the records together like this would do; `belongs` has a `record=customer` for each."""
    engine: Engine = request.app.state.engine
    act = _act(request, of, party_id, " ".join(belongs), "")
    picture = bulk.preview(engine, act)
    return show_act(
        request,
        picture,
        verdict="",
        pairs=" ".join(belongs),
        action=address(f"/review/together/{party_id}/apply", wanted),
        back=address(f"/review/together/{party_id}", wanted),
    )


@router.post("/{party_id}/apply", dependencies=[Depends(from_our_form)])
def apply(
    *,
    request: Request,
    of: OfSeat,
    wanted: Wanted,
    party_id: PartyId,
    pairs: Annotated[str, Form(max_length=1_000)],
    seen: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Judge the records as in the preview whose digest is `seen`, and go on to the next work."""
    engine: Engine = request.app.state.engine
    act = _act(request, of, party_id, pairs, reason)
    first = act.pairs[0][:2]
    with engine.connect() as connection:
        behind = queue.position(connection, wanted, first)
    done = bulk.perform(engine, act, seen=seen)
    with engine.begin() as connection:
        claims.release(connection, [(a, b) for a, b, _ in act.pairs])
        following = queue.following(connection, of, wanted, behind, first)
    return RedirectResponse(work(following, wanted, bulk=done.bulk_id), 303)


@router.post("/{party_id}/take-over", dependencies=[Depends(from_our_form)])
def take_over(request: Request, of: OfSeat, settings: OfSettings, wanted: Wanted, party_id: PartyId) -> Response:
    """Have all the pairs although somebody else has opened some."""
    with request.app.state.engine.begin() as connection:
        waiting = _waiting(connection, of, party_id)
        claims.take_over(connection, waiting, of.who.name, settings.review.claim_minutes)
    return RedirectResponse(address(f"/review/together/{party_id}", wanted), 303)


def _waiting(connection: Connection, of: Seat, party_id: int) -> list[tuple[int, int]]:
    waiting = [(row.party_a, row.party_b) for row in pairs.cluster_of(connection, party_id)]
    if not waiting:
        raise NotFoundError("these records do not wait any more; go back to the queue")
    if not routing.may_judge(connection, of.who, of.routes, waiting):
        raise HTTPException(403, "some of these records are for other departments to judge; take the pairs one by one")
    return waiting


def _records(connection: Connection, waiting: list[tuple[int, int]]) -> list[Row[Any]]:
    """The records, those of one customer beside each other."""
    found = pairs.parties(connection, *{party for pair in waiting for party in pair})
    leads = _leads(found)
    return sorted(found.values(), key=lambda record: (leads[record.party_id], record.party_id))


def _leads(records: Mapping[int, Row[Any]]) -> dict[int, int]:
    """By record the first one of its customer now, which is asked about for all of them."""
    first: dict[Any, int] = {}
    for number in sorted(records):
        first.setdefault(records[number].golden_id or number, number)
    return {number: first[record.golden_id or number] for number, record in records.items()}


def _line(records: Sequence[Row[Any]], name: str) -> str:
    """Whether all records that know an attribute say the same of it: `equal`, `different`, or nothing to compare."""
    said = [str(value).casefold() for record in records if (value := getattr(record, name))]
    if len(said) < 2:
        return ""
    return "equal" if len(set(said)) == 1 else "different"


def _act(request: Request, of: Seat, party_id: int, belongs: str, reason: str) -> bulk.Judging:
    """Every two records that wait for an answer get one; so do those of one customer that do not wait themselves.

    What is one customer already is not asked about record by record: to take it apart is to split it.
    """
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        waiting = _waiting(connection, of, party_id)
        leads = _leads(pairs.parties(connection, *{party for pair in waiting for party in pair}))
    said = [BELONGS.fullmatch(word) for word in belongs.split()]
    chosen = {int(one[1]): one[2] for one in said if one}
    if set(chosen) != set(leads.values()) or len(chosen) != len(said):
        raise OneRecordError("say for each of these records whose it is; if others wait by now, open them again")
    customers = {party: chosen[lead] for party, lead in leads.items()}
    tied = set(waiting)
    judged, beside = list[tuple[int, int, Verdict]](), list[tuple[int, int, Verdict]]()
    for a, b in combinations(sorted(customers), 2):
        one = customers[a] == customers[b]
        if (a, b) in tied:
            judged.append((a, b, Verdict.SAME if one else Verdict.DIFFERENT))
        elif one and leads[a] != leads[b]:
            beside.append((a, b, Verdict.SAME))
    why = reason.strip() or "compared together in the review queue"
    return bulk.Judging(tuple(judged), of.who.name, why, judging.for_two(settings_of(request)), tuple(beside))
