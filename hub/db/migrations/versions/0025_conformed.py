"""Up to which sync a stream is conformed: what waits is not known to those who ask who may be contacted.

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("watermark", sa.Column("conformed_sync", sa.BigInteger(), nullable=True), schema="landing")


def downgrade() -> None:
    op.drop_column("watermark", "conformed_sync", schema="landing")
