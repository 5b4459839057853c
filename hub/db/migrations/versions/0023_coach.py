"""Flags are their owner's first: windows, answers, mutes, digests, and which account owns which deals.

Revision: 0023, after 0022
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_NOW = sa.func.now()
COMMENT = (
    "Published opportunities with their customer and the hygiene flags that are open and no longer their owner''s alone."
)
FORMER = "Published opportunities with their customer and the hygiene flags that are open."
INDEXES = {
    "ix_flag_open": (["severity", "flag_id", "shared_from", "rule"], "resolved_at IS NULL"),
    "ix_flag_department": (["severity", "flag_id"], "resolved_at IS NULL AND opportunity_ref IS NULL"),
}
# Flags of before have a window too, from when they were seen last: three working days and a weekend.
WINDOW = """
    UPDATE quality.flag SET raised_at = last_seen,
        shared_from = CAST(last_seen AT TIME ZONE 'UTC' AS date)
                      + CASE WHEN opportunity_ref IS NULL THEN 0 ELSE 6 END
"""


def upgrade() -> None:
    _flags()
    _answers()
    _mutes()
    _figures()
    _people()
    op.add_column("announcement", sa.Column("mailed_at", _MOMENT, nullable=True), schema="ops")
    op.create_index("ix_opportunity_source_owner_id", "opportunity", ["source", "owner_id"], schema="canonical")
    op.execute(f"COMMENT ON VIEW golden.opportunity IS '{COMMENT}'")
    # What golden.opportunity tells of flags hangs on `public` from now on.
    op.execute(
        """INSERT INTO golden.to_publish_opportunity (ref)
           SELECT ref FROM golden.opportunity_row WHERE cardinality(flags) > 0"""
    )


def _flags() -> None:
    op.add_column("flag", sa.Column("raised_at", _MOMENT, nullable=True), schema="quality")
    op.add_column("flag", sa.Column("shared_from", sa.Date(), nullable=True), schema="quality")
    op.add_column(
        "flag", sa.Column("public", sa.Boolean(), server_default=sa.text("false"), nullable=False), schema="quality"
    )
    op.execute(WINDOW)
    for column in ("raised_at", "shared_from"):
        op.alter_column("flag", column, nullable=False, schema="quality")
    for name, (columns, where) in INDEXES.items():
        op.create_index(name, "flag", columns, schema="quality", postgresql_where=sa.text(where))


def _answers() -> None:
    op.create_table(
        "flag_answer",
        sa.Column("answer_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("flag_id", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("raised_at", _MOMENT, nullable=False),
        sa.Column("evidence", postgresql.JSONB(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.Column("answered_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("seen_again_at", _MOMENT, nullable=True),
        sa.Column("undone_at", _MOMENT, nullable=True),
        sa.CheckConstraint("answer IN ('fixed', 'wrong', 'snooze')", name="ck_flag_answer_answer"),
        sa.CheckConstraint("(answer = 'snooze') = (until IS NOT NULL)", name="ck_flag_answer_until"),
        sa.CheckConstraint("answer <> 'wrong' OR reason <> ''", name="ck_flag_answer_reason"),
        sa.ForeignKeyConstraint(
            ["flag_id"], ["quality.flag.flag_id"], name="fk_flag_answer_flag_id_flag"
        ),
        sa.PrimaryKeyConstraint("answer_id", name="pk_flag_answer"),
        schema="quality",
    )
    op.create_index("ix_flag_answer_flag_id_answer_id", "flag_answer", ["flag_id", "answer_id"], schema="quality")


def _mutes() -> None:
    op.create_table(
        "rule_mute",
        sa.Column("mute_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("muted_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("ended_at", _MOMENT, nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("mute_id", name="pk_rule_mute"),
        schema="quality",
    )
    op.create_index(
        "uq_rule_mute_rule", "rule_mute", ["rule"], unique=True, schema="quality",
        postgresql_where=sa.text("ended_at IS NULL"),
    )  # fmt: skip


def _figures() -> None:
    op.create_table(
        "rule_figure",
        sa.Column("rule", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("open", "critical", "warning", "on_no_deal")),
        sa.PrimaryKeyConstraint("rule", name="pk_rule_figure"),
        schema="quality",
    )
    op.create_table(
        "team_figure",
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("owners", "deals", "flagged", "critical")),
        sa.PrimaryKeyConstraint("place", name="pk_team_figure"),
        schema="quality",
    )


def _people() -> None:
    op.add_column("account", sa.Column("email", sa.Text(), nullable=True), schema="ops")
    op.add_column("account", sa.Column("team", sa.Text(), nullable=True), schema="ops")
    op.create_table(
        "account_owner",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("said_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(["name"], ["ops.account.name"], name="fk_account_owner_name_account"),
        sa.PrimaryKeyConstraint("source", "owner_id", name="pk_account_owner"),
        schema="ops",
    )
    op.create_index("ix_account_owner_name", "account_owner", ["name"], schema="ops")
    op.create_table(
        "digest",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("as_of", _MOMENT, nullable=False),
        sa.Column("claimed_at", _MOMENT, server_default=_NOW, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["name"], ["ops.account.name"], name="fk_digest_name_account"),
        sa.PrimaryKeyConstraint("name", "day", name="pk_digest"),
        schema="quality",
    )


def downgrade() -> None:
    op.execute(f"COMMENT ON VIEW golden.opportunity IS '{FORMER}'")
    op.drop_index("ix_opportunity_source_owner_id", "opportunity", schema="canonical")
    op.drop_column("announcement", "mailed_at", schema="ops")
    op.drop_table("digest", schema="quality")
    op.drop_table("account_owner", schema="ops")
    op.drop_column("account", "team", schema="ops")
    op.drop_column("account", "email", schema="ops")
    for table in ("team_figure", "rule_figure", "rule_mute", "flag_answer"):
        op.drop_table(table, schema="quality")
    for index in INDEXES:
        op.drop_index(index, "flag", schema="quality")
    for column in ("public", "shared_from", "raised_at"):
        op.drop_column("flag", column, schema="quality")
