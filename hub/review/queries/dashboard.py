"""What people decided, counted by week and held against what the model held; never by person."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

# Judgements of people on pairs that concern a department, those taken back since then included: they were work, too.
_CONCERNED = """
    FROM identity.judgement j
    JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
    WHERE j.author_kind = 'person' AND j.made_at >= :first
      AND (a.department = ANY(:departments) OR b.department = ANY(:departments))"""

# The model leans to what is likelier than not.
_BY_WEEK = f"""
    SELECT CAST(date_trunc('week', j.made_at AT TIME ZONE 'UTC') AS date) AS week,
        count(*) FILTER (WHERE j.verdict = 'same') AS same,
        count(*) FILTER (WHERE j.verdict = 'different') AS different,
        count(*) FILTER (WHERE j.verdict = 'unsure') AS unsure,
        count(*) FILTER (WHERE j.verdict <> 'unsure' AND j.probability IS NOT NULL) AS comparable,
        count(*) FILTER (WHERE j.verdict <> 'unsure' AND (j.probability >= 0.5) = (j.verdict = 'same')) AS agreed
    {_CONCERNED} GROUP BY 1 ORDER BY 1"""

_BY_CHANCE = """
    SELECT width_bucket(j.probability, 0, 1.0000001, 10) AS tenth, count(*) AS many,
        count(*) FILTER (WHERE j.verdict = 'same') AS same, avg(j.probability) AS held
    FROM identity.judgement j JOIN canonical.party a ON a.party_id = j.party_a
    WHERE j.author_kind = 'person' AND j.ended_at IS NULL AND j.verdict <> 'unsure' AND j.probability IS NOT NULL
      AND a.kind = :kind
    GROUP BY 1 ORDER BY 1"""

_DAYS_TO_DECIDE = f"""
    SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM j.made_at - p.first_seen_at)) / 86400.0
    {_CONCERNED.replace("WHERE", "JOIN identity.pair p ON p.party_a = j.party_a AND p.party_b = j.party_b WHERE", 1)}
      AND j.made_at >= p.first_seen_at"""


def by_week(connection: Connection, first: dt.date, departments: Collection[str]) -> Sequence[Row[Any]]:
    """Weeks with judgements from `first` on: week (its Monday), same, different, unsure; comparable and agreed.

    `comparable` are those that say same or different of a pair of which the model held something.
    """
    return connection.execute(text(_BY_WEEK), {"first": first, "departments": list(departments)}).all()


def days_to_decide(connection: Connection, first: dt.date, departments: Collection[str]) -> float | None:
    """Median days from finding a pair to its judgement, of judgements from `first` on; None if there are none."""
    found: float | None = connection.execute(
        text(_DAYS_TO_DECIDE), {"first": first, "departments": list(departments)}
    ).scalar_one()
    return found


def by_chance(connection: Connection, kind: str) -> Sequence[Row[Any]]:
    """How people judge pairs by what the model held: tenth (1 to 10), many, same, held (mean probability)."""
    return connection.execute(text(_BY_CHANCE), {"kind": kind}).all()
