"""People sign in with accounts: sessions and attempts are rows.

Revision: 0013, after 0012
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("departments", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.CheckConstraint("(issuer IS NULL) = (subject IS NULL)", name=op.f("ck_account_provider")),
        sa.PrimaryKeyConstraint("name", name="pk_account"),
        sa.UniqueConstraint("issuer", "subject", name="uq_account_issuer_subject"),
        schema="ops",
    )
    op.create_table(
        "session",
        sa.Column("session_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.Column("seen_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_session"),
        sa.UniqueConstraint("session_hash", name="uq_session_session_hash"),
        sa.ForeignKeyConstraint(["name"], ["ops.account.name"], name="fk_session_name_account", ondelete="CASCADE"),
        schema="ops",
    )
    op.create_index("ix_session_name", "session", ["name"], schema="ops")
    op.create_table(
        "sign_in_attempt",
        sa.Column("attempt_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("attempted_at", MOMENT, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name="pk_sign_in_attempt"),
        schema="ops",
    )
    op.create_index("ix_sign_in_attempt_client_attempt_id", "sign_in_attempt", ["client", "attempt_id"], schema="ops")
    op.create_index("ix_sign_in_attempt_account_attempt_id", "sign_in_attempt", ["account", "attempt_id"], schema="ops")
    op.create_index("ix_sign_in_attempt_attempted_at", "sign_in_attempt", ["attempted_at"], schema="ops")


def downgrade() -> None:
    for table in ("sign_in_attempt", "session", "account"):
        op.drop_table(table, schema="ops")
