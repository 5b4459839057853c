"""The queue of pairs that wait for a person, and the filters of it that people keep."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Row

from hub.access import Principal, Scope
from hub.errors import OneRecordError
from hub.identity import conflicts
from hub.model.kinds import Department, PartyKind
from hub.review import looks
from hub.review.page import Looking, OfSettings, SignedIn, Writing, from_our_form, render, requires
from hub.review.queries import decisions, overview, queue, saved
from hub.review.queries.filters import QueueFilter, Seat
from hub.review.queries.queue import COMPARED
from hub.review.reasons import reasons

router = APIRouter(prefix="/review", dependencies=[Depends(requires(Scope.REVIEW))])
Cursor = Annotated[str | None, Query(max_length=1_000)]
Percent = Annotated[int, Query(ge=0, le=100)]
MOST_NAME = 60
# Whose facts the value at stake is made of: opportunities and invoices.
STAKES = (Department.SALES, Department.FINANCE)


def queue_filter(
    *,
    request: Request,
    kind: PartyKind | Literal[""] = "",
    source: Annotated[str, Query(max_length=40)] = "",
    department: Department | Literal[""] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    least: Percent | Literal[""] = 0,
    most: Percent | Literal[""] = 100,
    age: Annotated[int, Query(ge=0, le=36_500)] | Literal[""] = 0,
    value: Annotated[int, Query(ge=0, le=10**12)] | Literal[""] = 0,
    view: Literal["open", "later", "asked"] = "open",
    sort: Literal["impact", "likely", "unlikely", "teaching", "oldest"] = "likely",
) -> QueueFilter:
    """The filter that the query of an address describes.

    Raises:
        HTTPException: by value it would tell what a private department knows (403).
    """
    if value or sort == "impact":
        for known_to in STAKES:
            looks.refuse_withheld(request, known_to)
    return QueueFilter(
        kind=str(kind),
        source=source,
        department=str(department),
        q=q.strip(),
        least=least or 0,
        most=100 if most == "" else most,
        age=age or 0,
        value=value or 0,
        view=view,
        sort=sort,
    )


def seat(who: SignedIn, settings: OfSettings) -> Seat:
    """Whose queue is asked for."""
    return Seat(who, settings.review.routes)


Wanted = Annotated[QueueFilter, Depends(queue_filter)]
OfSeat = Annotated[Seat, Depends(seat)]


def address(path: str, wanted: QueueFilter, **more: object) -> str:
    """`path` with the filter, and whatever else, as query."""
    chosen = {**wanted.chosen(), **{name: value for name, value in more.items() if value}}
    return f"{path}?{urlencode(chosen)}" if chosen else path


def work(row: Row[Any] | None, wanted: QueueFilter, **more: object) -> str:
    """Where a line of the queue is worked on; the queue itself where there is none."""
    if row is None:
        return address("/review", wanted, **more)
    path = f"/review/together/{row.party_a}" if row.together else f"/review/{row.party_a}/{row.party_b}"
    return address(path, wanted, **more)


@router.get("")
def show(
    *,
    request: Request,
    connection: Looking,
    of: OfSeat,
    wanted: Wanted,
    cursor: Cursor = None,
    done: int = 0,
    bulk: int = 0,
) -> Response:
    page = queue.waiting(connection, of, wanted, cursor)
    looks.seen(connection, of.who, [looks.pair_subject(row.party_a, row.party_b) for row in page.items], request)
    counts = queue.counts(connection, of, wanted)
    return render(
        request,
        "queue.html",
        wanted=wanted,
        page=page,
        counts=counts,
        why={(row.party_a, row.party_b): why(row) for row in page.items},
        views=[(name, address("/review", QueueFilter(view=name))) for name in ("open", "later", "asked")],
        conflicts=conflicts.count(connection),
        decided=decisions.decided_this_week(connection, of.who.name),
        sources=queue.sources(connection),
        filters=saved.saved(connection, of.who.name),
        run=overview.last_run(connection),
        done=done_by(connection, of.who, done),
        bulk=bulk_by(connection, of.who, bulk),
        next_page=address("/review", wanted, cursor=page.next) if page.next else None,
        first_page=address("/review", wanted) if cursor else None,
        link=lambda row: work(row, wanted),
        here=address("/review", wanted),
        by_value=not looks.withheld(request) & {*STAKES},
        bulk_action=address("/review/bulk", wanted),
        save_action=address("/review/filters", wanted),
        delete_action=address("/review/filters/delete", wanted),
    )


@router.post("/filters", dependencies=[Depends(from_our_form)])
def save_filter(
    connection: Writing, who: SignedIn, wanted: Wanted, name: Annotated[str, Form(max_length=MOST_NAME)]
) -> Response:
    """Keep the filter of the address under a name."""
    called = name.strip()
    if not called:
        raise OneRecordError("give the filter a name")
    saved.save(connection, who.name, called, urlencode(wanted.chosen()))
    return RedirectResponse(address("/review", wanted), 303)


@router.post("/filters/delete", dependencies=[Depends(from_our_form)])
def delete_filter(
    connection: Writing, who: SignedIn, wanted: Wanted, name: Annotated[str, Form(max_length=MOST_NAME)]
) -> Response:
    saved.delete(connection, who.name, name)
    return RedirectResponse(address("/review", wanted), 303)


def why(row: Row[Any]) -> str:
    """Why a line of the queue is there, from what it holds of both records."""
    line = row._mapping  # noqa: SLF001  # SQLAlchemy's public name for it
    return reasons(*({name: line[f"{side}_{name}"] for name in COMPARED} for side in ("a", "b")))


def done_by(connection: Connection, who: Principal, judgement_id: int) -> Row[Any] | None:
    """The live judgement that the visitor has just made, so that the page can offer to undo it."""
    found = decisions.judgement(connection, judgement_id) if judgement_id else None
    return found if found is not None and found.author == who.name and found.ended_at is None else None


def bulk_by(connection: Connection, who: Principal, bulk_id: int) -> Row[Any] | None:
    """The same for a bulk act."""
    found = decisions.bulk(connection, bulk_id) if bulk_id else None
    return found if found is not None and found.author == who.name and found.live else None
