"""The touches of a record are found by their moment: rules ask for those of the last weeks, and there are years of them.

Revision: 0029, after 0022
"""

from alembic import op

revision = "0029"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_touch_party_ref_touched_at", "touch", ["party_ref", "touched_at"], schema="canonical")
    op.drop_index("ix_touch_party_ref", table_name="touch", schema="canonical")


def downgrade() -> None:
    op.create_index("ix_touch_party_ref", "touch", ["party_ref"], schema="canonical")
    op.drop_index("ix_touch_party_ref_touched_at", table_name="touch", schema="canonical")
