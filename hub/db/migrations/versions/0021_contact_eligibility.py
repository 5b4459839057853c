"""What keeps contacts back, and the touches that were made nevertheless.

Revision: 0021, after 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

# Of an invoice for what was subscribed to before, nothing was bought.
NOT_RENEWED = """NOT EXISTS (SELECT FROM canonical.subscription s WHERE s.party_ref = {it}.party_ref
    AND s.started_at <= {it}.{at} AND (s.ended_at IS NULL OR s.ended_at >= {it}.{at}))"""
# A badly rated ticket that is open, or solved; a rating without its ticket counts by itself.
RATED = "CASE WHEN t.ref IS NULL OR t.status = 'solved' THEN greatest(r.rated_at, t.solved_at) END"
SOLVED = "CASE WHEN t.status = 'solved' THEN coalesce(t.solved_at, t.source_updated_at, t.source_created_at) END"
PAID = "CASE WHEN i.status = 'paid' THEN coalesce(i.paid_at, i.due_at) END"
LOST = "coalesce(o.closed_at, CAST(o.close_date AS timestamp) AT TIME ZONE 'UTC')"


def branch(rule: str, department: str, fact: str, since: str, counted: str, source: str, party: str, topic: str = "NULL") -> str:
    return f"""SELECT {party} AS party_ref, '{rule}' AS rule, '{department}' AS department, {fact}.ref,
        {since} AS since, {counted} AS counted_from, CAST({topic} AS text) AS topic, {fact}.deleted_at AS removed_at
        FROM {source}"""


TICKET = "canonical.ticket t WHERE t.is_complaint"
RATING = "canonical.rating r LEFT JOIN canonical.ticket t ON t.ref = r.ticket_ref WHERE r.score = 'bad'"
RATING_OF_TICKET = "canonical.rating r JOIN canonical.ticket t ON t.ref = r.ticket_ref WHERE r.score = 'bad'"
HOLDS = " UNION ALL ".join(
    (
        branch("complaint", "support", "t", "t.source_created_at", SOLVED, TICKET, "t.party_ref"),
        branch("complaint", "support", "t", "t.source_created_at", SOLVED, TICKET, "t.organization_ref"),
        branch("bad_rating", "support", "r", "r.rated_at", RATED, RATING, "r.party_ref"),
        branch("bad_rating", "support", "r", "r.rated_at", RATED, RATING_OF_TICKET, "t.party_ref"),
        branch("bad_rating", "support", "r", "r.rated_at", RATED, RATING_OF_TICKET, "t.organization_ref"),
        branch(
            "overdue", "finance", "i", "i.due_at", PAID,
            "canonical.invoice i WHERE i.status <> 'void' AND i.due_at IS NOT NULL AND (i.status = 'paid' OR i.remaining > 0)",
            "i.party_ref",
        ),
        branch(
            "purchase", "finance", "b", "b.started_at", "b.started_at", "canonical.subscription b WHERE true",
            "b.party_ref", "b.product",
        ),
        branch(
            "purchase", "finance", "i", "i.issued_at", "i.issued_at",
            f"canonical.invoice i WHERE i.status <> 'void' AND {NOT_RENEWED.format(it='i', at='issued_at')}", "i.party_ref",
        ),
        branch(
            "purchase", "finance", "y", "y.paid_at", "y.paid_at",
            f"""canonical.payment y WHERE y.invoice_ref IS NULL AND y.status = 'succeeded'
                AND {NOT_RENEWED.format(it='y', at='paid_at')}""",
            "y.party_ref",
        ),
        branch(
            "declined", "marketing", "c", "c.touched_at", "c.touched_at",
            "canonical.touch c WHERE c.outcome = 'declined'", "c.party_ref", "c.campaign",
        ),
        *(
            branch("declined", "sales", "o", LOST, LOST, "canonical.opportunity o WHERE o.status = 'lost'", f"o.{party}", "o.name")
            for party in ("party_ref", "contact_ref")
        ),
        branch(
            "reply", "marketing", "c", "c.touched_at", "c.touched_at",
            "canonical.touch c WHERE c.outcome = 'responded'", "c.party_ref",
        ),
    )
)  # fmt: skip

# The records that are one customer with whom a touch reached.
MEMBERS = """identity.membership o JOIN canonical.party q ON q.party_id = o.party_id
    WHERE o.golden_id = t.golden_id AND o.until IS NULL"""
# OFFSET keeps the condition inside, where it goes down into each branch of the view: a join would read all facts.
HOLDS_OF_MEMBER = "CROSS JOIN LATERAL (SELECT * FROM canonical.contact_hold f WHERE f.party_ref = q.ref OFFSET 0) h"
SAID = "{it}.recorded_at <= t.touched_at AND ({it}.status = 'withdrawn' OR {it}.deleted_at IS NULL OR {it}.deleted_at > t.touched_at)"
NOT_TAKEN_BACK = f"""NOT EXISTS (SELECT FROM canonical.consent l WHERE l.party_ref = c.party_ref AND l.channel = c.channel
    AND l.purpose = c.purpose AND {SAID.format(it="l")}
    AND (l.recorded_at, l.status = 'withdrawn', l.ref) > (c.recorded_at, c.status = 'withdrawn', c.ref))"""
CONSENT = f"canonical.consent c ON c.party_ref = q.ref AND c.channel = t.channel AND {SAID.format(it='c')} AND {NOT_TAKEN_BACK}"
MEMBERS_SAID = MEMBERS.replace("WHERE", f"JOIN {CONSENT} WHERE")
LEAKS = f"""
    SELECT t.golden_id, t.ref AS touch_ref, t.department, t.channel, t.campaign, t.touched_at,
           b.rule, coalesce(b.ref, '') AS evidence_ref, b.department AS evidence_department, b.since AS evidence_at
    FROM (
        SELECT m.golden_id, p.department, c.ref, c.channel, c.campaign, c.touched_at
        FROM canonical.touch c
        JOIN canonical.party p ON p.ref = c.party_ref
        JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
        WHERE c.outcome = 'sent' OR c.outcome = 'delivered' AND NOT EXISTS (
            SELECT FROM canonical.touch s WHERE s.party_ref = c.party_ref AND s.channel = c.channel
              AND s.campaign = c.campaign AND s.outcome = 'sent' AND s.touched_at <= c.touched_at)
    ) t
    CROSS JOIN golden.contact_rules r
    CROSS JOIN LATERAL (
        SELECT h.rule, h.ref, h.department, h.since
        FROM {MEMBERS.replace("WHERE", HOLDS_OF_MEMBER + " WHERE")}
          AND h.rule <> 'overdue' AND h.since <= t.touched_at
          AND (h.counted_from IS NULL OR h.counted_from + make_interval(days => CAST(r.days ->> CASE
                WHEN h.rule = 'declined' AND (h.topic IS NULL OR t.campaign IS NULL OR lower(h.topic) = lower(t.campaign))
                THEN 'declined_offer' ELSE h.rule END AS int)) > t.touched_at)
          AND (h.removed_at IS NULL OR h.removed_at > t.touched_at)
          AND (q.deleted_at IS NULL OR q.merged_into_ref IS NOT NULL OR q.deleted_at > t.touched_at)
        UNION
        SELECT 'objection', c.ref, NULL, c.recorded_at
        FROM {MEMBERS_SAID} AND c.status = 'withdrawn' AND c.purpose IN ('marketing', 'sales', 'upsell')
        UNION ALL
        SELECT 'consent', NULL, NULL, NULL
        WHERE t.channel <> ALL (r.opt_out_channels) AND NOT EXISTS (
            SELECT FROM {MEMBERS_SAID} AND c.status = 'granted' AND c.purpose NOT IN ('service', 'collections'))
    ) b"""
LEAK = """SELECT golden_id, touch_ref, department, channel, campaign, touched_at,
    CAST(date_trunc('week', touched_at AT TIME ZONE 'UTC') AS date) AS week,
    rule, nullif(evidence_ref, '') AS evidence_ref, evidence_department, evidence_at FROM golden.contact_leak_row"""
COMMENTS = {
    "golden_id": "the customer that was contacted, as of now",
    "touch_ref": "the contact",
    "department": "whose record was contacted",
    "week": "the Monday of the week of the contact, in UTC",
    "rule": "what should have held it back: complaint, bad_rating, purchase, declined, reply, objection or consent",
    "evidence_ref": "the record that held it back; none for rule consent, where there was no consent",
    "evidence_department": "who knows that record; none for consents",
    "evidence_at": "since when it held",
}
WHAT = (
    "Contacts that were made while a hold was active or without consent, by what was true at their moment: one row per "
    "contact, rule and record. See docs/eligibility.md."
)
GRANT = """
DO $$ BEGIN
    GRANT SELECT ON golden.contact_leak TO onerecord_reader;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
    RAISE NOTICE 'role onerecord_reader was not granted golden.contact_leak: %', SQLERRM;
