"""The simulated departments as one HTTP server on loopback: `python -m connectors.sandbox.server FOLDER`."""

import argparse
import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.middleware.base import RequestResponseEndpoint
from starlette.types import ASGIApp

from connectors.sandbox import moments
from connectors.sandbox.api import hubspot, salesforce, stripe, zendesk
from connectors.sandbox.api.base import Office, RefusalError, answer
from connectors.sandbox.credentials import SYSTEMS
from connectors.sandbox.faults import Fault, Faults
from connectors.sandbox.ticking import tick

NOTICE = "This is a simulation. No department, customer or payment behind it is real."


class Days(BaseModel):
    days: int = Field(1, ge=1, le=366)


def application(folder: Path) -> ASGIApp:
    """The four APIs, the controls under /sandbox, and the faults in front of them."""
    app = FastAPI(title="OneRecord sandbox", description=NOTICE, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.office, app.state.salesforce = Office(folder), salesforce.Org()
    for vendor in (salesforce, hubspot, zendesk, stripe):
        app.include_router(vendor.router)
    faults = Faults(app)
    _controls(app, folder, faults)
    app.add_exception_handler(RefusalError, lambda _request, refusal: refusal.response())
    app.add_exception_handler(RequestValidationError, _invalid)

    @app.middleware("http")
    async def say_so(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        response.headers["X-Simulation"] = "onerecord-sandbox"
        return response

    return faults


def _invalid(request: Request, error: Exception) -> Response:
    """A body that does not fit, refused in HubSpot's words (the only vendor here that takes JSON bodies)."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    message = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in problems)
    if request.url.path.startswith("/hubspot/"):
        return hubspot.refusal(400, f"Invalid input JSON: {message}").response()
    return answer({"error": message}, 422)


def _controls(app: FastAPI, folder: Path, faults: Faults) -> None:
    @app.get("/sandbox")
    def what(request: Request) -> Response:
        base = str(request.base_url).rstrip("/")
        return answer({"simulation": True, "notice": NOTICE, "systems": {name: f"{base}/{name}" for name in SYSTEMS}})

    @app.get("/sandbox/state")
    def state() -> Response:
        facts = app.state.office.facts()
        waiting = [fault.model_dump() for fault in faults.waiting]
        shown = {key: facts[key] for key in ("seed", "size", "ticks")}
        return answer(
            {"simulation": True, "now": moments.from_ms(facts["now"]).isoformat(), **shown, "faults": waiting}
        )

    @app.post("/sandbox/tick")
    def move(asked: Days | None = None) -> Response:
        tick(folder, (asked or Days(days=1)).days)
        return state()

    @app.post("/sandbox/faults")
    def add(fault: Fault) -> Response:
        faults.add(fault)
        return state()

    @app.delete("/sandbox/faults")
    def clear() -> Response:
        faults.clear()
        return state()


def _die_with_parent() -> None:
    """Leave when stdin ends, which it does however the parent went."""
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser(description=NOTICE)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--with-parent", action="store_true", help="leave when stdin ends")
    asked = parser.parse_args()
    if asked.with_parent:
        threading.Thread(target=_die_with_parent, daemon=True).start()
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", asked.port))
    listener.listen(128)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
    config = uvicorn.Config(application(asked.folder), log_level="critical", access_log=False, lifespan="off")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
