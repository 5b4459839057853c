"""Opportunities that changed are queued for publication, by triggers: whoever writes one cannot forget it.

Revision: 0012, after 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

QUEUE = """
CREATE FUNCTION golden.queue_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO golden.to_publish_opportunity (ref) SELECT DISTINCT {column} FROM written;
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER queue_{event} AFTER {event} ON {table} REFERENCING {rows} TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION golden.queue_{name}()
"""
WATCHED = {"opportunity": ("canonical.opportunity", "ref"), "flagged": ("quality.flag", "opportunity_ref")}
EVENTS = {"INSERT": "NEW", "UPDATE": "NEW", "DELETE": "OLD"}


def upgrade() -> None:
    op.create_table(
        "to_publish_opportunity",
        sa.Column("queue_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("queue_id", name="pk_to_publish_opportunity"),
        schema="golden",
    )
    for name, (table, column) in WATCHED.items():
        op.execute(QUEUE.format(name=name, column=column))
        for event, rows in EVENTS.items():
            op.execute(TRIGGER.format(event=event, table=table, rows=rows, name=name))
    op.execute("INSERT INTO golden.to_publish_opportunity (ref) SELECT ref FROM canonical.opportunity")


def downgrade() -> None:
    for name, (table, _) in WATCHED.items():
        for event in EVENTS:
            op.execute(f"DROP TRIGGER queue_{event} ON {table}")
        op.execute(f"DROP FUNCTION golden.queue_{name}()")
    op.drop_table("to_publish_opportunity", schema="golden")
