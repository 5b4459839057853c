"""Figures day by day: how many records there are, how many have a duplicate, how many pairs wait, by department."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

EVERYWHERE = "all"  # the department that stands for the whole hub
FIGURES = ("records", "duplicates", "waiting")

# A record counts as a duplicate where another one is the same customer.
_MEASURE = """
    WITH live AS (
        SELECT p.department, count(*) OVER (PARTITION BY m.golden_id) AS together
        FROM canonical.party p JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
        WHERE p.deleted_at IS NULL
    ), waiting AS (
        SELECT departments FROM identity.waiting_pair
    ), measured (department, records, duplicates, waiting) AS (
        SELECT department, count(*), count(*) FILTER (WHERE together > 1), 0 FROM live GROUP BY department
        UNION ALL
        SELECT :everywhere, count(*), count(*) FILTER (WHERE together > 1), 0 FROM live
        UNION ALL
        SELECT department, 0, 0, count(*)
        FROM waiting, LATERAL (SELECT DISTINCT unnest(departments)) AS concerned (department) GROUP BY department
        UNION ALL
        SELECT :everywhere, 0, 0, count(*) FROM waiting
    )
    INSERT INTO quality.daily_figure (day, department, name, value)
    SELECT :day, department, name, sum(value)
    FROM measured, LATERAL (VALUES ('records', records), ('duplicates', duplicates), ('waiting', waiting))
        AS figure (name, value)
    GROUP BY department, name
    ON CONFLICT (day, department, name) DO UPDATE SET value = excluded.value"""


def keep(connection: Connection, day: dt.date) -> None:
    """Measure now, and keep it as the figures of `day`; an earlier measure of the same day gives way."""
    connection.execute(text(_MEASURE), {"day": day, "everywhere": EVERYWHERE})


def newest(connection: Connection) -> Sequence[Row[Any]]:
    """The last figures of each department and of the whole: day, department, name, value."""
    return connection.execute(
        text(
            """SELECT DISTINCT ON (department, name) department, name, value, day FROM quality.daily_figure
               ORDER BY department, name, day DESC"""
        )
    ).all()


def since(connection: Connection, first: dt.date, departments: Collection[str]) -> Sequence[Row[Any]]:
    """Day by day from `first` on, in order: day, department, name, value."""
    return connection.execute(
        text(
            """SELECT day, department, name, value FROM quality.daily_figure
               WHERE day >= :first AND department = ANY(:departments) ORDER BY day, department"""
        ),
        {"first": first, "departments": list(departments)},
    ).all()
