"""The public views of `golden`, the ledger's guard, and the role of readers.

Revision: 0002, after 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

CUSTOMER_COLUMNS = """golden_id, kind, name, given_name, family_name, job_title, email, phone, mobile,
    street, city, region, postcode, country, website, tax_id, birth_date, language, employer_id,
    departments, members, finance, support, marketing, sales, consents, provenance, version, publication"""

VIEWS = {
    "customer": (
        f"SELECT {CUSTOMER_COLUMNS}, valid_from AS updated_at FROM golden.customer_row WHERE valid_to IS NULL",
        "One row per customer as last published. golden_id is stable; a merged id is found in golden.crosswalk and golden.merge_log.",
    ),
    "customer_history": (
        f"SELECT {CUSTOMER_COLUMNS}, valid_from, valid_to FROM golden.customer_row",
        "All versions of all customers; as of a moment: valid_from <= moment AND (valid_to IS NULL OR valid_to > moment).",
    ),
    "crosswalk": (
        """SELECT p.source, p.stream, p.source_id, p.ref, m.golden_id, m.since, m.until
           FROM identity.membership m JOIN canonical.party p USING (party_id)""",
        "Which customer each source record belongs to (until IS NULL) and belonged to.",
    ),
    "merge_log": (
        """SELECT lineage_id, event, golden_id, other_golden_id, reason, happened_at FROM identity.lineage
           WHERE event IN ('merged', 'split')""",
        "Every merge (golden_id went into other_golden_id) and split (other_golden_id came out of golden_id).",
    ),
    "opportunity": (
        """SELECT ref, golden_id, name, stage, status, amount, currency, close_date, owner_name, flags, publication
           FROM golden.opportunity_row""",
        "Published opportunities with their customer and the hygiene flags that are open.",
    ),
}

LEDGER_GUARD = """
CREATE FUNCTION identity.guard_judgement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.ended_by IS NOT NULL
        AND (NEW.judgement_id, NEW.party_a, NEW.party_b, NEW.verdict, NEW.author_kind, NEW.author, NEW.reason, NEW.made_at)
          = (OLD.judgement_id, OLD.party_a, OLD.party_b, OLD.verdict, OLD.author_kind, OLD.author, OLD.reason, OLD.made_at)
    THEN RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: a judgement can only be ended, once'
        USING HINT = 'add a judgement instead; undoing one ends it and is logged';
END $$;
CREATE TRIGGER guard BEFORE UPDATE OR DELETE ON identity.judgement
    FOR EACH ROW EXECUTE FUNCTION identity.guard_judgement();
"""

# Managed servers may refuse CREATE ROLE to the hub's user; readers are then granted by hand (docs/operations.md).
READER = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'onerecord_reader') THEN CREATE ROLE onerecord_reader NOLOGIN; END IF;
    GRANT USAGE ON SCHEMA golden TO onerecord_reader;
    GRANT SELECT ON golden.customer, golden.customer_history, golden.crosswalk, golden.merge_log, golden.opportunity,
        golden.change, golden.publication TO onerecord_reader;
EXCEPTION WHEN insufficient_privilege OR duplicate_object OR unique_violation THEN
    RAISE NOTICE 'role onerecord_reader was not set up: %', SQLERRM;
END $$;
"""


def upgrade() -> None:
    for name, (query, comment) in VIEWS.items():
        op.execute(f"CREATE VIEW golden.{name} AS {query}")
        op.execute(f"COMMENT ON VIEW golden.{name} IS '{comment}'")
    op.execute(LEDGER_GUARD)
    op.execute(READER)


def downgrade() -> None:
    op.execute("DROP TRIGGER guard ON identity.judgement")
    op.execute("DROP FUNCTION identity.guard_judgement()")
    for name in reversed(VIEWS):
        op.execute(f"DROP VIEW golden.{name}")
