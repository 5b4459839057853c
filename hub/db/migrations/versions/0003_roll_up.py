"""Indexes that rolling facts up to customers needs; the publish queue names customers only.

What happened to a customer is found when it is published, from what was published before and from its lineage.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_rating_ticket_ref"), "rating", ["ticket_ref"], schema="canonical")
    op.create_index(op.f("ix_opportunity_contact_ref"), "opportunity", ["contact_ref"], schema="canonical")
    op.drop_column("to_publish", "op", schema="golden")


def downgrade() -> None:
    op.add_column("to_publish", sa.Column("op", sa.Text(), server_default="changed", nullable=False), schema="golden")
    op.drop_index(op.f("ix_opportunity_contact_ref"), table_name="opportunity", schema="canonical")
    op.drop_index(op.f("ix_rating_ticket_ref"), table_name="rating", schema="canonical")
