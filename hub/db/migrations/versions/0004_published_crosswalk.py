"""Crosswalk and merge log tell what is published, not what the next publication may hold.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

CROSSWALK = """
CREATE OR REPLACE VIEW golden.crosswalk AS
    SELECT p.source, p.stream, p.source_id, p.ref, c.golden_id, c.since, c.until
    FROM golden.crosswalk_row c JOIN canonical.party p USING (ref)
"""

MERGE_LOG = """
CREATE OR REPLACE VIEW golden.merge_log AS
    SELECT lineage_id, event, golden_id, other_golden_id, reason, happened_at FROM identity.lineage l
    WHERE (event = 'merged' AND EXISTS (
              SELECT 1 FROM golden.change c WHERE c.golden_id = l.golden_id AND c.op = 'merged'))
       OR (event = 'split' AND EXISTS (SELECT 1 FROM golden.change c WHERE c.golden_id = l.other_golden_id))
"""

# What was published before this version: every stretch of versions of a customer that name the record as a member.
BACKFILL = """
INSERT INTO golden.crosswalk_row (ref, golden_id, since, until)
    SELECT ref, golden_id, min(valid_from), CASE WHEN bool_or(valid_to IS NULL) THEN NULL ELSE max(valid_to) END
    FROM (
        SELECT m.ref, r.golden_id, r.valid_from, r.valid_to,
               r.version - row_number() OVER (PARTITION BY m.ref, r.golden_id ORDER BY r.version) AS stretch
        FROM golden.customer_row r CROSS JOIN LATERAL unnest(r.members) AS m(ref)
    ) versions
    GROUP BY ref, golden_id, stretch
"""

LIVE_CROSSWALK = """
CREATE OR REPLACE VIEW golden.crosswalk AS
    SELECT p.source, p.stream, p.source_id, p.ref, m.golden_id, m.since, m.until
    FROM identity.membership m JOIN canonical.party p USING (party_id)
"""

LIVE_MERGE_LOG = """
CREATE OR REPLACE VIEW golden.merge_log AS
    SELECT lineage_id, event, golden_id, other_golden_id, reason, happened_at FROM identity.lineage
    WHERE event IN ('merged', 'split')
"""


def upgrade() -> None:
    op.create_table(
        "crosswalk_row",
        sa.Column("crosswalk_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("golden_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("crosswalk_id", name=op.f("pk_crosswalk_row")),
        schema="golden",
    )
    op.create_index(
        "uq_crosswalk_row_now", "crosswalk_row", ["ref"], unique=True, schema="golden",
        postgresql_where=sa.text("until IS NULL"),
    )
    op.create_index(op.f("ix_crosswalk_row_golden_id"), "crosswalk_row", ["golden_id"], schema="golden")
    op.execute(BACKFILL)
    op.execute(CROSSWALK)
    op.execute(MERGE_LOG)


def downgrade() -> None:
    op.execute(LIVE_CROSSWALK)
    op.execute(LIVE_MERGE_LOG)
    op.drop_table("crosswalk_row", schema="golden")
