"""An index that finds what was merged into a customer, and what it came out of: its page asks for both.

Revision: 0018, after 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEX = "ix_lineage_other_golden_id"


def upgrade() -> None:
    op.create_index(
        INDEX, "lineage", ["other_golden_id"], schema="identity", postgresql_where=sa.text("other_golden_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index(INDEX, table_name="lineage", schema="identity")
