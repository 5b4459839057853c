"""The two layers every request passes: the guard (headers, limits, failures, access log) and the gate (who is asking).

Deny by default: what is not listed as open is for who is signed in, or has a key, whether there is a page behind the
address or not.
"""

import logging
import time
import traceback
from functools import partial
from html import escape
from urllib.parse import quote, unquote_to_bytes

import psycopg
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub import keys
from hub.access import Principal
from hub.api import problems
from hub.db.reader import Reader, Together
from hub.review import sessions as store
from hub.review.sessions import COOKIE, Session, Sessions

log = logging.getLogger("hub.web")

OPEN = ("/healthz", "/sign-in", "/sign-in/provider", "/sign-in/provider/callback", "/signed-out")
STATIC = "/static/"
API = "/v1/"
DESCRIPTION = "/openapi.json"
PROVIDER = "/sign-in/provider"
LARGEST_BODY = 64 * 1024  # bytes; the largest form has a reason of 2,000 characters

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY = b"content-security-policy"  # a page may bring its own, for what it is made of
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class Guard:
    """Outermost: security headers on everything, bodies of limited size, failures without what they contained."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _secure(MutableHeaders(scope=message), scope)
            await send(message)

        refusal = _refusal(Request(scope))
        try:
            await (refusal or self.app)(scope, receive, with_headers)
        except Exception as error:  # noqa: BLE001  # whatever it is, the visitor gets an answer and the log no values
            _report(error)
            if status == 0:
                await _failure(error, scope)(scope, receive, with_headers)
        route = getattr(scope.get("route"), "path", "-")
        log.info("%s %s %d %.0f ms", scope["method"], route, status, (time.perf_counter() - began) * 1000)


def _secure(headers: MutableHeaders, scope: Scope) -> None:
    headers.raw.extend(header for header in RAW_HEADERS if header[0] != POLICY or POLICY.decode() not in headers)
    if not scope["path"].startswith(STATIC):
        headers.setdefault("Cache-Control", "no-store")
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _refusal(request: Request) -> Response | None:
    if "\x00" in request.scope["path"] or b"\x00" in unquote_to_bytes(request.scope["query_string"]):
        return _plain(request.scope["path"], 400, "an address holds no null characters")
    if request.method in {"GET", "HEAD"}:
        return None
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) <= LARGEST_BODY:
        return None
    return _plain(request.scope["path"], 413, "send at most 64 KiB, with a Content-Length")


def _report(error: Exception) -> None:
    """Where it failed and as what. The message is left out: those of databases quote the values they were given."""
    where = "".join(traceback.format_tb(error.__traceback__)[-8:])
    cause = getattr(error, "orig", None)
    log.error("%s%s\n%s", type(error).__name__, f" ({type(cause).__name__})" if cause else "", where)


def _failure(error: Exception, scope: Scope) -> Response:
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError | psycopg.OperationalError):
        return _plain(scope["path"], 503, "the database does not answer; try again in a moment")
    return _plain(scope["path"], 500, "the hub failed on this request; its log says where")


def _plain(path: str, status: int, detail: str) -> Response:
    headers = {"Retry-After": "5"} if status == 503 else None
    if path.startswith(API):
        return problems.answer(status, detail, headers=headers)
    return PlainTextResponse(f"{problems.TITLES[status]}: {detail}\n", status, headers=headers)


class Gate:
    """Finds out who is asking; strangers get no further than the sign-in page, or a 401."""

    def __init__(self, app: ASGIApp, engine: Engine, reader: Reader, sessions: Sessions) -> None:
        self.app, self.engine, self.sessions = app, engine, sessions
        self.principals = Together(partial(keys.verify_hashes, reader.fetch))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await (await self._decide(Request(scope)) or self.app)(scope, receive, send)

    async def _decide(self, request: Request) -> Response | None:
        """None to let the request pass, else the answer to a stranger."""
        # Not request.url, which is put together with the Host header, and that says whatever a visitor likes.
        path = request.scope["path"]
        session = self.sessions.read(request.cookies.get(COOKIE))
        request.state.session, request.state.principal = session, None
        if _from_another_site(request):
            return _go_on(request)
        if path.startswith(STATIC) or path in OPEN:
            return None
        if not path.startswith(API):
            request.state.principal = await run_in_threadpool(self._of_session, session)
        if request.state.principal is None and path.startswith((API, DESCRIPTION)):
            request.state.principal = await self._of_bearer(request.headers.get("authorization", ""))
        return None if request.state.principal is not None else _stranger(request)

    def _of_session(self, session: Session | None) -> Principal | None:
        return None if session is None else store.holder(self.engine, session)

    async def _of_bearer(self, authorization: str) -> Principal | None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key.startswith(keys.PREFIX):
            return None
        return await self.principals.get(keys.hashed(key.strip()))


def _from_another_site(request: Request) -> bool:
    """Whether somebody follows a link of another site: their cookie, which is strict, stays behind and cannot tell who.

    To give them the sign-in page would replace the cookie that they have, and sign them out.
    """
    told, path = request.headers, request.scope["path"]
    followed = told.get("sec-fetch-site") == "cross-site" and told.get("sec-fetch-mode") == "navigate"
    ours = path.startswith((API, DESCRIPTION, STATIC, PROVIDER))
    return followed and not ours and request.method == "GET" and COOKIE not in request.cookies


def _go_on(request: Request) -> Response:
    """A page that opens the same address by itself: this time from here, with the cookie."""
    path, query = quote(request.scope["path"], safe="/"), request.scope["query_string"].decode("latin-1")
    address = escape(safe_next(f"{path}?{query}" if query else path))
    page = f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>OneRecord</title>
        <meta http-equiv="refresh" content="0; url={address}"></head>
        <body><p><a href="{address}">Go on to OneRecord</a></p></body></html>"""
    return HTMLResponse(page)


def _stranger(request: Request) -> Response:
    path = request.scope["path"]
    if path.startswith((API, DESCRIPTION)):
        detail = "send `Authorization: Bearer or_...` with a key that is not revoked"
        return problems.answer(401, detail, headers={"WWW-Authenticate": 'Bearer realm="OneRecord"'})
    if request.method not in {"GET", "HEAD"} or path == "/":
        return RedirectResponse("/sign-in", 303)
    # Only the path comes along: a query may hold what somebody searched for.
    return RedirectResponse(f"/sign-in?next={quote(path, safe='/')}", 303)


def safe_next(address: str | None) -> str:
    """Where to go after signing in: a path of this server, else the front page."""
    if not address or not address.startswith("/") or address[1:2] in {"/", "\\"}:
        return "/"
    if "\\" in address or any(ord(character) < 32 or ord(character) == 127 for character in address):
        return "/"
    return "/" if address.startswith(("/sign-in", "/sign-out")) else address
