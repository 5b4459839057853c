"""The API, version 1: read the golden record by any id, list it, and follow its changes."""

import datetime as dt
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response, Security
from fastapi.security import HTTPBearer
from sqlalchemy import Connection

from hub.access import Principal, Scope
from hub.api import models, paging, provenance, queries
from hub.api.key_use import fields_of
from hub.api.problems import documented
from hub.db.reader import Fetch
from hub.identity.search import candidates
from hub.model.canonical import ref
from hub.model.kinds import Department, PartyKind

LARGEST_PAGE = 500
LARGEST_SEQUENCE = 2**63 - 1
JSON = "application/json"
NO_SUCH_ID = "no customer has this golden id"
ONE_CUSTOMER: dict[int | str, dict[str, Any]] = {
    304: {"description": "unchanged since the ETag in If-None-Match"},
    **documented(404, 410),
}


class KeyWith(HTTPBearer):
    """A key with a scope. The gate has verified the key before any route is found; this looks at what it may do."""

    def __init__(self, scope: Scope) -> None:
        super().__init__(scheme_name="HTTPBearer", description="a key that begins with `or_`, made by `onerecord key`")
        self.scope = scope

    async def __call__(self, request: Request) -> None:  # type: ignore[override]
        if request.state.principal is None or not request.state.principal.may(self.scope):
            raise HTTPException(403, f"this needs a key with the scope {self.scope.value}")
        fields = fields_of(request.scope["route"].path, request.path_params)
        if fields is not None:
            request.app.state.key_use.add(request.state.principal.name, fields)


def snapshot(request: Request) -> Iterator[Connection]:
    """One snapshot for an answer of several statements."""
    with request.app.state.engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def fetching(request: Request) -> Fetch:
    fetch: Fetch = request.app.state.reader.fetch
    return fetch


def published(request: Request) -> queries.Published:
    found: queries.Published = request.app.state.published
    return found


async def withheld(request: Request) -> queries.Withheld:  # not async, it would go through a thread
    """The private departments whose facts this key does not read."""
    return _withheld(request)


def _withheld(request: Request) -> queries.Withheld:
    who: Principal = request.state.principal
    return who.withheld(request.app.state.settings.private_departments)


router = APIRouter(
    prefix="/v1",
    tags=["golden record"],
    dependencies=[Security(KeyWith(Scope.READ))],
    responses=documented(401, 403, 422),
)
Snapshot = Annotated[Connection, Depends(snapshot, scope="function")]
WithheldFrom = Annotated[queries.Withheld, Depends(withheld)]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="rows per page")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before")]
GoldenId = Annotated[uuid.UUID, Path(examples=[models.ID], description="a golden id, merged or not")]
SourceName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=40, examples=["crm"])]
StreamName = Annotated[str, Path(pattern=r"^[A-Za-z_]+$", max_length=80, examples=["Contact"])]
SourceId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$", examples=["0035g00000XyZ"])]


