"""Manual values, and the policy that golden records were composed by: another one has all composed anew.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "manual_value",
        sa.Column("manual_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.Column("replaced", postgresql.JSONB(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("manual_id", name="pk_manual_value"),
        schema="golden",
    )
    op.create_index(
        "uq_manual_value_live",
        "manual_value",
        ["ref", "attributes"],
        unique=True,
        schema="golden",
        postgresql_where="ended_at IS NULL",
    )
    op.add_column("compose_state", sa.Column("policy", sa.Text(), nullable=True), schema="golden")


def downgrade() -> None:
    op.drop_column("compose_state", "policy", schema="golden")
    op.drop_table("manual_value", schema="golden")
