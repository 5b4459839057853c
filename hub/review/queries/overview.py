"""What the front page tells: the last publication and run, the sources, the work that waits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub import waivers

# Counted from what each sync did, not from the rows: a million of them would take longer than the page may.
SOURCES = """
    WITH ran AS (
        SELECT source, sum(inserted) AS landed, sum(deleted) AS deleted, max(finished_at) AS synced_at
        FROM landing.sync_run GROUP BY source
    ), newest AS (
        SELECT DISTINCT ON (source, stream) source, stream, error FROM landing.sync_run
        ORDER BY source, stream, started_at DESC
    ), failing AS (
        SELECT source, array_agg(stream ORDER BY stream) AS streams FROM newest WHERE error IS NOT NULL GROUP BY source
    ), refused AS (
        SELECT source, count(*) AS quarantined FROM landing.quarantine WHERE resolved_at IS NULL GROUP BY source
    )
    SELECT source, coalesce(landed, 0) AS landed, coalesce(quarantined, 0) AS quarantined, synced_at,
        coalesce(failing.streams, '{}') AS failing
    FROM ran FULL JOIN refused USING (source) LEFT JOIN failing USING (source) ORDER BY source"""


def last_publication(connection: Connection) -> Row[Any] | None:
    return connection.execute(text("SELECT * FROM golden.publication ORDER BY number DESC LIMIT 1")).one_or_none()


def last_run(connection: Connection) -> Row[Any] | None:
    return connection.execute(text("SELECT * FROM ops.run ORDER BY started_at DESC LIMIT 1")).one_or_none()


def held_back(connection: Connection, run_id: str) -> Sequence[Row[Any]]:
    """The critical checks that failed in a run which published nothing, without those that were waived."""
    published = text("SELECT EXISTS (SELECT FROM golden.publication WHERE run_id = :run_id)")
    if connection.execute(published, {"run_id": run_id}).scalar_one():
        return []
    failed = waivers.failures(connection, run_id)
    return [row for row in failed if row.severity == "critical" and row.waived_by is None]


def sources(connection: Connection) -> Sequence[Row[Any]]:
    """Per source: rows landed in all, open quarantine entries, last sync, streams whose last sync failed."""
    return connection.execute(text(SOURCES)).all()


def pairs_by_band(connection: Connection) -> dict[str, int]:
    rows = connection.execute(text("SELECT band, count(*) AS many FROM identity.pair GROUP BY band"))
    return {row.band: row.many for row in rows}
