"""Counts that others see are of shared flags: those of before, which told of private ones too, are forgotten.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("DELETE FROM quality.daily_figure WHERE name = 'stale'")
    op.execute("DELETE FROM quality.rule_figure WHERE critical + warning = 0")
    op.drop_column("rule_figure", "open", schema="quality")


def downgrade() -> None:
    op.add_column("rule_figure", sa.Column("open", sa.Integer(), nullable=False, server_default="0"), schema="quality")
    op.alter_column("rule_figure", "open", server_default=None, schema="quality")
