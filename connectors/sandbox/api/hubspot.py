"""The simulated HubSpot API: objects, search, batch read, associations, e-mail events, subscription changes."""

import json
import uuid
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from connectors.sandbox import credentials, ids, moments
from connectors.sandbox.api import base
from connectors.sandbox.api.base import Office, RefusalError, answer
from connectors.sandbox.api.hubspot_search import Search, matching
from connectors.sandbox.departments.marketing import MODIFIED

DEFAULTS = {
    "contacts": ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    "companies": ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    "deals": (
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
}
PLURAL = {"contact": "contacts", "company": "companies", "deal": "deals"}
ARCHIVE = 90 * moments.DAY
LONGEST_URL = 15_000


def refusal(status: int, message: str, category: str = "VALIDATION_ERROR") -> RefusalError:
    body = {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category}
    return RefusalError(status, body)


def _private_app(request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {credentials.HUBSPOT_TOKEN}":
        raise refusal(
            401,
            "Authentication credentials not found. This API supports OAuth 2.0 authentication.",
            "INVALID_AUTHENTICATION",
        )
    if len(str(request.url)) > LONGEST_URL:
        raise RefusalError(414, "URI Too Long")


router = APIRouter(prefix="/hubspot", dependencies=[Depends(_private_app)])


class Ids(BaseModel):
    id: str


class BatchRead(BaseModel):
    inputs: list[Ids]
    properties: list[str] = Field(default_factory=list)
    properties_with_history: list[str] = Field(default_factory=list, alias="propertiesWithHistory")


class AssociationRead(BaseModel):
    inputs: list[Ids]


def _object(name: str) -> str:
    name = PLURAL.get(name, name)
    if name not in DEFAULTS:
        raise refusal(400, f"Unable to infer object type from: {name}")
    return name


def _listed(request: Request, key: str) -> tuple[str, ...]:
    """`properties=a,b` and `properties=a&properties=b` mean the same."""
    return tuple(part for value in request.query_params.getlist(key) for part in value.split(",") if part)


def _whole(request: Request, key: str, default: int, most: int) -> int:
    text = request.query_params.get(key, str(default))
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise refusal(400, f"Invalid input: {key} must be between 1 and {most}, was {text}")
    return int(text)


@router.get("/crm/v3/objects/{name}")
def listed(request: Request, name: str) -> Response:
    name, office = _object(name), base.office(request)
    history = _listed(request, "propertiesWithHistory")
    limit = _whole(request, "limit", 10, 50 if history else 100)
    archived = request.query_params.get("archived", "false").lower() == "true"
    after = request.query_params.get("after", "0")
    if not after.isdigit():
        raise refusal(400, f"Invalid input: after is not a valid cursor: {after}")
    now, first = office.now(), ids.number(f"hubspot.{name}", 0)
    sql = (
        "SELECT seq, json FROM record WHERE object=? AND seq>? AND visible<=? AND "
        f"{'deleted=1 AND stamp>?' if archived else 'deleted=0 AND ?'} ORDER BY seq LIMIT ?"
    )
    rows = office.db.execute(sql, (f"hubspot.{name}", int(after) - first, now, now - ARCHIVE, limit + 1)).fetchall()
    page = [_shown(name, json.loads(text), _listed(request, "properties"), history) for _, text in rows[:limit]]
    for wanted in _listed(request, "associations"):
        _with_associations(office, name, page, rows, _object(wanted))
    body: dict[str, Any] = {"results": page}
    if len(rows) > limit:
        last = str(first + rows[limit - 1][0])
        body["paging"] = {"next": {"after": last, "link": str(request.url.include_query_params(after=last))}}
    return answer(body)


@router.get("/crm/v3/objects/{name}/{id_}")
def single(request: Request, name: str, id_: str) -> Response:
    name = _object(name)
    found = _by_ids(base.office(request), name, [id_])
    if not found:
        raise refusal(404, "resource not found", "OBJECT_NOT_FOUND")
    return answer(_shown(name, found[id_], _listed(request, "properties"), _listed(request, "propertiesWithHistory")))


@router.post("/crm/v3/objects/{name}/search")
def search(request: Request, name: str, wanted: Search) -> Response:
    name, office = _object(name), base.office(request)
    start = int(wanted.after) if str(wanted.after).isdigit() else -1
    if start < 0 or start + wanted.limit > 10_000:
        raise refusal(400, "The requested page is beyond the 10,000 results that a search can return.")
    total, rows = matching(office, name, wanted, start)
    body: dict[str, Any] = {
        "total": total,
        "results": [_shown(name, json.loads(text), tuple(wanted.properties), ()) for text in rows],
    }
    if start + len(rows) < total:
        body["paging"] = {"next": {"after": str(start + len(rows))}}
    return answer(body)


@router.post("/crm/v3/objects/{name}/batch/read")
def batch(request: Request, name: str, wanted: BatchRead) -> Response:
    name = _object(name)
    most = 50 if wanted.properties_with_history else 100
    if len(wanted.inputs) > most:
        raise refusal(400, f"The maximum number of inputs is {most}, {len(wanted.inputs)} were given.")
    asked = [entry.id for entry in wanted.inputs]
    found = _by_ids(base.office(request), name, asked)
    shown = [
        _shown(name, found[id_], tuple(wanted.properties), tuple(wanted.properties_with_history))
        for id_ in asked
        if id_ in found
    ]
    missing = [id_ for id_ in asked if id_ not in found]
    body: dict[str, Any] = {"status": "COMPLETE", "results": shown}
    if missing:
        error = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some objects",
            "context": {"ids": missing},
        }
        body |= {"numErrors": 1, "errors": [error]}
    return answer(body, 207 if missing else 200)


@router.post("/crm/v4/associations/{from_name}/{to_name}/batch/read")
def associations(request: Request, from_name: str, to_name: str, wanted: AssociationRead) -> Response:
    from_name, to_name, office = _object(from_name), _object(to_name), base.office(request)
    if len(wanted.inputs) > 1_000:
        raise refusal(400, "The maximum number of inputs is 1000.")
    results, missing = [], []
    for entry in wanted.inputs:
        linked = _linked(office, from_name, entry.id, to_name)
        if linked:
            to = [
                {
                    "toObjectId": int(id_),
                    "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 1, "label": None}],
                }
                for id_, _ in linked
            ]
            results.append({"from": {"id": entry.id}, "to": to})
        else:
            missing.append(entry.id)
    body: dict[str, Any] = {"status": "COMPLETE", "results": results}
    if missing:
        errors = [
            {"status": "error", "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
             "message": f"No {to_name} is associated with {from_name} {id_}.", "context": {"fromObjectId": [id_]}}
            for id_ in missing
        ]  # fmt: skip
        body |= {"numErrors": len(errors), "errors": errors}
    return answer(body, 207 if missing else 200)


@router.get("/email/public/v1/events")
def email_events(request: Request) -> Response:
    return _timeline(request, "email_event", "events", 1_000)


@router.get("/email/public/v1/subscriptions/timeline")
def subscription_changes(request: Request) -> Response:
    return _timeline(request, "subscription_change", "timeline", 1_000)


def _timeline(request: Request, name: str, key: str, most: int) -> Response:
    """Newest first; `offset` is opaque and continues from the last row shown."""
    office, limit = base.office(request), _whole(request, "limit", 10, most)
    now = office.now()
    start = int(request.query_params.get("startTimestamp") or 0)
    end = min(int(request.query_params.get("endTimestamp") or now), now)
    at, seq = _offset(request.query_params.get("offset"), end)
    rows = office.db.execute(
        "SELECT created, seq, json FROM record WHERE object=? AND created>=? AND (created, seq)<(?,?) AND created<=? "
        "ORDER BY created DESC, seq DESC LIMIT ?",
        (f"hubspot.{name}", start, at, seq, end, limit + 1),
    ).fetchall()
    page = rows[:limit]
    more = len(rows) > limit
    offset = f"C{page[-1][0]:x}-{page[-1][1]:x}" if page else request.query_params.get("offset") or "C0-0"
    return answer({"hasMore": more, "offset": offset, key: [json.loads(text) for _, _, text in page]})


def _offset(text: str | None, end: int) -> tuple[int, int]:
    if not text:
        return end, 1 << 62
    try:
        at, seq = text.removeprefix("C").split("-")
        return int(at, 16), int(seq, 16)
    except ValueError:
        raise refusal(400, "Invalid offset") from None


def _shown(name: str, row: dict[str, Any], properties: tuple[str, ...], history: tuple[str, ...]) -> dict[str, Any]:
    """The asked properties that exist; without asking, HubSpot's default ones."""
    all_properties = row["properties"]
    wanted = {*(properties or DEFAULTS[name]), *history, "createdate", MODIFIED[name], "hs_object_id"}
    kept = {key: value for key, value in all_properties.items() if key in wanted}
    shown = {
        "id": row["id"],
        "properties": kept,
        "createdAt": row["createdAt"],
        "updatedAt": row["updatedAt"],
        "archived": row["archived"],
    }
    if "archivedAt" in row:
        shown["archivedAt"] = row["archivedAt"]
    if history:
        shown["propertiesWithHistory"] = {key: _history(row, key) for key in history if key in all_properties}
    return shown


def _history(row: dict[str, Any], key: str) -> list[dict[str, Any]]:
    if key in row["history"]:
        kept: list[dict[str, Any]] = row["history"][key]
        return kept
    value = row["properties"][key]
    return [{"value": value, "timestamp": row["createdAt"], "sourceType": "IMPORT"}] if value is not None else []


def _by_ids(office: Office, name: str, wanted: list[str]) -> dict[str, dict[str, Any]]:
    marks = ",".join("?" * len(wanted))
    sql = f"SELECT id, json FROM record WHERE object=? AND deleted=0 AND visible<=? AND id IN ({marks})"
    return {id_: json.loads(text) for id_, text in office.db.execute(sql, (f"hubspot.{name}", office.now(), *wanted))}


def _linked(office: Office, from_name: str, from_id: str, to_name: str) -> Iterable[tuple[str, str]]:
    """(id, label) of the live records that this one is associated with."""
    one, other = f"hubspot.{from_name}", f"hubspot.{to_name}"
    if not from_id.isdigit():
        return []
    return office.db.execute(
        "SELECT r.id, l.label FROM link l JOIN record r ON r.object=l.to_object AND r.seq=l.to_seq "
        "WHERE l.from_object=? AND l.from_seq=? AND l.to_object=? AND r.deleted=0 ORDER BY l.to_seq",
        (one, int(from_id) - ids.number(one, 0), other),
    ).fetchall()


def _with_associations(
    office: Office, name: str, page: list[dict[str, Any]], rows: list[tuple[int, str]], other: str
) -> None:
    for shown, _ in zip(page, rows, strict=False):
        linked = _linked(office, name, shown["id"], other)
        if linked:
            shown.setdefault("associations", {})[other] = {
                "results": [{"id": id_, "type": label} for id_, label in linked]
            }
