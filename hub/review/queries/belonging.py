"""Why each source record belongs to its customer: who said so, or which evidence."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

_QUERY = """
WITH member AS MATERIALIZED (
    SELECT party_id, ref, source, department, name, email, deleted_at FROM canonical.party
    WHERE ref = ANY(:refs)
),
tied AS (
    SELECT j.party_a, j.party_b,
           CASE WHEN j.author_kind = 'person' THEN 'person' ELSE 'source' END AS tie,
           j.author, j.reason, j.made_at, j.judgement_id, CAST(NULL AS float) AS probability
    FROM member a JOIN identity.judgement j ON j.party_a = a.party_id
    JOIN member b ON b.party_id = j.party_b
    WHERE j.verdict = 'same' AND j.ended_at IS NULL
    UNION ALL
    SELECT p.party_a, p.party_b, 'model', p.model_version, NULL, p.scored_at, NULL, p.probability
    FROM member a JOIN identity.pair p ON p.party_a = a.party_id
    JOIN member b ON b.party_id = p.party_b WHERE p.band = 'same'
),
ends AS (
    SELECT party_a AS party_id, party_b AS other_id, tied.* FROM tied
    UNION ALL
    SELECT party_b, party_a, tied.* FROM tied
),
strongest AS (
    SELECT DISTINCT ON (party_id) * FROM ends
    ORDER BY party_id, tie = 'model', tie = 'source', probability DESC NULLS LAST, made_at, other_id
)
SELECT m.*, x.since, s.tie, s.other_id, o.ref AS other_ref, s.author, s.reason, s.made_at,
       s.probability, s.judgement_id
FROM member m
LEFT JOIN golden.crosswalk_row x ON x.ref = m.ref AND x.until IS NULL AND x.golden_id = :id
LEFT JOIN strongest s USING (party_id)
LEFT JOIN member o ON o.party_id = s.other_id
ORDER BY m.department, m.source, m.ref
"""


def reasons(connection: Connection, golden_id: uuid.UUID, refs: Sequence[str]) -> Sequence[Row[Any]]:
    """One row per source record of a customer, by department and source.

    party_id, ref, source, department, name, email, deleted_at, since (the moment since which it is published under
    this customer), and the strongest tie to another record of it: a person's word, else the source's own, else the
    model's best pair. `tie` is person, source, model, or None where no tie is left; other_id, other_ref, author,
    reason, made_at, probability and judgement_id tell of it.
    """
    return connection.execute(text(_QUERY), {"id": golden_id, "refs": list(refs)}).all()
