"""The hub's web server: pages for people, the API for tools. `python -m hub.web` starts it on the loopback."""

import contextlib
import gc
import logging
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.routing import Match

from hub import settings as configuration
from hub.api import eligibility, facts, problems, routes, webhooks
from hub.api import flags as flags_api
from hub.api.key_use import KeyUse
from hub.api.paging import CursorError
from hub.api.queries import Published
from hub.db.engine import open_database
from hub.db.reader import KEPT, Reader
from hub.errors import ConfigurationError, ConflictError, NotAllowedError, NotFoundError, OneRecordError
from hub.identity import explain
from hub.review.gate import API, Gate, Guard, safe_next
from hub.review.oidc import Provider
from hub.review.page import render
from hub.review.pages import (
    account,
    acts,
    as_of,
    audit,
    blind,
    bulk,
    checks,
    compare,
    customers,
    dashboard,
    findings,
    flags,
    history,
    leaks,
    merge,
    model,
    overview,
    people,
    proposals,
    provider,
    queue,
    sign_in,
    split,
    timeline,
    together,
    trends,
    values,
    waiting,
)
from hub.review.sessions import Sessions
from hub.review.throttle import Throttle
from hub.secret_key import secret_key
from hub.settings import Settings

STATIC = Path(__file__).parent / "review" / "static"
DESCRIPTION = """
Read one golden record per customer, by its id, by an id that it was merged from, or by a source's own id;
list customers, ask who may be contacted, follow the change feed, and see how its webhooks are delivered.
Errors are problem details (RFC 9457).
"""


def create_app(engine: Engine, settings: Settings) -> FastAPI:
    """The web application on an open, migrated database; pages at /, the API at /v1, health at /healthz."""
    app = FastAPI(
        title="OneRecord", version="1", summary="One golden record per customer", description=DESCRIPTION,
        docs_url=None, redoc_url=None, openapi_url="/openapi.json", lifespan=reading,
    )  # fmt: skip
    secure = settings.environment == "production"
    secret = secret_key(settings)
    app.state.engine, app.state.settings, app.state.throttle = engine, settings, Throttle(engine, secret)
    app.state.reader, app.state.key_use = Reader(engine.url), KeyUse(engine)
    app.state.eligible = Reader(engine.url, KEPT)
    app.state.published = Published(app.state.reader.fetch)
    app.state.sessions = Sessions(secret, secure)
    app.state.provider = Provider(settings.oidc, secret) if settings.oidc else None
    for api in (routes, facts, flags_api, eligibility, webhooks):
        app.include_router(api.router)
    app.add_api_route("/healthz", health, include_in_schema=False)
    for pages in (
        sign_in, provider, overview, queue, merge, acts, proposals, bulk, history, together, waiting, dashboard, blind,
        model, split, customers, timeline, as_of, values, findings, flags, leaks, checks, people, account, audit,
        trends, compare,  # the last: its addresses are any two words below /review
    ):  # fmt: skip
        app.include_router(pages.router, include_in_schema=False)
    app.include_router(trends.rating, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC))
    for error in (OneRecordError, HTTPException, RequestValidationError, CursorError):
        app.add_exception_handler(error, explain_error)
    app.add_middleware(Gate, engine=engine, reader=app.state.reader, sessions=app.state.sessions)
    app.add_middleware(Guard)
    return app


@contextlib.asynccontextmanager
async def reading(app: FastAPI) -> AsyncIterator[None]:
    """The API's connections, and the count of what keys read, for as long as the server runs."""
    async with app.state.reader.opened(), app.state.eligible.opened(), app.state.key_use.written():
        yield


async def health(request: Request) -> Response:
    """Whether the server and its database answer."""
    try:
        await request.app.state.reader.fetch("SELECT 1", {})
    except psycopg.OperationalError:
        return JSONResponse({"status": "the database does not answer"}, 503)
    return JSONResponse({"status": "ok"})


def explain_error(request: Request, error: Exception) -> Response:
    """An error as a problem detail under /v1, as a page elsewhere; neither echoes what the visitor sent."""
    headers = getattr(error, "headers", None)
    if request.scope["path"].startswith(API):
        if isinstance(error, RequestValidationError):
            return problems.of_validation(error)
        return problems.answer(*_status(error), headers=headers)
    status, detail = _status(error)
    title = _PAGE_TITLES.get(status) or problems.TITLES.get(status, HTTPStatus(status).phrase)
    response = render(request, "error.html", status, title=title, detail=detail, code=status, again=_came_from(request))
    response.headers.update(headers or {})
    return response


# What the API says in other words: people have no key, and send no parameters.
_PAGE_TITLES = {
    400: "This could not be done",
    403: "You may not do that",
    409: "Nothing was changed",
    422: "Something in the form or the address is not valid",
}


def _came_from(request: Request) -> str:
    """The page whose form was refused, so that nobody ends at the refusal; empty where there was none."""
    if request.method != "POST":
        return ""
    came = urlsplit(request.headers.get("referer", ""))
    path = came.path
    while path and not _is_a_page(request, path):  # a preview is the answer to a form, and has no page of its own
        path = path.rpartition("/")[0]
    address = safe_next(path + (f"?{came.query}" if came.query else ""))
    return "" if address == "/" else address


def _is_a_page(request: Request, path: str) -> bool:
    asked = {"type": "http", "method": "GET", "path": path}
    matches = (route.matches(asked)[0] for route in request.app.routes)
    return next((match for match in matches if match is not Match.NONE), Match.NONE) is Match.FULL


def _status(error: Exception) -> tuple[int, str]:
    if isinstance(error, HTTPException):
        known = {404: "there is nothing at this address", 405: "this address does not offer this method"}
        generic = error.detail == HTTPStatus(error.status_code).phrase
        return error.status_code, known.get(error.status_code, error.detail) if generic else error.detail
    if isinstance(error, RequestValidationError):
        # The place is (query, name, ...): behind the name is which of several types did not fit.
        names = ", ".join(sorted({str(e["loc"][min(1, len(e["loc"]) - 1)]) for e in error.errors()}))
        return 422, f"not valid: {names}"
    statuses = ((NotFoundError, 404), (ConflictError, 409), (NotAllowedError, 403), (CursorError, 400))
    return next((status for kind, status in statuses if isinstance(error, kind)), 400), str(error)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        ConfigurationError: the port is taken, or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        problem = f"web_port: {host}:{port} cannot be used ({error.strerror}); set ONERECORD_WEB_PORT to another"
        raise ConfigurationError(problem) from None
    return listener


def server(app: FastAPI) -> uvicorn.Server:
    """The server that runs `app`: no access log of its own, it would hold what people searched for."""
    return uvicorn.Server(
        uvicorn.Config(app, access_log=False, server_header=False, log_config=None, timeout_graceful_shutdown=3)
    )


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    with listen(settings.web_host, settings.web_port) as listener, open_database(settings) as database:
        app = create_app(database.engine, settings)
        print(f"OneRecord web on http://{settings.web_host}:{listener.getsockname()[1]}", flush=True)  # noqa: T201
        threading.Thread(target=explain.warm, args=(database.engine, settings.match), daemon=True).start()
        gc.freeze()  # what is there now stays: to look through it for garbage again and again costs a tenth of the time
        server(app).run(sockets=[listener])


def main() -> int:
    """The exit code: 0 after a signal, that of the error otherwise."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # uvicorn raises the signal again once it has shut down; this turns it into an orderly way out of the database.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    try:
        serve(configuration.load())
    except OneRecordError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
