"""The way through the stages, and the win at its end."""

from quality_checks.rules.dates import PUSHES
from quality_checks.rules.rule import AS_OF, TODAY, Rule, Subject, next_quarter, quarter

STAGE_MOVED_BACK = Rule(
    "stage_moved_back",
    "open, and it went back to an earlier stage in the last moved_back_days (critical from moved_back_critical times)",
    f"""SELECT ref, CASE WHEN moves >= CAST(:moved_back_critical AS int) THEN 'critical' ELSE 'warning' END AS severity,
               jsonb_build_object('moves', moves, 'last_move_at', last_at, 'stage_before', stage_before,
                                  'stage_after', stage_after) AS evidence
        FROM (SELECT o.ref, count(*) AS moves, max(h.changed_at) AS last_at,
                     (array_agg(h.old_value ORDER BY h.changed_at DESC))[1] AS stage_before,
                     (array_agg(h.new_value ORDER BY h.changed_at DESC))[1] AS stage_after
              FROM live_opportunity o
              JOIN history h ON h.opportunity_ref = o.ref AND h.field = 'stage'
                  AND h.changed_at > {AS_OF} - make_interval(days => CAST(:moved_back_days AS int))
              JOIN stage_rank before ON before.source = o.source AND before.stage = h.old_value
              JOIN stage_rank after ON after.source = o.source AND after.stage = h.new_value
              WHERE o.status = 'open' AND after.rank < before.rank
              GROUP BY o.ref) b""",
)

_LAST_WEEK = f"won_on >= {next_quarter('won_on')} - CAST(:last_week_days AS int)"

HELD_BACK = Rule(
    "held_back",
    "won in the last week of a quarter, after it had been pushed over a quarter's end earlier",
    f"""SELECT DISTINCT ON (o.ref) o.ref, 'warning' AS severity,
               jsonb_build_object('won_on', o.won_on, 'moved_from', p.old_day, 'moved_to', p.new_day,
                                  'moved_at', p.changed_at) AS evidence
        FROM won_lately o JOIN ({PUSHES}) p ON p.opportunity_ref = o.ref
        WHERE {_LAST_WEEK} AND {quarter("p.old_day")} < {quarter("p.new_day")}
        ORDER BY o.ref, p.changed_at DESC, p.new_day DESC""",
)

# Ranks count from 1 to `stages`; a win out of the last stage skips none.
STAGES_SKIPPED = Rule(
    "stages_skipped",
    "won, and the win skipped skipped_stages open stages or more: it was further than it said",
    """SELECT ref, 'warning' AS severity,
               jsonb_build_object('won_on', won_on, 'won_from', won_from, 'skipped', stages - rank) AS evidence
        FROM (SELECT DISTINCT ON (o.ref) o.ref, o.source, o.won_on, h.old_value AS won_from
              FROM won_lately o
              JOIN history h ON h.opportunity_ref = o.ref AND h.field = 'stage' AND h.new_value = o.stage
              ORDER BY o.ref, h.changed_at DESC) o
        JOIN stage_rank r ON r.source = o.source AND r.stage = won_from
        WHERE stages - rank >= CAST(:skipped_stages AS int)""",
)

# Of the quarter that ended last. One figure a department: whose deals they are is nobody's business here.
LATE_WINS = Rule(
    "late_wins",
    "of the deals won in the last whole quarter, more than late_wins_share were won in its last week",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('quarter_from', since, 'won', won, 'won_in_last_week', late,
                                  'limit_share', CAST(:late_wins_share AS float)) AS evidence
        FROM (SELECT p.department AS ref, {quarter("won_on")} AS since, count(*) AS won,
                     count(*) FILTER (WHERE {_LAST_WEEK}) AS late
              FROM (SELECT party_ref, coalesce(CAST(closed_at AT TIME ZONE 'UTC' AS date), close_date) AS won_on
                    FROM live_opportunity WHERE status = 'won') o JOIN canonical.party p ON p.ref = o.party_ref
              WHERE {next_quarter("won_on")} = {quarter(TODAY)}
              GROUP BY p.department, since) q
        WHERE won >= CAST(:late_wins_min AS int) AND late > won * CAST(:late_wins_share AS float)""",
    about=Subject.DEPARTMENT,
)

RULES = (STAGE_MOVED_BACK, HELD_BACK, STAGES_SKIPPED, LATE_WINS)
