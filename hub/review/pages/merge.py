"""Merge by hand: find customers, choose two or more, see what it makes, and do it."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response
from pydantic import StringConstraints
from sqlalchemy import Connection

from hub.access import Principal, Scope
from hub.decide import decision, rights
from hub.decide.carrying import StaleError
from hub.decide.decision import Decision
from hub.review import looks
from hub.review.page import Looking, OfSettings, SignedIn, from_our_form, read_first, render, requires
from hub.review.pages import deciding
from hub.review.pages.deciding import Brought, FromPreview
from hub.review.queries import find

router = APIRouter(prefix="/review/merge", dependencies=[Depends(requires(Scope.REVIEW))])

Refs = Annotated[list[Annotated[str, StringConstraints(max_length=300)]], Form(max_length=40)]


@router.get("")
def begin(
    *,
    request: Request,
    connection: Looking,
    pick: Annotated[list[str], Query(max_length=decision.MOST_CUSTOMERS)] = [],  # noqa: B006  # fastapi copies it
) -> Response:
    """The page to search from; `pick` are records whose customers are chosen already."""
    return _page(request, connection, _clean(pick))


@router.post("/find", dependencies=[Depends(from_our_form)])
def search(
    *,
    request: Request,
    connection: Looking,
    settings: OfSettings,
    who: SignedIn,
    q: Annotated[str, Form(max_length=200)] = "",
    pick: Refs = [],  # noqa: B006
) -> Response:
    """What was typed is sent in the body, since addresses are kept in logs and histories."""
    typed = q.strip()
    found = find.find(connection, who, typed, settings.match)
    return _page(request, connection, _clean(pick), typed, found)


@router.post("/preview", dependencies=[Depends(from_our_form)])
def preview(*, request: Request, who: SignedIn, pick: Refs = []) -> Response:  # noqa: B006
    wanted = _wanted(request, who, pick, deciding.NOTHING)
    return _shown(request, wanted, _clean(pick))


@router.post("", dependencies=[Depends(from_our_form)])
def merge(
    *,
    request: Request,
    who: SignedIn,
    form: FromPreview,
    pick: Refs = [],  # noqa: B006
) -> Response:
    wanted = _wanted(request, who, pick, form)
    try:
        return deciding.go_on(deciding.carry_out(request, wanted, form))
    except StaleError as stale:
        return _shown(request, wanted, _clean(pick), stale)


def _wanted(request: Request, who: Principal, pick: list[str], form: Brought) -> Decision:
    refs = _clean(pick)
    with read_first(request) as connection:
        rights.demand(who, rights.of_customers(connection, refs))
        return decision.merge(connection, refs, author=who.name, reason=form.reason, choices=form.choices)


def _shown(request: Request, wanted: Decision, refs: list[str], stale: StaleError | None = None) -> Response:
    return deciding.show(
        request,
        stale.picture if stale else deciding.preview(request, wanted),
        title="Merge into one customer",
        action="/review/merge",
        verb="Merge",
        back=("/review/merge", "Merge by hand"),
        fields=[("pick", ref) for ref in refs],
        told=stale.told if stale else None,
        choices=True,
        reason=wanted.reason,
        chosen=wanted.choices,
    )


def _page(
    request: Request, connection: Connection, pick: list[str], typed: str = "", found: Sequence[find.Found] = ()
) -> Response:
    who: Principal = request.state.principal
    chosen = find.described(connection, refs=pick)
    rights.demand(who, {one.golden_id: one.departments for one in chosen})
    looks.seen(connection, who, [looks.customer_subject(one.golden_id) for one in (*chosen, *found)], request)
    picked = {one.golden_id for one in chosen}
    return render(
        request,
        "merge.html",
        chosen=chosen,
        typed=typed,
        found=[one for one in found if one.golden_id not in picked],
    )


def _clean(refs: list[str]) -> list[str]:
    return list(dict.fromkeys(refs))
