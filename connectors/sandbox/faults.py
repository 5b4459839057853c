"""Trouble on demand: what real systems do on bad days, one request at a time."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.sandbox.store import dump

System = Literal["salesforce", "hubspot", "zendesk", "stripe"]
Kind = Literal[
    "429", "401", "500", "truncate", "malformed", "wrong_type", "missing_field", "renamed_field", "limit", "die"
]
ROWS = ("records", "results", "users", "tickets", "organizations", "satisfaction_ratings", "data", "events", "timeline")
# The field that a page's rows lose, by system and a word of the path; the first that the row has.
FIELDS = {
    "salesforce": ("LastName", "StageName", "Name", "Field", "Status", "Role"),
    "hubspot": ("lastname", "dealname", "name", "recipient", "email"),
    "zendesk": ("name", "subject", "score"),
    "stripe": ("total", "amount", "status", "name", "type"),
}


class Fault(BaseModel):
    """`count` requests to `system` whose path holds `path` go wrong; `rows` of a page are spoiled (None: all)."""

    model_config = ConfigDict(extra="forbid")

    system: System
    kind: Kind
    count: int = Field(1, ge=1)
    path: str = ""
    retry_after: int | None = Field(None, ge=0, description="seconds; Zendesk always sends it")
    field: str | None = None
    rows: int | None = Field(None, ge=1)


class Faults:
    """An ASGI middleware that holds the faults still to come."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.waiting.append(fault)

    def clear(self) -> None:
        self.waiting.clear()

    def due(self, path: str) -> Fault | None:
        """The first fault that this path meets; it is used up by one."""
        for fault in self.waiting:
            if path.startswith(f"/{fault.system}/") and fault.path in path and not path.endswith("/oauth2/token"):
                fault.count -= 1
                if fault.count == 0:
                    self.waiting.remove(fault)
                return fault.model_copy()
        return None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.due(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self.app(scope, receive, send)
            return
        if fault.kind in ("429", "401", "500", "limit"):
            status, headers, body = refused(fault)
            await _send(send, status, headers, body)
            return
        start, body = await _answered(self.app, scope, receive)
        await _spoil(fault, start, body, send)


async def _answered(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages if message["type"] == "http.response.body")
    return messages[0], body


async def _spoil(fault: Fault, start: Message, body: bytes, send: Send) -> None:
    if fault.kind in ("truncate", "die"):
        # The head promises the whole length, half of it comes, then the line is cut.
        await send(start)
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        if fault.kind == "die":
            await asyncio.sleep(0.1)
            os._exit(70)
        return
    broken = body[:-1] + b",," if fault.kind == "malformed" else spoiled_rows(fault, body)
    headers = [(key, value) for key, value in start["headers"] if key != b"content-length"]
    await _send(send, start["status"], headers, broken)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


def spoiled_rows(fault: Fault, body: bytes) -> bytes:
    """The page with a field of its rows lost, renamed or of the wrong type; a page without rows stays as it is."""
    page = json.loads(body)
    if not isinstance(page, dict):
        return body
    rows: list[dict[str, Any]] = next((page[key] for key in ROWS if isinstance(page.get(key), list)), [])
    for row in rows[: fault.rows]:
        fields = row["properties"] if isinstance(row.get("properties"), dict) else row
        name = fault.field or next((name for name in FIELDS[fault.system] if name in fields), None)
        if name is not None and name in fields:
            _CHANGES[fault.kind](fields, name)
    return dump(page).encode()


def _retype(fields: dict[str, Any], name: str) -> None:
    fields[name] = {"unexpected": True}


def _drop(fields: dict[str, Any], name: str) -> None:
    del fields[name]


def _rename(fields: dict[str, Any], name: str) -> None:
    fields[f"{name}_v2"] = fields.pop(name)


_CHANGES: dict[str, Callable[[dict[str, Any], str], None]] = {
    "wrong_type": _retype,
    "missing_field": _drop,
    "renamed_field": _rename,
}

_BODIES: dict[tuple[str, str], tuple[int, Any]] = {
    ("salesforce", "429"): (429, [{"errorCode": "TOO_MANY_REQUESTS", "message": "Too many requests"}]),
    ("salesforce", "401"): (401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]),
    ("salesforce", "500"): (500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred"}]),
    ("salesforce", "limit"): (403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED",
    "message": "TotalRequests Limit exceeded."}]),
    ("hubspot", "429"): (429, {"status": "error", "message": "You have reached your ten_secondly_rolling limit.",
    "errorType": "RATE_LIMIT",
                               "correlationId": "3d1e5a0c-0000-4000-8000-000000000000",
                               "policyName": "TEN_SECONDLY_ROLLING"}),
    ("hubspot", "401"): (401, {"status": "error", "message": "The OAuth token used to make this call expired.",
    "category": "EXPIRED_AUTHENTICATION",
                               "correlationId": "3d1e5a0c-0000-4000-8000-000000000000"}),
    ("hubspot", "500"): (500, {"status": "error", "message": "internal error",
    "correlationId": "3d1e5a0c-0000-4000-8000-000000000000"}),
    ("hubspot", "limit"): (429, {"status": "error", "message": "You have reached your daily limit.",
    "errorType": "RATE_LIMIT",
                                 "correlationId": "3d1e5a0c-0000-4000-8000-000000000000", "policyName": "DAILY"}),
    ("zendesk", "429"): (429, "Number of allowed incremental export API requests per minute exceeded"),
    ("zendesk", "401"): (401, {"error": "Couldn't authenticate you"}),
    ("zendesk", "500"): (500, {"error": "InternalError", "description": "Something went wrong"}),
    ("zendesk", "limit"): (429, "Number of allowed API requests per minute exceeded"),
    ("stripe", "429"): (429, {"error": {"type": "invalid_request_error", "code": "rate_limit",
    "message": "Request rate limit exceeded."}}),
    ("stripe", "401"): (401, {"error": {"type": "invalid_request_error",
    "message": "Invalid API Key provided: sk_test****"}}),
    ("stripe", "500"): (500, {"error": {"type": "api_error", "message": "An unknown error occurred"}}),
    ("stripe", "limit"): (429, {"error": {"type": "invalid_request_error", "code": "rate_limit",
    "message": "Request rate limit exceeded."}}),
}  # fmt: skip


def refused(fault: Fault) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a refusal in the vendor's words."""
    status, body = _BODIES[fault.system, fault.kind]
    wait = fault.retry_after
    if wait is None and fault.system == "zendesk" and status == 429:
        wait = 1
    type_ = b"text/plain" if isinstance(body, str) else b"application/json"
    headers = [(b"content-type", type_ + b"; charset=utf-8"), (b"x-simulation", b"onerecord-sandbox")]
    if wait is not None:
        headers.append((b"retry-after", str(wait).encode()))
    return status, headers, body.encode() if isinstance(body, str) else dump(body).encode()
