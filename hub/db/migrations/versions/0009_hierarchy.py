"""An organization tells which organization it belongs to.

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A view can be given columns at its end only.
CUSTOMER_COLUMNS = """golden_id, kind, name, given_name, family_name, job_title, email, phone, mobile,
    street, city, region, postcode, country, website, tax_id, birth_date, language, employer_id,
    departments, members, finance, support, marketing, sales, consents, provenance, version, publication"""
CUSTOMER = f"SELECT {CUSTOMER_COLUMNS}, valid_from AS updated_at{{more}} FROM golden.customer_row WHERE valid_to IS NULL"
HISTORY = f"SELECT {CUSTOMER_COLUMNS}, valid_from, valid_to{{more}} FROM golden.customer_row"


def upgrade() -> None:
    for table in ("composed_customer", "customer_row"):
        op.add_column(table, sa.Column("parent_id", sa.Uuid(), nullable=True), schema="golden")
    op.create_index(
        "ix_customer_row_parent", "customer_row", ["parent_id"], schema="golden",
        postgresql_where="valid_to IS NULL AND parent_id IS NOT NULL",
    )  # fmt: skip
    op.create_index("ix_party_parent_ref", "party", ["parent_ref"], schema="canonical")
    op.execute("CREATE OR REPLACE VIEW golden.customer AS " + CUSTOMER.format(more=", parent_id"))
    op.execute("CREATE OR REPLACE VIEW golden.customer_history AS " + HISTORY.format(more=", parent_id"))


def downgrade() -> None:
    comments = {
        name: op.get_bind().exec_driver_sql(f"SELECT obj_description('golden.{name}'::regclass)").scalar_one()
        for name in ("customer", "customer_history")
    }
    for name, query in (("customer", CUSTOMER), ("customer_history", HISTORY)):
        op.execute(f"DROP VIEW golden.{name}")
        op.execute(f"CREATE VIEW golden.{name} AS {query.format(more='')}")
        op.execute(f"COMMENT ON VIEW golden.{name} IS '{comments[name]}'")
        op.execute(f"GRANT SELECT ON golden.{name} TO onerecord_reader")
    op.drop_index("ix_party_parent_ref", "party", schema="canonical")
    op.drop_index("ix_customer_row_parent", "customer_row", schema="golden")
    for table in ("composed_customer", "customer_row"):
        op.drop_column(table, "parent_id", schema="golden")
