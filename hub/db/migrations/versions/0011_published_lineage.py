"""The merge log ends where the last publication does: what is merged or split since is told with the next one.

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

MERGE_LOG = """
CREATE OR REPLACE VIEW golden.merge_log AS
    SELECT lineage_id, event, golden_id, other_golden_id, reason, happened_at FROM identity.lineage l
    WHERE {published}((event = 'merged' AND EXISTS (
              SELECT 1 FROM golden.change c WHERE c.golden_id = l.golden_id AND c.op = 'merged'))
       OR (event = 'split' AND EXISTS (SELECT 1 FROM golden.change c WHERE c.golden_id = l.other_golden_id)))
"""
PUBLISHED = "lineage_id <= (SELECT max(p.lineage_id) FROM golden.publication p) AND "

BACKFILL = (
    """UPDATE golden.publication p SET lineage_id = coalesce(
           (SELECT max(l.lineage_id) FROM identity.lineage l WHERE l.happened_at <= p.published_at), 0)""",
    "UPDATE golden.compose_state SET lineage_id = (SELECT coalesce(max(lineage_id), 0) FROM golden.publication)",
)


def upgrade() -> None:
    for table in ("publication", "compose_state"):
        op.add_column(
            table, sa.Column("lineage_id", sa.BigInteger(), server_default="0", nullable=False), schema="golden"
        )
    for statement in BACKFILL:
        op.execute(statement)
    op.execute(MERGE_LOG.format(published=PUBLISHED))


def downgrade() -> None:
    op.execute(MERGE_LOG.format(published=""))
    for table in ("publication", "compose_state"):
        op.drop_column(table, "lineage_id", schema="golden")
