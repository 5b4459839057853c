"""The index of matching: standardised forms and blocking keys, so that a change costs what it touches.

It is filled by the next run of each kind.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KINDS = ("person", "organization")

FORGET = """
CREATE FUNCTION identity.forget_deleted_parties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM identity.blocking_key_person k USING gone WHERE k.party_id = gone.party_id;
    DELETE FROM identity.blocking_key_organization k USING gone WHERE k.party_id = gone.party_id;
    DELETE FROM identity.standardised_person s USING gone WHERE s.party_id = gone.party_id;
    DELETE FROM identity.standardised_organization s USING gone WHERE s.party_id = gone.party_id;
    RETURN NULL;
END $$
"""

# A foreign key would be checked for each of some ten keys per party.
TRIGGER = """
CREATE TRIGGER forget_deleted_parties AFTER DELETE ON canonical.party REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION identity.forget_deleted_parties()
"""


def upgrade() -> None:
    op.create_table(
        "match_index",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("max_block", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_match_index")),
        schema="identity",
    )
    for kind in KINDS:
        _create_index_of(kind)
    op.execute(FORGET)
    op.execute(TRIGGER)


def _create_index_of(kind: str) -> None:
    op.create_table(
        f"blocking_key_{kind}",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "party_id", name=op.f(f"pk_blocking_key_{kind}")),
        schema="identity",
    )
    op.create_table(
        f"standardised_{kind}",
        sa.Column("party_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("party_id", name=op.f(f"pk_standardised_{kind}")),
        schema="identity",
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER forget_deleted_parties ON canonical.party")
    op.execute("DROP FUNCTION identity.forget_deleted_parties()")
    for kind in KINDS:
        op.drop_table(f"standardised_{kind}", schema="identity")
        op.drop_table(f"blocking_key_{kind}", schema="identity")
    op.drop_table("match_index", schema="identity")
