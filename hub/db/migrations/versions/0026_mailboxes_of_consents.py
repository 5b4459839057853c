"""Which mailbox a consent names: what was withdrawn for it holds for every record that has it.

Streams whose consents name one are mapped again by the next run, since their mapping has a new version.

Revision: 0026, after 0025
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("consent", sa.Column("mailbox", sa.Text(), nullable=True), schema="canonical")
    op.create_index("ix_consent_mailbox_status", "consent", ["mailbox", "status"], schema="canonical")
    op.create_index("ix_party_email", "party", [sa.text("lower(email)")], schema="canonical")


def downgrade() -> None:
    op.drop_index("ix_party_email", "party", schema="canonical")
    op.drop_index("ix_consent_mailbox_status", "consent", schema="canonical")
    op.drop_column("consent", "mailbox", schema="canonical")
