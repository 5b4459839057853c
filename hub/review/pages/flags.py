"""Flags: those on one's own deals, those on customers and departments, those whose window is over, and the rules."""

import datetime as dt
from collections.abc import Collection
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Row

from hub import clock
from hub.access import Principal, Scope
from hub.coach import answers, flags, muting, teams
from hub.coach.advice import advice, evidence
from hub.errors import ConfigurationError, ConflictError, NotFoundError
from hub.review import looks
from hub.review.page import (
    OfSettings,
    Reading,
    SignedIn,
    Writing,
    from_our_form,
    render,
    requires,
    settings_of,
    signed_in,
)

OURS = [Depends(from_our_form)]
Cursor = Annotated[str | None, Query(max_length=1_000)]
Rule = Annotated[str, Query(max_length=80)]
Done = Annotated[str, Query(max_length=20)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1)]


def manager(who: SignedIn) -> None:
    """A dependency that refuses whoever does not see other people's flags."""
    if not flags.manages(who):
        raise HTTPException(403, "this page is for leads of sales and for admins")


def helper(request: Request, who: SignedIn) -> None:
    """A dependency that refuses whoever does not see what customers and departments are flagged for."""
    if not flags.helps(who):
        raise HTTPException(403, "this page is for leads of sales, engineers and admins")
    looks.refuse_withheld(request, flags.CONCERNED)


def moment(settings: OfSettings) -> dt.datetime:
    return clock.as_of(settings)


AsOf = Annotated[dt.datetime, Depends(moment)]
router = APIRouter(prefix="/flags", dependencies=[Depends(requires(Scope.READ))])
MANAGER = [Depends(manager)]
HELPER = [Depends(helper)]


@router.get("")
def mine(
    *,
    request: Request,
    connection: Reading,
    who: SignedIn,
    as_of: AsOf,
    answered: bool = False,
    cursor: Cursor = None,
    done: Done = "",
) -> Response:
    page = flags.own(connection, who.name, as_of.date(), answered=answered, cursor=cursor)
    chosen = {"answered": "true"} if answered else {}
    return _render(
        request, "my_flags.html", page=page, counts=flags.counts(connection, who.name, as_of.date()),
        answered=answered, undoable=_undoable(done),
        next_page=f"/flags?{urlencode({**chosen, 'cursor': page.next})}" if page.next else None,
    )  # fmt: skip


def _undoable(done: str) -> int | None:
    """The answer that a notice offers to take back; whose it is, is asked when it is."""
    return int(done) if done.isascii() and done.isdecimal() and len(done) < 19 else None


@router.get("/team", dependencies=MANAGER)
def team(
    *, request: Request, connection: Reading, settings: OfSettings, as_of: AsOf, rule: Rule = "", cursor: Cursor = None
) -> Response:
    page = flags.on_deals(connection, as_of.date(), rule=rule, cursor=cursor)
    return _render(
        request, "team.html", page=page, rule=rule, rules=flags.public(connection), coach=settings.coach,
        groups=teams.figures(connection, settings.coach.team_minimum),
        next_page=f"/flags/team?{urlencode({'rule': rule, 'cursor': page.next})}" if page.next else None,
    )  # fmt: skip


@router.get("/department", dependencies=HELPER)
def department(request: Request, connection: Reading, as_of: AsOf, cursor: Cursor = None, done: Done = "") -> Response:
    page = flags.of_departments(connection, as_of.date(), cursor=cursor)
    return _render(
        request, "department_flags.html", page=page, undoable=_undoable(done),
        next_page=f"/flags/department?{urlencode({'cursor': page.next})}" if page.next else None,
    )  # fmt: skip


@router.get("/rules", dependencies=HELPER)
def rules(request: Request, connection: Reading, settings: OfSettings, as_of: AsOf) -> Response:
    return _rules(request, connection, settings, as_of)


