"""Marketing: when the customer was contacted, by which campaigns, and what came of it."""

CAMPAIGNS = 10
"""How many campaigns are listed, the latest first: enough for a talk, bounded for the row."""

QUERY = f"""
WITH touch AS MATERIALIZED (
    SELECT m.golden_id, t.ref, t.channel, t.campaign, t.outcome, t.touched_at,
           coalesce(t.source_updated_at, t.touched_at) AS told_at
    FROM member m JOIN canonical.touch t ON t.party_ref = m.ref WHERE m.counted AND t.deleted_at IS NULL
),
touches AS (
    SELECT golden_id, count(*) AS touches, max(touched_at) AS last_touch_at,
           max(touched_at) FILTER (WHERE outcome = 'responded') AS last_response_at,
           max(touched_at) FILTER (WHERE outcome = 'declined') AS last_declined_at
    FROM touch GROUP BY golden_id
),
last_of_campaign AS (
    SELECT DISTINCT ON (golden_id, campaign) golden_id, campaign, channel, outcome, touched_at
    FROM touch WHERE campaign IS NOT NULL ORDER BY golden_id, campaign, touched_at DESC, ref
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY golden_id ORDER BY touched_at DESC, campaign) AS place
    FROM last_of_campaign
),
campaigns AS (
    SELECT golden_id, jsonb_agg(
        jsonb_build_object('name', campaign, 'channel', channel, 'outcome', outcome, 'last_touch_at', touched_at)
        ORDER BY place
    ) AS campaigns
    FROM ranked WHERE place <= {CAMPAIGNS} GROUP BY golden_id
),
told AS (
    SELECT golden_id, max(told_at) AS fresh_at FROM (
        SELECT golden_id, source_updated_at AS told_at FROM member WHERE department = 'marketing'
        UNION ALL SELECT golden_id, told_at FROM touch
    ) heard GROUP BY golden_id
)
SELECT c.golden_id, jsonb_build_object(
    'touches', coalesce(t.touches, 0),
    'last_touch_at', t.last_touch_at,
    'last_response_at', t.last_response_at,
    'last_declined_at', t.last_declined_at,
    'campaigns', coalesce(k.campaigns, '[]'),
    'fresh_at', h.fresh_at
) AS facet
FROM composing c
LEFT JOIN touches t USING (golden_id) LEFT JOIN campaigns k USING (golden_id) LEFT JOIN told h USING (golden_id)
"""
