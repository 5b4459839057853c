"""Source records become parties and facts: pure mappings inside, one transaction per batch around them.

A row that does not fit goes to quarantine with the reason and the field. What an earlier version of it led to
stays in canonical, since an old truth serves a customer better than none; it is replaced when the row fits again.
Quarantined rows are mapped again when the row changes at the source or the stream's mapping version is raised.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Engine, text

from connectors import canonical_store, landing, registry
from connectors.base import Mapped, Record, Stream
from connectors.landing import Unfit
from hub.errors import MappingError
from hub.golden import dirty
from hub.model.canonical import Party
from hub.progress import Progress, Step, silent
from hub.settings import SourceSettings

BATCH = 5_000  # rows held in memory and written in one transaction
SYSTEMATIC = 3  # fewer rows that fail on one field may be bad rows; all rows of a stream are a changed schema

TAKE = """
    WITH batch AS (
        SELECT source, stream, source_id FROM landing.to_conform WHERE source = :source AND stream = :stream
        ORDER BY source_id LIMIT :size FOR UPDATE SKIP LOCKED),
    taken AS (
        DELETE FROM landing.to_conform q USING batch b
        WHERE (q.source, q.stream, q.source_id) = (b.source, b.stream, b.source_id) RETURNING q.*)
    SELECT source_id, r.payload, r.deleted_at FROM taken JOIN landing.source_record r USING (source, stream, source_id)
    ORDER BY source_id
"""

# No watermark row: nothing landed yet, and the first page of a stream is queued by landing itself.
NEW_MAPPING = """
    WITH moved AS (
        UPDATE landing.watermark SET mapping_version = :version WHERE source = :source AND stream = :stream
        AND mapping_version IS DISTINCT FROM :version RETURNING source, stream)
    INSERT INTO landing.to_conform (source, stream, source_id)
    SELECT source, stream, source_id FROM landing.source_record JOIN moved USING (source, stream)
    ON CONFLICT DO NOTHING
"""


CONFORMED = """
    UPDATE landing.watermark SET conformed_sync = newest.sync_run_id
    FROM (SELECT sync_run_id FROM landing.sync_run WHERE source = :source AND stream = :stream
          ORDER BY started_at DESC LIMIT 1) newest
    WHERE source = :source AND stream = :stream
"""


@dataclass(frozen=True)
class ConformReport:
    """What one conform of one stream did.

    parties and facts count canonical rows that were written, unchanged those that were already so.
    ignored: reason -> source records that are legitimately nobody's. unresolved: facts whose recipient is no known
    contact yet. failures: field -> records that went to quarantine because of it.
    """

    source: str
    stream: str
    records: int = 0
    parties: int = 0
    facts: int = 0
    unchanged: int = 0
    ended: int = 0
    quarantined: int = 0
    unresolved: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def suspects(self) -> tuple[str, ...]:
        """Fields on which every record of the stream failed, where there were enough to tell."""
        if self.records < SYSTEMATIC:
            return ()
        return tuple(sorted(name for name, count in self.failures.items() if count == self.records))


def conform_source(
    engine: Engine,
    source: SourceSettings,
    *,
    run_id: str,  # noqa: ARG001
    progress: Progress = silent,
) -> list[ConformReport]:
    """Map everything of `source` that is queued; one report per stream. Does nothing where nothing is queued."""
    streams = registry.connector(source.system).streams_of(source)
    with engine.begin() as connection:
        for stream in streams:
            values = {"source": source.name, "stream": stream.name, "version": stream.mapping_version}
            connection.execute(text(NEW_MAPPING), values)
    reports = []
    for stream in streams:
        if stream.recipient:
            with engine.begin() as connection:
                canonical_store.requeue_resolvable(connection, source.name, stream)
        reports.append(_conform_stream(engine, source, stream, progress))
    return reports


def _conform_stream(engine: Engine, source: SourceSettings, stream: Stream, progress: Progress) -> ConformReport:
    total = ConformReport(source.name, stream.name)
    while True:
        with engine.begin() as connection:
            records = _take(connection, source, stream)
            if not records:
                connection.execute(text(CONFORMED), {"source": source.name, "stream": stream.name})
                return total
            total = _add(total, _conform_batch(connection, source, stream, records))
        progress(Step("conform", f"{source.name}/{stream.name}", done=total.records))


def _take(connection: Connection, source: SourceSettings, stream: Stream) -> list[Record]:
    values = {"source": source.name, "stream": stream.name, "size": BATCH}
    return [
        Record(source.name, source.department, stream.name, source_id, payload, deleted_at)
        for source_id, payload, deleted_at in connection.execute(text(TAKE), values)
    ]


def _conform_batch(
    connection: Connection, source: SourceSettings, stream: Stream, records: list[Record]
) -> ConformReport:
    mapped: list[Mapped] = []
    fitting: list[str] = []
    unfit: list[Unfit] = []
    buried: list[str] = []  # gone at the source, so gone from canonical too, even where the last payload does not fit
    for record in records:
        try:
            mapped.append(stream.map(record))
            fitting.append(record.source_id)
        except (MappingError, ValidationError) as error:
            unfit.append(_unfit(record, error))
            buried += [record.ref] if record.deleted_at else []
    rows, unresolved = canonical_store.with_recipients(connection, source.name, mapped)
    marked = canonical_store.customers_of_stored(connection, rows)
    written = {model: canonical_store.write(connection, model, of_model) for model, of_model in rows.items()}
    gone = [(model, ref) for ref in buried for model in canonical_store.TABLES]
    ended, touched = canonical_store.end(connection, gone + [pair for each in mapped for pair in each.ended])
    dirty.mark(connection, marked | touched | canonical_store.customers_of(rows))
    landing.quarantine(connection, source.name, stream.name, "conform", unfit)
    landing.resolve_quarantine(connection, source.name, stream.name, fitting)
    return ConformReport(
        source=source.name,
        stream=stream.name,
        records=len(records),
        parties=sum(counts.changed for model, counts in written.items() if model is Party),
        facts=sum(counts.changed for model, counts in written.items() if model is not Party),
        unchanged=sum(counts.unchanged for counts in written.values()),
        ended=ended,
        quarantined=len(unfit),
        unresolved=unresolved,
        ignored=dict(Counter(each.ignored for each in mapped if each.ignored)),
        failures=dict(Counter(each.field for each in unfit if each.field)),
    )


def _unfit(record: Record, error: MappingError | ValidationError) -> Unfit:
    if isinstance(error, MappingError):
        return Unfit(record.source_id, error.reason, record.payload, error.field)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"])) or None
    return Unfit(record.source_id, first["msg"], record.payload, name)


def _add(a: ConformReport, b: ConformReport) -> ConformReport:
    names: Iterable[str] = [name for name in ConformReport.__dataclass_fields__ if name not in ("source", "stream")]
    return ConformReport(a.source, a.stream, *(_sum(getattr(a, name), getattr(b, name)) for name in names))


def _sum(a: Any, b: Any) -> Any:
    return dict(Counter(a) + Counter(b)) if isinstance(a, dict) else a + b
