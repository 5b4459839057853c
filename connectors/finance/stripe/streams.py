"""What is read from Stripe: lists for the first time, then events, which name the objects to read again."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.base import Connector, Cursor, Page, Row, Stream, page
from connectors.finance.stripe import mapping
from connectors.finance.stripe.client import connect
from connectors.finance.stripe.settings import StripeOptions
from connectors.http import Http
from connectors.options import options_of
from hub.errors import SourceError, TransientSourceError
from hub.settings import SourceSettings

KEPT = dt.timedelta(days=29)  # events are kept for 30 days; one day less, to be on the safe side of both clocks
LOOKBACK = dt.timedelta(minutes=5)  # events are listed a little after they happened
PAGE = 100

Params = list[tuple[str, str]]


@dataclass(frozen=True)
class Resource:
    """A list of objects, the events that tell of their changes, and what must be asked for beyond the default."""

    name: str
    object: str
    events: tuple[str, ...]
    params: tuple[tuple[str, str], ...] = ()
    expand: tuple[str, ...] = ()


RESOURCES = (
    Resource(
        "customers",
        "customer",
        ("customer.created", "customer.updated", "customer.deleted"),
        expand=("tax_ids",),
    ),
    Resource(
        "subscriptions",
        "subscription",
        tuple(
            f"customer.subscription.{what}"
            for what in ("created", "updated", "deleted", "paused", "resumed", "trial_will_end",
                         "pending_update_applied", "pending_update_expired")
        ),
        params=(("status", "all"),),  # without it the canceled ones are left out
    ),
    Resource(
        "invoices",
        "invoice",
        tuple(
            f"invoice.{what}"
            for what in ("created", "updated", "deleted", "finalized", "finalization_failed", "marked_uncollectible",
                         "overdue", "paid", "payment_action_required", "payment_failed", "payment_succeeded", "sent",
                         "voided")
        ),
    ),
    Resource(
        "charges",
        "charge",
        tuple(
            f"charge.{what}"
            for what in ("captured", "expired", "failed", "pending", "refunded", "succeeded", "updated")
        ),
    ),
)  # fmt: skip
REQUIRED = {
    "customers": ("created",),
    "subscriptions": ("status", "customer", "start_date"),
    "invoices": ("status", "currency", "total", "created"),
    "charges": ("status", "currency", "amount", "created"),
}


def read(resource: Resource, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages of the whole list first, then of the objects that events name, up to `as_of`.

    Cursor: {"since", "after"} within the list, {"since"} behind it: events from there on are not read yet. A
    watermark that is older than events are kept makes a full run.
    """
    since = None if cursor is None else dt.datetime.fromisoformat(cursor["since"])
    if since is None or since < as_of - KEPT:
        yield from _list(resource, api, as_of, None)
        return
    if cursor is not None and "after" in cursor:
        yield from _list(resource, api, since, cursor["after"])
    yield from _changes(resource, api, since - LOOKBACK, as_of)


def _list(resource: Resource, api: Http, since: dt.datetime, after: str | None) -> Iterator[Page]:
    """Newest first: what is made meanwhile is not in it, and comes with the events since it began."""
    while True:
        expand = [("expand[]", f"data.{name}") for name in resource.expand]
        position = [("starting_after", after)] if after else []
        params: Params = [("limit", str(PAGE)), *resource.params, *expand, *position]
        items, more = _answer(api, resource.name, api.get(resource.name, f"/v1/{resource.name}", params))
        after = _last_id(api, resource.name, items) if more else None
        yield page(items, {"since": since.isoformat(), **({"after": after} if after else {})})
        if not more:
            return


def _changes(resource: Resource, api: Http, since: dt.datetime, as_of: dt.datetime) -> Iterator[Page]:
    """Objects that events name, read again; the watermark moves when all of them were, as events come newest first."""
    touched = _touched(resource, api, since)
    before = {"since": (since + LOOKBACK).isoformat()}
    rows: list[Row] = []
    for identifier, gone in touched.items():
        rows.append(_current(resource, api, identifier, gone=gone))
        if len(rows) == PAGE:
            yield Page(rows, before)
            rows = []
    yield Page(rows, {"since": as_of.isoformat()})


def _touched(resource: Resource, api: Http, since: dt.datetime) -> dict[str, bool]:
    """Ids of objects that events since then are about; whether one of the events says that it was deleted."""
    touched: dict[str, bool] = {}
    params: Params = [("types[]", name) for name in resource.events]
    params += [("created[gte]", str(int(since.timestamp()))), ("limit", str(PAGE))]
    position: Params = []
    while True:
        items, more = _answer(api, resource.name, api.get(resource.name, "/v1/events", params + position))
        for event in items:
            thing, kind = _subject(event)
            if thing.get("object") == resource.object and isinstance(thing.get("id"), str):
                gone = kind == f"{resource.object}.deleted"  # customer.subscription.deleted only means canceled
                touched[thing["id"]] = touched.get(thing["id"], False) or gone
        if not more:
            return touched
        position = [("starting_after", _last_id(api, resource.name, items))]


def _current(resource: Resource, api: Http, identifier: str, *, gone: bool) -> Row:
    """The object as it is now. A deleted customer still answers, with `deleted`; a deleted draft invoice does not."""
    if gone:
        return Row(identifier, {"id": identifier, "object": resource.object, "deleted": True}, deleted=True)
    expand: Params = [("expand[]", name) for name in resource.expand]
    payload = api.get(resource.name, f"/v1/{resource.name}/{identifier}", expand)
    if payload.get("id") != identifier:
        raise TransientSourceError(api.source, resource.name, f"asked for {identifier}, got another object")
    return Row(identifier, payload, deleted=payload.get("deleted") is True)


def _subject(event: Any) -> tuple[dict[str, Any], str]:
    data = event.get("data") if isinstance(event, dict) else None
    thing = data.get("object") if isinstance(data, dict) else None
    return (thing, str(event.get("type"))) if isinstance(thing, dict) else ({}, "")


def _answer(api: Http, stream: str, answer: dict[str, Any]) -> tuple[list[Any], bool]:
    items, more = answer.get("data"), answer.get("has_more")
    if not isinstance(items, list) or not isinstance(more, bool):
        raise TransientSourceError(api.source, stream, "a list without data or has_more", advice="run again later")
    return items, more


def _last_id(api: Http, stream: str, items: list[Any]) -> str:
    last = items[-1] if items else None
    if not isinstance(last, dict) or not isinstance(last.get("id"), str):
        raise SourceError(api.source, stream, "the last row of a page has no id to go on from", advice="report it")
    return str(last["id"])


def _selected(source: SourceSettings) -> tuple[str, ...] | None:
    return options_of(source, StripeOptions).streams


CONNECTOR = Connector(
    system="stripe",
    streams=tuple(
        Stream(
            name=resource.name,
            read=partial(read, resource),
            map=mapping.MAPPINGS[resource.name],
            mapping_version=mapping.VERSION,
            required=REQUIRED[resource.name],
        )
        for resource in RESOURCES
    ),
    connect=connect,
    selected=_selected,
)
