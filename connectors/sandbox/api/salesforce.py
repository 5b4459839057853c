"""The simulated Salesforce REST API: token, query, queryAll, describe, limits."""

import json
import secrets
from array import array
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from connectors.sandbox import credentials
from connectors.sandbox.api import base, soql
from connectors.sandbox.api.base import Office, RefusalError, answer
from connectors.sandbox.api.salesforce_fields import FIELDS, PARENTS

PAGE = 2_000
DAILY = 100_000
OPEN_CURSORS = 50


class Org:
    """What the org remembers while it runs: sessions, open query cursors, the requests of the day."""

    def __init__(self) -> None:
        self.sessions: set[str] = set()
        self.cursors: dict[str, tuple[soql.Query, array[int]]] = {}
        self.requests = 0


def _session(request: Request) -> Org:
    org: Org = request.app.state.salesforce
    token = request.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("OAuth ")
    if token not in org.sessions:
        raise RefusalError(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
    org.requests += 1
    return org


router = APIRouter(prefix="/salesforce/services")
data = APIRouter(prefix="/data/{version}", dependencies=[Depends(_session)])


@router.post("/oauth2/token")
async def token(request: Request) -> Response:
    form = await request.form()
    if form.get("grant_type") != "client_credentials":
        raise RefusalError(400, {"error": "unsupported_grant_type", "error_description": "grant type not supported"})
    if form.get("client_id") != credentials.CLIENT_ID:
        raise RefusalError(400, {"error": "invalid_client_id", "error_description": "client identifier invalid"})
    if form.get("client_secret") != credentials.CLIENT_SECRET:
        raise RefusalError(400, {"error": "invalid_client", "error_description": "invalid client credentials"})
    session = f"00D5g0000000001!{secrets.token_urlsafe(32)}"
    request.app.state.salesforce.sessions.add(session)
    instance = base.prefix(request, "salesforce")
    body = {
        "access_token": session, "signature": secrets.token_urlsafe(24), "scope": "api", "instance_url": instance,
        "id": f"{instance}/id/00D5g0000000001/0055g0000000001", "token_type": "Bearer",
        "issued_at": str(base.office(request).now()),
    }  # fmt: skip
    return answer(body)


@data.get("/query")
@data.get("/query/")
def query(request: Request, version: str, q: str = "") -> Response:
    return _run(request, version, q, hide_deleted=True)


@data.get("/queryAll")
@data.get("/queryAll/")
def query_all(request: Request, version: str, q: str = "") -> Response:
    return _run(request, version, q, hide_deleted=False)


@data.get("/query/{locator}")
def more(request: Request, version: str, locator: str) -> Response:
    cursor, _, start = locator.rpartition("-")
    org: Org = request.app.state.salesforce
    if cursor not in org.cursors or not start.isdigit():
        raise RefusalError(400, [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}])
    return _page(request, version, cursor, int(start))


@data.get("/limits")
def limits(request: Request) -> Response:
    used = request.app.state.salesforce.requests
    return answer({"DailyApiRequests": {"Max": DAILY, "Remaining": DAILY - used}}, headers=_usage(request))


@data.get("/sobjects/{name}/describe")
def describe(request: Request, name: str) -> Response:
    if name not in FIELDS:
        raise RefusalError(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])
    fields = [{"name": field, "type": type_} for field, type_ in FIELDS[name].items()]
    return answer({"name": name, "queryable": True, "fields": fields}, headers=_usage(request))


def _run(request: Request, version: str, q: str, *, hide_deleted: bool) -> Response:
    """The answer is fixed now: later pages show which rows the query found at this moment."""
    parsed, office = soql.parse(q), base.office(request)
    now = office.now()
    sql = (
        f"SELECT rowid FROM record WHERE object=? AND visible<=? AND {parsed.where}"
        f"{' AND deleted=0' if hide_deleted else ''} ORDER BY {parsed.order}"
        f"{f' LIMIT {parsed.limit}' if parsed.limit is not None else ''}"
    )
    parameters = (f"salesforce.{parsed.object_name}", now, *parsed.parameters)
    found = array("q", (row[0] for row in office.db.execute(sql, parameters)))
    if parsed.fields is None:
        return answer({"totalSize": len(found), "done": True, "records": []}, headers=_usage(request))
    org: Org = request.app.state.salesforce
    cursor = f"0r8{secrets.token_hex(7)}"
    org.cursors[cursor] = (parsed, found)
    while len(org.cursors) > OPEN_CURSORS:
        org.cursors.pop(next(iter(org.cursors)))
    return _page(request, version, cursor, 0)


def _page(request: Request, version: str, cursor: str, start: int) -> Response:
    parsed, found = request.app.state.salesforce.cursors[cursor]
    size = _batch_size(request)
    wanted = found[start : start + size]
    records = _records(base.office(request), parsed, list(wanted), version)
    done = start + size >= len(found)
    body: dict[str, Any] = {"totalSize": len(found), "done": done}
    if not done:
        body["nextRecordsUrl"] = f"/services/data/{version}/query/{cursor}-{start + size}"
    return answer({**body, "records": records}, headers=_usage(request))


def _batch_size(request: Request) -> int:
    """`Sforce-Query-Options: batchSize=500`: 200 to 2000."""
    option = request.headers.get("sforce-query-options", "").replace(" ", "").lower().removeprefix("batchsize=")
    return min(PAGE, max(200, int(option))) if option.isdigit() else PAGE


def _records(office: Office, parsed: soql.Query, rowids: list[int], version: str) -> list[dict[str, Any]]:
    """Rows in the order of `rowids`, with the selected fields and the parents' fields."""
    if not rowids or parsed.fields is None:
        return []
    marks = ",".join("?" * len(rowids))
    rows = dict(office.db.execute(f"SELECT rowid, json FROM record WHERE rowid IN ({marks})", rowids))
    loaded = [json.loads(rows[rowid]) for rowid in rowids]
    parents = {field.rpartition(".")[0] for field in parsed.fields if "." in field}
    known = {parent: _parents(office, parent, loaded, version) for parent in parents}
    records = []
    for full in loaded:
        record: dict[str, Any] = {"attributes": _attributes(parsed.object_name, full["Id"], version)}
        for field in parsed.fields:
            parent, _, inner = field.rpartition(".")
            if not parent:
                record[field] = full.get(field)
                continue
            above = known[parent].get(full[f"{parent}Id"])
            if above is None:
                record[parent] = None
            else:
                record.setdefault(parent, {"attributes": above["attributes"]})[inner] = above.get(inner)
        records.append(record)
    return records


def _parents(office: Office, parent: str, rows: list[dict[str, Any]], version: str) -> dict[str, dict[str, Any]]:
    name = PARENTS[parent]
    wanted = list({row[f"{parent}Id"] for row in rows if row[f"{parent}Id"]})
    marks = ",".join("?" * len(wanted))
    sql = f"SELECT id, json FROM record WHERE object=? AND id IN ({marks})"
    found = office.db.execute(sql, (f"salesforce.{name}", *wanted))
    return {id_: {**json.loads(text), "attributes": _attributes(name, id_, version)} for id_, text in found}


def _attributes(name: str, id_: str, version: str) -> dict[str, str]:
    return {"type": name, "url": f"/services/data/{version}/sobjects/{name}/{id_}"}


def _usage(request: Request) -> dict[str, str]:
    return {"Sforce-Limit-Info": f"api-usage={request.app.state.salesforce.requests}/{DAILY}"}


router.include_router(data)
