"""What is usual: learned from a source's own opportunities once a day, and kept in versions."""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, text

from hub import clock
from quality_checks.rules import hygiene

_DIGITS = 4  # of a median, so that no version differs in a digit that nobody reads
_MEDIAN = "percentile_cont(0.5) WITHIN GROUP (ORDER BY {0})"

# Days in a stage are counted over all visits of a deal. Amounts of lost deals are wishes, so they are left out.
_LEARN = f"""
WITH {hygiene.LIVE},
given AS (SELECT CAST(:as_of AS timestamptz) AS as_of),
won AS (
    SELECT ref, source, coalesce(currency, '') AS segment, source_created_at, stage,
           coalesce(CAST(closed_at AT TIME ZONE 'UTC' AS date), close_date)
           - CAST(source_created_at AT TIME ZONE 'UTC' AS date) AS days
    FROM live_opportunity WHERE status = 'won' AND coalesce(closed_at, source_created_at) <= (SELECT as_of FROM given)
),
visit AS (
    SELECT w.ref, w.source, w.segment, h.old_value AS stage, h.changed_at
           - lag(h.changed_at, 1, w.source_created_at) OVER (PARTITION BY w.ref ORDER BY h.changed_at) AS stayed
    FROM won w JOIN history h ON h.opportunity_ref = w.ref AND h.field = 'stage'
),
stay AS (
    SELECT ref, source, segment, stage, extract(epoch FROM sum(stayed)) / 86400 AS days FROM visit
    WHERE stage IS NOT NULL GROUP BY ref, source, segment, stage
),
amount AS (
    SELECT source, coalesce(currency, '') AS segment, ln(amount) AS logarithm FROM live_opportunity
    WHERE amount > 0 AND status <> 'lost'
),
typical AS (
    SELECT source, segment, {_MEDIAN.format("logarithm")} AS median FROM amount GROUP BY source, segment
),
learned AS (
    SELECT 'stage_days' AS kind, source, stage, coalesce(segment, '') AS segment, {_MEDIAN.format("days")} AS median,
           CAST(NULL AS float) AS mad, count(*) AS deals
    FROM stay GROUP BY GROUPING SETS ((source, stage), (source, stage, segment))
    HAVING grouping(segment) = 1 OR segment <> ''
    UNION ALL
    SELECT 'cycle_days', source, '', coalesce(segment, ''), {_MEDIAN.format("days")}, NULL, count(*)
    FROM won WHERE days >= 0 GROUP BY GROUPING SETS ((source), (source, segment))
    HAVING grouping(segment) = 1 OR segment <> ''
    UNION ALL
    SELECT 'stage_probability', source, stage, '', {_MEDIAN.format("probability")}, NULL, count(*)
    FROM live_opportunity WHERE status = 'open' AND probability IS NOT NULL GROUP BY source, stage
    UNION ALL
    SELECT 'amount', a.source, '', a.segment, t.median, {_MEDIAN.format("abs(a.logarithm - t.median)")}, count(*)
    FROM amount a JOIN typical t USING (source, segment) GROUP BY a.source, a.segment, t.median
),
rounded AS MATERIALIZED (
    SELECT kind, source, stage, segment, round(CAST(median AS numeric), {_DIGITS}) AS median,
           round(CAST(mad AS numeric), {_DIGITS}) AS mad, deals FROM learned
),
compared AS MATERIALIZED (
    SELECT kind, source, stage, segment, r.median, r.mad, r.deals, n.norm_id,
           (n.median, n.mad, n.deals)
           IS NOT DISTINCT FROM (CAST(r.median AS float), CAST(r.mad AS float), r.deals) AS same
    FROM rounded r FULL JOIN (SELECT * FROM quality.norm WHERE valid_to IS NULL) n USING (kind, source, stage, segment)
),
ended AS (
    UPDATE quality.norm n SET valid_to = given.as_of FROM compared c, given
    WHERE n.norm_id = c.norm_id AND NOT c.same
),
seen AS (
    UPDATE quality.norm n SET learned_at = given.as_of FROM compared c, given WHERE n.norm_id = c.norm_id AND c.same
)
SELECT kind, source, stage, segment, median, mad, deals FROM compared WHERE NOT same AND deals IS NOT NULL
"""
_WRITE = """
INSERT INTO quality.norm (kind, source, stage, segment, median, mad, deals, valid_from, learned_at)
VALUES (:kind, :source, :stage, :segment, :median, :mad, :deals, :as_of, :as_of)
"""
# A run that is replayed for an earlier moment than one that learned finds the norms of then, and adds none.
_LEARNED_ON = "SELECT CAST(max(learned_at) AT TIME ZONE 'UTC' AS date) FROM quality.norm"


def learn(connection: Connection, parameters: dict[str, Any]) -> int:
    """Bring quality.norm to the day of `as_of`, at most once a day; returns how many norms got a new version.

    `parameters` are those of `hygiene.parameters`.
    """
    as_of: dt.datetime = parameters["as_of"]
    learned_on = connection.execute(text(_LEARNED_ON)).scalar_one()
    if learned_on is not None and learned_on >= clock.day(as_of):
        return 0
    changed = [dict(row) for row in connection.execute(text(_LEARN), parameters).mappings()]
    if changed:
        connection.execute(text(_WRITE), [{**norm, "as_of": as_of} for norm in changed])
        connection.execute(text("ANALYZE quality.norm"))
    return len(changed)
