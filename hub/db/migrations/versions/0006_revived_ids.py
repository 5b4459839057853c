"""Ids that lead to a customer are found fast: one that comes out of it again gets its own id back.

Revision: 0006, after 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_golden_id_survivor",
        "golden_id",
        ["survivor"],
        schema="identity",
        postgresql_where="survivor IS NOT NULL",
    )


def downgrade() -> None:
    op.drop_index("ix_golden_id_survivor", "golden_id", schema="identity")
