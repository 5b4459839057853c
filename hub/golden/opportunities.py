"""The published opportunities: whose they are, and the hygiene flags that are open on them."""

from sqlalchemy import Connection, text

from hub.db.tables import golden

COLUMNS = tuple(column.name for column in golden.OpportunityRow.__table__.columns if column.name != "publication")
_NAMES = ", ".join(COLUMNS)

_HOME = """(canonical.party {0}_party
    JOIN identity.membership {0} ON {0}.party_id = {0}_party.party_id AND {0}.until IS NULL
    JOIN golden.customer_row {0}_row ON {0}_row.golden_id = {0}.golden_id AND {0}_row.valid_to IS NULL
)"""
_PRESENT = f"""
SELECT o.ref, coalesce(organization.golden_id, contact.golden_id) AS golden_id, o.name, o.stage, o.status, o.amount,
       o.currency, o.close_date, o.owner_name, coalesce(f.rules, '{{}}') AS flags
FROM canonical.opportunity o
LEFT JOIN {_HOME.format("organization")} ON organization_party.ref = o.party_ref
LEFT JOIN {_HOME.format("contact")} ON contact_party.ref = o.contact_ref
LEFT JOIN (
    SELECT opportunity_ref, array_agg(rule ORDER BY rule) AS rules FROM quality.flag
    WHERE resolved_at IS NULL GROUP BY opportunity_ref
) f ON f.opportunity_ref = o.ref
WHERE o.deleted_at IS NULL
"""


def refresh(connection: Connection, publication: int) -> int:
    """Bring golden.opportunity_row to what canonical, identity and flags say; returns how many rows that changed.

    Rows that stay as they are keep the publication that wrote them. An opportunity names its organization's customer,
    else its contact's, and only one that is published now: a consumer never meets an id that it does not know.
    Must run after the customers of this publication are written.
    """
    connection.execute(text(f"CREATE TEMP TABLE present ON COMMIT DROP AS {_PRESENT}"))
    connection.execute(text("ANALYZE present"))
    written = connection.execute(
        text(
            f"""INSERT INTO golden.opportunity_row AS old ({_NAMES}, publication)
                SELECT {_NAMES}, :number FROM present
                ON CONFLICT (ref) DO UPDATE
                SET {", ".join(f"{name} = excluded.{name}" for name in COLUMNS)}, publication = excluded.publication
                WHERE ({", ".join(f"old.{name}" for name in COLUMNS)})
                    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in COLUMNS)})"""
        ),
        {"number": publication},
    ).rowcount
    removed = connection.execute(
        text(
            """DELETE FROM golden.opportunity_row o
               WHERE NOT EXISTS (SELECT 1 FROM present p WHERE p.ref = o.ref)"""
        )
    ).rowcount
    return written + removed
