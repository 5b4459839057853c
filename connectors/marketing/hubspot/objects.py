"""Reading CRM objects: the whole list once, then searches by modification, then what was archived."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connectors.base import Cursor, Page, Row, page
from connectors.fields import texts
from connectors.http import Http
from hub.errors import TransientSourceError

LOOKBACK = dt.timedelta(minutes=10)  # the search index lags behind the records
HISTORY_PAGE, LIST_PAGE, SEARCH_PAGE = 50, 100, 200  # HubSpot's own upper bounds
KEPT = ("id", "properties", "createdAt", "updatedAt", "archived", "archivedAt", "propertiesWithHistory")


@dataclass(frozen=True)
class CrmObject:
    """An object type, its properties, the one that tells of changes, those with history, and whom it is tied to."""

    name: str
    properties: tuple[str, ...]
    modified: str
    history: tuple[str, ...] = ()
    associations: tuple[str, ...] = ()


def read(crm: CrmObject, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages up to `as_of`: list or search, then the archived, which no search ever shows.

    Cursor: {"until"} when a sync is complete; within one also {"part", "since", "after"}.
    """
    until = as_of.isoformat()
    if cursor is None:
        position: Cursor = {"part": "list", "until": until}
    elif "part" in cursor:
        position = cursor
    else:
        position = {"part": "search", "since": cursor["until"], "until": until}
    yield from _parts(crm, api, position)
    if position["until"] != until:  # what broke off is complete now; this is what came since
        yield from _parts(crm, api, {"part": "search", "since": position["until"], "until": until})


def _parts(crm: CrmObject, api: Http, position: Cursor) -> Iterator[Page]:
    """The pages of one sync from `position` on; the last one's cursor is {"until"}."""
    archived = {"part": "archived", "until": position["until"]}
    if position["part"] == "list":
        yield from _list(crm, api, position, archived, archived=False)
    elif position["part"] == "search":
        yield from _search(crm, api, position, archived)
    start = position if position["part"] == "archived" else archived
    yield from _list(crm, api, start, {"until": position["until"]}, archived=True)


def _list(crm: CrmObject, api: Http, position: Cursor, end: Cursor, *, archived: bool) -> Iterator[Page]:
    params = {
        "limit": str(HISTORY_PAGE if crm.history else LIST_PAGE),
        "properties": ",".join(crm.properties),
        "archived": str(archived).lower(),
        **({"propertiesWithHistory": ",".join(crm.history)} if crm.history else {}),
    }
    after = position.get("after")
    while True:
        where = {**params, **({"after": after} if after else {})}
        answer = api.get(crm.name, f"/crm/v3/objects/{crm.name}", where)
        items = _results(crm, api, answer)
        after = _next(answer)
        yield _page(crm, api, items, {**position, "after": after} if after else end)
        if after is None:
            return


def _search(crm: CrmObject, api: Http, position: Cursor, end: Cursor) -> Iterator[Page]:
    """By ascending id inside the window: each page is a search of its own, so no offset reaches the cap of 10,000."""
    since = dt.datetime.fromisoformat(position["since"]) - LOOKBACK
    until = dt.datetime.fromisoformat(position["until"])
    size = HISTORY_PAGE if crm.history else SEARCH_PAGE
    last = position.get("after", "0")
    while True:
        filters = [
            {"propertyName": crm.modified, "operator": "GTE", "value": _millis(since)},
            {"propertyName": crm.modified, "operator": "LTE", "value": _millis(until)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        ]
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(crm.properties),
            "limit": size,
        }
        items = _results(crm, api, api.post(crm.name, f"/crm/v3/objects/{crm.name}/search", body))
        full = len(items) >= size
        last = _last_id(crm, api, items) if full else last
        yield _page(crm, api, _with_history(crm, api, items), {**position, "after": last} if full else end)
        if not full:
            return


def _with_history(crm: CrmObject, api: Http, items: list[Any]) -> list[Any]:
    """Searches show no history, so what they found is read again with it."""
    inputs = _inputs(items)
    if not crm.history or not inputs:
        return items
    body = {"inputs": inputs, "properties": list(crm.properties), "propertiesWithHistory": list(crm.history)}
    answer = api.post(crm.name, f"/crm/v3/objects/{crm.name}/batch/read", body)
    unnamed = [item for item in items if not isinstance(item, dict) or "id" not in item]
    return _results(crm, api, answer) + unnamed


def _page(crm: CrmObject, api: Http, items: list[Any], cursor: Cursor) -> Page:
    for target in crm.associations:
        _associate(crm, api, items, target)
    made = page([_shape(crm, item) for item in items], cursor, deleted=lambda item: item.get("archived") is True)
    return Page([*made.rows, *_losers(made.rows)], made.cursor, made.rejected)


def _associate(crm: CrmObject, api: Http, items: list[Any], target: str) -> None:
    """Write into each item what it is associated with, as `associations.<target>`."""
    inputs = _inputs(items)
    if not inputs:
        return
    answer = api.post(crm.name, f"/crm/v4/associations/{crm.name}/{target}/batch/read", {"inputs": inputs})
    found = {str(each["from"]["id"]): each["to"] for each in _results(crm, api, answer)}
    for item in items:
        if isinstance(item, dict) and "id" in item:
            item.setdefault("linked", {})[target] = found.get(str(item["id"]), [])


def _shape(crm: CrmObject, item: Any) -> Any:
    """What list, search and batch read have in common, so that a row looks the same whichever way it came."""
    if not isinstance(item, dict):
        return item
    shaped = {key: item[key] for key in KEPT if key in item}
    if isinstance(item.get("properties"), dict):
        shaped["properties"] = {key: value for key, value in item["properties"].items() if key in crm.properties}
    if "linked" in item:
        shaped["associations"] = item["linked"]
    return shaped


def _losers(rows: list[Row]) -> list[Row]:
    """Tombstones of records that were merged into these: only the survivor tells of it."""
    found = []
    for row in rows:
        properties = row.payload.get("properties")
        known = properties if isinstance(properties, dict) else {}
        merged = {*texts(known, "hs_merged_object_ids")} if _is_text(known, "hs_merged_object_ids") else set()
        if _is_text(known, "hs_calculated_merged_vids"):  # of contacts: id:moment;id:moment
            merged |= {each.partition(":")[0] for each in texts(known, "hs_calculated_merged_vids")}
        losers = sorted(merged - {row.source_id, ""})
        found += [Row(loser, {"id": loser, "mergedInto": row.source_id}, deleted=True) for loser in losers]
    return found


def _is_text(properties: dict[str, Any], name: str) -> bool:
    return isinstance(properties.get(name), str)


def _inputs(items: list[Any]) -> list[dict[str, str]]:
    return [{"id": str(item["id"])} for item in items if isinstance(item, dict) and item.get("id")]


def _results(crm: CrmObject, api: Http, answer: dict[str, Any]) -> list[Any]:
    results = answer.get("results")
    if not isinstance(results, list):
        raise TransientSourceError(api.source, crm.name, "an answer without results", advice="run again later")
    return results


def _next(answer: dict[str, Any]) -> str | None:
    following = (answer.get("paging") or {}).get("next") or {}
    return str(following["after"]) if following.get("after") else None


def _last_id(crm: CrmObject, api: Http, items: list[Any]) -> str:
    last = items[-1]
    if not isinstance(last, dict) or not last.get("id"):
        problem = "the last row of a page has no id to go on from"
        raise TransientSourceError(api.source, crm.name, problem, advice="run again later")
    return str(last["id"])


def _millis(moment: dt.datetime) -> str:
    return str(int(moment.timestamp() * 1000))
