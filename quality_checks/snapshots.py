"""Our own daily snapshots of open opportunities, for what their source keeps no history of."""

import datetime as dt

from sqlalchemy import Connection, text

from quality_checks.rules.rule import AS_OF, TODAY

_STATE = ("status", "stage", "amount", "close_date", "next_step")
_NAMES = ", ".join(_STATE)

# Only what changed is written: the row of before ends today, and a new one begins; a second change on one day replaces
# the first. One that closed gets a last row, one that vanished at its source just ends. A run that is replayed for an
# earlier day than one that was seen changes nothing.
_TAKE = f"""
WITH given AS (SELECT {AS_OF} AS as_of, {TODAY} AS day),
now AS (SELECT * FROM quality.opportunity_snapshot WHERE valid_to IS NULL),
moved AS MATERIALIZED (
    SELECT o.ref, o.deleted_at, {", ".join(f"o.{name}" for name in _STATE)}
    FROM canonical.opportunity o LEFT JOIN now s ON s.opportunity_ref = o.ref
    WHERE CASE WHEN s.opportunity_ref IS NULL THEN o.status = 'open' AND o.deleted_at IS NULL
               ELSE s.valid_from <= (SELECT day FROM given) AND (o.deleted_at IS NOT NULL
                   OR (s.status = 'open' AND ({", ".join(f"s.{name}" for name in _STATE)})
                       IS DISTINCT FROM ({", ".join(f"o.{name}" for name in _STATE)}))) END
),
ended AS (
    UPDATE quality.opportunity_snapshot s SET valid_to = (SELECT day FROM given)
    FROM moved m WHERE m.ref = s.opportunity_ref AND s.valid_to IS NULL
      AND (m.deleted_at IS NOT NULL OR s.valid_from < (SELECT day FROM given))
)
INSERT INTO quality.opportunity_snapshot (opportunity_ref, valid_from, taken_at, {_NAMES})
SELECT ref, day, as_of, {_NAMES} FROM moved CROSS JOIN given WHERE deleted_at IS NULL
ON CONFLICT (opportunity_ref, valid_from) DO UPDATE
SET valid_to = NULL, taken_at = excluded.taken_at, {", ".join(f"{name} = excluded.{name}" for name in _STATE)}
"""


def take(connection: Connection, *, as_of: dt.datetime) -> int:
    """Bring quality.opportunity_snapshot to the day of `as_of`; returns how many opportunities are new or changed."""
    written = connection.execute(text(_TAKE), {"as_of": as_of}).rowcount
    if written:
        connection.execute(text("ANALYZE quality.opportunity_snapshot"))
    return written
