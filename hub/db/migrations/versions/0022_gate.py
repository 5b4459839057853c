"""Failing rows are kept, people waive checks of a held run, and what becomes of publications is told.

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HISTORY = "ix_check_result_suite_name_check_result_id"
COLUMNS = (("description", "''"), ("looks_at", "''"), ("state", "''"))


def moment() -> sa.DateTime:
    return sa.DateTime(timezone=True)


def upgrade() -> None:
    op.drop_column("check_result", "examples", schema="quality")
    for name, default in COLUMNS:
        op.add_column("check_result", sa.Column(name, sa.Text(), server_default=sa.text(default), nullable=False), schema="quality")
    waivable: sa.Column[bool] = sa.Column("waivable", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    op.add_column("check_result", waivable, schema="quality")
    op.create_index(HISTORY, "check_result", ["suite", "name", "check_result_id"], schema="quality")
    op.create_table(
        "failing_row",
        sa.Column("check_result_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["check_result_id"], ["quality.check_result.check_result_id"],
            name="fk_failing_row_check_result_id_check_result", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("check_result_id", "place", name="pk_failing_row"),
        schema="quality",
    )
    op.create_table(
        "waiver",
        sa.Column("waiver_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("run_id", "suite", "name", "state", "author", "reason")),
        sa.Column("made_at", moment(), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["ops.run.run_id"], name="fk_waiver_run_id_run"),
        sa.PrimaryKeyConstraint("waiver_id", name="pk_waiver"),
        sa.UniqueConstraint("run_id", "suite", "name", name="uq_waiver_run_id_suite_name"),
        schema="quality",
    )
    keys = ("run_id", "source", "stream", "field")
    op.create_table(
        "fill_rate",
        *(sa.Column(name, sa.Text(), nullable=False) for name in keys),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("filled", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name="pk_fill_rate"),
        schema="quality",
    )
    op.create_table(
        "data_docs",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("suite", "run_id", "page")),
        sa.Column("made_at", moment(), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("suite", name="pk_data_docs"),
        schema="quality",
    )
    op.add_column("run", sa.Column("releases", sa.Text(), nullable=True), schema="ops")
    op.create_foreign_key(
        "fk_run_releases_run", "run", "run", ["releases"], ["run_id"], source_schema="ops", referent_schema="ops"
    )
    op.create_table(
        "announcement",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("happened_at", moment(), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('held', 'published')", name="ck_announcement_kind"),
        sa.PrimaryKeyConstraint("sequence", name="pk_announcement"),
        schema="ops",
    )
    op.add_column("webhook", sa.Column("feed", sa.Text(), server_default="changes", nullable=False), schema="ops")
    op.create_check_constraint("ck_webhook_feed", "webhook", "feed IN ('changes', 'publications')", schema="ops")
    waived = sa.Column("waived", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False)
    op.add_column("publication", waived, schema="golden")


def downgrade() -> None:
    op.drop_column("publication", "waived", schema="golden")
    op.drop_constraint(op.f("ck_webhook_ck_webhook_feed"), "webhook", schema="ops")  # by the naming convention
    op.drop_column("webhook", "feed", schema="ops")
    op.drop_table("announcement", schema="ops")
    op.drop_column("run", "releases", schema="ops")
    for name in ("data_docs", "fill_rate", "waiver", "failing_row"):
        op.drop_table(name, schema="quality")
    op.drop_index(HISTORY, table_name="check_result", schema="quality")
    for name in ("waivable", *(name for name, _ in COLUMNS)):
        op.drop_column("check_result", name, schema="quality")
    empty = sa.Column("examples", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False)
    op.add_column("check_result", empty, schema="quality")
