"""Who supplies the golden fields: kept by what each publication changed, so that nothing is counted over all customers.

The change feed tells of every customer what was published before and after. Of those that changed since the last
look, what was before is taken off and what is after is added.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.figures import EVERYWHERE

BY_HAND = "by hand"

_CHANGED = """
    CREATE TEMP TABLE told ON COMMIT DROP AS
    WITH since AS (SELECT coalesce(max(sequence), 0) AS sequence FROM quality.figure_state),
    changed AS (
        SELECT golden_id, min(c.sequence) AS first, max(c.sequence) AS last
        FROM golden.change c, since WHERE c.sequence > since.sequence AND c.sequence <= :newest GROUP BY golden_id
    ), version AS (
        SELECT -1 AS sign, c.before AS customer FROM changed JOIN golden.change c ON c.sequence = changed.first
        UNION ALL
        SELECT 1, c.after FROM changed JOIN golden.change c ON c.sequence = changed.last
    )
    SELECT sign, field, ARRAY(SELECT jsonb_array_elements_text(customer -> 'departments')) AS departments,
           CASE said ->> 'rule' WHEN 'manual' THEN :by_hand ELSE split_part(said ->> 'ref', ':', 1) END AS source,
           said ->> 'rule' NOT IN ('only', 'placeholder') AS compared,
           ARRAY(SELECT DISTINCT split_part(loser ->> 'ref', ':', 1)
                 FROM jsonb_array_elements(said -> 'losers') AS l (loser)) AS others
    FROM version CROSS JOIN LATERAL jsonb_each(customer -> 'provenance') AS p (field, said)"""
_SUPPLY = """
    INSERT INTO quality.supply AS old (field, source, customers, contested)
    SELECT field, source, sum(sign), coalesce(sum(sign) FILTER (WHERE cardinality(others) > 0), 0)
    FROM (SELECT field, source, sign, others FROM told) t GROUP BY field, source
    HAVING sum(sign) <> 0 OR sum(sign) FILTER (WHERE cardinality(others) > 0) <> 0
    ON CONFLICT (field, source) DO UPDATE SET customers = old.customers + excluded.customers,
        contested = old.contested + excluded.contested"""
# A value concerns every department that knows the customer; one disagrees where a record of it says otherwise.
_CONSISTENT = """
    WITH known AS (SELECT DISTINCT source, department FROM quality.party_score),
    held AS (
        SELECT sign, concerned.department, CASE concerned.department
                   WHEN :everywhere THEN cardinality(others) = 0
                   ELSE NOT EXISTS (SELECT 1 FROM known k
                                    WHERE k.source = ANY (others) AND k.department = concerned.department)
               END AS agrees
        FROM told, LATERAL unnest(departments || CAST(:everywhere AS text)) AS concerned (department) WHERE compared
    )
    INSERT INTO quality.consistency AS old (department, compared, agreeing)
    SELECT department, sum(sign), coalesce(sum(sign) FILTER (WHERE agrees), 0) FROM held GROUP BY department
    ON CONFLICT (department) DO UPDATE SET compared = old.compared + excluded.compared,
        agreeing = old.agreeing + excluded.agreeing"""
_FIGURE = """
    INSERT INTO quality.daily_figure (day, department, name, value, cases)
    SELECT :day, department, 'consistent', agreeing, compared FROM quality.consistency
    ON CONFLICT (day, department, name) DO UPDATE SET value = excluded.value, cases = excluded.cases"""
_SEEN = """
    INSERT INTO quality.figure_state AS old (id, sequence) VALUES (1, :newest)
    ON CONFLICT (id) DO UPDATE SET sequence = greatest(old.sequence, excluded.sequence)"""


def follow(connection: Connection, day: dt.date) -> int:
    """Bring quality.supply and the figure `consistent` of `day` to what is published.

    Returns how many values of changed customers were looked at, before and after.
    """
    newest = connection.execute(text("SELECT coalesce(max(sequence), 0) FROM golden.change")).scalar_one()
    values = {"by_hand": BY_HAND, "everywhere": EVERYWHERE, "day": day, "newest": newest}
    looked = connection.execute(text(_CHANGED), values).rowcount
    connection.execute(text("ANALYZE told"))
    for statement in (_SUPPLY, _CONSISTENT, _FIGURE, _SEEN):
        connection.execute(text(statement), values)
    connection.execute(text("DROP TABLE told"))
    return looked


def supplied(connection: Connection) -> Sequence[Row[Any]]:
    """Which source supplies which field to how many customers, the most first; see the view golden.silo_supply."""
    return connection.execute(
        text(
            """SELECT field, department, source, customers, contested, records, fresh, newest_on
               FROM golden.silo_supply ORDER BY field, customers DESC, source"""
        )
    ).all()


def read(connection: Connection, first: dt.date) -> Sequence[Row[Any]]:
    """Who read what from `first` on: kind, reader, department, fields, reads, last_on; the most first."""
    return connection.execute(
        text(
            """SELECT kind, reader, department, fields, sum(reads) AS reads, max(day) AS last_on
               FROM golden.silo_read WHERE day >= :first
               GROUP BY kind, reader, department, fields ORDER BY reads DESC, kind, reader, fields"""
        ),
        {"first": first},
    ).all()


def reads_by_day(connection: Connection, first: dt.date) -> dict[dt.date, int]:
    """How many answers and looks there were on each day from `first` on; days without any are left out."""
    rows = connection.execute(
        text("SELECT day, sum(reads) AS reads FROM golden.silo_read WHERE day >= :first GROUP BY day"), {"first": first}
    )
    return {row.day: int(row.reads) for row in rows}
