"""Published customers by the million, as a publication leaves them: written by sets, for what reads the golden record.

Each customer has one to four source records and the width of one from the sandbox (some 2 KB as JSON). One in ten is
an organization, one in a hundred came with the last publication.
"""

import json
from typing import Any

from sqlalchemy import Connection, Engine, text

# The golden id of customer `n`: as scattered as derived ones.
ID = "CAST(md5(CAST(n AS text)) AS uuid)"
# Of twelve publications, a day apart: the last has one in a hundred, the others as many as each other.
_PUBLICATION = "CASE WHEN n % 100 = 7 THEN 12 ELSE 1 + n % 11 END"
_RECORDS = "1 + (n % 10 > 6)::int + (n % 10 > 8)::int + (n % 30 = 29)::int"
_MOMENT = "2026-11-16T09:30:00+00:00"
_WON = {"rule": "most_complete", "ref": "crm:Contact:@", "losers": []}
_ATTRIBUTES = ("name", "given_name", "family_name", "job_title", "mobile", "street", "city", "postcode", "country")
# @ is the number of the customer.
_JSON: dict[str, Any] = {
    "finance": {
        "overdue": {}, "fresh_at": _MOMENT, "products": [], "open_balance": {"EUR": 1200.50}, "overdue_since": None,
        "lifetime_value": {"EUR": 91200.00}, "last_purchase_at": _MOMENT, "active_subscriptions": 0,
    },
    "support": {
        "tickets": 1, "fresh_at": _MOMENT, "last_rating": None, "open_tickets": 1, "last_rating_at": None,
        "last_ticket_at": _MOMENT, "open_complaints": 1, "median_hours_to_solve": None,
        "last_complaint_solved_at": None,
    },
    "marketing": {
        "touches": 0, "fresh_at": None, "campaigns": [], "last_touch_at": None, "last_declined_at": None,
        "last_response_at": None,
    },
    "sales": {
        "won": 1, "lost": 0, "owner": "Sven Holm", "stages": ["Negotiation"], "fresh_at": _MOMENT, "won_amount": {},
        "last_won_at": None, "open_amount": {"EUR": 37500.00}, "last_lost_at": None, "last_activity_at": _MOMENT,
        "open_opportunities": 2,
    },
    "consents": [{
        "ref": "newsletter:consents:@", "status": "granted", "channel": "email", "purpose": "marketing",
        "recorded_at": _MOMENT,
    }],
    "provenance": dict.fromkeys(_ATTRIBUTES, _WON) | {
        "email": {**_WON, "losers": [{"ref": "helpdesk:users:@", "value": "a.@@analytical.example"}]},
    },
}  # fmt: skip

_CUSTOMERS = f"""
INSERT INTO golden.customer_row (
    golden_id, version, publication, valid_from, kind, name, given_name, family_name, job_title, email, mobile, street,
    city, postcode, country, language, departments, members, content_hash, {", ".join(_JSON)})
SELECT {ID}, 1, {_PUBLICATION}, timestamptz '2026-11-01 06:00:00.123456Z' + interval '1 day' * {_PUBLICATION},
    CASE WHEN n % 10 = 3 THEN 'organization' ELSE 'person' END, 'Ada ' || n || ' Lovelace', 'Ada ' || n, 'Lovelace',
    'Analyst', 'ada.' || n || '@analytical.example', '+4420' || 70000000 + n, n % 300 || ' St James''s Square',
    'London', 'SW1Y ' || n % 10 || 'JH', 'GB', 'en',
    (ARRAY['finance', 'sales', 'support', 'marketing'])[1 + n % 2 : 1 + n % 2 + n % 3],
    (ARRAY['crm:Contact:' || n, 'helpdesk:users:' || n, 'billing:customers:' || n, 'crm:Lead:' || n])[1 : {_RECORDS}],
    md5(CAST(n AS text)),
    {", ".join(f"CAST(replace(:{name}, '@', CAST(n AS text)) AS jsonb)" for name in _JSON)}
FROM generate_series(1, :rows) n
"""

_FILL = (
    f"""INSERT INTO identity.golden_id (golden_id, number, kind)
        SELECT {ID}, n, 'person' FROM generate_series(1, :rows) n""",
    _CUSTOMERS,
    """INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name)
       SELECT ref, split_part(ref, ':', 1), split_part(ref, ':', 2), split_part(ref, ':', 3), kind, 'sales', name
       FROM golden.customer_row, unnest(members) ref""",
    """INSERT INTO golden.crosswalk_row (ref, golden_id, since)
       SELECT ref, golden_id, valid_from FROM golden.customer_row, unnest(members) ref""",
    """INSERT INTO golden.change (sequence, golden_id, version, op, publication, after, happened_at)
       SELECT row_number() OVER (), golden_id, version, 'created', publication, to_jsonb(c), updated_at
       FROM (SELECT * FROM golden.customer LIMIT :changes) c""",
)
_TABLES = "golden.customer_row, golden.crosswalk_row, golden.change, canonical.party, identity.golden_id"


def fill(engine: Engine, rows: int, changes: int) -> None:
    """Publish `rows` customers into an empty, migrated database, and tell the feed of `changes` of them."""
    values = {"rows": rows, "changes": changes, **{name: json.dumps(value) for name, value in _JSON.items()}}
    with engine.begin() as connection:
        for statement in _FILL:
            connection.execute(text(statement), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {_TABLES}"))


def width(connection: Connection) -> int:
    """The mean length of a customer as JSON, in bytes."""
    sample = "SELECT avg(octet_length(CAST(row_to_json(c) AS text))) FROM (SELECT * FROM golden.customer LIMIT 1000) c"
    return int(connection.execute(text(sample)).scalar_one())
