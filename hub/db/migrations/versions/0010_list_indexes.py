"""Indexes for lists of customers by kind, and of what changed since a moment, in the order of golden ids.

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_customer_row_current_kind": ["kind", "golden_id"],
    "ix_customer_row_current_since": ["valid_from", "golden_id"],
}


def upgrade() -> None:
    for name, columns in INDEXES.items():
        op.create_index(name, "customer_row", columns, schema="golden", postgresql_where=sa.text("valid_to IS NULL"))


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="customer_row", schema="golden")
