"""Finance: what the customer paid, owes and subscribes to.

Lifetime value is payments less refunds, plus what invoices say was paid where no payment can be that money: none
names the invoice, and the party has no payment that names no invoice.
"""

QUERY = """
WITH invoice AS MATERIALIZED (
    SELECT m.golden_id, m.counted AND i.deleted_at IS NULL AS counted, i.ref, i.party_ref, i.status, i.currency,
           i.paid, i.remaining, i.issued_at, i.due_at, coalesce(i.source_updated_at, i.issued_at) AS told_at
    FROM member m JOIN canonical.invoice i ON i.party_ref = m.ref WHERE i.status <> 'void'
),
payment AS MATERIALIZED (
    SELECT m.golden_id, p.party_ref, p.invoice_ref, p.currency, p.amount - p.refunded AS amount, p.paid_at,
           coalesce(p.source_updated_at, p.paid_at) AS told_at
    FROM member m JOIN canonical.payment p ON p.party_ref = m.ref WHERE p.status IN ('succeeded', 'refunded')
),
subscription AS MATERIALIZED (
    SELECT m.golden_id, s.status, s.product, s.started_at, coalesce(s.source_updated_at, s.started_at) AS told_at
    FROM member m JOIN canonical.subscription s ON s.party_ref = m.ref WHERE m.counted AND s.deleted_at IS NULL
),
money AS (
    SELECT golden_id, 'lifetime_value' AS measure, currency, amount FROM payment
    UNION ALL
    SELECT i.golden_id, 'lifetime_value', i.currency, i.paid FROM invoice i
    WHERE NOT EXISTS (SELECT 1 FROM payment p WHERE p.invoice_ref = i.ref)
      AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.party_ref = i.party_ref AND p.invoice_ref IS NULL)
    UNION ALL
    SELECT golden_id, 'open_balance', currency, remaining FROM invoice WHERE counted AND status = 'open'
    UNION ALL
    SELECT golden_id, 'overdue', currency, remaining FROM invoice
    WHERE counted AND status = 'open' AND due_at < CAST(:as_of AS timestamptz)
),
total AS (
    SELECT golden_id, measure, currency, sum(amount) AS amount FROM money
    GROUP BY golden_id, measure, currency HAVING sum(amount) <> 0
),
amounts AS (
    SELECT golden_id,
           jsonb_object_agg(currency, amount) FILTER (WHERE measure = 'lifetime_value') AS lifetime_value,
           jsonb_object_agg(currency, amount) FILTER (WHERE measure = 'open_balance') AS open_balance,
           jsonb_object_agg(currency, amount) FILTER (WHERE measure = 'overdue') AS overdue
    FROM total GROUP BY golden_id
),
due AS (
    SELECT golden_id, min(due_at) AS since FROM invoice
    WHERE counted AND status = 'open' AND remaining > 0 AND due_at < CAST(:as_of AS timestamptz) GROUP BY golden_id
),
active AS (
    SELECT golden_id, count(*) AS subscriptions,
           jsonb_agg(DISTINCT product) FILTER (WHERE product IS NOT NULL) AS products
    FROM subscription WHERE status IN ('active', 'trialing', 'past_due') GROUP BY golden_id
),
purchase AS (
    SELECT golden_id, max(at) AS last_at FROM (
        SELECT golden_id, issued_at AS at FROM invoice WHERE counted OR paid > 0
        UNION ALL SELECT golden_id, paid_at FROM payment
        UNION ALL SELECT golden_id, started_at FROM subscription
    ) bought GROUP BY golden_id
),
told AS (
    SELECT golden_id, max(told_at) AS fresh_at FROM (
        SELECT golden_id, source_updated_at AS told_at FROM member WHERE department = 'finance'
        UNION ALL SELECT golden_id, told_at FROM invoice
        UNION ALL SELECT golden_id, told_at FROM payment
        UNION ALL SELECT golden_id, told_at FROM subscription
    ) heard GROUP BY golden_id
)
SELECT c.golden_id, jsonb_build_object(
    'lifetime_value', coalesce(a.lifetime_value, '{}'),
    'open_balance', coalesce(a.open_balance, '{}'),
    'overdue', coalesce(a.overdue, '{}'),
    'overdue_since', d.since,
    'last_purchase_at', p.last_at,
    'active_subscriptions', coalesce(s.subscriptions, 0),
    'products', coalesce(s.products, '[]'),
    'fresh_at', t.fresh_at
) AS facet
FROM composing c
LEFT JOIN amounts a USING (golden_id) LEFT JOIN due d USING (golden_id) LEFT JOIN active s USING (golden_id)
LEFT JOIN purchase p USING (golden_id) LEFT JOIN told t USING (golden_id)
"""
