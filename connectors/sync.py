"""The one loop of all connectors: read a page, write its rows and the watermark in one transaction, go on.

A crash loses nothing, because the watermark moves with the rows, and repeats nothing, because a row that is
read again is equal to what is stored. Streams of one source are read one after the other.
"""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Engine, func, insert, update

from connectors import landing, registry
from connectors.base import Cursor, Page, Stream
from connectors.fields import has
from connectors.landing import Landed
from hub.db.tables.landing import SyncRun
from hub.errors import SourceError, TransientSourceError
from hub.progress import Progress, Step, silent
from hub.settings import SourceSettings

ROWS_THAT_TELL = 3  # fewer rows without a field may be bad rows; a whole page without it is a changed schema


@dataclass(frozen=True)
class StreamReport:
    """What one sync of one stream did, in rows."""

    source: str
    stream: str
    fetched: int
    inserted: int
    updated: int
    unchanged: int
    deleted: int
    quarantined: int


def sync_source(
    engine: Engine, source: SourceSettings, *, run_id: str, as_of: dt.datetime, progress: Progress = silent
) -> list[StreamReport]:
    """Bring landing up to date with one source, up to `as_of`, the source's now.

    A stream that the source refuses (SourceError) does not keep the others from being read; its error is raised
    at the end. A source that is not well (TransientSourceError) ends the sync at once. Rows and watermark of all
    pages that were read stay, so the next sync goes on from there.

    Raises:
        TransientSourceError: the source may answer later; names stream and position.
        SourceError: the source refuses, or its schema changed; says which field and what to do.
        ConfigurationError: the system is unknown, or an option or credential is missing or wrong.
    """
    connector = registry.connector(source.system)
    reports: list[StreamReport] = []
    refused: list[SourceError] = []
    with connector.connect(source) as api:
        for stream in connector.streams_of(source):
            try:
                reports.append(_sync_stream(engine, source, stream, api, run_id=run_id, as_of=as_of, progress=progress))
            except TransientSourceError:
                raise
            except SourceError as error:
                refused.append(error)
    if refused:
        raise refused[0]
    return reports


def _sync_stream(
    engine: Engine,
    source: SourceSettings,
    stream: Stream,
    api: Any,
    *,
    run_id: str,
    as_of: dt.datetime,
    progress: Progress,
) -> StreamReport:
    with engine.begin() as connection:
        cursor = landing.watermark(connection, source.name, stream.name)
        started = insert(SyncRun).values(run_id=run_id, source=source.name, stream=stream.name)
        sync_run = connection.execute(started.returning(SyncRun.sync_run_id)).scalar_one()
    total = Landed()
    try:
        for page in _checked(stream.read(api, cursor, as_of), source.name, stream):
            with engine.begin() as connection:
                total += landing.write_page(connection, source.name, stream.name, page, as_of)
                landing.save_watermark(connection, source.name, stream.name, page.cursor)
                connection.execute(_counts(sync_run, total))
            cursor = page.cursor
            progress(Step("land", f"{source.name}/{stream.name}", done=total.fetched))
    except SourceError as error:
        located = _with_position(error, cursor)
        with engine.begin() as connection:
            connection.execute(_end(sync_run, error=str(located)))
        raise located from error
    with engine.begin() as connection:
        connection.execute(_end(sync_run))
    return StreamReport(source.name, stream.name, **asdict(total))


def _checked(pages: Iterator[Page], source: str, stream: Stream) -> Iterator[Page]:
    """The pages, up to one that shows that the source's schema changed under us."""
    for page in pages:
        alive = [row.payload for row in page.rows if not row.deleted]
        for field in stream.required if len(alive) >= ROWS_THAT_TELL else ():
            if not any(has(payload, field) for payload in alive):
                problem = f"schema changed: none of {len(alive)} rows has the field {field!r}"
                advice = "was it renamed, or hidden from our user? adapt streams.py and mapping.py, then run again"
                raise SourceError(source, stream.name, problem, advice=advice)
        yield page


def _with_position(error: SourceError, cursor: Cursor | None) -> SourceError:
    where = f"after {json.dumps(cursor, sort_keys=True)}" if cursor else "at the beginning"
    return type(error)(error.source, error.stream, f"{error.problem} ({where})", advice=error.advice)


def _counts(sync_run: int, total: Landed) -> Any:
    return update(SyncRun).where(SyncRun.sync_run_id == sync_run).values(**asdict(total))


def _end(sync_run: int, error: str | None = None) -> Any:
    return update(SyncRun).where(SyncRun.sync_run_id == sync_run).values(finished_at=func.now(), error=error)
