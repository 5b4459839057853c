"""Deals that were worked on where nobody could see it, and what sales and finance say differently.

Across departments a customer is the golden id: the facts of all its records count.
"""

from quality_checks.rules.rule import AS_OF, TODAY, Rule, Subject, day_of

HIDDEN = Rule(
    "hidden",
    "won on the day it was created, or in less than hidden_cycle_share of the usual time",
    """SELECT ref, 'warning' AS severity,
               jsonb_build_object('created_at', source_created_at, 'closed_at', closed_at, 'close_date', close_date)
               || CASE WHEN won_on > created_on THEN jsonb_build_object('norm', norm) ELSE '{}' END AS evidence
        FROM (SELECT o.*, coalesce(own.median, whole.median) AS median,
                     CASE WHEN own.median IS NOT NULL THEN own.shown ELSE whole.shown END
                     || jsonb_build_object('median_days', coalesce(own.median, whole.median)) AS norm
              FROM won_lately o
              LEFT JOIN norm own ON own.kind = 'cycle_days' AND own.source = o.source AND own.segment = o.currency
                  AND own.deals >= CAST(:norm_min_deals AS int)
              LEFT JOIN norm whole ON whole.kind = 'cycle_days' AND whole.source = o.source AND whole.segment = ''
                  AND whole.deals >= CAST(:norm_min_deals AS int)) w
        WHERE won_on = created_on
           OR (won_on > created_on AND won_on - created_on < median * CAST(:hidden_cycle_share AS float))""",
)

# Persons buy by themselves in most shops; who is sold to by people is an organization.
HIDDEN_SALE = Rule(
    "hidden_sale",
    "an invoice, payment or subscription of the last hidden_sale_days, and no open or won opportunity of the customer",
    f"""SELECT CAST(golden_id AS text) AS ref, 'warning' AS severity,
               jsonb_build_object('records', to_jsonb(refs[1:5]), 'count', cardinality(refs), 'newest_at', newest_at)
               AS evidence
        FROM (SELECT m.golden_id, array_agg(m.ref ORDER BY m.at DESC, m.ref) AS refs, max(m.at) AS newest_at
              FROM money m JOIN identity.golden_id g ON g.golden_id = m.golden_id AND g.kind = 'organization'
              WHERE NOT EXISTS (SELECT 1 FROM deal d WHERE d.golden_id = m.golden_id AND d.status IN ('open', 'won'))
              GROUP BY m.golden_id) s
        WHERE newest_at > {AS_OF} - make_interval(days => CAST(:hidden_sale_days AS int))""",
    about=Subject.CUSTOMER,
)

# An invoice may be written up to not_invoiced_days before the win as well: some are asked for in advance.
WON_NOT_INVOICED = Rule(
    "won_not_invoiced",
    "won not_invoiced_days ago or longer, and finance wrote no invoice to the customer around or since",
    f"""SELECT o.ref, 'warning' AS severity,
               jsonb_build_object('won_on', won_on, 'limit_days', CAST(:not_invoiced_days AS int)) AS evidence
        FROM won_lately o JOIN deal d ON d.ref = o.ref AND d.golden_id IS NOT NULL
        WHERE won_on <= {TODAY} - CAST(:not_invoiced_days AS int)
          AND EXISTS (SELECT 1 FROM canonical.invoice)
          AND NOT EXISTS (SELECT 1 FROM money m WHERE m.golden_id = d.golden_id AND m.kind = 'invoice'
                            AND {day_of("m.at")} >= won_on - CAST(:not_invoiced_days AS int))""",
)

# A payment speaks of this deal where it is of the same amount, or the first thing that finance knows of a customer to
# whom nothing was sold before.
OPEN_BUT_PAID = Rule(
    "open_but_paid",
    "open, though finance was paid: the same amount, or the first money of a customer without a won deal",
    """SELECT DISTINCT ON (o.ref) o.ref, 'critical' AS severity,
               jsonb_build_object('payment', m.ref, 'paid_at', m.at, 'paid', m.amount, 'currency', m.currency)
               AS evidence
        FROM deal o
        JOIN money m ON m.golden_id = o.golden_id AND m.kind = 'payment' AND m.at > o.source_created_at
        JOIN (SELECT golden_id, min(at) AS at FROM money GROUP BY golden_id) first ON first.golden_id = o.golden_id
        LEFT JOIN (SELECT DISTINCT golden_id FROM deal WHERE status = 'won') won ON won.golden_id = o.golden_id
        WHERE o.status = 'open'
          AND ((m.currency = o.currency AND abs(m.amount - o.amount) <= o.amount * CAST(:same_amount AS numeric))
               OR (first.at > o.source_created_at AND won.golden_id IS NULL))
        ORDER BY o.ref, m.at, m.ref""",
)

RULES = (HIDDEN, HIDDEN_SALE, WON_NOT_INVOICED, OPEN_BUT_PAID)
