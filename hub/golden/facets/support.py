"""Support: what is open, what was complained about, how content the customer was.

A ticket belongs to the person who asked and to the organization it was asked for; so does its rating.
"""

QUERY = """
WITH asked AS (
    SELECT m.golden_id, t.ref FROM member m JOIN canonical.ticket t ON t.party_ref = m.ref WHERE m.counted
    UNION
    SELECT m.golden_id, t.ref FROM member m JOIN canonical.ticket t ON t.organization_ref = m.ref WHERE m.counted
),
ticket AS MATERIALIZED (
    SELECT a.golden_id, t.ref, t.status IN ('open', 'pending') AS is_open, t.is_complaint, t.source_created_at,
           t.solved_at, coalesce(t.source_updated_at, t.source_created_at) AS told_at
    FROM asked a JOIN canonical.ticket t USING (ref) WHERE t.deleted_at IS NULL
),
rated AS (
    SELECT m.golden_id, r.ref FROM member m JOIN canonical.rating r ON r.party_ref = m.ref WHERE m.counted
    UNION
    SELECT t.golden_id, r.ref FROM ticket t JOIN canonical.rating r ON r.ticket_ref = t.ref
),
rating AS MATERIALIZED (
    SELECT o.golden_id, r.ref, r.score, r.rated_at, coalesce(r.source_updated_at, r.rated_at) AS told_at
    FROM rated o JOIN canonical.rating r USING (ref) WHERE r.deleted_at IS NULL AND r.score IN ('good', 'bad')
),
tickets AS (
    SELECT golden_id,
           count(*) AS tickets,
           count(*) FILTER (WHERE is_open) AS open_tickets,
           count(*) FILTER (WHERE is_open AND is_complaint) AS open_complaints,
           max(solved_at) FILTER (WHERE NOT is_open AND is_complaint) AS last_complaint_solved_at,
           max(source_created_at) AS last_ticket_at,
           round(CAST(percentile_cont(0.5) WITHIN GROUP (
               ORDER BY greatest(extract(epoch FROM solved_at - source_created_at), 0) / 3600
           ) FILTER (WHERE NOT is_open AND solved_at IS NOT NULL) AS numeric), 1) AS median_hours_to_solve
    FROM ticket GROUP BY golden_id
),
last_rating AS (
    SELECT DISTINCT ON (golden_id) golden_id, score, rated_at FROM rating ORDER BY golden_id, rated_at DESC, ref
),
told AS (
    SELECT golden_id, max(told_at) AS fresh_at FROM (
        SELECT golden_id, source_updated_at AS told_at FROM member WHERE department = 'support'
        UNION ALL SELECT golden_id, told_at FROM ticket
        UNION ALL SELECT golden_id, told_at FROM rating
    ) heard GROUP BY golden_id
)
SELECT c.golden_id, jsonb_build_object(
    'tickets', coalesce(t.tickets, 0),
    'open_tickets', coalesce(t.open_tickets, 0),
    'open_complaints', coalesce(t.open_complaints, 0),
    'last_complaint_solved_at', t.last_complaint_solved_at,
    'last_ticket_at', t.last_ticket_at,
    'median_hours_to_solve', t.median_hours_to_solve,
    'last_rating', r.score,
    'last_rating_at', r.rated_at,
    'fresh_at', h.fresh_at
) AS facet
FROM composing c
LEFT JOIN tickets t USING (golden_id) LEFT JOIN last_rating r USING (golden_id) LEFT JOIN told h USING (golden_id)
"""
