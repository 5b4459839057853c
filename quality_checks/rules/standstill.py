"""Opportunities that stand still: no activity, no progress, too long in a stage. Two clocks, kept apart."""

from quality_checks.rules.rule import AS_OF, Rule, of_stage, unchanged_since

_INACTIVE_DAYS = f"coalesce(CAST({of_stage('inactive_days_by_stage')} AS int), CAST(:inactive_days AS int))"

INACTIVE = Rule(
    "inactive",
    "open, and no activity was logged for inactive_days; without any activity, since it was created",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('last_activity_at', last_activity_at, 'created_at', source_created_at,
                                  'limit_days', limit_days) AS evidence
        FROM (SELECT *, {_INACTIVE_DAYS} AS limit_days FROM live_opportunity WHERE status = 'open') o
        WHERE coalesce(last_activity_at, source_created_at) <= {AS_OF} - make_interval(days => limit_days)""",
)

NO_PROGRESS = Rule(
    "no_progress",
    "open, and stage, close date and amount stayed as they are for no_progress_days (stale)",
    f"""SELECT ref, 'warning' AS severity,
               jsonb_build_object('last_progress_at', since, 'created_at', source_created_at,
                                  'limit_days', CAST(:no_progress_days AS int)) AS evidence
        FROM live_opportunity JOIN ({unchanged_since("stage", "amount", "close_date")}) p USING (ref)
        WHERE since <= {AS_OF} - make_interval(days => CAST(:no_progress_days AS int))""",
)

# The norm of the segment where enough deals made it, else that of the stage, else a flat limit.
STUCK_IN_STAGE = Rule(
    "stuck_in_stage",
    "open, and longer in its stage than won deals of its kind usually were (stuck_warn, stuck_critical times)",
    f"""SELECT ref,
               CASE WHEN median IS NOT NULL AND days > median * CAST(:stuck_critical AS float) THEN 'critical'
                    ELSE 'warning' END AS severity,
               jsonb_build_object('stage', stage, 'stage_since', since, 'norm', norm,
                                  'limit_days', CASE WHEN median IS NULL THEN CAST(:stuck_flat_days AS int)
                                      ELSE round(CAST(median * CAST(:stuck_warn AS float) AS numeric), 1) END
               ) AS evidence
        FROM (SELECT o.ref, o.stage, s.since, extract(epoch FROM {AS_OF} - s.since) / 86400 AS days,
                     coalesce(own.median, stage_norm.median) AS median,
                     CASE WHEN own.median IS NOT NULL THEN own.shown ELSE stage_norm.shown END
                     || jsonb_build_object(
                         'median_days', round(CAST(coalesce(own.median, stage_norm.median) AS numeric), 1)) AS norm
              FROM live_opportunity o JOIN ({unchanged_since("stage")}) s USING (ref)
              LEFT JOIN norm own ON own.kind = 'stage_days' AND own.source = o.source AND own.stage = o.stage
                  AND own.segment = o.currency AND own.deals >= CAST(:norm_min_deals AS int)
              LEFT JOIN norm stage_norm ON stage_norm.kind = 'stage_days' AND stage_norm.source = o.source
                  AND stage_norm.stage = o.stage AND stage_norm.segment = ''
                  AND stage_norm.deals >= CAST(:norm_min_deals AS int)) p
        WHERE CASE WHEN median IS NULL THEN days >= CAST(:stuck_flat_days AS int)
                   ELSE days > median * CAST(:stuck_warn AS float) END""",
)

RULES = (INACTIVE, NO_PROGRESS, STUCK_IN_STAGE)
