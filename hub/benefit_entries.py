"""What people enter for the benefit ledger: the day it starts from, what the hub costs, and how they rate it."""

import datetime as dt
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, text

from hub.audit import record
from hub.errors import ConfigurationError, NotFoundError
from hub.sections.trends import BenefitSettings

LARGEST = Decimal("9999999999999999.99")
FIRST_DAY, LAST_DAY = dt.date(1970, 1, 1), dt.date(2999, 12, 31)
WHAT_FOR = 200  # characters
SCORES = range(1, 6)


def set_baseline(connection: Connection, day: dt.date, *, today: dt.date, actor: str) -> None:
    """Measure benefit from `day` on instead of the first publication's.

    Raises:
        ConfigurationError: the day has not come yet.
    """
    if not FIRST_DAY <= day <= today:
        raise ConfigurationError(f"the baseline is a day that has been, since 1970; {day} is not")
    connection.execute(
        text(
            "INSERT INTO quality.baseline (id, day) VALUES (1, :day) ON CONFLICT (id) DO UPDATE SET day = excluded.day"
        ),
        {"day": day},
    )
    record(connection, actor, "set baseline", "benefit", details={"day": day.isoformat()})


def add_cost(
    connection: Connection,
    *,
    amount: Decimal,
    currency: str,
    from_day: dt.date,
    until_day: dt.date,
    what_for: str,
    actor: str,
) -> int:
    """Enter what the hub costs for the days `from_day` to `until_day`, both included; returns the entry's number.

    Raises:
        ConfigurationError: something of it cannot be; says what.
    """
    if not amount.is_finite() or not 0 < amount <= LARGEST or amount != round(amount, 2):
        raise ConfigurationError("the amount is a number above zero with at most two decimals, such as 1200.50")
    if re.fullmatch("[A-Z]{3}", currency) is None:
        raise ConfigurationError("the currency is three capital letters, such as EUR")
    if not FIRST_DAY <= from_day <= until_day <= LAST_DAY:
        raise ConfigurationError("the first day comes before the last, or is the same, between 1970 and 2999")
    said = what_for.strip()
    if not 0 < len(said) <= WHAT_FOR or "\x00" in said:
        raise ConfigurationError(f"say what the cost is for, in up to {WHAT_FOR} characters")
    number: int = connection.execute(
        text(
            """INSERT INTO ops.cost (amount, currency, from_day, until_day, what_for, entered_by)
               VALUES (:amount, :currency, :from_day, :until_day, :what_for, :actor) RETURNING cost_id"""
        ),
        {"amount": amount, "currency": currency, "from_day": from_day, "until_day": until_day, "what_for": said,
         "actor": actor},
    ).scalar_one()  # fmt: skip
    record(connection, actor, "add cost", f"cost:{number}", details={"amount": str(amount), "currency": currency})
    return number


def remove_cost(connection: Connection, number: int, *, actor: str) -> None:
    """Take an entry out of the ledger; it stays in the table.

    Raises:
        NotFoundError: there is no such entry, or it was removed.
    """
    removed = connection.execute(
        text("UPDATE ops.cost SET removed_at = now() WHERE cost_id = :number AND removed_at IS NULL"),
        {"number": number},
    )
    if removed.rowcount == 0:
        raise NotFoundError(f"there is no cost entry {number}; `onerecord cost list` tells which there are")
    record(connection, actor, "remove cost", f"cost:{number}")


def costs(connection: Connection) -> Sequence[Row[Any]]:
    """The entries that count, the newest first, with all that was entered."""
    return connection.execute(
        text(
            """SELECT cost_id, amount, currency, from_day, until_day, what_for, entered_by FROM ops.cost
               WHERE removed_at IS NULL ORDER BY from_day DESC, cost_id DESC"""
        )
    ).all()


def is_asked(connection: Connection, name: str, today: dt.date) -> bool:
    """Whether the account may be asked for its rating today."""
    found = connection.execute(text("SELECT again_on FROM ops.rating_asked WHERE name = :name"), {"name": name})
    again_on = found.scalar_one_or_none()
    return again_on is None or again_on <= today


def rate(connection: Connection, name: str, score: int | None, *, today: dt.date, ask_days: int) -> None:
    """Count an account's answer among those of its role and week; None asks it later again.

    Neither the answer nor the audit log says whose it was, nor on which day it was given; a second answer before the
    account is asked again counts nothing.

    Raises:
        ConfigurationError: the score is not 1 to 5.
    """
    if score is not None and score not in SCORES:
        raise ConfigurationError("the answer is a number from 1 to 5")
    asked = connection.execute(
        text(
            """INSERT INTO ops.rating_asked AS old (name, again_on) VALUES (:name, :again_on)
               ON CONFLICT (name) DO UPDATE SET again_on = excluded.again_on WHERE old.again_on <= :today"""
        ),
        {"name": name, "again_on": today + dt.timedelta(days=ask_days), "today": today},
    )
    if score is None or asked.rowcount == 0:
        return
    connection.execute(
        text(
            """INSERT INTO ops.user_rating AS old (week, role, score, answers)
               SELECT CAST(:week AS date), role, CAST(:score AS int), 1 FROM ops.account WHERE name = :name
               ON CONFLICT (week, role, score) DO UPDATE SET answers = old.answers + 1"""
        ),
        {"week": today - dt.timedelta(days=today.weekday()), "score": score, "name": name},
    )


class Rated(NamedTuple):
    """The mean answer of a role at the start and now; both None where they are not told."""

    role: str
    start_answers: int
    now_answers: int
    start: Decimal | None
    now: Decimal | None


_BY_ROLE = """
    WITH counted AS (
        SELECT role, score, answers, week + 6 >= :live_day AND week < :live_day + CAST(:days AS int) AS at_start,
               week + 6 > :today - CAST(:days AS int) AND week <= :today AS by_now
        FROM ops.user_rating)
    SELECT role, coalesce(sum(answers) FILTER (WHERE at_start), 0), coalesce(sum(answers) FILTER (WHERE by_now), 0),
           sum(score * answers) FILTER (WHERE at_start) / CAST(sum(answers) FILTER (WHERE at_start) AS numeric),
           sum(score * answers) FILTER (WHERE by_now) / CAST(sum(answers) FILTER (WHERE by_now) AS numeric)
    FROM counted WHERE at_start OR by_now GROUP BY role ORDER BY role"""


def ratings(connection: Connection, live_day: dt.date, today: dt.date, settings: BenefitSettings) -> list[Rated]:
    """By role the answers of the first days from `live_day` on and of those up to `today`, as the ledger has them."""
    given = {"live_day": live_day, "today": today, "days": settings.first_days}
    rows = [Rated(*row) for row in connection.execute(text(_BY_ROLE), given)]
    told = _told(rows, settings.least_ratings)
    return [row if row in told else row._replace(start=None, now=None) for row in rows]


def _told(rows: Sequence[Rated], least: int) -> list[Rated]:
    """Those with enough answers at the start and now.

    Where the others are few, the smallest of these is left out with them: the mean of all less theirs would tell.
    """
    enough = [row for row in rows if min(row.start_answers, row.now_answers) >= least]
    told = sorted(enough, key=lambda row: -row.now_answers)
    while told and any(0 < rest < least for rest in _rest(rows, told)):
        told.pop()
    return told


def _rest(rows: Sequence[Rated], told: Sequence[Rated]) -> tuple[int, int]:
    others = [row for row in rows if row not in told]
    return sum(row.start_answers for row in others), sum(row.now_answers for row in others)
