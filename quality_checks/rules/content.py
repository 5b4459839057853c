"""What an opportunity says of itself: fields, next step, people, amount."""

from quality_checks.rules.rule import AS_OF, Rule, blank, number_in, of_stage, unchanged_since


def _null(column: str) -> str:
    return f"{column} IS NULL"


# Placeholders are words of people: an owner whose id is 123 is an owner.
REQUIRABLE = {
    "name": blank("name"),
    "stage": blank("stage"),
    "next_step": blank("next_step"),
    "owner_name": blank("owner_name"),
    "owner_id": _null("owner_id"),
    "party_ref": _null("party_ref"),
    "contact_ref": _null("contact_ref"),
    "amount": _null("amount"),
    "currency": _null("currency"),
    "probability": _null("probability"),
    "close_date": _null("close_date"),
}

REQUIRED_FIELDS = Rule(
    "required_fields",
    "open, and one of the fields that are required in its stage is empty or holds a placeholder",
    f"""SELECT ref, 'warning' AS severity, jsonb_build_object('missing', missing) AS evidence
        FROM live_opportunity CROSS JOIN LATERAL (
            SELECT jsonb_agg(field ORDER BY field) AS missing
            FROM (VALUES {", ".join(f"('{field}', {empty})" for field, empty in REQUIRABLE.items())}) f (field, empty)
            WHERE empty AND field = ANY (
                string_to_array(coalesce({of_stage("required_fields_by_stage")}, :required_fields), ','))
        ) m
        WHERE status = 'open' AND missing IS NOT NULL""",
)

NEXT_STEP = Rule(
    "next_step",
    "open, and no next step is planned (critical), or the same one for next_step_days (warning)",
    f"""SELECT ref, CASE WHEN none THEN 'critical' ELSE 'warning' END AS severity,
               CASE WHEN none THEN jsonb_build_object('missing', jsonb_build_array('next_step'))
                    ELSE jsonb_build_object('planned_at', since, 'limit_days', CAST(:next_step_days AS int)) END
               AS evidence
        FROM (SELECT ref, since, {blank("next_step")} AS none
              FROM live_opportunity JOIN ({unchanged_since("next_step")}) s USING (ref)) o
        WHERE none OR since <= {AS_OF} - make_interval(days => CAST(:next_step_days AS int))""",
)

# A source of which no deal names anybody keeps no list of people: then nothing is known, and nobody is accused.
FEW_CONTACTS = Rule(
    "few_contacts",
    "open, and fewer than contacts_min people are on the deal",
    """SELECT ref, 'warning' AS severity,
               jsonb_build_object('contacts', contacts, 'wanted', CAST(:contacts_min AS int)) AS evidence
        FROM (SELECT o.ref, coalesce(o.contact_count, listed.contacts,
                                     CASE WHEN o.contact_ref IS NULL THEN 0 ELSE 1 END) AS contacts
              FROM live_opportunity o
              LEFT JOIN (SELECT opportunity_ref, count(DISTINCT party_ref) AS contacts
                         FROM canonical.opportunity_contact WHERE deleted_at IS NULL GROUP BY opportunity_ref) listed
                  ON listed.opportunity_ref = o.ref
              WHERE o.status = 'open'
                AND (o.contact_count IS NOT NULL OR o.source IN (SELECT source FROM canonical.opportunity_contact))) c
        WHERE contacts < CAST(:contacts_min AS int)""",
)

# Amounts are spread by factors, not by sums: on a logarithmic scale one tenth is as unusual as ten times.
_SPREAD = "1.4826 * n.mad"
AMOUNT_UNUSUAL = Rule(
    "amount_unusual",
    "open, and its amount is more than amount_deviations robust deviations from the usual one in its currency",
    f"""SELECT o.ref, 'warning' AS severity,
               jsonb_build_object('amount', o.amount, 'currency', o.currency, 'norm', n.shown || jsonb_build_object(
                   'typical_amount', round(CAST(exp(n.median) AS numeric), 2),
                   'least', round(CAST(exp(n.median - CAST(:amount_deviations AS float) * {_SPREAD}) AS numeric), 2),
                   'most', round(CAST(exp(n.median + CAST(:amount_deviations AS float) * {_SPREAD}) AS numeric), 2)))
               AS evidence
        FROM live_opportunity o
        JOIN norm n ON n.kind = 'amount' AND n.source = o.source AND n.segment = coalesce(o.currency, '')
            AND n.deals >= CAST(:norm_min_deals AS int) AND n.mad > 0
        WHERE o.status = 'open' AND o.amount > 0
          AND abs(ln(o.amount) - n.median) > CAST(:amount_deviations AS float) * {_SPREAD}""",
)

# The stage in which the cut was made: the newest one before, else the one that the next change left, else the present.
# Cuts are few: each looks up its own history by index, where a join would sort all of them.
_STAGE_THEN = """coalesce(
    (SELECT h.new_value FROM quality.opportunity_history h WHERE h.opportunity_ref = o.ref AND h.field = 'stage'
        AND h.changed_at <= c.changed_at ORDER BY h.changed_at DESC LIMIT 1),
    (SELECT h.old_value FROM quality.opportunity_history h WHERE h.opportunity_ref = o.ref AND h.field = 'stage'
        AND h.changed_at > c.changed_at ORDER BY h.changed_at LIMIT 1),
    o.stage)"""
AMOUNT_CUT = Rule(
    "amount_cut",
    "open, and its amount was cut by more than amount_cut in one of the last two stages",
    f"""SELECT DISTINCT ON (ref) ref, 'warning' AS severity,
               jsonb_build_object('amount_before', old_amount, 'amount_after', new_amount, 'cut_at', changed_at,
                                  'stage', cut.stage) AS evidence
        FROM (SELECT o.ref, o.source, c.changed_at, c.old_amount, c.new_amount, {_STAGE_THEN} AS stage
              FROM live_opportunity o JOIN (
                  SELECT opportunity_ref, changed_at, {number_in("old_value")} AS old_amount,
                         {number_in("new_value")} AS new_amount
                  FROM history WHERE field = 'amount') c ON c.opportunity_ref = o.ref
              WHERE o.status = 'open' AND old_amount > 0
                AND new_amount < old_amount * (1 - CAST(:amount_cut AS numeric))
                AND o.amount < old_amount * (1 - CAST(:amount_cut AS numeric))) cut
        JOIN stage_rank r ON r.source = cut.source AND r.stage = cut.stage AND r.rank > r.stages - 2
        ORDER BY ref, changed_at DESC""",
)

RULES = (REQUIRED_FIELDS, NEXT_STEP, FEW_CONTACTS, AMOUNT_UNUSUAL, AMOUNT_CUT)
