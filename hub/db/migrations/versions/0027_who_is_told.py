"""Who is told what: counts that others see are of shared flags, and who was mailed of a run is kept person by person.

The stale share of before counted private flags, so it is forgotten.

Revision: 0027, after 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

DOUBLED = "ck_announcement_ck_announcement_kind"  # as the naming convention made it of its whole name in 0022
KINDS = "kind IN ('held', 'published', 'failed')"
# What is older is told to nobody.
MAILED = """
    INSERT INTO ops.announcement_mail (sequence, name, sent_at)
    SELECT sequence, name, mailed_at FROM ops.announcement, ops.account
    WHERE mailed_at IS NOT NULL AND happened_at > now() - interval '1 day' AND email IS NOT NULL"""


def upgrade() -> None:
    op.execute("DELETE FROM quality.daily_figure WHERE name = 'stale'")
    op.execute("DELETE FROM quality.rule_figure WHERE critical + warning = 0")
    op.drop_column("rule_figure", "open", schema="quality")
    op.drop_constraint(op.f(DOUBLED), "announcement", schema="ops")
    op.create_check_constraint(op.f("ck_announcement_kind"), "announcement", KINDS, schema="ops")
    op.create_table(
        "announcement_mail",
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["sequence"], ["ops.announcement.sequence"], name="fk_announcement_mail_sequence_announcement"
        ),
        sa.ForeignKeyConstraint(["name"], ["ops.account.name"], name="fk_announcement_mail_name_account"),
        sa.PrimaryKeyConstraint("sequence", "name", name="pk_announcement_mail"),
        schema="ops",
    )
    op.execute(MAILED)
    op.drop_column("announcement", "mailed_at", schema="ops")


def downgrade() -> None:
    op.add_column("announcement", sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True), schema="ops")
    op.execute(
        """UPDATE ops.announcement a SET mailed_at = m.claimed_at
           FROM (SELECT sequence, min(claimed_at) AS claimed_at FROM ops.announcement_mail GROUP BY sequence) m
           WHERE m.sequence = a.sequence"""
    )
    op.drop_table("announcement_mail", schema="ops")
    op.drop_constraint(op.f("ck_announcement_kind"), "announcement", schema="ops")
    op.execute("DELETE FROM ops.announcement WHERE kind = 'failed'")
    op.create_check_constraint(op.f(DOUBLED), "announcement", "kind IN ('held', 'published')", schema="ops")
    op.add_column("rule_figure", sa.Column("open", sa.Integer(), nullable=False, server_default="0"), schema="quality")
    op.alter_column("rule_figure", "open", server_default=None, schema="quality")
