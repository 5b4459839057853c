"""Signing in with a key, and out again."""

import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response

from hub import keys
from hub.access import Principal
from hub.audit import record
from hub.review.gate import safe_next
from hub.review.page import SignedIn, Writing, from_our_form, render
from hub.review.sessions import Session, Sessions, Throttle

router = APIRouter()
log = logging.getLogger("hub.web")


@router.get("/sign-in")
def form(request: Request, next: str = "/") -> Response:  # noqa: A002  # the name that people know from other sites
    return _form(request, safe_next(next))


@router.post("/sign-in", dependencies=[Depends(from_our_form)])
def sign_in(
    request: Request,
    connection: Writing,
    key: Annotated[str, Form(max_length=200)] = "",
    next: Annotated[str, Form(max_length=2_000)] = "/",  # noqa: A002
) -> Response:
    throttle: Throttle = request.app.state.throttle
    client = request.client.host if request.client else "-"
    wait = throttle.wait(client)
    if wait:
        response = _form(request, safe_next(next), f"Too many attempts. Try again in {wait} seconds.", 429)
        response.headers["Retry-After"] = str(wait)
        return response
    who = keys.verify(connection, key.strip())
    if who is None:
        throttle.failed(client)
        log.warning("sign-in refused: unknown or revoked key")
        return _form(request, safe_next(next), "This key is not known, or it was revoked.", 401)
    throttle.succeeded(client)
    record(connection, who.name, "sign in", who.name)
    return _admit(request, who, safe_next(next))


@router.post("/sign-out", dependencies=[Depends(from_our_form)])
def sign_out(request: Request, connection: Writing, who: SignedIn) -> Response:
    sessions: Sessions = request.app.state.sessions
    response = RedirectResponse("/sign-in", 303)
    sessions.end(response, request.state.session)
    record(connection, who.name, "sign out", who.name)
    return response


def _admit(request: Request, who: Principal, address: str) -> Response:
    response = RedirectResponse(address, 303)
    request.app.state.sessions.start(response, who.name)
    return response


def _form(request: Request, address: str, problem: str = "", status: int = 200) -> Response:
    """The sign-in page; a visitor without a session gets one, which proves where the form came from."""
    session: Session | None = request.state.session
    fresh = Response()
    if session is None:
        request.state.session = request.app.state.sessions.start(fresh)
    page = render(request, "sign_in.html", status, next=address, problem=problem)
    page.raw_headers.extend(header for header in fresh.raw_headers if header[0] == b"set-cookie")
    return page
