"""The simulated Zendesk API: incremental exports by cursor and by time, satisfaction ratings by cursor pages."""

import base64
import binascii
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from connectors.sandbox import credentials, moments
from connectors.sandbox.api import base
from connectors.sandbox.api.base import JSON, Office, RefusalError
from connectors.sandbox.store import dump

PAGE = 1_000
LATE = 60 * moments.SECOND


def _agent(request: Request) -> None:
    pair = f"{credentials.ZENDESK_EMAIL}/token:{credentials.ZENDESK_TOKEN}"
    if request.headers.get("authorization") != f"Basic {base64.b64encode(pair.encode()).decode()}":
        raise RefusalError(401, {"error": "Couldn't authenticate you"})


router = APIRouter(prefix="/zendesk/api/v2", dependencies=[Depends(_agent)])


@router.get("/incremental/users/cursor.json")
@router.get("/incremental/users/cursor")
def users(request: Request) -> Response:
    return _by_cursor(request, "users")


@router.get("/incremental/tickets/cursor.json")
@router.get("/incremental/tickets/cursor")
def tickets(request: Request) -> Response:
    return _by_cursor(request, "tickets")


def _whole(request: Request, key: str, default: int | None = None) -> int:
    text = request.query_params.get(key)
    if text is None and default is not None:
        return default
    if text is None or not text.isdigit():
        problem = f"You passed an invalid value for the {key} attribute. Invalid parameter: {key} must be an integer"
        raise RefusalError(400, {"error": {"title": "Invalid attribute", "message": problem}})
    return int(text)


def _start(request: Request, now: int) -> int:
    start = _whole(request, "start_time")
    if start * 1_000 > now - LATE:
        raise RefusalError(
            422,
            {
                "error": "StartTimeTooRecent",
                "description": "Too recent start_time. Use a start_time older than 60 seconds",
            },
        )
    return start


def _page_size(request: Request) -> int:
    return min(PAGE, max(1, _whole(request, "per_page", PAGE)))


def _by_cursor(request: Request, name: str) -> Response:
    """Rows after (moment, id), oldest first; those of the last minute are left for the next time."""
    office, size = base.office(request), _page_size(request)
    now = office.now()
    cursor = request.query_params.get("cursor")
    at, seq = _decoded(cursor) if cursor else (_start(request, now) * 1_000, -1)
    rows = office.db.execute(
        "SELECT stamp, seq, json FROM record WHERE object=? AND (stamp, seq)>(?,?) AND stamp<=? "
        "ORDER BY stamp, seq LIMIT ?",
        (f"zendesk.{name}", at, seq, now - LATE, size + 1),
    ).fetchall()
    page, more = rows[:size], len(rows) > size
    after = _encoded(page[-1][0], page[-1][1]) if page else cursor or _encoded(at, seq)
    path = f"{base.prefix(request, 'zendesk')}/api/v2/incremental/{name}/cursor.json"
    query = {"cursor": after} | ({"per_page": size} if size != PAGE else {})
    tail = {
        "after_url": f"{path}?{urlencode(query)}",
        "after_cursor": after,
        "before_url": None,
        "before_cursor": None,
        "end_of_stream": not more,
    }
    return _joined(name, [text for _, _, text in page], tail)


def _encoded(at: int, seq: int) -> str:
    return base64.b64encode(f"{at // 1_000}.0||{seq}|".encode()).decode()


def _decoded(cursor: str) -> tuple[int, int]:
    try:
        at, _, seq, _ = base64.b64decode(cursor, validate=True).decode().split("|")
        return int(float(at)) * 1_000, int(seq)
    except (ValueError, binascii.Error):
        raise RefusalError(400, {"error": "InvalidCursor", "description": "The cursor is not valid"}) from None


@router.get("/incremental/organizations.json")
@router.get("/incremental/organizations")
def organizations(request: Request) -> Response:
    """Time based: a page never ends inside a second, and begins with the second in which the one before it ended."""
    office, size = base.office(request), _page_size(request)
    now = office.now()
    start = _whole(request, "start_time")
    where = "FROM record WHERE object='zendesk.organizations' AND stamp>=? AND stamp<=?"
    sql = f"SELECT stamp, json {where} ORDER BY stamp, seq"
    rows = office.db.execute(f"{sql} LIMIT ?", (start * 1_000, now - LATE, size)).fetchall()
    if len(rows) == size:
        edge = max(rows[-1][0], _second_after(office, start * 1_000, now - LATE))
        rows = office.db.execute(sql, (start * 1_000, edge)).fetchall()
    end = rows[-1][0] // 1_000 if rows else None
    total = office.db.execute(f"SELECT count(*) {where}", (start * 1_000, now - LATE)).fetchone()[0]
    query = {"start_time": end or start} | ({"per_page": size} if size != PAGE else {})
    following = f"{base.prefix(request, 'zendesk')}/api/v2/incremental/organizations.json?{urlencode(query)}"
    tail = {
        "next_page": following if rows else None,
        "end_time": end,
        "count": len(rows),
        "end_of_stream": len(rows) == total,
    }
    return _joined("organizations", [text for _, text in rows], tail)


def _second_after(office: Office, start: int, end: int) -> int:
    """The next moment of a change; a page reaches it, so that many rows of one second never stop the reader."""
    sql = "SELECT min(stamp) FROM record WHERE object='zendesk.organizations' AND stamp>? AND stamp<=?"
    return office.db.execute(sql, (start, end)).fetchone()[0] or start


@router.get("/satisfaction_ratings.json")
@router.get("/satisfaction_ratings")
def ratings(request: Request) -> Response:
    """Cursor pages, oldest first; `start_time` and `end_time` go by creation."""
    office = base.office(request)
    size = min(100, max(1, _whole(request, "page[size]", 100)))
    now, after = office.now(), request.query_params.get("page[after]")
    at, seq = _decoded(after) if after else (_whole(request, "start_time", 0) * 1_000, -1)
    end = _whole(request, "end_time", now // 1_000) * 1_000
    rows = office.db.execute(
        "SELECT created, seq, json FROM record WHERE object='zendesk.satisfaction_ratings' AND (created, seq)>(?,?) "
        "AND created<=? AND created<=? ORDER BY created, seq LIMIT ?",
        (at, seq, end, now, size + 1),
    ).fetchall()
    page, more = rows[:size], len(rows) > size
    cursor = _encoded(page[-1][0], page[-1][1]) if page else after
    path = f"{base.prefix(request, 'zendesk')}/api/v2/satisfaction_ratings.json"
    link = f"{path}?{urlencode({'page[size]': size, 'page[after]': cursor})}" if more else None
    tail = {
        "meta": {"has_more": more, "after_cursor": cursor, "before_cursor": None},
        "links": {"next": link, "prev": None},
    }
    return _joined("satisfaction_ratings", [text for _, _, text in page], tail)


def _joined(name: str, rows: list[str], tail: dict[str, Any]) -> Response:
    """The stored JSON goes out as it is."""
    return Response(f'{{"{name}":[{",".join(rows)}],{dump(tail)[1:]}', media_type=JSON)
