"""What a page writes: rows, tombstones, rejects and the watermark, all in the caller's transaction."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Text, any_, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from connectors.base import Cursor, Page, Row
from hub.db import bulk
from hub.db.tables import landing

RECORD = landing.SourceRecord.__table__
KEY = ("source", "stream", "source_id")
COLUMNS = (*KEY, "payload", "content_hash", "deleted_at")
QUARANTINE = (*KEY, "stage", "reason", "field", "payload")

# A tombstone says that a row is gone and seldom more, so it is laid over the last payload that is known.
BURY = f"""
    WITH newest AS (SELECT DISTINCT ON (source, stream, source_id) * FROM tombstones
                    ORDER BY source, stream, source_id, ctid DESC),
    written AS (
        INSERT INTO landing.source_record AS old ({", ".join(COLUMNS)}) SELECT {", ".join(COLUMNS)} FROM newest
        ON CONFLICT (source, stream, source_id) DO UPDATE SET
            payload = old.payload || excluded.payload, content_hash = excluded.content_hash,
            deleted_at = coalesce(old.deleted_at, excluded.deleted_at), last_changed_at = now()
        WHERE old.deleted_at IS NULL OR NOT old.payload @> excluded.payload
        RETURNING source, stream, source_id
    ), queued AS (
        INSERT INTO landing.to_conform (source, stream, source_id) SELECT source, stream, source_id FROM written
        ON CONFLICT DO NOTHING)
    SELECT (SELECT count(*) FROM written), (SELECT count(*) FROM newest)
"""

QUARANTINE_OPEN = f"""
    INSERT INTO landing.quarantine AS old ({", ".join(QUARANTINE)})
    SELECT DISTINCT ON (source, stream, source_id) {", ".join(QUARANTINE)} FROM unfit
    ON CONFLICT (source, stream, source_id) WHERE resolved_at IS NULL DO UPDATE SET
        stage = excluded.stage, reason = excluded.reason, field = excluded.field, payload = excluded.payload,
        last_seen_at = now()
"""


@dataclass(frozen=True)
class Landed:
    """What one page changed; `fetched` counts all that the source sent, repeats within the page included."""

    fetched: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    deleted: int = 0
    quarantined: int = 0

    def __add__(self, other: "Landed") -> "Landed":
        return Landed(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Unfit:
    """A row for quarantine. The reason holds no values of the row."""

    source_id: str
    reason: str
    payload: Any
    field: str | None = None


def write_page(connection: Connection, source: str, stream: str, page: Page, as_of: dt.datetime) -> Landed:
    """Write a page: changed rows are queued for conform, equal ones left alone, deletes end-dated with `as_of`."""
    alive = [row for row in page.rows if not row.deleted]
    dead = [row for row in page.rows if row.deleted]
    written = bulk.upsert(
        connection,
        RECORD,
        COLUMNS,
        (_values(source, stream, row, None) for row in alive),
        key=KEY,
        queue=landing.ToConform.__table__,
        stamp="last_changed_at",
    )
    buried, gone = _bury(connection, [_values(source, stream, row, as_of) for row in dead])
    rejected = [
        Unfit(_name_of(item), "has no key, so it cannot be told apart from other rows", item) for item in page.rejected
    ]
    quarantine(connection, source, stream, "land", rejected)
    return Landed(
        fetched=len(page.rows) + len(page.rejected),
        inserted=written.inserted,
        updated=written.updated,
        unchanged=written.unchanged + gone - buried,
        deleted=buried,
        quarantined=len(rejected),
    )


def quarantine(connection: Connection, source: str, stream: str, stage: str, unfit: Iterable[Unfit]) -> None:
    """Open an entry for each row, or bring its open one up to date."""
    rows = [(source, stream, u.source_id, stage, u.reason, u.field, _storable(u.payload)) for u in unfit]
    if rows and bulk.stage(connection, "unfit", landing.Quarantine.__table__, QUARANTINE, rows):
        connection.execute(text(QUARANTINE_OPEN))


def resolve_quarantine(connection: Connection, source: str, stream: str, source_ids: list[str]) -> None:
    """Close the open entries of rows that fit now."""
    table = landing.Quarantine
    theirs = (table.source == source, table.stream == stream, table.stage == "conform", table.resolved_at.is_(None))
    fits = table.source_id == any_(cast(source_ids, ARRAY(Text)))
    connection.execute(update(table).where(*theirs, fits).values(resolved_at=func.now()))


def save_watermark(connection: Connection, source: str, stream: str, cursor: Cursor) -> None:
    """Move the watermark of a stream."""
    statement = insert(landing.Watermark).values(source=source, stream=stream, cursor=cursor)
    changed = {"cursor": statement.excluded.cursor, "moved_at": text("now()")}
    connection.execute(statement.on_conflict_do_update(index_elements=["source", "stream"], set_=changed))


def watermark(connection: Connection, source: str, stream: str) -> Cursor | None:
    """How far a stream has been read; None before its first page."""
    table = landing.Watermark
    query = select(table.cursor).where(table.source == source, table.stream == stream)
    return connection.execute(query).scalar_one_or_none()


def _bury(connection: Connection, rows: list[tuple[Any, ...]]) -> tuple[int, int]:
    if not rows:
        return 0, 0
    bulk.stage(connection, "tombstones", RECORD, COLUMNS, rows)
    buried, distinct = connection.execute(text(BURY)).one()
    return buried, distinct


def _values(source: str, stream: str, row: Row, deleted_at: dt.datetime | None) -> tuple[Any, ...]:
    canonical = _canonical_json(row.payload)
    payload = row.payload
    if "\\u0000" in canonical or not _encodable(canonical):
        payload = _storable(payload)
        canonical = _canonical_json(payload)
    digest = hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()
    return source, stream, row.source_id, payload, digest, deleted_at


def _canonical_json(payload: Any) -> str:
    return json.dumps(payload, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(value: Any) -> Any:
    """Without what JSON may say and Postgres cannot keep: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _name_of(item: Any) -> str:
    return "unkeyed-" + hashlib.blake2b(_canonical_json(_storable(item)).encode(), digest_size=16).hexdigest()
