"""Dates that cannot be right, or that wander."""

from quality_checks.rules.rule import AS_OF, TODAY, Rule, date_in, day_of, quarter

# Moves of the close date to a later day, with both days; days that nobody can read do not count.
PUSHES = f"""SELECT opportunity_ref, changed_at, old_day, new_day
    FROM (SELECT opportunity_ref, changed_at, {date_in("old_value")} AS old_day, {date_in("new_value")} AS new_day
          FROM history WHERE field = 'close_date') d
    WHERE new_day > old_day"""

PAST_CLOSE_DATE = Rule(
    "past_close_date",
    "open, though its close date is past_close_days or more ago",
    f"""SELECT ref, 'critical' AS severity,
               jsonb_build_object('close_date', close_date, 'limit_days', CAST(:past_close_days AS int)) AS evidence
        FROM live_opportunity
        WHERE status = 'open' AND close_date <= {TODAY} - CAST(:past_close_days AS int)""",
)

PUSHED = Rule(
    "pushed",
    "open, and its close date was moved later pushed_warn times or more (critical from pushed_critical)",
    f"""SELECT ref,
               CASE WHEN pushes >= CAST(:pushed_critical AS int) THEN 'critical' ELSE 'warning' END AS severity,
               jsonb_build_object('pushes', pushes, 'first_close_date', first_close_date, 'close_date', close_date)
                   AS evidence
        FROM (SELECT o.ref, o.close_date, count(*) AS pushes, min(p.old_day) AS first_close_date
              FROM live_opportunity o JOIN ({PUSHES}) p ON p.opportunity_ref = o.ref
              WHERE o.status = 'open' GROUP BY o.ref, o.close_date) p
        WHERE pushes >= least(CAST(:pushed_warn AS int), CAST(:pushed_critical AS int))""",
)

# Taken back into the quarter that it left, it is no longer flagged.
PUSHED_OVER_QUARTER = Rule(
    "pushed_over_quarter",
    "open, and its close date was moved over a quarter's end and lies behind it: its owner should say why",
    f"""SELECT DISTINCT ON (o.ref) o.ref, 'warning' AS severity,
               jsonb_build_object('moved_from', p.old_day, 'moved_to', p.new_day, 'moved_at', p.changed_at,
                                  'close_date', o.close_date) AS evidence
        FROM live_opportunity o JOIN ({PUSHES}) p ON p.opportunity_ref = o.ref
        WHERE o.status = 'open' AND {quarter("p.old_day")} < {quarter("p.new_day")}
          AND {quarter("p.old_day")} < {quarter("o.close_date")}
        ORDER BY o.ref, p.changed_at DESC, p.new_day DESC""",
)

BACKDATED = Rule(
    "backdated",
    "its close date is before the day it was created; one that closed is looked at for closed_days",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('close_date', close_date, 'created_at', source_created_at) AS evidence
        FROM live_opportunity
        WHERE close_date < {day_of("source_created_at")}
          AND (status = 'open' OR source_created_at > {AS_OF} - make_interval(days => CAST(:closed_days AS int)))""",
)

RULES = (PAST_CLOSE_DATE, PUSHED, PUSHED_OVER_QUARTER, BACKDATED)
