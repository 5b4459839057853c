"""What is read from Zendesk: incremental exports where there are any, else a list by start time."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from typing import Any

from connectors.base import Connector, Cursor, Page, Stream, page
from connectors.http import Http
from connectors.options import options_of
from connectors.support.zendesk import mapping
from connectors.support.zendesk.client import connect
from connectors.support.zendesk.settings import ZendeskOptions
from hub.errors import TransientSourceError
from hub.settings import SourceSettings

RATED_LATER = dt.timedelta(days=30)  # an offered rating is listed by its creation, and answered within weeks
EXPORT_PAGE, LIST_PAGE = "1000", "100"  # Zendesk's own upper bounds
SETTLED = dt.timedelta(seconds=60)  # exports leave the last minute out, and refuse a later start


def read_cursor_export(name: str, deleted: Any, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:  # noqa: ARG001
    """Pages of a cursor-based export, to its end. Cursor: {"cursor"}, Zendesk's own, which never runs out."""
    path = f"/api/v2/incremental/{name}/cursor.json"
    position = cursor["cursor"] if cursor else None
    while True:
        where = {"cursor": position} if position else {"start_time": "0"}
        answer = api.get(name, path, {**where, "per_page": EXPORT_PAGE})
        items, end = answer.get(name), answer.get("end_of_stream")
        position = answer.get("after_cursor") or position
        if not isinstance(items, list) or not isinstance(end, bool) or (not position and not end):
            raise _incomplete(api, name)
        if position:  # an account without a single row has no cursor to save
            yield page(items, {"cursor": position}, deleted=deleted)
        if end:
            return


def read_time_export(name: str, deleted: Any, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages of a time-based export, to its end. Cursor: {"start_time"}; rows at the border come again."""
    start = int(cursor["start_time"]) if cursor else 0
    while start < int((as_of - SETTLED).timestamp()):
        answer = api.get(name, f"/api/v2/incremental/{name}.json", {"start_time": str(start), "per_page": EXPORT_PAGE})
        items, end = answer.get(name), answer.get("end_of_stream")
        if not isinstance(items, list) or not isinstance(end, bool):
            raise _incomplete(api, name)
        reached = max(start, int(answer.get("end_time") or start))
        yield page(items, {"start_time": reached}, deleted=deleted)
        if end:
            return
        if reached == start:
            problem = f"the export stands still at start_time {start}"
            raise TransientSourceError(api.source, name, problem, advice="run again later")
        start = reached


def read_list(name: str, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages of a list from a start time. Cursor: {"start_time"}, and {"after", "until"} within a list."""
    now = int(as_of.timestamp())
    if cursor is not None and "after" in cursor:
        yield from _list(name, api, cursor["start_time"], cursor["until"], cursor["after"])
        cursor = {"start_time": cursor["until"]}
    since = max(0, int(cursor["start_time"]) - int(RATED_LATER.total_seconds())) if cursor else 0
    yield from _list(name, api, since, now, None)


def _list(name: str, api: Http, since: int, until: int, after: str | None) -> Iterator[Page]:
    while True:
        where = {"start_time": str(since), "page[size]": LIST_PAGE, **({"page[after]": after} if after else {})}
        answer = api.get(name, f"/api/v2/{name}.json", where)
        items, meta = answer.get(name), answer.get("meta")
        if not isinstance(items, list) or not isinstance(meta, dict):
            raise _incomplete(api, name)
        after = meta.get("after_cursor") if meta.get("has_more") else None
        position = {"start_time": since, "until": until, "after": after} if after else {"start_time": until}
        yield page(items, position)
        if after is None:
            return


def _incomplete(api: Http, name: str) -> TransientSourceError:
    problem = f"an answer without {name!r} or without its end marker"
    return TransientSourceError(api.source, name, problem, advice="run again later")


def _no_longer_active(user: dict[str, Any]) -> bool:
    return user.get("active") is False


def _status_deleted(ticket: dict[str, Any]) -> bool:
    return ticket.get("status") == "deleted"


def _end_dated(organization: dict[str, Any]) -> bool:
    return bool(organization.get("deleted_at"))


def _selected(source: SourceSettings) -> tuple[str, ...] | None:
    return options_of(source, ZendeskOptions).streams


CONNECTOR = Connector(
    system="zendesk",
    streams=(
        Stream(
            name="organizations",
            read=partial(read_time_export, "organizations", _end_dated),
            map=mapping.organization,
            mapping_version=mapping.VERSION,
            required=("name", "created_at"),
        ),
        Stream(
            name="users",
            read=partial(read_cursor_export, "users", _no_longer_active),
            map=mapping.user,
            mapping_version=mapping.VERSION,
            required=("name", "role"),
        ),
        Stream(
            name="tickets",
            read=partial(read_cursor_export, "tickets", _status_deleted),
            map=mapping.ticket,
            mapping_version=mapping.VERSION,
            required=("status", "requester_id", "created_at"),
        ),
        Stream(
            name="satisfaction_ratings",
            read=partial(read_list, "satisfaction_ratings"),
            map=mapping.rating,
            mapping_version=mapping.VERSION,
            required=("score", "ticket_id", "created_at"),
        ),
    ),
    connect=connect,
    selected=_selected,
)
