"""The benefit ledger: what changed since the hub is in use, each figure beside its start value and its cases.

Both values are told by who is one customer now, so that they differ by what happened, not by what was merged since.
docs/trends.md defines each figure and says what it cannot know.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub import clock
from hub.sections.trends import BenefitSettings

# name -> whether it is of what finance knows, and so kept from those who do not see that.
OF_FINANCE = frozenset({"prospect_to_payment", "retention", "lifetime_value", "revenue"})

# `since` to `until` is the window of a value, its end excluded.
_WINDOWS = """
    CREATE TEMP TABLE world_window ON COMMIT DROP AS
    SELECT which, CAST(ends - CAST(:window_days AS int) AS timestamp) AT TIME ZONE 'UTC' AS since,
           CAST(ends AS timestamp) AT TIME ZONE 'UTC' AS until
    FROM (VALUES ('baseline', CAST(:baseline_day AS date)), ('now', CAST(:day AS date) + 1)) AS w (which, ends)"""
_HUB_WINDOWS = """
    CREATE TEMP TABLE hub_window ON COMMIT DROP AS
    SELECT 'baseline' AS which, CAST(:live_day AS date) AS since,
           CAST(:live_day AS date) + CAST(:first_days AS int) AS until
    UNION ALL
    SELECT 'now', CAST(:today AS date) + 1 - CAST(:first_days AS int), CAST(:today AS date) + 1"""
_PAID = """
    CREATE TEMP TABLE paid ON COMMIT DROP AS
    SELECT m.golden_id, p.currency, p.amount - p.refunded AS amount, p.paid_at
    FROM canonical.payment p JOIN canonical.party a ON a.ref = p.party_ref
    JOIN identity.membership m ON m.party_id = a.party_id AND m.until IS NULL
    WHERE p.status IN ('succeeded', 'refunded') AND p.deleted_at IS NULL"""
_RUNNING = """
    CREATE TEMP TABLE running ON COMMIT DROP AS
    SELECT m.golden_id, s.started_at, s.ended_at
    FROM canonical.subscription s JOIN canonical.party a ON a.ref = s.party_ref
    JOIN identity.membership m ON m.party_id = a.party_id AND m.until IS NULL
    WHERE s.deleted_at IS NULL AND (s.ended_at IS NOT NULL OR s.status <> 'canceled')"""

_FIRST_PAYMENT = """
    SELECT w.which, '' AS currency,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM p.paid_at - k.known_at) / 86400.0) AS value,
           count(*) AS cases
    FROM (SELECT golden_id, min(paid_at) AS paid_at FROM paid WHERE amount > 0 GROUP BY golden_id) p
    JOIN (
        SELECT m.golden_id, min(k.at) AS known_at
        FROM (SELECT party_ref AS ref, touched_at AS at FROM canonical.touch WHERE deleted_at IS NULL
              UNION ALL
              SELECT unnest(ARRAY[party_ref, contact_ref]), source_created_at FROM canonical.opportunity
              WHERE deleted_at IS NULL) k
        JOIN canonical.party a USING (ref)
        JOIN identity.membership m ON m.party_id = a.party_id AND m.until IS NULL
        GROUP BY m.golden_id
    ) k ON k.golden_id = p.golden_id AND k.known_at <= p.paid_at
    JOIN world_window w ON p.paid_at >= w.since AND p.paid_at < w.until
    GROUP BY w.which"""


def _held(at: str, since: str) -> str:
    """Whether the customer c pays: a payment from `since` to `at`, or a subscription that runs at `at`."""
    return f"""(EXISTS (SELECT 1 FROM paid p WHERE p.golden_id = c.golden_id AND p.amount > 0
                        AND p.paid_at >= {since} AND p.paid_at < {at})
                OR EXISTS (SELECT 1 FROM running r WHERE r.golden_id = c.golden_id
                           AND r.started_at < {at} AND (r.ended_at IS NULL OR r.ended_at >= {at})))"""


_YEAR = "interval '365 days'"
_RETENTION = f"""
    SELECT w.which, '' AS currency, avg(CAST({_held("w.until", "w.since")} AS int)) AS value, count(*) AS cases
    FROM world_window w
    CROSS JOIN (SELECT golden_id FROM paid UNION SELECT golden_id FROM running) c
    WHERE {_held(f"w.until - {_YEAR}", f"w.since - {_YEAR}")}
    GROUP BY w.which"""
_LIFETIME = """
    SELECT which, currency, avg(amount) AS value, count(*) AS cases
    FROM (SELECT w.which, p.golden_id, p.currency, sum(p.amount) AS amount
          FROM paid p JOIN world_window w ON p.paid_at < w.until
          GROUP BY w.which, p.golden_id, p.currency HAVING sum(p.amount) > 0) of_customer
    GROUP BY which, currency"""
_REVENUE = """
    SELECT w.which, p.currency, sum(p.amount) AS value, count(*) AS cases
    FROM paid p JOIN world_window w ON p.paid_at >= w.since AND p.paid_at < w.until
    GROUP BY w.which, p.currency"""
# Sent, delivered and opened are rows of one contact: a record is reached once by a campaign, channel and day.
_TOUCHES = """
    SELECT which, '' AS currency, CAST(sum(records - 1) AS numeric) / sum(records) AS value, sum(records) AS cases
    FROM (
        SELECT w.which, count(DISTINCT t.party_ref) AS records
        FROM canonical.touch t JOIN world_window w ON t.touched_at >= w.since AND t.touched_at < w.until
        JOIN canonical.party a ON a.ref = t.party_ref
        JOIN identity.membership m ON m.party_id = a.party_id AND m.until IS NULL
        WHERE t.campaign IS NOT NULL AND t.outcome <> 'bounced' AND t.deleted_at IS NULL
        GROUP BY w.which, m.golden_id, t.campaign, t.channel, CAST(t.touched_at AT TIME ZONE 'UTC' AS date)
    ) reached GROUP BY which"""
_HOURS = """
    SELECT w.which, '' AS currency, sum(seconds) / 3600.0 AS value, count(*) AS cases
    FROM (
        SELECT CAST(made_at AT TIME ZONE 'UTC' AS date) AS day,
               least(:gap_seconds, coalesce(extract(epoch FROM made_at - lag(made_at) OVER (
                   PARTITION BY author ORDER BY made_at, judgement_id)), :gap_seconds)) AS seconds
        FROM identity.judgement WHERE author_kind = 'person'
    ) judged JOIN hub_window w ON day >= w.since AND day < w.until GROUP BY w.which"""
_COST = """
    SELECT which, currency, sum(amount * days / (until_day - from_day + 1)) AS value, count(*) AS cases
    FROM (SELECT w.which, c.currency, c.amount, c.from_day, c.until_day,
                 least(c.until_day + 1, CAST(w.until AT TIME ZONE 'UTC' AS date))
                 - greatest(c.from_day, CAST(w.since AT TIME ZONE 'UTC' AS date)) AS days
          FROM ops.cost c CROSS JOIN world_window w WHERE c.removed_at IS NULL) overlap
    WHERE days > 0 GROUP BY which, currency"""
# Answers are kept by week: a window takes the weeks that begin in it, the first one with the week of its first day.
_RATING = """
    SELECT w.which, '' AS currency, CAST(sum(score * answers) AS numeric) / sum(answers) AS value, sum(answers) AS cases
    FROM ops.user_rating r JOIN hub_window w ON r.week + 6 >= w.since AND r.week < w.until GROUP BY w.which"""

MEASURES = {
    "prospect_to_payment": (_FIRST_PAYMENT, "least_cases"),
    "retention": (_RETENTION, "least_cases"),
    "lifetime_value": (_LIFETIME, "least_cases"),
    "revenue": (_REVENUE, "any"),
    "duplicate_touches": (_TOUCHES, "least_cases"),
    "steward_hours": (_HOURS, "any"),
    "cost": (_COST, "any"),
    "user_rating": (_RATING, "least_ratings"),
}
# What is avoided follows from the shares; see _KEEP.
NAMES = (*list(MEASURES)[:5], "touches_avoided", *list(MEASURES)[5:])

_FOUND = " UNION ALL ".join(
    f"SELECT '{name}' AS name, CAST(:{least} AS int) AS least, f.which, f.currency, CAST(f.value AS numeric) AS value, "
    f"CAST(f.cases AS int) AS cases FROM ({query}) f"
    for name, (query, least) in MEASURES.items()
)
_NONE = ", ".join(f"('{name}', CAST(:{least} AS int))" for name, (_, least) in MEASURES.items())
# Of a sum, no cases are nothing; of a median, a share or a mean they are too few.
_KEEP = f"""
    WITH found AS MATERIALIZED ({_FOUND}),
    figure AS (
        SELECT n.name, n.least, coalesce(f.currency, '') AS currency,
               coalesce(max(f.cases) FILTER (WHERE f.which = 'baseline'), 0) AS baseline_cases,
               coalesce(max(f.cases) FILTER (WHERE f.which = 'now'), 0) AS now_cases,
               coalesce(max(f.value) FILTER (WHERE f.which = 'baseline'), 0) AS baseline,
               coalesce(max(f.value) FILTER (WHERE f.which = 'now'), 0) AS now
        FROM (VALUES {_NONE}) AS n (name, least) LEFT JOIN found f USING (name) GROUP BY n.name, n.least, f.currency
    ), told AS (
        SELECT name, currency, least, baseline_cases, now_cases, baseline, now FROM figure
        UNION ALL
        SELECT 'touches_avoided', '', least, baseline_cases, now_cases, 0,
               floor(greatest(0, (baseline - now) * now_cases))
        FROM figure WHERE name = 'duplicate_touches'
    )
    INSERT INTO quality.benefit_figure
        (day, name, currency, baseline_day, baseline, baseline_cases, now, now_cases, least)
    SELECT :day, name, currency,
           CASE WHEN name IN ('steward_hours', 'user_rating') THEN CAST(:live_day AS date) ELSE :baseline_day END,
           CASE WHEN baseline_cases >= least THEN baseline END, baseline_cases,
           CASE WHEN now_cases >= least AND (name <> 'touches_avoided' OR baseline_cases >= least) THEN now END,
           now_cases, least
    FROM told"""

# Where nobody set another: by the world's clock for what happened, by the hub's own for what people did in it.
_BASELINE = """
    SELECT coalesce(b.day, CAST(p.as_of AT TIME ZONE 'UTC' AS date)) AS baseline_day,
           coalesce(b.day, CAST(p.published_at AT TIME ZONE 'UTC' AS date)) AS live_day
    FROM golden.publication p FULL JOIN (SELECT day, 1 AS number FROM quality.baseline) b USING (number)
    WHERE number = 1"""


def baseline(connection: Connection) -> Row[Any] | None:
    """baseline_day and live_day, from which benefit is measured; None before the first publication."""
    return connection.execute(text(_BASELINE)).one_or_none()


def keep(connection: Connection, as_of: dt.datetime, today: dt.date, settings: BenefitSettings) -> bool:
    """Measure benefit as of the day of `as_of`; an earlier measure of that day gives way.

    `today` is the day by the hub's own clock, by which judgements and ratings are dated: a simulated world has another.
    False where nothing was published yet and no baseline is set: then there is nothing to compare with.
    """
    start = baseline(connection)
    if start is None:
        return False
    day = clock.day(as_of)
    values = {
        "day": day, "today": today, "baseline_day": start.baseline_day, "live_day": start.live_day,
        "window_days": settings.window_days, "first_days": settings.first_days, "any": 0,
        "least_cases": settings.least_cases, "least_ratings": settings.least_ratings,
        "gap_seconds": settings.session_gap_minutes * 60,
    }  # fmt: skip
    for statement in (_WINDOWS, _HUB_WINDOWS, _PAID, _RUNNING):
        connection.execute(text(statement), values)
    for statement in ("CREATE INDEX ON paid (golden_id)", "CREATE INDEX ON running (golden_id)"):
        connection.execute(text(statement))
    connection.execute(text("ANALYZE paid, running, world_window, hub_window"))
    connection.execute(text("DELETE FROM quality.benefit_figure WHERE day = :day"), values)
    connection.execute(text(_KEEP), values)
    connection.execute(text("DROP TABLE paid, running, world_window, hub_window"))
    return True


def newest(connection: Connection) -> Sequence[Row[Any]]:
    """The figures of the last day that was measured, as golden.benefit_* show them, with `name` and `least`."""
    return connection.execute(
        text(
            """SELECT name, currency, day, baseline_day, baseline, baseline_cases, now, now_cases, least,
                      now - baseline AS change
               FROM quality.benefit_figure WHERE day = (SELECT max(day) FROM quality.benefit_figure)
               ORDER BY array_position(CAST(:names AS text[]), name), currency"""
        ),
        {"names": list(NAMES)},
    ).all()
