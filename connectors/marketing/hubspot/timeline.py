"""Reading HubSpot's logs, which are listed newest first: e-mail events and subscription changes."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from connectors.base import Cursor, Page, page
from connectors.http import Http
from hub.errors import TransientSourceError

LOOKBACK = dt.timedelta(hours=1)  # events are reported by mail servers, some of them late
PAGE = "1000"


@dataclass(frozen=True)
class Log:
    """A log, where its rows are in the answer, and which key holds the moment (ms)."""

    name: str
    path: str
    items: str
    moment: str


def read(log: Log, api: Http, cursor: Cursor | None, as_of: dt.datetime) -> Iterator[Page]:
    """Pages of the log up to `as_of`, backwards.

    Cursor: {"until"} (ms) after a whole window; within one also {"since", "before"}: the moment of the oldest row
    that was read, from which a broken sync goes on. HubSpot's own offsets are too short-lived for that.
    """
    until = int(as_of.timestamp() * 1000)
    if cursor is not None and "before" in cursor:
        yield from _window(log, api, cursor["since"], cursor["until"], cursor["before"])
    since = max(0, cursor["until"] - int(LOOKBACK.total_seconds() * 1000)) if cursor else 0
    yield from _window(log, api, since, until, until)


def _window(log: Log, api: Http, since: int, until: int, before: int) -> Iterator[Page]:
    where = {"startTimestamp": str(since), "endTimestamp": str(before), "limit": PAGE}
    offset: str | None = None
    while True:
        answer = api.get(log.name, log.path, {**where, **({"offset": offset} if offset else {})})
        items, more, offset = answer.get(log.items), answer.get("hasMore"), answer.get("offset")
        if not isinstance(items, list) or not isinstance(more, bool) or (more and not offset):
            problem = f"an answer without {log.items!r}, hasMore or offset"
            raise TransientSourceError(api.source, log.name, problem, advice="run again later")
        oldest = min([before, *(_moment(log, item) or before for item in items)])
        position = {"since": since, "until": until, "before": oldest} if more else {"until": until}
        yield page(items, position, key=partial(_key, log))
        if not more:
            return


def _key(log: Log, item: dict[str, Any]) -> str | None:
    """Neither log has one field that names a row: ids of events are unique together with their moment."""
    moment = _moment(log, item)
    if moment is None:
        return None
    caused = [change.get("causedByEvent") for change in item.get("changes") or [] if isinstance(change, dict)]
    event = next((each for each in [item, *caused] if isinstance(each, dict) and each.get("id")), None)
    digest = hashlib.blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=16).hexdigest()
    return f"{event['id'] if event else digest}-{moment}"


def _moment(log: Log, item: Any) -> int | None:
    value = item.get(log.moment) if isinstance(item, dict) else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
