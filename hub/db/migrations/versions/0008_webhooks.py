"""Webhooks: subscriptions to the change feed, and their attempts.

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("operations", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("department", sa.Text(), nullable=True),
        sa.Column("key_salt", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.Text(), nullable=False),
        sa.Column("previous_key_salt", sa.Text(), nullable=True),
        sa.Column("previous_key_until", MOMENT, nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", MOMENT, nullable=True),
        sa.Column("delivered_at", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.Column("disabled_why", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_webhook"),
        sa.UniqueConstraint("name", name="uq_webhook_name"),
        schema="ops",
    )
    op.create_table(
        "webhook_attempt",
        sa.Column("attempt_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("attempted_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_webhook_attempt"),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["ops.webhook.webhook_id"],
            name="fk_webhook_attempt_webhook_id_webhook",
            ondelete="CASCADE",
        ),
        schema="ops",
    )
    op.create_index(
        "ix_webhook_attempt_webhook_id_attempt_id", "webhook_attempt", ["webhook_id", "attempt_id"], schema="ops"
    )


def downgrade() -> None:
    op.drop_table("webhook_attempt", schema="ops")
    op.drop_table("webhook", schema="ops")
