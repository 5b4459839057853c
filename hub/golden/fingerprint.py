"""A fingerprint of everything that is published: equal for hubs that say the same of the same customers."""

from sqlalchemy import Connection, text

# A customer is who its source records are. Golden ids, publications, versions and moments of publishing tell how
# a record came about, not what it says.
_FINGERPRINT = """
WITH customer AS (
    SELECT c.members, to_jsonb(c) - CAST('{golden_id,version,publication,updated_at}' AS text[])
        || jsonb_build_object('employer_id', e.members, 'parent_id', p.members) AS said
    FROM golden.customer c
    LEFT JOIN golden.customer e ON e.golden_id = c.employer_id
    LEFT JOIN golden.customer p ON p.golden_id = c.parent_id
),
opportunity AS (
    SELECT o.ref, jsonb_set(
        to_jsonb(o) - CAST('{publication}' AS text[]), '{golden_id}', coalesce(to_jsonb(c.members), 'null')
    ) AS said
    FROM golden.opportunity o LEFT JOIN golden.customer c USING (golden_id)
),
line AS (
    SELECT 1 AS part, array_to_string(members, ' ') AS place, md5(CAST(said AS text)) AS hash FROM customer
    UNION ALL
    SELECT 2, ref, md5(CAST(said AS text)) FROM opportunity
)
SELECT encode(sha256(convert_to(coalesce(string_agg(hash, '' ORDER BY part, place COLLATE "C"), ''), 'UTF8')), 'hex')
FROM line
"""


def fingerprint(connection: Connection) -> str:
    """SHA-256, in hexadecimal, over all published customers and opportunities.

    Independent of golden ids (a customer is named by its members' refs), of publication numbers and versions, and of
    when anything arrived or was published.
    """
    connection.execute(text("SET LOCAL timezone = 'UTC'"))
    digest: str = connection.execute(text(_FINGERPRINT)).scalar_one()
    return digest
