"""Which contacts should have waited, judged by what was true at their moment: for many customers at once.

Each step fills a temporary table, so that it is read once for all contacts of a customer, and by a plan that knows how
much is in it. docs/eligibility.md tells the rules.
"""

from sqlalchemy import Connection, text

from hub.eligibility.question import Purpose, Rule
from hub.golden.consents import BY_MAILBOX, STANDS

_OFFERS = f"('{Purpose.MARKETING}', '{Purpose.SALES}', '{Purpose.UPSELL}')"
_NO_OFFERS = f"('{Purpose.SERVICE}', '{Purpose.COLLECTIONS}')"

# Of one campaign, what was delivered was also sent, where the source tells of it.
_CONTACTS = """
    SELECT r.golden_id, r.department, c.ref, c.party_ref, c.channel, c.campaign, c.touched_at
    FROM reached r JOIN canonical.touch c ON c.party_ref = r.ref
    WHERE c.outcome = 'sent' OR c.outcome = 'delivered' AND NOT EXISTS (
        SELECT FROM canonical.touch s WHERE s.party_ref = c.party_ref AND s.channel = c.channel
          AND s.campaign = c.campaign AND s.outcome = 'sent' AND s.touched_at <= c.touched_at)"""
# The records that are one customer with whom a contact reached. ANY and the order: as in hub.eligibility.facts.
_HOLDS = f"""
    SELECT r.golden_id, h.rule, h.ref, h.department, h.since, h.counted_from, h.topic,
           CASE WHEN r.merged_into_ref IS NULL THEN least(h.removed_at, r.deleted_at) ELSE h.removed_at END
               AS removed_at
    FROM canonical.contact_hold h JOIN reached r ON r.ref = h.party_ref
    WHERE h.party_ref = ANY (ARRAY(
            SELECT ref FROM reached WHERE golden_id IN (SELECT golden_id FROM contact) ORDER BY ref))
      AND h.rule <> '{Rule.OVERDUE}'"""
_STOOD = STANDS.format(moment="t.touched_at", valid="(later.deleted_at IS NULL OR later.deleted_at > t.touched_at)")
# What each record, and its mailbox, said last, per contact and purpose; a withdrawal wins a tie and outlives its
# deletion.
_SAID = f"""
    SELECT DISTINCT ON (touch_ref, party_ref, purpose, by_mailbox) touch_ref, ref, purpose, status, recorded_at FROM (
        SELECT t.ref AS touch_ref, c.party_ref, c.ref, c.purpose, c.status, c.recorded_at, false AS by_mailbox
        FROM contact t
        JOIN reached r ON r.golden_id = t.golden_id
        JOIN canonical.consent c ON c.party_ref = r.ref AND c.channel = t.channel AND c.recorded_at <= t.touched_at
            AND (c.status = 'withdrawn' OR c.deleted_at IS NULL OR c.deleted_at > t.touched_at)
        UNION ALL
        SELECT t.ref, said.party_ref, said.ref, said.purpose, said.status, said.recorded_at, true
        FROM contact t JOIN said_by_mailbox said ON said.golden_id = t.golden_id AND said.channel = t.channel
            AND said.recorded_at <= t.touched_at
        WHERE {_STOOD}
    ) statement
    ORDER BY touch_ref, party_ref, purpose, by_mailbox, recorded_at DESC, status = 'withdrawn' DESC, ref DESC"""
_REACHED = """
    SELECT m.golden_id, p.ref, p.email, p.department, p.deleted_at, p.merged_into_ref
    FROM composing JOIN identity.membership m ON m.golden_id = composing.golden_id AND m.until IS NULL
    JOIN canonical.party p USING (party_id)"""
_STEPS = {
    "reached": _REACHED,
    "contact": _CONTACTS,
    "held_by": _HOLDS,
    "said_by_mailbox": BY_MAILBOX.format(members="reached"),
    "said": _SAID,
}

_DAYS = f"""CASE WHEN h.rule = '{Rule.DECLINED}'
    AND (h.topic IS NULL OR t.campaign IS NULL OR lower(h.topic) = lower(t.campaign))
    THEN 'declined_offer' ELSE h.rule END"""
# Shape: touch_ref, rule, evidence_ref, evidence_department, evidence_at; what `contact` knows is joined to it.
LEAKS = f"""
    SELECT t.ref AS touch_ref, h.rule, h.ref AS evidence_ref, h.department AS evidence_department,
           h.since AS evidence_at
    FROM contact t JOIN held_by h USING (golden_id) CROSS JOIN golden.contact_rules r
    WHERE h.since <= t.touched_at AND (h.removed_at IS NULL OR h.removed_at > t.touched_at)
      AND (h.counted_from IS NULL
           OR h.counted_from + make_interval(days => CAST(r.days ->> {_DAYS} AS int)) > t.touched_at)
    UNION
    SELECT touch_ref, '{Rule.OBJECTION}', ref, NULL, recorded_at FROM said
    WHERE status = 'withdrawn' AND purpose IN {_OFFERS}
    UNION ALL
    SELECT t.ref, '{Rule.CONSENT}', '', NULL, NULL FROM contact t CROSS JOIN golden.contact_rules r
    WHERE t.channel <> ALL (r.opt_out_channels) AND NOT EXISTS (
        SELECT FROM said s WHERE s.touch_ref = t.ref AND s.status = 'granted' AND s.purpose NOT IN {_NO_OFFERS})"""


def prepare(connection: Connection) -> None:
    """Fill what LEAKS reads, for the customers in the temporary table `composing`."""
    for name, query in _STEPS.items():
        connection.execute(text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}"))
        connection.execute(text(f"ANALYZE {name}"))
