"""The queue as a table of its own, claims, questions, bulk acts and saved filters.

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)
SORTS = {"impact": "stake", "likely": "probability", "teaching": "doubt", "oldest": "waiting_since"}


def upgrade() -> None:
    _create_queue()
    _create_claims_and_questions()
    _create_bulk()
    op.create_table(
        "saved_filter",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("saved_at", WHEN, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "name", name="pk_saved_filter"),
        schema="ops",
    )
    # The next resolve fills the queue.
    op.execute(
        """INSERT INTO identity.to_resolve (party_id)
           SELECT party_a FROM identity.pair WHERE band = 'review'
           UNION SELECT party_b FROM identity.pair WHERE band = 'review' ON CONFLICT DO NOTHING"""
    )


def _create_queue() -> None:
    op.create_table(
        "waiting_pair",
        sa.Column("party_a", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_b", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("doubt", sa.Float(), nullable=False),
        sa.Column("waiting_since", WHEN, nullable=False),
        sa.Column("departments", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("sources", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("stake", sa.Numeric(18, 2), nullable=False),
        sa.Column("open_opportunities", postgresql.JSONB(), nullable=False),
        sa.Column("open_balance", postgresql.JSONB(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.Column("cluster_id", sa.BigInteger(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("later_until", sa.Date(), nullable=True),
        sa.Column("asked", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("party_a", "party_b", name="pk_waiting_pair"),
        sa.ForeignKeyConstraint(
            ["party_a", "party_b"],
            ["identity.pair.party_a", "identity.pair.party_b"],
            name="fk_waiting_pair_pair",
            ondelete="CASCADE",
        ),
        schema="identity",
    )
    op.create_index("ix_waiting_pair_party_b", "waiting_pair", ["party_b"], schema="identity")
    op.create_index("ix_waiting_pair_cluster_id", "waiting_pair", ["cluster_id"], schema="identity")
    for sort, column in SORTS.items():
        op.create_index(f"ix_waiting_pair_{sort}", "waiting_pair", [column, "party_a", "party_b"], schema="identity")
    op.create_index("ix_waiting_pair_words", "waiting_pair", ["words"], schema="identity", postgresql_using="gin")


def _create_claims_and_questions() -> None:
    op.create_table(
        "claim",
        sa.Column("party_a", sa.BigInteger(), nullable=False),
        sa.Column("party_b", sa.BigInteger(), nullable=False),
        sa.Column("claimed_by", sa.Text(), nullable=False),
        sa.Column("claimed_until", WHEN, nullable=False),
        sa.PrimaryKeyConstraint("party_a", "party_b", name="pk_claim"),
        *_of_parties("claim"),
        schema="identity",
    )
    op.create_table(
        "question",
        sa.Column("question_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("party_a", sa.BigInteger(), nullable=False),
        sa.Column("party_b", sa.BigInteger(), nullable=False),
        sa.Column("department", sa.Text(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("asked_at", WHEN, server_default=sa.func.now(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("answered_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("question_id", name="pk_question"),
        sa.CheckConstraint("party_a < party_b", name="ck_question_ordered"),
        *_of_parties("question"),
        schema="identity",
    )
    op.create_index("ix_question_party_a_party_b", "question", ["party_a", "party_b"], schema="identity")
    op.create_index(
        "uq_question_open",
        "question",
        ["party_a", "party_b"],
        unique=True,
        schema="identity",
        postgresql_where="answered_at IS NULL",
    )


def _of_parties(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([side], ["canonical.party.party_id"], name=f"fk_{table}_{side}_party")
        for side in ("party_a", "party_b")
    ]


def _create_bulk() -> None:
    op.create_table(
        "bulk",
        sa.Column("bulk_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("made_at", WHEN, server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("bulk_id", name="pk_bulk"),
        schema="identity",
    )
    op.add_column("judgement", sa.Column("bulk_id", sa.BigInteger(), nullable=True), schema="identity")
    op.create_foreign_key(
        "fk_judgement_bulk_id_bulk", "judgement", "bulk", ["bulk_id"], ["bulk_id"],
        source_schema="identity", referent_schema="identity",
    )  # fmt: skip
    op.create_index(
        "ix_judgement_bulk_id",
        "judgement",
        ["bulk_id"],
        schema="identity",
        postgresql_where=sa.text("bulk_id IS NOT NULL"),
    )
    op.create_index("ix_judgement_author_made_at", "judgement", ["author", "made_at"], schema="identity")


def downgrade() -> None:
    op.drop_table("saved_filter", schema="ops")
    op.drop_index("ix_judgement_author_made_at", table_name="judgement", schema="identity")
    op.drop_column("judgement", "bulk_id", schema="identity")
    for table in ("bulk", "question", "claim", "waiting_pair"):
        op.drop_table(table, schema="identity")
