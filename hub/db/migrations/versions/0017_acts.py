"""What people did to customers, kept so that it can be taken back, and what waits for a second person.

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_NOW = sa.func.now()


def upgrade() -> None:
    op.create_table(
        "act",
        sa.Column("act_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("did", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.CheckConstraint("kind IN ('merge', 'split', 'judge', 'undo')", name="ck_act_kind"),
        sa.ForeignKeyConstraint(["undoes"], ["identity.act.act_id"], name="fk_act_undoes_act"),
        sa.PrimaryKeyConstraint("act_id", name="pk_act"),
        sa.UniqueConstraint("undoes", name="uq_act_undoes"),
        schema="identity",
    )
    op.create_table(
        "act_judgement",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("party_a", sa.BigInteger(), nullable=False),
        sa.Column("party_b", sa.BigInteger(), nullable=False),
        sa.Column("ended_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["act_id"], ["identity.act.act_id"], name="fk_act_judgement_act_id_act"),
        sa.ForeignKeyConstraint(
            ["ended_id"], ["identity.judgement.judgement_id"], name="fk_act_judgement_ended_id_judgement"
        ),
        sa.ForeignKeyConstraint(
            ["entered_id"], ["identity.judgement.judgement_id"], name="fk_act_judgement_entered_id_judgement"
        ),
        sa.PrimaryKeyConstraint("act_id", "party_a", "party_b", name="pk_act_judgement"),
        schema="identity",
    )
    op.create_index("ix_act_judgement_entered_id", "act_judgement", ["entered_id"], schema="identity")
    op.create_table(
        "act_value",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("attributes", sa.Text(), nullable=False),
        sa.Column("ended_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["act_id"], ["identity.act.act_id"], name="fk_act_value_act_id_act"),
        sa.ForeignKeyConstraint(
            ["ended_id"], ["golden.manual_value.manual_id"], name="fk_act_value_ended_id_manual_value"
        ),
        sa.ForeignKeyConstraint(
            ["entered_id"], ["golden.manual_value.manual_id"], name="fk_act_value_entered_id_manual_value"
        ),
        sa.PrimaryKeyConstraint("act_id", "ref", "attributes", name="pk_act_value"),
        schema="identity",
    )
    op.create_table(
        "proposal",
        sa.Column("proposal_id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("said", postgresql.JSONB(), nullable=False),
        sa.Column("choices", postgresql.JSONB(), nullable=False),
        sa.Column("undoes", sa.BigInteger(), nullable=True),
        sa.Column("proposer", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("shown", postgresql.JSONB(), nullable=False),
        sa.Column("stake", postgresql.JSONB(), nullable=False),
        sa.Column("records", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), server_default=_NOW, nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_why", sa.Text(), nullable=True),
        sa.Column("act_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "status IN ('waiting', 'confirmed', 'refused', 'renewed')", name="ck_proposal_status"
        ),
        sa.ForeignKeyConstraint(["undoes"], ["identity.act.act_id"], name="fk_proposal_undoes_act"),
        sa.ForeignKeyConstraint(["act_id"], ["identity.act.act_id"], name="fk_proposal_act_id_act"),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_proposal"),
        schema="identity",
    )
    op.create_index(
        "uq_proposal_waiting",
        "proposal",
        ["kind", "subject"],
        unique=True,
        schema="identity",
        postgresql_where=sa.text("status = 'waiting'"),
    )
    op.create_index("ix_judgement_party_a", "judgement", ["party_a"], schema="identity")
    # Who lives at the same address, or has a mailbox of the same company.
    op.create_index("ix_party_address", "party", [sa.text("lower(street)"), "postcode"], schema="canonical")
    op.create_index(
        "ix_party_mail_domain", "party", [sa.text("lower(split_part(email, '@', 2))")], schema="canonical"
    )


def downgrade() -> None:
    op.drop_index("ix_party_mail_domain", table_name="party", schema="canonical")
    op.drop_index("ix_party_address", table_name="party", schema="canonical")
    op.drop_index("ix_judgement_party_a", table_name="judgement", schema="identity")
    for table in ("proposal", "act_value", "act_judgement", "act"):
        op.drop_table(table, schema="identity")
