"""Which departments were not read for too long, or never."""

import datetime as dt
from collections.abc import Iterable

from sqlalchemy import Connection, text

from hub.eligibility.settings import EligibilitySettings
from hub.model.kinds import Department

# The streams that were ever read, by a walk over their index: the table has a row for each stream of each run. A read
# is as old as the moment that its run judged by, which is another than the database's in a simulated world. The order
# makes an index find a party of the source; without it the table is read up to the first one, which may be the last.
# While something that was read waits to be conformed, only what was read before it is known here.
READ = """
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
           (SELECT p.department FROM canonical.party p WHERE p.source = s.source ORDER BY p.stream LIMIT 1)
               AS department
    FROM stream s
    LEFT JOIN LATERAL (
        SELECT coalesce(run.as_of, r.finished_at) AS read_at
        FROM landing.sync_run r LEFT JOIN ops.run run USING (run_id)
        WHERE r.source = s.source AND r.stream = s.stream AND r.finished_at IS NOT NULL AND r.error IS NULL
          AND (r.sync_run_id <= (SELECT w.conformed_sync FROM landing.watermark w
                                 WHERE w.source = s.source AND w.stream = s.stream)
               OR NOT EXISTS (SELECT FROM landing.to_conform q WHERE q.source = s.source AND q.stream = s.stream))
        ORDER BY r.started_at DESC LIMIT 1
    ) last ON true"""


def stale(connection: Connection, settings: EligibilitySettings, as_of: dt.datetime) -> frozenset[Department]:
    """The departments of which a stream was not read well for longer than `stale_hours`, or nothing was ever read.

    All of them, where nobody knows of which department such a stream is: nothing of its source ever came.
    """
    return late(connection.execute(text(READ)).tuples(), settings, as_of)


def late(
    read: Iterable[tuple[str, dt.datetime | None, str | None]], settings: EligibilitySettings, as_of: dt.datetime
) -> frozenset[Department]:
    """The same, of what READ told: of each stream its name, when it was last read well, and its department."""
    oldest = as_of - dt.timedelta(hours=settings.stale_hours)
    fresh, old = set[Department](), set[Department]()
    for stream, read_at, department in read:
        if stream in settings.ignored_streams:
            continue
        well_read = read_at is not None and read_at >= oldest
        if department is not None:
            (fresh if well_read else old).add(Department(department))
        elif not well_read:
            old |= set(Department)
    return frozenset(Department) - (fresh - old)
