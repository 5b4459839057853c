"""Judgements keep what the model held; blind samples measure it; figures are kept day by day.

Revision: 0016, after 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

PARTY = "canonical.party.party_id"
UNCHANGED = "judgement_id, party_a, party_b, verdict, author_kind, author, reason, made_at"
GUARD = """
CREATE OR REPLACE FUNCTION identity.guard_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.ended_by IS NOT NULL
        AND ({new}) IS NOT DISTINCT FROM ({old})
    THEN RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: a judgement can only be ended, once'
        USING HINT = 'add a judgement instead; undoing one ends it and is logged';
END $$"""


def upgrade() -> None:
    op.add_column("judgement", sa.Column("probability", sa.Float(), nullable=True), schema="identity")
    guard(f"{UNCHANGED}, probability")
    op.create_table(
        "blind_sample",
        sa.Column("sample_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party_a", sa.BigInteger(), nullable=False),
        sa.Column("party_b", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.Text(), nullable=False),
        sa.Column("held_by", sa.Text(), nullable=False),
        sa.Column("held_author", sa.Text(), nullable=True),
        sa.Column("drawn_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("party_a < party_b", name="ck_blind_sample_ordered"),
        sa.CheckConstraint("held IN ('same', 'different')", name="ck_blind_sample_held"),
        sa.CheckConstraint("held_by IN ('model', 'person')", name="ck_blind_sample_held_by"),
        sa.CheckConstraint("answer IN ('same', 'different', 'unsure')", name="ck_blind_sample_answer"),
        sa.CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="ck_blind_sample_answered"),
        sa.ForeignKeyConstraint(["party_a"], [PARTY], name="fk_blind_sample_party_a_party"),
        sa.ForeignKeyConstraint(["party_b"], [PARTY], name="fk_blind_sample_party_b_party"),
        sa.PrimaryKeyConstraint("sample_id", name="pk_blind_sample"),
        schema="identity",
    )
    op.create_index(
        "uq_blind_sample_open", "blind_sample", ["party_a", "party_b"], unique=True, schema="identity",
        postgresql_where=sa.text("answer IS NULL"),
    )  # fmt: skip
    op.create_table(
        "daily_figure",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "department", "name", name="pk_daily_figure"),
        schema="quality",
    )


def downgrade() -> None:
    op.drop_table("daily_figure", schema="quality")
    op.drop_table("blind_sample", schema="identity")
    guard(UNCHANGED)
    op.drop_column("judgement", "probability", schema="identity")


def guard(columns: str) -> None:
    """What of a judgement never changes."""
    new, old = (", ".join(f"{row}.{name}" for name in columns.split(", ")) for row in ("NEW", "OLD"))
    op.execute(GUARD.format(new=new, old=old))
