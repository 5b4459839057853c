"""Figures day by day and by department. docs/trends.md defines each.

Figures of the state (records, quality scores, what waits) are as the last run of a day left them: sources keep no
history of it, so nothing restates them. Figures of what happened (payments, touches ...) follow their facts: one that
arrives late changes the figure of its own day, and what was told before is kept beside it.
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub import clock, scores
from hub.model.kinds import Department
from hub.sections.trends import TrendsSettings

EVERYWHERE = "all"  # the department that stands for the whole hub
STATE = (
    "records", "duplicates", "waiting", "complete", "valid", "unique", "fresh", "consistent", "stale", "quarantined",
    "hours_to_decide",
)  # fmt: skip
HAPPENED: Mapping[Department, tuple[str, ...]] = {
    Department.SALES: ("opportunities", "won"),
    Department.SUPPORT: ("tickets", "complaints"),
    Department.MARKETING: ("touches",),
    Department.FINANCE: ("invoices", "payments"),
}
DECIDED_DAYS = 28  # so many days of judgements have a median that a quiet week does not move much

_SCORES = """
    SELECT coalesce(department, :everywhere) AS department, count(*) AS records,
        count(*) FILTER (WHERE duplicate) AS duplicates, count(*) FILTER (WHERE NOT repeated) AS apart,
        sum(filled) AS filled, sum(required) AS required, sum(formed) AS formed, sum(checked) AS checked,
        count(updated_on) AS dated,
        count(*) FILTER (WHERE updated_on > CAST(:day AS date) - CAST(:fresh_days AS int)) AS fresh
    FROM quality.party_score GROUP BY GROUPING SETS ((department), ())"""

_MEASURE = f"""
    WITH score AS MATERIALIZED ({_SCORES}),
    waiting AS (
        SELECT coalesce(department, :everywhere) AS department, count(DISTINCT (party_a, party_b)) AS many
        FROM identity.waiting_pair, LATERAL (SELECT DISTINCT unnest(departments)) AS concerned (department)
        GROUP BY GROUPING SETS ((department), ())
    ), decided AS (
        SELECT coalesce(concerned.department, :everywhere) AS department, count(*) AS many,
            percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM made_at - first_seen_at)) / 3600.0 AS hours
        FROM (
            SELECT j.made_at, p.first_seen_at, a.department AS one, b.department AS other
            FROM identity.judgement j JOIN identity.pair p USING (party_a, party_b)
            JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
            WHERE j.author_kind = 'person' AND j.made_at >= p.first_seen_at
              AND j.made_at >= CAST(:day AS date) - CAST(:decided_days AS int)
        ) judged, LATERAL (SELECT unnest(ARRAY[one, other, :everywhere])
                           EXCEPT SELECT NULL) AS concerned (department)
        GROUP BY concerned.department
    ), stale AS (
        SELECT count(f.ref) AS many, count(*) AS open
        FROM canonical.opportunity o LEFT JOIN (
            SELECT DISTINCT opportunity_ref AS ref FROM quality.flag
            WHERE public AND rule IN ('inactive', 'no_progress')
        ) f USING (ref) WHERE o.status = 'open' AND o.deleted_at IS NULL
        HAVING EXISTS (SELECT FROM quality.team_figure)
    ), refused AS (
        SELECT coalesce(s.department, :everywhere) AS department, count(*) AS many
        FROM landing.quarantine q
        LEFT JOIN (SELECT DISTINCT source, department FROM quality.party_score) s USING (source)
        WHERE q.resolved_at IS NULL GROUP BY GROUPING SETS ((s.department), ())
    ), measured (department, name, value, cases) AS (
        SELECT department, name, value, cases FROM score, LATERAL (VALUES
            ('records', records, NULL), ('duplicates', duplicates, records), ('unique', apart, records),
            ('complete', filled, required), ('valid', formed, checked), ('fresh', fresh, dated))
            AS figure (name, value, cases)
        UNION ALL SELECT s.department, 'waiting', coalesce(w.many, 0), NULL
                  FROM score s LEFT JOIN waiting w USING (department)
        UNION ALL SELECT s.department, 'quarantined', coalesce(max(q.many), 0), NULL
                  FROM score s LEFT JOIN refused q USING (department) GROUP BY s.department
        UNION ALL SELECT department, 'hours_to_decide', round(hours), many FROM decided
        UNION ALL SELECT name, 'stale', many, open
                  FROM stale, LATERAL (VALUES ('sales'), (:everywhere)) AS whose (name)
        UNION ALL SELECT department, 'consistent', agreeing, compared FROM quality.consistency
    )
    INSERT INTO quality.daily_figure (day, department, name, value, cases)
    SELECT :day, department, name, coalesce(value, 0), cases FROM measured
    ON CONFLICT (day, department, name) DO UPDATE SET value = excluded.value, cases = excluded.cases"""

# A day is settled by the first run that is more than settle_days after it. `before` is the day of the last run.
_FOLLOW = """
    WITH taken AS (DELETE FROM quality.figure_change RETURNING day, department, name, value),
    before AS (SELECT max(measured_on) AS day FROM quality.figure_state),
    changed AS (
        SELECT t.day, department, name, sum(value) AS value,
               coalesce(before.day > t.day + CAST(:settle_days AS int), false) AS late
        FROM taken t CROSS JOIN before
        GROUP BY t.day, department, name, before.day HAVING sum(value) <> 0
    )
    INSERT INTO quality.daily_figure AS old (day, department, name, value, first_value, restated_at)
    SELECT day, department, name, value, CASE WHEN late THEN 0 END, CASE WHEN late THEN CAST(:as_of AS timestamptz) END
    FROM changed
    ON CONFLICT (day, department, name) DO UPDATE SET value = old.value + excluded.value,
        first_value = CASE WHEN excluded.restated_at IS NULL THEN old.first_value
                           ELSE coalesce(old.first_value, old.value) END,
        restated_at = coalesce(excluded.restated_at, old.restated_at)
    RETURNING restated_at = :as_of AS restated"""

_FRESHNESS = """
    INSERT INTO quality.source_freshness AS old (source, department, day, records, fresh, newest_on)
    SELECT source, min(department), :day, count(updated_on),
           count(*) FILTER (WHERE updated_on > CAST(:day AS date) - CAST(:fresh_days AS int)), max(updated_on)
    FROM quality.party_score GROUP BY source
    ON CONFLICT (source) DO UPDATE SET department = excluded.department, day = excluded.day,
        records = excluded.records, fresh = excluded.fresh, newest_on = excluded.newest_on"""

_MEASURED = """
    INSERT INTO quality.figure_state (id, measured_on) VALUES (1, :day)
    ON CONFLICT (id) DO UPDATE SET measured_on = greatest(quality.figure_state.measured_on, excluded.measured_on)"""


def keep(connection: Connection, as_of: dt.datetime, settings: TrendsSettings) -> int:
    """Measure the state, and keep it as the figures of the day of `as_of`; have those of other days follow late facts.

    An earlier measure of the same day gives way. Returns how many figures of settled days were restated.
    """
    scores.refresh(connection, settings)
    values = {
        "day": clock.day(as_of), "as_of": as_of, "everywhere": EVERYWHERE, "decided_days": DECIDED_DAYS,
        "fresh_days": settings.fresh_days, "settle_days": settings.settle_days,
    }  # fmt: skip
    restated = sum(bool(row.restated) for row in connection.execute(text(_FOLLOW), values))
    for step in (_MEASURE, _FRESHNESS, _MEASURED):
        connection.execute(text(step), values)
    return restated


def newest(connection: Connection) -> Sequence[Row[Any]]:
    """The last figures of the state, of each department and of the whole: day, department, name, value, cases."""
    return connection.execute(
        text(
            """SELECT DISTINCT ON (department, name) department, name, value, cases, day FROM quality.daily_figure
               WHERE name = ANY(:names) ORDER BY department, name, day DESC"""
        ),
        {"names": list(STATE)},
    ).all()


def since(
    connection: Connection, first: dt.date, departments: Collection[str], names: Collection[str] = STATE
) -> Sequence[Row[Any]]:
    """Day by day from `first` on, in order: day, department, name, value, cases, first_value, restated_at."""
    return connection.execute(
        text(
            """SELECT day, department, name, value, cases, first_value, restated_at FROM quality.daily_figure
               WHERE day >= :first AND department = ANY(:departments) AND name = ANY(:names)
               ORDER BY day, department, name"""
        ),
        {"first": first, "departments": list(departments), "names": list(names)},
    ).all()
