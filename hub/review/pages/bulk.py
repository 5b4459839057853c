"""Many pairs in one act: chosen by ticking or by filter, previewed, applied, and undone as one."""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Engine

from hub.access import Scope
from hub.decide import judging
from hub.errors import OneRecordError
from hub.identity import bulk
from hub.model.kinds import Verdict
from hub.review.page import from_our_form, render, requires, settings_of
from hub.review.pages.queue import OfSeat, Wanted, address
from hub.review.queries import decisions, queue, routing
from hub.review.queries.filters import QueueFilter, Seat

router = APIRouter(prefix="/review/bulk", dependencies=[Depends(requires(Scope.REVIEW)), Depends(from_our_form)])
PAIR = re.compile(r"(\d{1,18})-(\d{1,18})")
# So many lines of each list are shown; what they are is in the counts.
MOST_SHOWN = 100


@router.post("")
def preview(
    *,
    request: Request,
    of: OfSeat,
    wanted: Wanted,
    verdict: Annotated[Verdict, Form()],
    chosen: Annotated[Literal["ticked", "all"], Form()] = "ticked",
    pair: Annotated[list[str] | None, Form(max_length=bulk.MOST_PAIRS)] = None,
) -> Response:
    """What judging the ticked pairs, or all that match the filter, would do. Nothing is changed."""
    engine: Engine = request.app.state.engine
    pairs = _all(engine, of, wanted) if chosen == "all" else _read(" ".join(pair or ()))
    if not pairs:
        raise OneRecordError("tick the pairs first, or choose all that match")
    act = _act(request, of, pairs, verdict, "")
    picture = bulk.preview(engine, act)
    return show(
        request,
        picture,
        verdict=verdict.value,
        pairs=" ".join(f"{a}-{b}" for a, b in pairs),
        action=address("/review/bulk/apply", wanted),
        back=address("/review", wanted),
    )


def show(request: Request, picture: bulk.Picture, *, verdict: str, pairs: str, action: str, back: str) -> Response:
    """The preview of an act. `verdict`: what is said of all pairs, if it is one; `pairs`: what the form brings back."""
    with request.app.state.engine.connect() as connection:
        names = decisions.names(connection, picture)
    return render(
        request, "bulk.html", picture=picture, verdict=verdict, pairs=pairs, names=names, most=MOST_SHOWN,
        action=action, back=back,
    )  # fmt: skip


@router.post("/apply")
def apply(
    *,
    request: Request,
    of: OfSeat,
    wanted: Wanted,
    verdict: Annotated[Verdict, Form()],
    pairs: Annotated[str, Form(max_length=bulk.MOST_PAIRS * 40)],
    seen: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=2_000)] = "",
) -> Response:
    """Judge the pairs of the preview whose digest is `seen`."""
    engine: Engine = request.app.state.engine
    act = _act(request, of, _read(pairs), verdict, reason)
    done = bulk.perform(engine, act, seen=seen)
    return RedirectResponse(address("/review", wanted, bulk=done.bulk_id), 303)


def _act(request: Request, of: Seat, pairs: list[tuple[int, int]], verdict: Verdict, reason: str) -> bulk.Judging:
    """The act, if all of these pairs are for this person to judge."""
    engine: Engine = request.app.state.engine
    with engine.connect() as connection:
        if not routing.may_judge(connection, of.who, of.routes, pairs):
            raise HTTPException(403, "some of these pairs are for other departments to judge")
    why = reason.strip() or "judged together in the review queue"
    return bulk.Judging(
        tuple((a, b, verdict) for a, b in pairs), of.who.name, why, judging.for_two(settings_of(request))
    )


def _all(engine: Engine, of: Seat, wanted: QueueFilter) -> list[tuple[int, int]]:
    with engine.connect() as connection:
        found = queue.all_of(connection, of, wanted, bulk.MOST_PAIRS + 1)
    if len(found) > bulk.MOST_PAIRS:
        raise OneRecordError(
            f"more than {bulk.MOST_PAIRS:,} pairs match, which is too many for one act; narrow the filter"
        )
    return found


def _read(written: str) -> list[tuple[int, int]]:
    """`12-34 15-40` as pairs of party ids; what is no pair is an error, what comes twice comes once."""
    found = [PAIR.fullmatch(word) for word in dict.fromkeys(written.split())]
    if not all(found):
        raise OneRecordError("the form names something that is no pair; open the queue again")
    return [(int(one[1]), int(one[2])) for one in found if one]
