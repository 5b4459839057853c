"""One's own account: the password, and where one is signed in."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub import users
from hub.audit import record
from hub.errors import OneRecordError
from hub.review import sessions
from hub.review.page import Reading, SignedIn, Writing, from_our_form, render
from hub.review.throttle import Throttle

router = APIRouter(prefix="/account")
Password = Annotated[str, Form(max_length=1_000)]


@router.get("")
def account(request: Request, connection: Reading, who: SignedIn, done: str = "") -> Response:
    notice = {"password": "Your password was changed. You were signed out everywhere else.", "sessions": "Ended."}
    return _page(request, connection, who.name, notice=notice.get(done, ""))


@router.post("/password", dependencies=[Depends(from_our_form)])
def change_password(request: Request, who: SignedIn, current: Password = "", password: Password = "") -> Response:
    """Another password, for whoever knows the one in force: an unattended screen is not enough."""
    engine = request.app.state.engine
    throttle: Throttle = request.app.state.throttle
    attempt = throttle.begin(request.client.host if request.client else "-", who.name)
    right = not attempt.wait and users.verify(engine, who.name, current) is not None
    if right:
        throttle.succeeded(attempt)
    with engine.begin() as connection:
        if not right:
            wait = f"Too many attempts. Try again in {attempt.wait} seconds." if attempt.wait else ""
            return _page(request, connection, who.name, problem=wait or "This is not your password.", status=400)
        try:
            users.set_password(connection, who.name, password, actor=who.name)
        except OneRecordError as error:
            return _page(request, connection, who.name, problem=str(error), status=400)
        response = RedirectResponse("/account?done=password", 303)
        agent = request.headers.get("user-agent", "")
        request.app.state.sessions.admit(connection, response, who.name, agent)
    return response


@router.post("/end-session", dependencies=[Depends(from_our_form)])
def end_session(connection: Writing, who: SignedIn, session_id: Annotated[int, Form(ge=1, le=2**63 - 1)]) -> Response:
    """Sign out at one of the places where one is signed in."""
    if sessions.end_one(connection, who.name, session_id):
        record(connection, who.name, "end sessions", who.name, details={"sessions": 1})
    return RedirectResponse("/account?done=sessions", 303)


@router.post("/end-sessions", dependencies=[Depends(from_our_form)])
def end_sessions(request: Request, connection: Writing, who: SignedIn) -> Response:
    """Sign out everywhere but here."""
    ended = sessions.end_all(connection, who.name, but=request.state.session)
    record(connection, who.name, "end sessions", who.name, details={"sessions": ended})
    return RedirectResponse("/account?done=sessions", 303)


def _page(
    request: Request, connection: Connection, name: str, *, notice: str = "", problem: str = "", status: int = 200
) -> Response:
    own = next(one for one in users.listed(connection) if one.name == name)
    return render(
        request, "account.html", status, person=own, notice=notice, problem=problem,
        places=sessions.of_account(connection, name), here=request.state.session.hashed,
    )  # fmt: skip
