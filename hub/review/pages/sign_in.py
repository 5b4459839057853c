"""Signing in with a name and a password, and out again."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub import users
from hub.audit import record
from hub.review import sessions as store
from hub.review.gate import safe_next
from hub.review.page import SignedIn, Writing, from_our_form, render
from hub.review.sessions import Session, Sessions
from hub.review.throttle import Throttle

router = APIRouter()
log = logging.getLogger("hub.web")


@router.get("/sign-in")
def form(request: Request, next: str = "/") -> Response:  # noqa: A002  # the name that people know from other sites
    return sign_in_page(request, safe_next(next))


@router.post("/sign-in", dependencies=[Depends(from_our_form)])
def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
    next: Annotated[str, Form(max_length=2_000)] = "/",  # noqa: A002
) -> Response:
    throttle: Throttle = request.app.state.throttle
    attempt = throttle.begin(request.client.host if request.client else "-", name.strip())
    if attempt.wait:
        log.warning("sign-in refused: too many attempts")
        problem = f"Too many attempts. Try again in {attempt.wait} seconds."
        response = sign_in_page(request, safe_next(next), problem, 429)
        response.headers["Retry-After"] = str(attempt.wait)
        return response
    account = users.verify(request.app.state.engine, name.strip(), password)
    if account is None:
        log.warning("sign-in refused: unknown name or wrong password")
        return sign_in_page(request, safe_next(next), "This name and password do not go together.", 401)
    throttle.succeeded(attempt)
    response = RedirectResponse(safe_next(next), 303)
    with request.app.state.engine.begin() as connection:
        admit(request, connection, response, account)
    return response


@router.post("/sign-out", dependencies=[Depends(from_our_form)])
def sign_out(request: Request, connection: Writing, who: SignedIn) -> Response:
    sessions: Sessions = request.app.state.sessions
    response = RedirectResponse("/signed-out" if request.app.state.provider else "/sign-in", 303)
    store.end(connection, request.state.session)
    sessions.leave(response)
    record(connection, who.name, "sign out", who.name)
    return response


def admit(request: Request, connection: Connection, response: Response, account: str) -> None:
    """Give `account` a session; the one that the browser came with ends, whoever's it was."""
    before: Session | None = request.state.session
    if before is not None:
        store.end(connection, before)
    request.app.state.sessions.admit(connection, response, account, request.headers.get("user-agent", ""))
    record(connection, account, "sign in", account)


def sign_in_page(request: Request, address: str, problem: str = "", status: int = 200) -> Response:
    """The sign-in page; a visitor without a session gets one, which proves where the form came from."""
    session: Session | None = request.state.session
    fresh = Response()
    if session is None:
        request.state.session = request.app.state.sessions.start(fresh)
    provider = request.app.state.provider.settings.label if request.app.state.provider else ""
    page = render(request, "sign_in.html", status, next=address, problem=problem, provider=provider)
    page.raw_headers.extend(header for header in fresh.raw_headers if header[0] == b"set-cookie")
    return page
