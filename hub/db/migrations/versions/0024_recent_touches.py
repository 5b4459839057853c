"""The touches of a record are found by their moment, and contacts are judged for many customers at once.

Rules ask for the touches of the last weeks, and there are years of them. The view judged each contact by itself.

Revision: 0024, after 0023
"""

from importlib import import_module

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_touch_party_ref_touched_at", "touch", ["party_ref", "touched_at"], schema="canonical")
    op.drop_index("ix_touch_party_ref", table_name="touch", schema="canonical")
    op.execute("DROP VIEW canonical.judged_contact")


def downgrade() -> None:
    before = import_module("hub.db.migrations.versions.0021_contact_eligibility")
    op.execute(f"CREATE VIEW canonical.judged_contact AS {before.LEAKS}")
    op.execute("COMMENT ON VIEW canonical.judged_contact IS 'What golden.contact_leak_row holds, judged anew.'")
    op.create_index("ix_touch_party_ref", "touch", ["party_ref"], schema="canonical")
    op.drop_index("ix_touch_party_ref_touched_at", table_name="touch", schema="canonical")
