"""What each record adds to the quality scores: kept per record, and computed anew only for records that changed."""

from typing import Any

from sqlalchemy import Connection, text

from hub.golden import placeholders
from hub.sections.trends import TrendsSettings

EMAIL = r"^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:].]+$"
# E.164 allows 15 digits; below 7 nobody is reached from outside.
PHONE = r"^[+]?([^0-9a-zA-Z]*[0-9]){7,15}[^0-9a-zA-Z]*$"
FORMS = {
    "email": "p.email ~ :email_form",
    "phone": "p.phone ~ :phone_form",
    "mobile": "p.mobile ~ :phone_form",
    "birth_date": "p.birth_date BETWEEN '1900-01-01' AND CAST(p.arrived_at AS date)",
}


def _says(column: str) -> str:
    """Whether a column of the party `p` holds something that is no placeholder."""
    if column == "birth_date":
        return "p.birth_date IS NOT NULL"
    if column == "phone":
        return f"({_text('p.phone')} OR {_text('p.mobile')})"
    return _text(f"p.{column}")


def _text(value: str) -> str:
    kept = f"coalesce({value}, '')"
    return f"(btrim({kept}, :nothing) <> '' AND lower(btrim({kept})) <> ALL(:placeholders))"


def _many(conditions: list[str]) -> str:
    return " + ".join(f"CAST({condition} AS int)" for condition in conditions)


def _score(required: dict[str, tuple[str, ...]]) -> str:
    """The statement that scores the records of the temporary table `scored`."""
    wanted = " ".join(f"WHEN '{kind}' THEN {len(columns)}" for kind, columns in required.items())
    filled = " ".join(f"WHEN '{kind}' THEN {_many([_says(c) for c in cs])}" for kind, cs in required.items())
    checked = _many([f"p.{column} IS NOT NULL" for column in FORMS])
    formed = _many([f"coalesce({form}, false)" for form in FORMS.values()])
    return f"""
        INSERT INTO quality.party_score AS old (party_id, source, department, required, filled, checked, formed,
                                                duplicate, repeated, updated_on)
        SELECT p.party_id, p.source, p.department, CASE p.kind {wanted} END, CASE p.kind {filled} END,
               {checked}, {formed}, s.together > 1, s.beside > 1,
               CAST(p.source_updated_at AT TIME ZONE 'UTC' AS date)
        FROM canonical.party p JOIN living s USING (party_id)
        ON CONFLICT (party_id) DO UPDATE SET source = excluded.source, department = excluded.department,
            required = excluded.required, filled = excluded.filled, checked = excluded.checked,
            formed = excluded.formed, duplicate = excluded.duplicate, repeated = excluded.repeated,
            updated_on = excluded.updated_on"""


# Whoever leaves or joins a customer changes what the other records of it are: these are scored along.
_TAKE = (
    """CREATE TEMP TABLE taken ON COMMIT DROP AS
       WITH gone AS (DELETE FROM quality.to_score RETURNING party_id) SELECT DISTINCT party_id FROM gone""",
    "ANALYZE taken",
    """CREATE TEMP TABLE scored ON COMMIT DROP AS
       SELECT party_id FROM taken
       UNION
       SELECT beside.party_id
       FROM taken JOIN identity.membership m USING (party_id)
       JOIN identity.membership beside ON beside.golden_id = m.golden_id AND beside.until IS NULL""",
    "ANALYZE scored",
    """CREATE TEMP TABLE living ON COMMIT DROP AS
       WITH customers AS (
           SELECT DISTINCT m.golden_id FROM scored JOIN identity.membership m USING (party_id) WHERE m.until IS NULL
       )
       SELECT p.party_id, count(*) OVER (PARTITION BY m.golden_id) AS together,
              count(*) OVER (PARTITION BY m.golden_id, p.department) AS beside
       FROM customers JOIN identity.membership m ON m.golden_id = customers.golden_id AND m.until IS NULL
       JOIN canonical.party p ON p.party_id = m.party_id AND p.deleted_at IS NULL""",
    "ANALYZE living",
    """DELETE FROM quality.party_score WHERE party_id IN (
           SELECT party_id FROM scored EXCEPT SELECT party_id FROM living)""",
)


def refresh(connection: Connection, settings: TrendsSettings) -> int:
    """Empty the queue quality.to_score; returns how many records were scored.

    Where the required fields are others than before, all records are scored anew.
    """
    required = {"person": settings.required_person, "organization": settings.required_organization}
    rules = repr(required)
    known = connection.execute(text("SELECT rules FROM quality.figure_state")).scalar_one_or_none()
    if known != rules:
        connection.execute(text("INSERT INTO quality.to_score (party_id) SELECT party_id FROM canonical.party"))
        connection.execute(
            text(
                """INSERT INTO quality.figure_state (id, rules) VALUES (1, :rules)
                   ON CONFLICT (id) DO UPDATE SET rules = excluded.rules"""
            ),
            {"rules": rules},
        )
    for step in _TAKE:
        connection.execute(text(step))
    scored = connection.execute(text(_score(dict(required))), _PARAMETERS).rowcount
    connection.execute(text("DROP TABLE taken, scored, living"))
    connection.execute(text("ANALYZE quality.party_score"))
    return scored


_PARAMETERS: dict[str, Any] = {
    "nothing": placeholders.NOTHING,
    "placeholders": sorted(placeholders.WORDS),
    "email_form": EMAIL,
    "phone_form": PHONE,
}
