"""The composed golden records, before they are published. Critical is what would publish a record that is wrong about
who the customer is, that lacks a customer, or that permits what somebody forbade.
"""

from hub.db.tables import golden as tables
from hub.golden.policy import ATTRIBUTES
from hub.model.kinds import PartyKind, Severity
from quality_checks.check import Table

SUITE = "golden"
COMPOSED = Table(SUITE, "golden.composed_customer", key=("golden_id",))
PUBLISHED = Table(SUITE, "golden.customer_row")
TO_COMPOSE = Table(SUITE, "golden.to_compose")
GOLDEN_ID = Table(SUITE, "identity.golden_id")
JUDGEMENT = Table(SUITE, "identity.judgement")
PARTY = Table(SUITE, "canonical.party")

_MEMBER = """
    member AS (SELECT m.golden_id, p.party_id, p.ref, p.kind, p.deleted_at, p.merged_into_ref
               FROM identity.membership m JOIN canonical.party p USING (party_id)
               WHERE m.until IS NULL)"""

# Whom people merged, took apart or judged since the golden records were composed: what is composed of them is told as
# it was then, and the next publication tells what became of them.
_WAITING = """
    waiting AS (SELECT golden_id FROM golden.to_compose
                UNION SELECT m.golden_id FROM identity.to_resolve q
                JOIN identity.membership m ON m.party_id = q.party_id AND m.until IS NULL)"""

# A person's word goes before a rule's; see hub.identity.ledger.
_JUDGED = """
    judged AS (SELECT DISTINCT ON (party_a, party_b) judgement_id, party_a, party_b, verdict FROM {batch} AS judgement
               WHERE ended_at IS NULL ORDER BY party_a, party_b, author_kind = 'person' DESC)"""

# What hub.golden.consents promises, told a second time: of one record the latest statement counts, a withdrawal wins a
# tie and outlives its record, a grant ends with it; what a mailbox withdrew holds for all who have it.
_STRICTEST = """
    statement AS (
        SELECT DISTINCT ON (m.golden_id, c.channel, c.purpose, m.ref) m.golden_id, c.channel, c.purpose, c.status
        FROM member m JOIN canonical.consent c ON c.party_ref = m.ref
        WHERE c.status = 'withdrawn' OR (c.deleted_at IS NULL AND m.deleted_at IS NULL AND m.merged_into_ref IS NULL)
        ORDER BY m.golden_id, c.channel, c.purpose, m.ref, c.recorded_at DESC, c.status = 'withdrawn' DESC),
    mailbox AS (
        SELECT mailbox, channel, purpose FROM canonical.consent
        WHERE mailbox IS NOT NULL AND (status = 'withdrawn' OR deleted_at IS NULL) GROUP BY mailbox, channel, purpose
        HAVING max(recorded_at) FILTER (WHERE status = 'withdrawn')
            >= coalesce(max(recorded_at) FILTER (WHERE status = 'granted'), '-infinity')),
    strictest AS (
        SELECT golden_id, channel, purpose, bool_or(status = 'withdrawn') AS withdrawn FROM (
            SELECT * FROM statement
            UNION ALL
            SELECT m.golden_id, b.channel, b.purpose, 'withdrawn'
            FROM member m JOIN mailbox b ON b.mailbox = lower(m.email)) every
        GROUP BY golden_id, channel, purpose)"""

_COLUMNS = {column.name for column in tables.ComposedCustomer.__table__.columns}
_UNTRACED = " OR ".join(
    f"({name} IS NOT NULL AND provenance -> '{name}' ->> 'ref' IS NULL)"
    for name in (*ATTRIBUTES, "employer_id", "parent_id")
    if name in _COLUMNS
)

