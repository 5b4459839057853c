"""Who is close to two customers, and what was judged of two records before."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from dedup.standardise.contact import parse_email
from hub.access import Principal
from hub.model.kinds import Department

MOST = 8
WORDS = {
    "employer": "works for the same company",
    "address": "lives or sits at the same address",
    "mailbox": "has a mailbox of the same company",
    "staff": "works there",
    "group": "belongs to the same group",
}


@dataclass(frozen=True)
class Related:
    """A customer that is close, and why."""

    golden_id: str
    name: str
    kind: str
    why: tuple[str, ...]


# Each reason through an index of its own; the bounds keep a company of thousands from being read whole.
_RELATED = """
    WITH own AS (
        SELECT p.*, m.golden_id FROM canonical.party p
        JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL WHERE p.ref = ANY(:refs)
    ),
    employer AS (
        SELECT DISTINCT other.ref FROM own JOIN canonical.party e ON e.ref = own.employer_ref
        JOIN identity.membership m ON m.party_id = e.party_id AND m.until IS NULL
        JOIN identity.membership om ON om.golden_id = m.golden_id AND om.until IS NULL
        JOIN canonical.party other ON other.party_id = om.party_id
    ),
    found AS (
        (SELECT 'employer' AS why, p.party_id FROM employer JOIN canonical.party p ON p.employer_ref = employer.ref
         LIMIT 200)
        UNION ALL
        (SELECT 'address', p.party_id
         FROM (SELECT DISTINCT lower(street) AS street, postcode FROM own WHERE postcode IS NOT NULL) at
         JOIN canonical.party p ON lower(p.street) = at.street AND p.postcode = at.postcode LIMIT 200)
        UNION ALL
        (SELECT 'mailbox', p.party_id FROM unnest(CAST(:hosts AS text[])) host
         JOIN canonical.party p ON lower(split_part(p.email, '@', 2)) = host LIMIT 200)
        UNION ALL
        (SELECT 'staff', p.party_id FROM own JOIN canonical.party p ON p.employer_ref = own.ref LIMIT 200)
        UNION ALL
        (SELECT 'group', p.party_id FROM own JOIN canonical.party p ON p.parent_ref = own.ref LIMIT 200)
        UNION ALL
        (SELECT 'group', p.party_id FROM own JOIN canonical.party p ON p.ref = own.parent_ref LIMIT 200)
    )
    SELECT CAST(m.golden_id AS text) AS golden_id, min(p.name) AS name, min(p.kind) AS kind,
           array_agg(DISTINCT found.why) AS why
    FROM found JOIN canonical.party p USING (party_id)
    JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
    WHERE p.deleted_at IS NULL AND p.department = ANY(:departments)
      AND m.golden_id NOT IN (SELECT golden_id FROM own)
    GROUP BY m.golden_id ORDER BY count(DISTINCT found.why) DESC, min(p.name), m.golden_id LIMIT :most
"""


def related(connection: Connection, who: Principal, refs: Sequence[str]) -> list[Related]:
    """Customers that are close to those of `refs`, which are all their records; the closest first, at most MOST.

    Only records of departments that `who` answers for are looked at.
    """
    emails = connection.execute(
        text("SELECT email FROM canonical.party WHERE ref = ANY(:refs) AND email IS NOT NULL"), {"refs": list(refs)}
    ).scalars()
    # A mail provider says nothing of who works together; parse_email knows them.
    hosts = sorted({mail.rpartition("@")[2].lower() for mail in emails if (read := parse_email(mail)) and read.work})
    rows = connection.execute(
        text(_RELATED),
        {
            "refs": list(refs),
            "hosts": hosts,
            "departments": [one.value for one in Department if who.answers_for(one)],
            "most": MOST,
        },
    )
    return [Related(row.golden_id, row.name, row.kind, tuple(WORDS[why] for why in row.why)) for row in rows]


def earlier_judgements(connection: Connection, party_a: int, party_b: int) -> Sequence[Row[Any]]:
    """What was said of either record before, of this pair first, then the newest; the last 20."""
    return connection.execute(
        text(
            """SELECT j.judgement_id, j.verdict, j.author, j.author_kind, j.reason, j.made_at, j.ended_at, j.ended_by,
                      a.ref AS a_ref, b.ref AS b_ref, (j.party_a, j.party_b) = (:a, :b) AS of_both
               FROM identity.judgement j
               JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
               WHERE j.party_a IN (:a, :b) OR j.party_b IN (:a, :b)
               ORDER BY (j.party_a, j.party_b) = (:a, :b) DESC, j.judgement_id DESC LIMIT 20"""
        ),
        {"a": min(party_a, party_b), "b": max(party_a, party_b)},
    ).all()