END $$;
"""


def upgrade() -> None:
    op.create_table(
        "contact_rules",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days", postgresql.JSONB(), nullable=False),
        sa.Column("opt_out_channels", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_contact_rules_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_rules")),
        schema="golden",
    )
    op.create_table(
        "contact_leak_row",
        sa.Column("touch_ref", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("evidence_ref", sa.Text(), nullable=False),
        sa.Column("golden_id", sa.Uuid(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=True),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("evidence_department", sa.Text(), nullable=True),
        sa.Column("evidence_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("touch_ref", "rule", "evidence_ref", name=op.f("pk_contact_leak_row")),
        schema="golden",
    )
    for column in ("golden_id", "touched_at"):
        op.create_index(f"ix_contact_leak_row_{column}", "contact_leak_row", [column], schema="golden")
    op.execute(f"CREATE VIEW canonical.contact_hold AS {HOLDS}")
    op.execute(
        """COMMENT ON VIEW canonical.contact_hold IS
           'Facts that keep contacts back: from since on, until some days after counted_from (NULL: not over yet).'"""
    )
    op.execute(f"CREATE VIEW canonical.judged_contact AS {LEAKS}")
    op.execute("COMMENT ON VIEW canonical.judged_contact IS 'What golden.contact_leak_row holds, judged anew.'")
    op.execute(f"CREATE VIEW golden.contact_leak AS {LEAK}")
    op.execute(f"COMMENT ON VIEW golden.contact_leak IS '{WHAT}'")
    for column, comment in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN golden.contact_leak.{column} IS '{comment}'")
    op.execute(GRANT)


def downgrade() -> None:
    op.execute("DROP VIEW golden.contact_leak")
    op.execute("DROP VIEW canonical.judged_contact")
    op.execute("DROP VIEW canonical.contact_hold")
    op.drop_table("contact_leak_row", schema="golden")
    op.drop_table("contact_rules", schema="golden")