CHECKS = (
    COMPOSED.column(
        "name_present",
        Severity.CRITICAL,
        "every customer has a name",
        "ExpectColumnValuesToMatchRegex",
        column="name",
        regex="[^[:space:]]",
    ),
    COMPOSED.column(
        "kind_known",
        Severity.CRITICAL,
        "every customer is a person or an organization",
        "ExpectColumnValuesToBeInSet",
        column="kind",
        value_set=[kind.value for kind in PartyKind],
    ),
    COMPOSED.column(
        "email_shape",
        Severity.WARNING,
        "every e-mail address looks like one",
        "ExpectColumnValuesToMatchRegex",
        column="email",
        regex=r"^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:].]+$",
    ),
    COMPOSED.column(
        "tax_id_unique",
        Severity.WARNING,
        "no two customers have the same tax id; if they do, they may be one that was not merged",
        "ExpectColumnValuesToBeUnique",
        column="tax_id",
    ),
    COMPOSED.rows(
        "golden_id_once",
        Severity.CRITICAL,
        "every golden id is composed once",
        "SELECT golden_id AS example FROM {batch} GROUP BY golden_id HAVING count(*) > 1",
    ),
    COMPOSED.rows(
        "golden_id_active",
        Severity.CRITICAL,
        "every composed golden id is in use: not merged away, not retired, not unknown",
        f"""
        WITH {_WAITING}
        SELECT c.golden_id AS example FROM {{batch}} AS c LEFT JOIN identity.golden_id g USING (golden_id)
        WHERE g.status IS DISTINCT FROM 'active' AND c.golden_id NOT IN (SELECT golden_id FROM waiting)""",
    ),
    GOLDEN_ID.rows(
        "every_customer_composed",
        Severity.CRITICAL,
        "every golden id in use that has records is composed; one that is not would be published as gone",
        f"""
        WITH {_MEMBER}, {_WAITING}
        SELECT g.golden_id AS example FROM {{batch}} AS g
        WHERE g.status = 'active' AND g.golden_id IN (SELECT golden_id FROM member EXCEPT SELECT golden_id FROM waiting)
          AND g.golden_id NOT IN (SELECT golden_id FROM {COMPOSED.name})""",
    ),
    PARTY.rows(
        "party_has_customer",
        Severity.CRITICAL,
        "every living party belongs to a customer, or still waits to be matched and resolved; none is lost between",
        """
        SELECT p.ref AS example FROM {batch} AS p
        LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
        WHERE p.deleted_at IS NULL AND m.party_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM canonical.to_match q WHERE q.party_id = p.party_id)
          AND NOT EXISTS (SELECT 1 FROM identity.to_resolve q WHERE q.party_id = p.party_id)""",
    ),
    JUDGEMENT.rows(
        "different_not_bridged",
        Severity.CRITICAL,
        "two parties that were judged different are never one customer",
        f"""
        WITH {_JUDGED}, {_MEMBER}, {_WAITING}
        SELECT j.judgement_id AS example FROM judged j
        JOIN member a ON a.party_id = j.party_a JOIN member b ON b.party_id = j.party_b
        WHERE j.verdict = 'different' AND a.golden_id = b.golden_id
          AND a.golden_id NOT IN (SELECT golden_id FROM waiting)""",
    ),
    COMPOSED.rows(
        "members_belong",
        Severity.CRITICAL,
        "every record that a customer lists as its own belongs to it now; else the record mixes two customers",
        f"""
        WITH {_MEMBER}, {_WAITING}, listed AS (SELECT golden_id, unnest(members) AS ref FROM {{batch}} AS c)
        SELECT DISTINCT l.golden_id AS example FROM listed l
        LEFT JOIN member m ON m.ref = l.ref AND m.golden_id = l.golden_id
        WHERE m.ref IS NULL AND l.golden_id NOT IN (SELECT golden_id FROM waiting)""",
    ),
    COMPOSED.rows(
        "members_complete",
        Severity.CRITICAL,
        "every record of a customer is listed by it; else what it says was composed without that record",
        f"""
        WITH {_MEMBER}, {_WAITING}
        SELECT DISTINCT c.golden_id AS example FROM {{batch}} AS c JOIN member m USING (golden_id)
        WHERE m.ref <> ALL (c.members) AND c.golden_id NOT IN (SELECT golden_id FROM waiting)""",
    ),
    COMPOSED.rows(
        "one_kind",
        Severity.CRITICAL,
        "a customer and all its records are of one kind; a person is never merged with an organization",
        f"""
        WITH {_MEMBER}, {_WAITING}
        SELECT DISTINCT c.golden_id AS example FROM {{batch}} AS c JOIN member m USING (golden_id)
        WHERE m.kind <> c.kind AND c.golden_id NOT IN (SELECT golden_id FROM waiting)""",
    ),
    COMPOSED.rows(
        "consent_not_widened",
        Severity.CRITICAL,
        "a permission to contact is published only where a record grants it and no record of the customer withdrew it",
        f"""
        WITH member AS (
            SELECT c.golden_id, p.ref, p.email, p.deleted_at, p.merged_into_ref
            FROM {COMPOSED.name} c CROSS JOIN LATERAL unnest(c.members) AS listed (ref)
            JOIN {PARTY.name} p USING (ref)),
        {_STRICTEST},
        granted AS (
            SELECT golden_id, consent ->> 'channel' AS channel, consent ->> 'purpose' AS purpose
            FROM {{batch}} AS c CROSS JOIN LATERAL jsonb_array_elements(c.consents) consent
            WHERE consent ->> 'status' = 'granted')
        SELECT DISTINCT golden_id AS example FROM granted LEFT JOIN strictest USING (golden_id, channel, purpose)
        WHERE withdrawn IS NOT FALSE""",
    ),
    COMPOSED.rows(
        "values_traced",
        Severity.CRITICAL,
        "every value that survived says which source record it is from",
        f"SELECT golden_id AS example FROM {{batch}} WHERE {_UNTRACED}",
    ),
    COMPOSED.rows(
        "employer_known",
        Severity.WARNING,
        "every employer that a person has is a composed organization",
        f"""
        SELECT p.golden_id AS example FROM {{batch}} AS p LEFT JOIN {COMPOSED.name} o ON o.golden_id = p.employer_id
        WHERE p.employer_id IS NOT NULL AND o.kind IS DISTINCT FROM 'organization'""",
    ),
    COMPOSED.rows(
        "parent_known",
        Severity.WARNING,
        "every parent that an organization has is another composed organization",
        f"""
        SELECT c.golden_id AS example FROM {{batch}} AS c LEFT JOIN {COMPOSED.name} p ON p.golden_id = c.parent_id
        WHERE c.parent_id IS NOT NULL AND (p.kind IS DISTINCT FROM 'organization' OR p.golden_id = c.golden_id)""",
    ),
    TO_COMPOSE.rows(
        "nothing_left_to_compose",
        Severity.WARNING,
        "no customer changed after it was composed; if one did, the next publication tells",
        "SELECT golden_id AS example FROM {batch}",
    ),
    PUBLISHED.rows(
        "customer_volume",
        Severity.CRITICAL,
        "at most gate.max_drop_share of the published customers would vanish. From 10 on",
        f"""
        WITH {_WAITING},
        gone AS (SELECT golden_id FROM {{batch}} AS r WHERE valid_to IS NULL
                 EXCEPT SELECT golden_id FROM {COMPOSED.name} EXCEPT SELECT golden_id FROM waiting),
        lost AS (SELECT g.golden_id FROM gone g JOIN identity.golden_id i USING (golden_id) WHERE i.status <> 'merged')
        SELECT golden_id AS example FROM lost
        WHERE (SELECT count(*) FROM lost) >= 10 AND (SELECT count(*) FROM lost)
              > :max_drop_share * (SELECT count(*) FROM golden.customer_row WHERE valid_to IS NULL)""",
    ),
    PUBLISHED.rows(
        "id_churn",
        Severity.CRITICAL,
        "at most gate.max_id_churn of the published customers would be merged away or lose a record to another, what "
        "people judged left out of account. From 10 on",
        f"""
        WITH shown AS (SELECT golden_id, unnest(members) AS ref FROM {{batch}} AS r WHERE valid_to IS NULL),
        waiting AS (SELECT golden_id, unnest(members) AS ref FROM {COMPOSED.name}),
        judged AS (
            SELECT p.ref FROM {JUDGEMENT.name} j JOIN {PARTY.name} p ON p.party_id = j.party_a
            WHERE j.author_kind = 'person'
            UNION
            SELECT p.ref FROM {JUDGEMENT.name} j JOIN {PARTY.name} p ON p.party_id = j.party_b
            WHERE j.author_kind = 'person'),
        moved AS (
            SELECT DISTINCT s.golden_id FROM shown s JOIN waiting w ON w.ref = s.ref
            WHERE w.golden_id <> s.golden_id AND s.ref NOT IN (SELECT ref FROM judged))
        SELECT golden_id AS example FROM moved
        WHERE (SELECT count(*) FROM moved) >= 10
          AND (SELECT count(*) FROM moved) > :max_id_churn * (SELECT count(DISTINCT golden_id) FROM shown)""",
    ),
)
