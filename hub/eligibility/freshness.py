"""Which departments were not read for too long, or never."""

import datetime as dt

from sqlalchemy import Connection, text

from hub.eligibility.settings import EligibilitySettings
from hub.model.kinds import Department

# The streams that were ever read, by a walk over their index: the table has a row for each stream of each run. A read
# is as old as the moment that its run judged by, which is another than the database's in a simulated world.
_READ = """
    WITH RECURSIVE stream AS (
        (SELECT source, stream FROM landing.sync_run ORDER BY source, stream LIMIT 1)
        UNION ALL
        SELECT next.source, next.stream
        FROM stream s CROSS JOIN LATERAL (
            SELECT r.source, r.stream FROM landing.sync_run r
            WHERE (r.source, r.stream) > (s.source, s.stream) ORDER BY r.source, r.stream LIMIT 1
        ) next
    )
    SELECT s.source || '/' || s.stream AS stream, last.read_at,
           (SELECT p.department FROM canonical.party p WHERE p.source = s.source LIMIT 1) AS department
    FROM stream s
    LEFT JOIN LATERAL (
        SELECT coalesce(run.as_of, r.finished_at) AS read_at
        FROM landing.sync_run r LEFT JOIN ops.run run USING (run_id)
        WHERE r.source = s.source AND r.stream = s.stream AND r.finished_at IS NOT NULL AND r.error IS NULL
        ORDER BY r.started_at DESC LIMIT 1
    ) last ON true"""


def stale(connection: Connection, settings: EligibilitySettings, as_of: dt.datetime) -> frozenset[Department]:
    """The departments of which a stream was not read well for longer than `stale_hours`, or nothing was ever read."""
    oldest = as_of - dt.timedelta(hours=settings.stale_hours)
    fresh, late = set[Department](), set[Department]()
    for row in connection.execute(text(_READ)):
        if row.department is not None and row.stream not in settings.ignored_streams:
            well_read = row.read_at is not None and row.read_at >= oldest
            (fresh if well_read else late).add(Department(row.department))
    return frozenset(Department) - (fresh - late)