@router.post("/rules/{rule}/unmute", dependencies=[*OURS, Depends(requires(Scope.ADMIN))])
def unmute(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    settings: OfSettings,
    as_of: AsOf,
    rule: Annotated[str, Path(max_length=80)],
    reason: Annotated[str, Form(max_length=5_000)] = "",
) -> Response:
    try:
        muting.unmute(connection, rule, actor=who.name, reason=reason, coach=settings.coach, as_of=as_of)
    except (ConfigurationError, ConflictError) as error:
        return _rules(request, connection, settings, as_of, problem=str(error), status=400)
    return RedirectResponse("/flags/rules", 303)


def _rules(
    request: Request, connection: Connection, settings: OfSettings, as_of: dt.datetime, *, problem: str = "",
    status: int = 200,
) -> Response:  # fmt: skip
    found = muting.rules(connection, settings.coach, as_of)
    return _render(request, "rules.html", status, rules=found, coach=settings.coach, problem=problem)


@router.get("/{flag_id}")
def flag(request: Request, connection: Reading, as_of: AsOf, flag_id: Number) -> Response:
    return _flag(request, connection, as_of, flag_id)


@router.post("/{flag_id}", dependencies=OURS)
def say(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    settings: OfSettings,
    as_of: AsOf,
    flag_id: Number,
    answer: Annotated[answers.Answer, Form()],
    fingerprint: Annotated[str, Form(max_length=40)],
    reason: Annotated[str, Form(max_length=5_000)] = "",
    until: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    found = flags.one(connection, flag_id, who.name, as_of.date())
    try:
        number = answers.answer(
            connection, flag_id, answer, who=who, fingerprint=fingerprint, coach=settings.coach, as_of=as_of,
            reason=reason, until=_day(until),
        )  # fmt: skip
    except (ConfigurationError, ConflictError) as error:
        return _flag(request, connection, as_of, flag_id, problem=str(error), status=400)
    return RedirectResponse(
        f"{'/flags' if found is not None and found.own else '/flags/department'}?done={number}", 303
    )


@router.post("/answers/{answer_id}/undo", dependencies=OURS)
def undo(connection: Writing, who: SignedIn, answer_id: Number) -> Response:
    return RedirectResponse(f"/flags/{answers.undo(connection, answer_id, account=who.name)}", 303)


def _day(typed: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(typed)
    except ValueError:
        return None


def _flag(
    request: Request, connection: Connection, as_of: dt.datetime, flag_id: int, *, problem: str = "", status: int = 200
) -> Response:
    """The flag, to who may see it. Others, managers too, are not told whether there is one."""
    who, today = signed_in(request), as_of.date()
    found = flags.one(connection, flag_id, who.name, today)
    kept_back = looks.withheld(request)
    if found is None or not _may_see(found, who, kept_back):
        raise HTTPException(403, flags.REFUSED)
    if found.muted:
        raise NotFoundError("the rule of this flag is muted, so its flags are not shown")
    longest = settings_of(request).coach.longest_snooze_days
    first_day, last_day, next_week = (today + dt.timedelta(days=days) for days in (1, longest, min(7, longest)))
    return _render(
        request, "flag.html", status, flag=found, problem=problem, first_day=first_day, last_day=last_day,
        next_week=next_week, evidence=evidence(found, kept_back), mine=answers.may_answer(found, who),
    )  # fmt: skip


def _may_see(flag: Row[Any], who: Principal, kept_back: Collection[str]) -> bool:
    """The owner; once the window is over managers, and, where no deal is flagged, whoever helps the department."""
    if flag.opportunity_ref is None:
        return flags.helps(who) and flags.CONCERNED not in kept_back
    return bool(flag.own) or (flag.shared and flags.manages(who))


def _render(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    return render(request, template, status, advice=advice, views=_views(request), **context)


def _views(request: Request) -> list[tuple[str, str]]:
    """The pages of flags that somebody may open."""
    who = signed_in(request)
    helps = flags.helps(who) and flags.CONCERNED not in looks.withheld(request)
    pages = (
        ("/flags", "My flags", True), ("/flags/department", "Department", helps),
        ("/flags/team", "Team", flags.manages(who)), ("/flags/rules", "Rules", helps),
    )  # fmt: skip
    return [(path, title) for path, title, open_to in pages if open_to]
