"""Accounts, for admins: make them, change roles and passwords, close them, say which deals are theirs."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub import users
from hub.access import Role, Scope
from hub.audit import record
from hub.coach import owners
from hub.errors import NotFoundError, OneRecordError
from hub.model.kinds import Department
from hub.review import sessions
from hub.review.page import Reading, SignedIn, Writing, from_our_form, render, requires, settings_of

router = APIRouter(prefix="/people", dependencies=[Depends(requires(Scope.ADMIN))])
OWNERS_SHOWN = 200  # of those without an account; others are added by their id
OURS = [Depends(from_our_form)]
Words = Annotated[str, Form(max_length=1_000)]
Departments = Annotated[list[str] | None, Form(max_length=len(Department))]


@router.get("")
def people(request: Request, connection: Reading) -> Response:
    return _people(request, connection)


@router.post("", dependencies=OURS)
def add(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    name: Words = "",
    role: Words = "",
    password: Words = "",
    department: Departments = None,
) -> Response:
    try:
        users.add(connection, name.strip(), role, department or (), password, actor=who.name)
    except OneRecordError as error:
        return _people(request, connection, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name.strip()}", 303)


@router.get("/{name}")
def person(request: Request, connection: Reading, name: str) -> Response:
    return _person(request, connection, name)


@router.post("/{name}/role", dependencies=OURS)
def change_role(
    *,
    request: Request,
    connection: Writing,
    who: SignedIn,
    name: str,
    role: Words = "",
    department: Departments = None,
) -> Response:
    try:
        users.set_role(connection, name, role, department or (), actor=who.name)
    except OneRecordError as error:
        return _person(request, connection, name, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/password", dependencies=OURS)
def change_password(request: Request, connection: Writing, who: SignedIn, name: str, password: Words = "") -> Response:
    try:
        users.set_password(connection, name, password, actor=who.name)
    except OneRecordError as error:
        return _person(request, connection, name, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/disable", dependencies=OURS)
def disable(request: Request, connection: Writing, who: SignedIn, name: str) -> Response:
    try:
        users.disable(connection, name, actor=who.name)
    except OneRecordError as error:
        return _person(request, connection, name, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/enable", dependencies=OURS)
def enable(connection: Writing, who: SignedIn, name: str) -> Response:
    users.enable(connection, name, actor=who.name)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/end-sessions", dependencies=OURS)
def end_sessions(connection: Writing, who: SignedIn, name: str) -> Response:
    ended = sessions.end_all(connection, name)
    record(connection, who.name, "end sessions", name, details={"sessions": ended})
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/contact", dependencies=OURS)
def change_contact(
    *, request: Request, connection: Writing, who: SignedIn, name: str, email: Words = "", team: Words = ""
) -> Response:
    try:
        users.set_contact(connection, name, email=email.strip(), team=team.strip(), actor=who.name)
    except OneRecordError as error:
        return _person(request, connection, name, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/own", dependencies=OURS)
def own(
    *, request: Request, connection: Writing, who: SignedIn, name: str, source: Words = "", owner_id: Words = ""
) -> Response:
    try:
        owners.own(connection, name, source.strip(), owner_id.strip(), actor=who.name)
    except OneRecordError as error:
        return _person(request, connection, name, problem=str(error), status=400)
    return RedirectResponse(f"/people/{name}", 303)


@router.post("/{name}/disown", dependencies=OURS)
def disown(connection: Writing, who: SignedIn, name: str, source: Words = "", owner_id: Words = "") -> Response:
    owners.disown(connection, name, source, owner_id, actor=who.name)
    return RedirectResponse(f"/people/{name}", 303)


def _people(request: Request, connection: Connection, problem: str = "", status: int = 200) -> Response:
    listed = users.listed(connection)
    return render(
        request, "people.html", status, people=listed, problem=problem, roles=list(Role), departments=list(Department)
    )


def _person(request: Request, connection: Connection, name: str, problem: str = "", status: int = 200) -> Response:
    found = next((one for one in users.listed(connection) if one.name == name), None)
    if found is None:
        raise NotFoundError("there is no account of this name")
    unknown = owners.without_account(connection)
    return render(
        request, "person.html", status, person=found, problem=problem, roles=list(Role), departments=list(Department),
        places=sessions.of_account(connection, name), owners=owners.of_account(connection, name),
        proposals=owners.proposals(unknown, name, found.email), unknown=unknown[:OWNERS_SHOWN],
        mailed=settings_of(request).mail is not None,
    )  # fmt: skip
