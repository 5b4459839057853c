"""Values by hand: choose what another record says, type a value, or believe the sources again; preview, then save."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Row

from hub import clock
from hub.access import Principal, Scope
from hub.api.facts import customer_now
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.golden import gather, manual
from hub.golden.policy import POLICY, Group
from hub.review import looks, origins, overruling
from hub.review.overruling import Wish
from hub.review.page import Looking, OfSettings, SignedIn, Writing, from_our_form, render, requires
from hub.review.queries import customers, manual_values
from hub.settings import Settings

router = APIRouter(prefix="/customers/{golden_id}/values/{group}", dependencies=[Depends(requires(Scope.REVIEW))])
GroupName = Annotated[str, Path(max_length=40)]


@dataclass(frozen=True)
class Case:
    """The customer, the group that is to be changed, what its records say, and what a person says of it now."""

    row: dict[str, Any]
    group: Group
    members: list[Row[Any]]
    parties: list[dict[str, Any]]
    live: Any
    as_of: dt.datetime

    @property
    def path(self) -> str:
        return f"/customers/{self.row['golden_id']}/values/{self.group.name}"

    def context(self) -> dict[str, Any]:
        """What both pages show."""
        where = origins.places(self.members)
        shown = {self.group.name: self.live} if self.live else {}
        told = next(
            group for group in origins.groups(self.row, where, shown, self.as_of) if group.name == self.group.name
        )
        return {
            "customer": self.row,
            "here": self.path,
            "group": told,
            "names": manual.said_of(self.group),
            "label_of": origins.attribute,
            "live": self.live,
        }


def may_overrule(who: Principal, members: list[Row[Any]]) -> bool:
    """Whoever reviews for a department that has a record of the customer; admins always."""
    return who.may(Scope.REVIEW) and (
        who.may(Scope.ADMIN) or any(who.answers_for(member.department) for member in members)
    )


@router.get("")
def form(
    *,
    request: Request,
    connection: Looking,
    who: SignedIn,
    settings: OfSettings,
    golden_id: uuid.UUID,
    group: GroupName,
) -> Response:
    case = _case(connection, who, settings, golden_id, group)
    if case.row["golden_id"] != golden_id:
        return RedirectResponse(case.path, 303)
    looks.opened(connection, who, case.row, request)
    return _form(request, connection, case, Wish())


async def wished(request: Request) -> Wish:
    """The posted form. Raises HTTPException where a field is longer than any value, or holds what no text holds."""
    fields = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    try:
        return overruling.wish(fields)
    except OneRecordError as error:
        raise HTTPException(422, str(error)) from None


Wished = Annotated[Wish, Depends(wished)]
OURS = [Depends(from_our_form)]


@router.post("/preview", dependencies=OURS)
def preview(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    settings: OfSettings,
    golden_id: uuid.UUID,
    group: GroupName,
    wish: Wished,
) -> Response:
    """What would be published; nothing is changed."""
    case = _own_case(connection, who, settings, golden_id, group)
    try:
        tried = _tried(connection, case, settings, wish, who)
    except ConflictError:
        raise
    except OneRecordError as error:
        return _form(request, connection, case, wish, problem=overruling.in_words(error))
    lines = [(origins.attribute(name), case.row[name], tried[name]) for name in manual.said_of(case.group)]
    return render(
        request,
        "value_preview.html",
        **case.context(),
        wish=wish,
        lines=[(label, origins.written(now), origins.written(then)) for label, now, then in lines],
        seen=overruling.digest(tried, case.live),
        until=overruling.until(wish, case.as_of),
    )


@router.post("", dependencies=OURS)
def save(
    *,
    connection: Writing,
    who: SignedIn,
    settings: OfSettings,
    golden_id: uuid.UUID,
    group: GroupName,
    wish: Wished,
) -> Response:
    """Enter it, if it still does what the preview showed."""
    overruling.take_turns(connection, golden_id)
    case = _own_case(connection, who, settings, golden_id, group)
    tried = _tried(connection, case, settings, wish, who)
    if overruling.digest(tried, case.live) != wish.seen:
        raise ConflictError("this would do something else by now than the preview showed: open the page again")
    overruling.carry_out(connection, _plan(case, wish), author=who.name)
    return RedirectResponse(f"/customers/{golden_id}#golden", 303)


def _case(connection: Connection, who: Principal, settings: Settings, golden_id: uuid.UUID, group: str) -> Case:
    """The case, for people who may decide it.

    Raises:
        HTTPException: 403, nobody of their departments knows the customer.
        NotFoundError: there is no such group.
    """
    row = customer_now(connection, golden_id)
    members = list(customers.members(connection, row["members"]))
    if not may_overrule(who, members):
        raise HTTPException(403, "values are changed by people whose department has a record of this customer")
    known = {item.name: item for item in POLICY[row["kind"]] if manual.said_of(item)}
    if group not in known:
        raise NotFoundError(f"there are no such values; there are {', '.join(known)}")
    return Case(
        row=row,
        group=known[group],
        members=members,
        parties=overruling.parties(connection, row["members"]),
        live=manual_values.live(connection, row["members"]).get(group),
        as_of=clock.as_of(settings),
    )


def _own_case(connection: Connection, who: Principal, settings: Settings, golden_id: uuid.UUID, group: str) -> Case:
    case = _case(connection, who, settings, golden_id, group)
    if case.row["golden_id"] != golden_id:
        raise ConflictError("this customer was merged since you opened the page: open it again")
    return case


def _plan(case: Case, wish: Wish) -> overruling.Plan:
    return overruling.plan(
        wish=wish, group=case.group, row=case.row, records=case.parties, live=case.live, as_of=case.as_of
    )


def _tried(connection: Connection, case: Case, settings: Settings, wish: Wish, who: Principal) -> dict[str, Any]:
    rules = gather.Rules(settings.survivorship.policy(), settings.source_priority, case.as_of)
    return overruling.tried(connection, _plan(case, wish), case.row["golden_id"], case.group, rules, author=who.name)


def _form(request: Request, connection: Connection, case: Case, wish: Wish, *, problem: str | None = None) -> Response:
    return render(
        request,
        "value_form.html",
        422 if problem else 200,
        **case.context(),
        wish=wish,
        problem=problem,
        choices=overruling.choices(case.group, case.row, case.parties),
        tomorrow=case.as_of.date() + dt.timedelta(days=1),
        earlier=manual_values.newest(connection, case.row["members"], case.group.name),
    )
