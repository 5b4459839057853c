"""Flags: what somebody should look at, since when, and until when it was so."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, text

from hub import clock
from hub.coach import workdays
from hub.coach.following import follow
from hub.db import locks
from hub.settings import Settings
from quality_checks import norms, snapshots
from quality_checks.rules import hygiene
from quality_checks.rules.rule import TODAY


@dataclass(frozen=True)
class FlagReport:
    """How many flags a run opened, opened again, changed in severity or evidence, and resolved; `open` is per rule."""

    opened: int = 0
    reopened: int = 0
    changed: int = 0
    resolved: int = 0
    open: dict[str, int] = field(default_factory=dict)


def _found(rule: hygiene.Rule) -> str:
    subjects = ", ".join(
        f"CAST({'r.ref' if column is rule.about else 'NULL'} AS {type_}) AS {column.value}"
        for column, type_ in _SUBJECTS.items()
    )
    return f"SELECT '{rule.name}' AS rule, r.ref AS subject, {subjects}, r.severity, r.evidence FROM ({rule.select}) r"


_SUBJECTS = {hygiene.Subject.OPPORTUNITY: "text", hygiene.Subject.CUSTOMER: "uuid", hygiene.Subject.DEPARTMENT: "text"}
_NAMES = ", ".join(column.value for column in _SUBJECTS)

# What breaks a rule: the CTE `found` (rule, subject, a column per kind of subject, severity, evidence), which takes
# `hygiene.parameters`.
FOUND = f"""{hygiene.LIVE},
found AS MATERIALIZED (
    {" UNION ALL ".join(_found(rule) for rule in hygiene.RULES)}
)"""

# One statement, so that every rule and the flags of before are seen at the same moment. An open flag's last_seen
# moves once a day, not with every run: a second run on the same day writes nothing.
_FLAG = f"""
WITH {FOUND},
flag AS MATERIALIZED (
    SELECT flag_id, coalesce(opportunity_ref, CAST(golden_id AS text), department) AS subject, rule, severity, evidence,
           last_seen, resolved_at
    FROM quality.flag
),
compared AS MATERIALIZED (
    SELECT n.*, CASE
        WHEN f.rule IS NULL THEN 'opened'
        WHEN f.resolved_at IS NOT NULL THEN 'reopened'
        WHEN (f.severity, f.evidence) IS DISTINCT FROM (n.severity, n.evidence) THEN 'changed'
        WHEN CAST(f.last_seen AT TIME ZONE 'UTC' AS date) < {TODAY} THEN 'seen'
        ELSE 'unchanged' END AS what
    FROM found n LEFT JOIN flag f ON f.subject = n.subject AND f.rule = n.rule
),
written AS (
    INSERT INTO quality.flag AS old
        ({_NAMES}, rule, severity, evidence, first_seen, last_seen, raised_at, shared_from)
    SELECT {_NAMES}, rule, severity, evidence, CAST(:as_of AS timestamptz), CAST(:as_of AS timestamptz),
           CAST(:as_of AS timestamptz),
           CASE WHEN opportunity_ref IS NULL THEN {TODAY} ELSE CAST(:shared_from AS date) END
    FROM compared WHERE what <> 'unchanged'
    ON CONFLICT ({_NAMES}, rule) DO UPDATE SET severity = excluded.severity, evidence = excluded.evidence,
        last_seen = greatest(old.last_seen, excluded.last_seen), resolved_at = NULL,
        raised_at = CASE WHEN old.resolved_at IS NULL THEN old.raised_at ELSE excluded.raised_at END,
        shared_from = CASE WHEN old.resolved_at IS NULL THEN old.shared_from ELSE excluded.shared_from END
),
resolved AS (
    UPDATE quality.flag f SET resolved_at = CAST(:as_of AS timestamptz), public = false
    FROM flag o LEFT JOIN found n ON n.subject = o.subject AND n.rule = o.rule
    WHERE f.flag_id = o.flag_id AND o.resolved_at IS NULL AND n.rule IS NULL
    RETURNING f.rule
)
SELECT what, rule, count(*) AS flags
FROM (SELECT what, rule FROM compared UNION ALL SELECT 'resolved', rule FROM resolved) told
GROUP BY what, rule
"""


def flag_opportunities(engine: Engine, settings: Settings, *, as_of: dt.datetime) -> FlagReport:
    """Bring quality.flag to the moment `as_of`, after today's snapshot is taken and the norms are learned.

    A flag that opens, or opens again, is its owner's alone from now on; one on a customer or a department has no owner,
    and no window. A flag keeps its first_seen when it is reopened. Opportunities that were deleted at their source have
    no open flag. Memberships must be resolved: what finance and sales say differently is told by customer.

    Raises:
        ConfigurationError: hygiene.required_fields names an unknown field.
    """
    parameters = hygiene.parameters(settings.hygiene, as_of)
    with engine.begin() as connection:
        snapshots.take(connection, as_of=as_of)
        norms.learn(connection, parameters)
        locks.alone(connection, "quality.flag")
        report = _flag(
            connection, {**parameters, "shared_from": workdays.shared_from(clock.day(as_of), settings.coach)}
        )
        if report.opened:
            # A first run fills the table, and the planner would take it for empty.
            connection.execute(text("ANALYZE quality.flag"))
        follow(connection, settings.coach, as_of)
        return report


def _flag(connection: Connection, parameters: dict[str, object]) -> FlagReport:
    rows = connection.execute(text(_FLAG), parameters).all()
    per_kind: Counter[str] = Counter()
    still_open: Counter[str] = Counter()
    for row in rows:
        per_kind[row.what] += row.flags
        if row.what != "resolved":
            still_open[row.rule] += row.flags
    return FlagReport(
        opened=per_kind["opened"],
        reopened=per_kind["reopened"],
        changed=per_kind["changed"],
        resolved=per_kind["resolved"],
        open=dict(sorted(still_open.items())),
    )
