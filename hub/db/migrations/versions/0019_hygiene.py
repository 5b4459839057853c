"""Opportunity hygiene: who is on a deal, own daily snapshots, learned norms, and flags on customers and departments.

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SUBJECTS = ("opportunity_ref", "golden_id", "department")

QUEUE_FLAGGED = """
CREATE OR REPLACE FUNCTION golden.queue_flagged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO golden.to_publish_opportunity (ref) SELECT DISTINCT opportunity_ref FROM written {only};
    RETURN NULL;
END $$
"""
# A snapshot's own move counts where the source told of none since the state before: its entry is the better one, and
# both would be counted twice.
HISTORY = """
CREATE VIEW quality.opportunity_history AS
SELECT opportunity_ref, field, old_value, new_value, changed_at, false AS from_snapshot
FROM canonical.opportunity_change WHERE deleted_at IS NULL
UNION ALL
SELECT s.opportunity_ref, moved.field, moved.old_value, moved.new_value, s.taken_at, true
FROM quality.opportunity_snapshot s
JOIN quality.opportunity_snapshot b ON b.opportunity_ref = s.opportunity_ref AND b.valid_to = s.valid_from
CROSS JOIN LATERAL (VALUES
    ('stage', b.stage, s.stage), ('amount', CAST(b.amount AS text), CAST(s.amount AS text)),
    ('close_date', CAST(b.close_date AS text), CAST(s.close_date AS text)),
    ('next_step', b.next_step, s.next_step)) AS moved (field, old_value, new_value)
WHERE moved.old_value IS DISTINCT FROM moved.new_value
  AND NOT EXISTS (SELECT 1 FROM canonical.opportunity_change c
                  WHERE c.opportunity_ref = s.opportunity_ref AND c.field = moved.field AND c.deleted_at IS NULL
                    AND c.changed_at > b.taken_at AND c.changed_at <= s.taken_at)
"""


def upgrade() -> None:
    op.add_column("opportunity", sa.Column("contact_count", sa.Integer(), nullable=True), schema="canonical")
    _contacts()
    _snapshots()
    _norms()
    _subjects()


def _contacts() -> None:
    op.create_table(
        "opportunity_contact",
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("source_updated_at", MOMENT, nullable=True),
        sa.Column("deleted_at", MOMENT, nullable=True),
        sa.Column("party_ref", sa.Text(), nullable=True),
        sa.Column("opportunity_ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref", name="pk_opportunity_contact"),
        schema="canonical",
    )
    for column in ("party_ref", "opportunity_ref"):
        op.create_index(f"ix_opportunity_contact_{column}", "opportunity_contact", [column], schema="canonical")


def _snapshots() -> None:
    op.create_table(
        "opportunity_snapshot",
        sa.Column("opportunity_ref", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(18, 2), nullable=True),
        sa.Column("close_date", sa.Date(), nullable=True),
        sa.Column("next_step", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("opportunity_ref", "valid_from", name="pk_opportunity_snapshot"),
        schema="quality",
    )
    op.execute(HISTORY)


def _norms() -> None:
    op.create_table(
        "norm",
        sa.Column("norm_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("segment", sa.Text(), nullable=False),
        sa.Column("median", sa.Float(), nullable=False),
        sa.Column("mad", sa.Float(), nullable=True),
        sa.Column("deals", sa.Integer(), nullable=False),
        sa.Column("valid_from", MOMENT, nullable=False),
        sa.Column("valid_to", MOMENT, nullable=True),
        sa.Column("learned_at", MOMENT, nullable=False),
        sa.CheckConstraint("kind IN ('stage_days', 'stage_probability', 'amount', 'cycle_days')", name="kind"),
        sa.PrimaryKeyConstraint("norm_id", name="pk_norm"),
        schema="quality",
    )
    op.create_index(
        "uq_norm_now",
        "norm",
        ["kind", "source", "stage", "segment"],
        unique=True,
        schema="quality",
        postgresql_where=sa.text("valid_to IS NULL"),
    )


def _subjects() -> None:
    op.drop_constraint("pk_flag", "flag", schema="quality")
    op.add_column(
        "flag", sa.Column("flag_id", sa.BigInteger(), sa.Identity(always=True), nullable=False), schema="quality"
    )
    op.create_primary_key("pk_flag", "flag", ["flag_id"], schema="quality")
    op.alter_column("flag", "opportunity_ref", nullable=True, schema="quality")
    op.add_column("flag", sa.Column("golden_id", postgresql.UUID(), nullable=True), schema="quality")
    op.add_column("flag", sa.Column("department", sa.Text(), nullable=True), schema="quality")
    op.create_check_constraint(
        op.f("ck_flag_subject"), "flag", f"num_nonnulls({', '.join(SUBJECTS)}) = 1", schema="quality"
    )
    op.create_unique_constraint(
        "uq_flag_subject", "flag", [*SUBJECTS, "rule"], schema="quality", postgresql_nulls_not_distinct=True
    )
    op.create_unique_constraint("uq_flag_opportunity_ref", "flag", ["opportunity_ref", "rule"], schema="quality")
    op.execute(QUEUE_FLAGGED.format(only="WHERE opportunity_ref IS NOT NULL"))


def downgrade() -> None:
    op.execute("DELETE FROM quality.flag WHERE opportunity_ref IS NULL")
    op.execute(QUEUE_FLAGGED.format(only=""))
    op.drop_constraint("uq_flag_opportunity_ref", "flag", schema="quality")
    op.drop_constraint("uq_flag_subject", "flag", schema="quality")
    op.drop_constraint(op.f("ck_flag_subject"), "flag", schema="quality")
    for column in ("golden_id", "department", "flag_id"):
        op.drop_column("flag", column, schema="quality")
    op.alter_column("flag", "opportunity_ref", nullable=False, schema="quality")
    op.create_primary_key("pk_flag", "flag", ["opportunity_ref", "rule"], schema="quality")
    op.execute("DROP VIEW quality.opportunity_history")
    for table in ("norm", "opportunity_snapshot"):
        op.drop_table(table, schema="quality")
    op.drop_table("opportunity_contact", schema="canonical")
    op.drop_column("opportunity", "contact_count", schema="canonical")
