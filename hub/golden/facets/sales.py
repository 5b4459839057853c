"""Sales: what is being sold, by whom, and what came of it before.

An opportunity belongs to its organization and to the person it is worked with. The owner is who works on the open
opportunity that moved last, else who owns the customer's record in sales.
"""

QUERY = """
WITH worked AS (
    SELECT m.golden_id, o.ref FROM member m JOIN canonical.opportunity o ON o.party_ref = m.ref WHERE m.counted
    UNION
    SELECT m.golden_id, o.ref FROM member m JOIN canonical.opportunity o ON o.contact_ref = m.ref WHERE m.counted
),
opportunity AS MATERIALIZED (
    SELECT w.golden_id, o.ref, o.stage, o.status, o.amount, o.currency, o.owner_name, o.last_activity_at,
           coalesce(o.closed_at, CAST(o.close_date AS timestamp) AT TIME ZONE 'UTC') AS closed_at,
           coalesce(o.source_updated_at, o.source_created_at) AS told_at
    FROM worked w JOIN canonical.opportunity o USING (ref) WHERE o.deleted_at IS NULL
),
counted AS (
    SELECT golden_id,
           count(*) FILTER (WHERE status = 'open') AS open_opportunities,
           count(*) FILTER (WHERE status = 'won') AS won,
           count(*) FILTER (WHERE status = 'lost') AS lost,
           max(closed_at) FILTER (WHERE status = 'won') AS last_won_at,
           max(closed_at) FILTER (WHERE status = 'lost') AS last_lost_at,
           max(last_activity_at) AS last_activity_at,
           jsonb_agg(DISTINCT stage) FILTER (WHERE status = 'open') AS stages
    FROM opportunity GROUP BY golden_id
),
total AS (
    SELECT golden_id, status, currency, sum(amount) AS amount FROM opportunity
    WHERE status IN ('open', 'won') AND currency IS NOT NULL
    GROUP BY golden_id, status, currency HAVING sum(amount) <> 0
),
amounts AS (
    SELECT golden_id, jsonb_object_agg(currency, amount) FILTER (WHERE status = 'open') AS open_amount,
           jsonb_object_agg(currency, amount) FILTER (WHERE status = 'won') AS won_amount
    FROM total GROUP BY golden_id
),
owner AS (
    SELECT DISTINCT ON (golden_id) golden_id, owner_name FROM (
        SELECT golden_id, 1 AS place, coalesce(last_activity_at, told_at) AS at, ref, owner_name
        FROM opportunity WHERE status = 'open'
        UNION ALL
        SELECT golden_id, 2, source_updated_at, ref, owner_name FROM member WHERE department = 'sales' AND living
    ) candidate
    WHERE owner_name IS NOT NULL ORDER BY golden_id, place, at DESC NULLS LAST, ref
),
told AS (
    SELECT golden_id, max(told_at) AS fresh_at FROM (
        SELECT golden_id, source_updated_at AS told_at FROM member WHERE department = 'sales'
        UNION ALL SELECT golden_id, told_at FROM opportunity
    ) heard GROUP BY golden_id
)
SELECT c.golden_id, jsonb_build_object(
    'open_opportunities', coalesce(n.open_opportunities, 0),
    'open_amount', coalesce(a.open_amount, '{}'),
    'stages', coalesce(n.stages, '[]'),
    'owner', o.owner_name,
    'last_activity_at', n.last_activity_at,
    'won', coalesce(n.won, 0),
    'won_amount', coalesce(a.won_amount, '{}'),
    'last_won_at', n.last_won_at,
    'lost', coalesce(n.lost, 0),
    'last_lost_at', n.last_lost_at,
    'fresh_at', h.fresh_at
) AS facet
FROM composing c
LEFT JOIN counted n USING (golden_id) LEFT JOIN amounts a USING (golden_id)
LEFT JOIN owner o USING (golden_id) LEFT JOIN told h USING (golden_id)
"""
