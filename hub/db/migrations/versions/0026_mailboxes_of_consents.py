"""Which mailbox a consent names: what was withdrawn for it holds for every record that has it.

Rows that are stored get it from what landed: not all of them fit the new version of the mapping, which reads it again.

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

NAMED = """
    UPDATE canonical.consent c SET mailbox = lower(btrim(r.payload ->> 'recipient'))
    FROM landing.source_record r
    WHERE (r.source, r.stream, r.source_id) = (c.source, c.stream, c.source_id)
      AND jsonb_typeof(r.payload -> 'recipient') = 'string'"""


def upgrade() -> None:
    op.add_column("consent", sa.Column("mailbox", sa.Text(), nullable=True), schema="canonical")
    op.execute(NAMED)
    op.create_index("ix_consent_mailbox_status", "consent", ["mailbox", "status"], schema="canonical")
    op.create_index("ix_party_email", "party", [sa.text("lower(email)")], schema="canonical")


def downgrade() -> None:
    op.drop_index("ix_party_email", "party", schema="canonical")
    op.drop_index("ix_consent_mailbox_status", "consent", schema="canonical")
    op.drop_column("consent", "mailbox", schema="canonical")