@router.get("/customers", summary="List customers", response_model=models.CustomerPage, responses=documented(400))
async def list_customers(
    *,
    request: Request,
    kept_back: WithheldFrom,
    kind: PartyKind | None = None,
    department: Annotated[Department | None, Query(description="only whom this department knows")] = None,
    updated_since: Annotated[
        models.AsMoment | None,
        Query(description="only what was published at or after this moment", examples=["2026-11-22T00:00:00Z"]),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response:
    """Each customer comes once, in an order that updates do not change, however long the reading takes."""
    since = _utc(updated_since)
    filters = [kind, department, since]
    after = position(cursor, [uuid.UUID], filters)
    rows = await queries.customers(
        fetching(request),
        kind=kind,
        department=department,
        updated_since=since,
        after=after[0] if after else None,
        limit=limit + 1,
        withheld=kept_back,
    )
    page = paging.cut(rows, limit, lambda row: paging.encode([row.place], filters))
    return _json(items=_array(page.items), next_cursor=json.dumps(page.next))


@router.get("/customers/{golden_id}", summary="One customer", response_model=models.Customer, responses=ONE_CUSTOMER)
async def get_customer(request: Request, golden_id: GoldenId, kept_back: WithheldFrom) -> Response:
    """The customer of this id. A merged id answers its survivor, with `resolved_from`."""
    found = await published(request).by_id(golden_id, kept_back)
    return _answer(request, found, NO_SUCH_ID)


@router.get(
    "/customers/{golden_id}/provenance",
    summary="Where each value comes from",
    response_model=models.Provenance,
    responses=ONE_CUSTOMER,
)
async def get_provenance(request: Request, golden_id: GoldenId) -> Response:
    """Per attribute: the value, the record that it is from, the rule that chose it, and what other records say.

    An attribute that no record has is left out. `url` is there where the settings of a source say how its own
    pages are addressed. A merged id answers its survivor, with `resolved_from`.
    """
    found = await published(request).by_id(golden_id)
    sources = request.app.state.settings.sources
    return _answer(request, found, NO_SUCH_ID, lambda body: provenance.of(json.loads(body), sources).model_dump_json())


@router.get(
    "/sources/{source}/{stream}/{source_id:path}/customer",
    summary="The customer of a source record",
    response_model=models.Customer,
    responses=ONE_CUSTOMER,
)
async def get_customer_of_record(
    request: Request, source: SourceName, stream: StreamName, source_id: SourceId, kept_back: WithheldFrom
) -> Response:
    """For a tool that knows its own id: which customer is that?"""
    found = await published(request).by_ref(ref(source, stream, source_id), kept_back)
    return _answer(request, found, "no customer has this source record")


@router.get(
    "/customers/{golden_id}/history",
    summary="All versions of a customer",
    response_model=models.History,
    responses=documented(400, 404),
)
async def get_history(
    request: Request, golden_id: GoldenId, kept_back: WithheldFrom, limit: Limit = 100, cursor: Cursor = None
) -> Response:
    """The versions of this very id, newest first; `merged_into` says where it leads if it was merged away."""
    before = position(cursor, [int], [golden_id])
    async with request.app.state.reader.snapshot() as fetch:
        found = await queries.resolve(fetch, golden_id)
        rows = await queries.history(
            fetch, golden_id, before=before[0] if before else None, limit=limit + 1, withheld=kept_back
        )
    if found is None or (not rows and cursor is None):
        raise HTTPException(404, "nothing was published under this golden id")
    page = paging.cut(rows, limit, lambda row: paging.encode([row.place], [golden_id]))
    merged_into = str(found.golden_id) if found.golden_id != golden_id else None
    return _json(
        golden_id=json.dumps(str(golden_id)),
        merged_into=json.dumps(merged_into),
        items=_array(page.items),
        next_cursor=json.dumps(page.next),
    )


@router.get(
    "/customers/{golden_id}/as-of",
    summary="A customer as it was",
    response_model=models.Version,
    responses=documented(404),
)
async def get_as_of(
    request: Request,
    golden_id: GoldenId,
    kept_back: WithheldFrom,
    moment: Annotated[models.AsMoment, Query(examples=["2026-11-01T00:00:00Z"])],
) -> Response:
    """The version of this very id that was published at a moment, also if the id was merged away since."""
    body = await queries.as_of(fetching(request), golden_id, _at(moment), kept_back)
    if body is None:
        raise HTTPException(404, "nothing was published under this golden id at that moment")
    return Response(body, media_type=JSON)


@router.post("/match", summary="Search before create", responses=documented(400, 404, 409))
def match(request: Request, connection: Snapshot, wanted: models.Wanted) -> models.Candidates:
    """Who of all that are known may be the customer that is about to be created. Writes nothing.

    The answer is what matching would say of the record: the same evidence, probabilities and bands.
    """
    settings = request.app.state.settings.match
    found = candidates(connection, wanted.record, wanted.kind, settings, wanted.limit)
    return models.Candidates.model_validate({"candidates": found})


@router.get("/changes", summary="The change feed", response_model=models.ChangePage)
async def get_changes(
    request: Request,
    kept_back: WithheldFrom,
    after: Annotated[
        int, Query(ge=0, le=LARGEST_SEQUENCE, description="the last sequence that was handled; 0 replays everything")
    ] = 0,
    limit: Limit = 100,
) -> Response:
    """Every published change in order: read until `has_more` is false, then ask again later with `next_after`."""
    rows = await queries.changes(fetching(request), after=after, limit=limit + 1, withheld=kept_back)
    items = rows[:limit]
    next_after = items[-1].place if items else after
    return _json(items=_array(items), next_after=str(next_after), has_more=json.dumps(len(rows) > limit))


def _json(**fields: str) -> Response:
    """An object of fields that are JSON already."""
    return Response(f"{{{','.join(f'{json.dumps(name)}:{text}' for name, text in fields.items())}}}", media_type=JSON)


def _array(items: Sequence[queries.Record]) -> str:
    return f"[{','.join(item.body for item in items)}]"


def _answer(request: Request, found: queries.Found | None, missing: str, write: Callable[[str], str] = str) -> Response:
    """What `write` makes of a customer's JSON; 304 where the caller has it, a problem where nothing is published."""
    if found is None:
        raise HTTPException(404, missing)
    if found.body is None and found.status == "retired":
        raise HTTPException(410, f"customer {found.golden_id} was retired: all its source records are gone")
    if found.body is None:
        raise HTTPException(404, f"customer {found.golden_id} is not published yet; it comes with the next publication")
    # Another setting or another key may read more of the same version.
    kept_back = "".join(f".{one}" for one in sorted(_withheld(request)))
    headers = {"ETag": f'"{found.golden_id}.{found.version}{kept_back}"', "Cache-Control": "private, no-cache"}
    if _unchanged(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(write(found.body), headers=headers, media_type=JSON)


def _unchanged(if_none_match: str, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else _at(moment)


def _at(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def position(cursor: str | None, types: list[Callable[[Any], Any]], filters: list[Any]) -> list[Any] | None:
    """Where the page before ended; None for the first page. A cursor of another list is a problem 400."""
    if cursor is None:
        return None
    try:
        return paging.decode(cursor, types, filters)
    except paging.CursorError as error:
        raise HTTPException(400, str(error)) from None
