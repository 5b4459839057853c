"""The one shape of every connector: streams that yield pages, and pure mappings of their rows."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from hub.model import canonical
from hub.model.kinds import Department
from hub.settings import SourceSettings

Cursor = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One row of a source as it came. A deleted row may carry only what its tombstone says."""

    source_id: str
    payload: dict[str, Any]
    deleted: bool = False


@dataclass(frozen=True)
class Page:
    """Rows, and the cursor to save with them: reading from it again continues after this page."""

    rows: list[Row]
    cursor: Cursor
    rejected: list[Any] = field(default_factory=list)
    """What the source sent as rows but cannot be named: not an object, or without its key."""


@dataclass(frozen=True)
class Record:
    """A landed row, as mappings see it."""

    source: str
    department: Department
    stream: str
    source_id: str
    payload: dict[str, Any]
    deleted_at: dt.datetime | None = None

    @property
    def ref(self) -> str:
        return canonical.ref(self.source, self.stream, self.source_id)

    def ref_to(self, stream: str, source_id: str | None) -> str | None:
        """The ref of another record of the same source; None for no id."""
        return canonical.ref(self.source, stream, source_id) if source_id else None

    def common(self, ref: str | None = None) -> dict[str, Any]:
        """The fields that every canonical row has, under `ref` (default: the record's own)."""
        return {
            "ref": ref or self.ref,
            "source": self.source,
            "stream": self.stream,
            "source_id": self.source_id,
            "deleted_at": self.deleted_at,
        }


@dataclass(frozen=True)
class Mapped:
    """What one record means.

    rows: parties and facts, each with a ref of its own. ignored: why the record is legitimately nobody's.
    ended: rows that an earlier version of the record may have led to and this one does not.
    recipients: ref of a fact -> e-mail address of the person it is about, where the source names no id.
    """

    rows: tuple[canonical.Canonical, ...] = ()
    ignored: str | None = None
    ended: tuple[tuple[type[canonical.Canonical], str], ...] = ()
    recipients: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """One kind of row of a system.

    read(api, cursor, as_of) yields pages from a saved cursor (None: from the beginning) up to `as_of`.
    required: keys that every live row has (dots descend); a page where none has one is a changed schema.
    mapping_version: raise it when `map` changes; all rows of the stream are then mapped again.
    recipient: the payload's key that holds an e-mail address, where facts are tied to people by it.
    """

    name: str
    read: Callable[[Any, Cursor | None, dt.datetime], Iterator[Page]]
    map: Callable[[Record], Mapped]
    mapping_version: int
    required: tuple[str, ...] = ()
    recipient: str | None = None


@dataclass(frozen=True)
class Connector:
    """A system: how to reach it, and its streams, parties before the facts that name them."""

    system: str
    streams: tuple[Stream, ...]
    connect: Callable[[SourceSettings], AbstractContextManager[Any]]
    selected: Callable[[SourceSettings], tuple[str, ...] | None]

    def streams_of(self, source: SourceSettings) -> tuple[Stream, ...]:
        """The streams that the source's option `streams` names; all where it is not set."""
        wanted = self.selected(source)
        return self.streams if wanted is None else tuple(s for s in self.streams if s.name in wanted)


def page(
    items: Iterable[Any],
    cursor: Cursor,
    *,
    key: str | Callable[[dict[str, Any]], Any] = "id",
    deleted: Callable[[dict[str, Any]], bool] | None = None,
) -> Page:
    """A page of what the source sent: objects whose `key` is text or a whole number become rows, others rejected."""
    rows: list[Row] = []
    rejected: list[Any] = []
    for item in items:
        identifier = _identifier(item, key)
        if isinstance(identifier, str | int) and not isinstance(identifier, bool) and identifier != "":
            rows.append(Row(str(identifier), item, deleted(item) if deleted else False))
        else:
            rejected.append(item)
    return Page(rows, cursor, rejected)


def _identifier(item: Any, key: str | Callable[[dict[str, Any]], Any]) -> Any:
    if not isinstance(item, dict):
        return None
    return item.get(key) if isinstance(key, str) else key(item)
