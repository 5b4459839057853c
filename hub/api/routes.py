"""The API, version 1: read the golden record by any id, list it, and follow its changes."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response, Security
from fastapi.security import HTTPBearer
from sqlalchemy import Connection, RowMapping

from hub.api import models, paging, queries
from hub.api.problems import documented
from hub.identity.search import candidates
from hub.keys import Scope
from hub.model.canonical import ref
from hub.model.kinds import Department, PartyKind

LARGEST_PAGE = 500
LARGEST_SEQUENCE = 2**63 - 1

# The gate has checked the key before any route is found; this tells OpenAPI about it.
bearer = HTTPBearer(auto_error=False, description="a key that begins with `or_`, made by `onerecord key add`")


def may_read(request: Request, _key: Annotated[Any, Security(bearer)]) -> None:
    if request.state.principal is None or not request.state.principal.may(Scope.READ):
        raise HTTPException(403, f"this needs a key with the scope {Scope.READ.value}")


def snapshot(request: Request) -> Iterator[Connection]:
    """One snapshot for the whole answer."""
    with request.app.state.engine.connect() as connection:
        yield connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


router = APIRouter(
    prefix="/v1", tags=["golden record"], dependencies=[Depends(may_read)], responses=documented(401, 403, 422)
)
Snapshot = Annotated[Connection, Depends(snapshot, scope="function")]
Limit = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="rows per page")]
Cursor = Annotated[str | None, Query(max_length=1_000, description="`next_cursor` of the page before")]
GoldenId = Annotated[uuid.UUID, Path(examples=[models.ID], description="a golden id, merged or not")]
SourceName = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]*$", max_length=40, examples=["crm"])]
StreamName = Annotated[str, Path(pattern=r"^[A-Za-z_]+$", max_length=80, examples=["Contact"])]
SourceId = Annotated[str, Path(min_length=1, max_length=200, pattern=r"^[^\x00]+$", examples=["0035g00000XyZ"])]


@router.get("/customers", summary="List customers", responses=documented(400))
def list_customers(
    *,
    connection: Snapshot,
    kind: PartyKind | None = None,
    department: Annotated[Department | None, Query(description="only whom this department knows")] = None,
    updated_since: Annotated[
        dt.datetime | None,
        Query(description="only what was published at or after this moment", examples=["2026-11-22T00:00:00Z"]),
    ] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> models.CustomerPage:
    """Each customer comes once, in an order that updates do not change, however long the reading takes."""
    since = _utc(updated_since)
    filters = [kind, department, since]
    after = position(cursor, [uuid.UUID], filters)
    rows = queries.customers(
        connection,
        kind=kind,
        department=department,
        updated_since=since,
        after=after[0] if after else None,
        limit=limit + 1,
    )
    page = paging.cut(rows, limit, lambda row: paging.encode([row["golden_id"]], filters))
    return models.CustomerPage.model_validate({"items": page.items, "next_cursor": page.next})


@router.get(
    "/customers/{golden_id}",
    summary="One customer",
    response_model=models.Customer,
    responses={304: {"description": "unchanged since the ETag in If-None-Match"}, **documented(404, 410)},
)
def get_customer(request: Request, response: Response, connection: Snapshot, golden_id: GoldenId) -> Any:
    """The customer of this id. A merged id answers its survivor, with `resolved_from`."""
    return _answer(request, response, connection, golden_id)


@router.get(
    "/sources/{source}/{stream}/{source_id:path}/customer",
    summary="The customer of a source record",
    response_model=models.Customer,
    responses={304: {"description": "unchanged since the ETag in If-None-Match"}, **documented(404, 410)},
)
def get_customer_of_record(
    *,
    request: Request,
    response: Response,
    connection: Snapshot,
    source: SourceName,
    stream: StreamName,
    source_id: SourceId,
) -> Any:
    """For a tool that knows its own id: which customer is that?"""
    golden_id = queries.owner_of(connection, ref(source, stream, source_id))
    if golden_id is None:
        raise HTTPException(404, "no customer has this source record")
    return _answer(request, response, connection, golden_id)


@router.get("/customers/{golden_id}/history", summary="All versions of a customer", responses=documented(400, 404))
def get_history(connection: Snapshot, golden_id: GoldenId, limit: Limit = 100, cursor: Cursor = None) -> models.History:
    """The versions of this very id, newest first; `merged_into` says where it leads if it was merged away."""
    before = position(cursor, [int], [golden_id])
    resolved = queries.resolve(connection, golden_id)
    rows = queries.history(connection, golden_id, before=before[0] if before else None, limit=limit + 1)
    if resolved is None or (not rows and cursor is None):
        raise HTTPException(404, "nothing was published under this golden id")
    page = paging.cut(rows, limit, lambda row: paging.encode([row["version"]], [golden_id]))
    merged_into = resolved.golden_id if resolved.golden_id != golden_id else None
    return models.History.model_validate(
        {"golden_id": golden_id, "merged_into": merged_into, "items": page.items, "next_cursor": page.next}
    )


@router.get(
    "/customers/{golden_id}/as-of",
    summary="A customer as it was",
    response_model=models.Version,
    responses=documented(404),
)
def get_as_of(
    connection: Snapshot,
    golden_id: GoldenId,
    moment: Annotated[dt.datetime, Query(examples=["2026-11-01T00:00:00Z"])],
) -> Any:
    """The version of this very id that was published at a moment, also if the id was merged away since."""
    found = queries.as_of(connection, golden_id, _at(moment))
    if found is None:
        raise HTTPException(404, "nothing was published under this golden id at that moment")
    return found


@router.post("/match", summary="Search before create", responses=documented(400, 404, 409))
def match(request: Request, connection: Snapshot, wanted: models.Wanted) -> models.Candidates:
    """Who of all that are known may be the customer that is about to be created. Writes nothing.

    The answer is what matching would say of the record: the same evidence, probabilities and bands.
    """
    found = candidates(connection, wanted.record, wanted.kind, request.app.state.settings.match, wanted.limit)
    return models.Candidates.model_validate({"candidates": found})


@router.get("/changes", summary="The change feed")
def get_changes(
    connection: Snapshot,
    after: Annotated[
        int, Query(ge=0, le=LARGEST_SEQUENCE, description="the last sequence that was handled; 0 replays everything")
    ] = 0,
    limit: Limit = 100,
) -> models.ChangePage:
    """Every published change in order: read until `has_more` is false, then ask again later with `next_after`."""
    rows = queries.changes(connection, after=after, limit=limit + 1)
    items = rows[:limit]
    next_after = items[-1]["sequence"] if items else after
    return models.ChangePage.model_validate({"items": items, "next_after": next_after, "has_more": len(rows) > limit})


def _answer(request: Request, response: Response, connection: Connection, golden_id: uuid.UUID) -> Any:
    found = queries.resolve(connection, golden_id)
    if found is None:
        raise HTTPException(404, "no customer has this golden id")
    if found.customer is None and found.status == "retired":
        raise HTTPException(410, f"customer {found.golden_id} was retired: all its source records are gone")
    if found.customer is None:
        raise HTTPException(404, f"customer {found.golden_id} is not published yet; it comes with the next publication")
    headers = {"ETag": _etag(found.customer), "Cache-Control": "private, no-cache"}
    if _unchanged(request.headers.get("if-none-match", ""), headers["ETag"]):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    resolved_from = golden_id if found.golden_id != golden_id else None
    return {**found.customer, "resolved_from": resolved_from}


def _etag(customer: RowMapping) -> str:
    return f'"{customer["golden_id"]}.{customer["version"]}"'


def _unchanged(if_none_match: str, etag: str) -> bool:
    known = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return etag in known or "*" in known


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else _at(moment)


def _at(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def position(cursor: str | None, types: list[type], filters: list[Any]) -> list[Any] | None:
    """Where the page before ended; None for the first page. A cursor of another list is a problem 400."""
    if cursor is None:
        return None
    try:
        return paging.decode(cursor, types, filters)
    except paging.CursorError as error:
        raise HTTPException(400, str(error)) from None
