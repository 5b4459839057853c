"""Signing in at an identity provider, and what is left to do there after signing out."""

import hmac
import logging
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub import users
from hub.errors import OneRecordError
from hub.review import oidc, sessions
from hub.review.gate import safe_next
from hub.review.oidc import Flow, Provider, ProviderError, Rights
from hub.review.page import render
from hub.review.pages.sign_in import admit, sign_in_page

router = APIRouter()
log = logging.getLogger("hub.web")
PATH = "/sign-in/provider"
BY_PROVIDER = "identity provider"
Parameter = Annotated[str, Query(max_length=4_000)]


@router.get(PATH)
def begin(request: Request, next: Parameter = "/") -> Response:  # noqa: A002  # the name that people know
    provider = _provider(request)
    flow = Flow(safe_next(next))
    try:
        response = RedirectResponse(provider.begin(flow), 303)
    except ProviderError as error:
        return _refused(request, error, 503)
    # Lax: the way back begins at the provider, and a strict cookie would stay behind.
    response.set_cookie(
        oidc.COOKIE, provider.seal(flow), max_age=oidc.PATIENCE, path=PATH, httponly=True, samesite="lax",
        secure=request.app.state.sessions.secure,
    )  # fmt: skip
    return response


@router.get(f"{PATH}/callback")
def finish(request: Request, code: Parameter = "", state: Parameter = "", iss: Parameter = "") -> Response:
    """Let in who comes back. The page goes on by itself: a redirect from another site would come without the cookie."""
    provider = _provider(request)
    flow = provider.unseal(request.cookies.get(oidc.COOKIE))
    if flow is None or not hmac.compare_digest(flow.state.encode(), state.encode()):
        return sign_in_page(request, "/", "This sign-in was not begun here, or took too long. Try again.", 400)
    if not code or iss not in {"", provider.settings.issuer}:
        return sign_in_page(request, flow.address, "The identity provider did not let you in.", 401)
    try:
        claims = provider.finish(flow, code)
        given = oidc.rights(claims, provider.settings)
        if given is None:
            _shut_out(request, provider, claims)
        with request.app.state.engine.begin() as connection:
            account = _account(connection, provider, claims, given)
            response = render(request, "continue.html", address=flow.address)
            admit(request, connection, response, account)
    except ProviderError as error:
        return _refused(request, error, 401)
    response.delete_cookie(oidc.COOKIE, path=PATH)
    return response


@router.get("/signed-out")
def signed_out(request: Request) -> Response:
    return render(request, "signed_out.html", address=_provider(request).sign_out_address())


def _shut_out(request: Request, provider: Provider, claims: dict[str, Any]) -> NoReturn:
    """End what somebody opened here while the provider still gave them a role."""
    with request.app.state.engine.begin() as connection:
        known = users.of_provider(connection, provider.settings.issuer, claims["sub"])
        if known is not None:
            sessions.end_all(connection, known.name)
    raise ProviderError("nothing that the identity provider says of you gives you a role here")


def _account(connection: Connection, provider: Provider, claims: dict[str, Any], given: Rights) -> str:
    """The account of whoever the claims are about, with the rights that they give now; made where there is none.

    Raises:
        ProviderError: they may not come in; says why.
    """
    issuer, subject, name = provider.settings.issuer, claims["sub"], claims.get(provider.settings.name_claim)
    known = users.of_provider(connection, issuer, subject)
    if known is not None and known.disabled_at is not None:
        raise ProviderError("this account is disabled")
    if known is None and not isinstance(name, str):
        raise ProviderError("the identity provider does not say your name")
    account = known.name if known else str(name)
    try:
        if known is None:  # a name that somebody has here already is not taken over
            users.add_from_provider(connection, account, given.role, given.departments, issuer=issuer, subject=subject)
        else:
            users.set_role(connection, account, given.role, given.departments, actor=BY_PROVIDER)
    except OneRecordError as error:
        raise ProviderError(f"you cannot come in: {error}") from error
    return account


def _provider(request: Request) -> Provider:
    provider: Provider | None = request.app.state.provider
    if provider is None:
        raise HTTPException(404, "no identity provider is set up")
    return provider


def _refused(request: Request, error: ProviderError, status: int) -> Response:
    log.warning("sign-in at the provider refused: %s", type(error.__cause__ or error).__name__)
    said = str(error)
    return sign_in_page(request, "/", f"{said[:1].upper()}{said[1:]}. Ask whoever runs this hub.", status)
