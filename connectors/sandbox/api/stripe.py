"""The simulated Stripe API: lists newest first, single objects, events of the last 30 days."""

import base64
import binascii
import json
import secrets
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from connectors.sandbox import credentials, moments
from connectors.sandbox.api import base
from connectors.sandbox.api.base import JSON, Office, RefusalError, answer
from connectors.sandbox.departments.finance import EVENT_DAYS

OBJECTS = {
    "customers": "customer",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "charges": "charge",
    "events": "event",
}
_BOUNDS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def refusal(status: int, message: str, **more: str) -> RefusalError:
    return RefusalError(status, {"error": {"type": "invalid_request_error", "message": message, **more}})


def _key(request: Request) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except (ValueError, binascii.Error):
            given = ""
    if not given:
        raise refusal(
            401, "You did not provide an API key. You need to provide your API key in the Authorization header."
        )
    if given != credentials.STRIPE_KEY:
        raise refusal(401, f"Invalid API Key provided: {given[:7]}****")


router = APIRouter(prefix="/stripe/v1", dependencies=[Depends(_key)])


def _headers(request: Request) -> dict[str, str]:
    return {
        "Request-Id": f"req_{secrets.token_hex(7)}",
        "Stripe-Version": request.headers.get("stripe-version", "2024-06-20"),
    }


def _object(name: str) -> str:
    if name not in OBJECTS:
        raise refusal(404, f"Unrecognized request URL (GET: /v1/{name}).")
    return OBJECTS[name]


@router.get("/{name}")
def listed(request: Request, name: str) -> Response:
    object_, office = _object(name), base.office(request)
    limit = request.query_params.get("limit", "10")
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise refusal(400, "Invalid integer: limit must be between 1 and 100", param="limit")
    clauses, values = _filters(request, object_, office.now())
    backwards = "ending_before" in request.query_params
    for key, sign in (("starting_after", "<"), ("ending_before", ">")):
        if key in request.query_params:
            at, seq = _position(office, object_, request.query_params[key], key)
            clauses.append(f"(created, seq) {sign} (?, ?)")
            values.extend((at, seq))
    order = "created, seq" if backwards else "created DESC, seq DESC"
    sql = f"SELECT json FROM record WHERE object=? AND deleted=0 AND {' AND '.join(clauses)} ORDER BY {order} LIMIT ?"
    rows = [text for (text,) in office.db.execute(sql, (f"stripe.{object_}", *values, int(limit) + 1))]
    more, page = len(rows) > int(limit), rows[: int(limit)]
    if backwards:
        page.reverse()
    body = f'{{"object":"list","url":"/v1/{name}","has_more":{str(more).lower()},"data":[{",".join(page)}]}}'
    return Response(body, headers=_headers(request), media_type=JSON)


def _filters(request: Request, object_: str, now: int) -> tuple[list[str], list[Any]]:
    """created[...], and what each list filters by besides; anything else is an unknown parameter."""
    clauses: list[str] = ["created<=?"]
    values: list[Any] = [now]
    for key, value in request.query_params.multi_items():
        inner = key.partition("[")[2].rstrip("]")
        if key == "created" or (key.startswith("created[") and inner in _BOUNDS):
            clauses.append(f"created / 1000 {_BOUNDS.get(inner, '=')} ?")
            values.append(_seconds(key, value))
        elif (
            key in ("limit", "starting_after", "ending_before")
            or key.startswith(("expand[", "types["))
            or (key == "status" and value == "all")
        ):
            continue
        elif key in ("status", "customer", "subscription", "email", "type"):
            clauses.append(f"json_extract(json, '$.{key}')=?")
            values.append(value)
        else:
            raise refusal(400, f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
    if object_ == "subscription" and "status" not in request.query_params:
        clauses.append("json_extract(json, '$.status') IS NOT 'canceled'")
    if object_ == "event":
        clauses.append("created>?")
        values.append(now - EVENT_DAYS * moments.DAY)
        types = [value for key, value in request.query_params.multi_items() if key.startswith("types[")]
        if types:
            clauses.append(f"json_extract(json, '$.type') IN ({','.join('?' * len(types))})")
            values.extend(types)
    return clauses, values


def _seconds(key: str, value: str) -> int:
    if not value.isdigit():
        raise refusal(400, f"Invalid integer: {value}", param=key)
    return int(value)


def _position(office: Office, object_: str, id_: str, param: str) -> tuple[int, int]:
    found = office.db.execute(
        "SELECT created, seq FROM record WHERE object=? AND id=?", (f"stripe.{object_}", id_)
    ).fetchone()
    if found is None:
        raise refusal(400, f"No such {object_}: '{id_}'", code="resource_missing", param=param)
    return found[0], found[1]


@router.get("/{name}/{id_}")
def single(request: Request, name: str, id_: str) -> Response:
    object_, office = _object(name), base.office(request)
    sql = "SELECT deleted, json FROM record WHERE object=? AND id=? AND created<=?"
    found = office.db.execute(sql, (f"stripe.{object_}", id_, office.now())).fetchone()
    if found is None:
        raise refusal(404, f"No such {object_}: '{id_}'", code="resource_missing", param="id")
    body = {"id": id_, "object": object_, "deleted": True} if found[0] else json.loads(found[1])
    return answer(body, headers=_headers(request))
