"""The published opportunities: whose they are, and the hygiene flags on them that are no longer their owner's alone."""

import datetime as dt

from sqlalchemy import Connection, text

from hub.db.tables import golden

COLUMNS = tuple(column.name for column in golden.OpportunityRow.__table__.columns if column.name != "publication")
_NAMES = ", ".join(COLUMNS)

# What changed since the last publication, and what hangs on a record whose customer this one changed. Entries that come
# after this statement stay for the next publication.
_TAKE = """
WITH queued AS (DELETE FROM golden.to_publish_opportunity RETURNING ref),
moved AS (
    SELECT x.ref FROM taken JOIN golden.crosswalk_row x USING (golden_id) WHERE :moment IN (x.since, x.until)
)
INSERT INTO looked_at (ref)
SELECT ref FROM queued
UNION SELECT o.ref FROM moved JOIN canonical.opportunity o ON o.party_ref = moved.ref
UNION SELECT o.ref FROM moved JOIN canonical.opportunity o ON o.contact_ref = moved.ref
"""
_PRESENT = """
SELECT o.ref, coalesce(organization.golden_id, contact.golden_id) AS golden_id, o.name, o.stage, o.status, o.amount,
       o.currency, o.close_date, o.owner_name, coalesce(f.rules, '{}') AS flags
FROM looked_at JOIN canonical.opportunity o USING (ref)
LEFT JOIN golden.crosswalk_row organization ON organization.ref = o.party_ref AND organization.until IS NULL
LEFT JOIN golden.crosswalk_row contact ON contact.ref = o.contact_ref AND contact.until IS NULL
LEFT JOIN LATERAL (
    SELECT array_agg(rule ORDER BY rule) AS rules FROM quality.flag
    WHERE opportunity_ref = o.ref AND public
) f ON true
WHERE o.deleted_at IS NULL
"""


def refresh(connection: Connection, publication: int, moment: dt.datetime) -> int:
    """Bring golden.opportunity_row to what canonical, crosswalk and flags say; returns how many rows that changed.

    Rows that stay as they are keep the publication that wrote them. An opportunity names its organization's customer,
    else its contact's, as they are published: a consumer never meets an id that it does not know. Costs what changed:
    triggers queue every opportunity that is written or flagged. Must run after the customers of this publication, those
    in the temporary table `taken`, and their crosswalk are written at `moment`.
    """
    connection.execute(text("CREATE TEMP TABLE looked_at (ref text PRIMARY KEY) ON COMMIT DROP"))
    connection.execute(text(_TAKE), {"moment": moment})
    connection.execute(text("ANALYZE looked_at"))
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
            """DELETE FROM golden.opportunity_row o USING looked_at l
               WHERE o.ref = l.ref AND NOT EXISTS (SELECT 1 FROM present p WHERE p.ref = o.ref)"""
        )
    ).rowcount
    return written + removed
