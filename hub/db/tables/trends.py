"""Schemas `quality` and `ops`: figures day by day, what they are made of, and the ledgers of supply and benefit."""

import datetime as dt
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Moment, Money

SCHEMA = {"schema": "quality"}
OPS = {"schema": "ops"}


class DailyFigure(Base):
    """A figure of a day; the department `all` stands for the whole hub.

    Figures of the state then are as the last run of the day left them. Figures of what happened on a day follow their
    facts: where one arrives after the day was settled, `first_value` keeps what was told before, since `restated_at`.
    `cases`: how many the value is out of; none where it is a plain count.
    """

    __tablename__ = "daily_figure"
    __table_args__ = (SCHEMA,)

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
    cases: Mapped[int | None]
    first_value: Mapped[int | None]
    restated_at: Mapped[Moment | None]


class FigureChange(Base):
    """Queue, filled by triggers: by how much facts that were written change the figure of a day."""

    __tablename__ = "figure_change"
    __table_args__ = (SCHEMA,)

    queue_id: Mapped[BigId]
    day: Mapped[dt.date]
    department: Mapped[str]
    name: Mapped[str]
    value: Mapped[int]


class FigureState(Base):
    """Up to where the figures have been measured: the day of the last run, and the last entry of the change feed.

    `rules` tells by which rules records were scored; others have all of them scored anew.
    """

    __tablename__ = "figure_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), SCHEMA)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    measured_on: Mapped[dt.date | None]
    sequence: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rules: Mapped[str | None]


class ToScore(Base):
    """Queue, filled by triggers: records that were written, or changed their customer, some of them repeatedly."""

    __tablename__ = "to_score"
    __table_args__ = (SCHEMA,)

    queue_id: Mapped[BigId]
    party_id: Mapped[int] = mapped_column(BigInteger)


class PartyScore(Base):
    """What a living record of a customer adds to the quality scores.

    Of `required` fields `filled` say something, of `checked` values `formed` have the form of their kind. `duplicate`:
    the customer has another record; `repeated`: in the same department.
    """

    __tablename__ = "party_score"
    __table_args__ = (SCHEMA,)

    party_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str]
    department: Mapped[str]
    required: Mapped[int]
    filled: Mapped[int]
    checked: Mapped[int]
    formed: Mapped[int]
    duplicate: Mapped[bool]
    repeated: Mapped[bool]
    updated_on: Mapped[dt.date | None]


class Consistency(Base):
    """Of the published values of a department's customers that several records tell: with how many it agrees."""

    __tablename__ = "consistency"
    __table_args__ = (SCHEMA,)

    department: Mapped[str] = mapped_column(primary_key=True)
    compared: Mapped[int]
    agreeing: Mapped[int]


class Supply(Base):
    """How many published values of a field come from a source; of `contested` ones another record says otherwise.

    Values that a person gave have the source `by hand`.
    """

    __tablename__ = "supply"
    __table_args__ = (SCHEMA,)

    field: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    customers: Mapped[int]
    contested: Mapped[int]


class SourceFreshness(Base):
    """How fresh the living records of a source are, as of `day`: of `records` that tell when they changed, `fresh` ones
    did within `trends.fresh_days`.
    """

    __tablename__ = "source_freshness"
    __table_args__ = (SCHEMA,)

    source: Mapped[str] = mapped_column(primary_key=True)
    department: Mapped[str]
    day: Mapped[dt.date]
    records: Mapped[int]
    fresh: Mapped[int]
    newest_on: Mapped[dt.date | None]


class BenefitFigure(Base):
    """A figure of the benefit ledger as of `day`, beside its start value. `currency` is empty where it is no money.

    A value is missing where there are fewer than `least` cases.
    """

    __tablename__ = "benefit_figure"
    __table_args__ = (SCHEMA,)

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    baseline_day: Mapped[dt.date]
    baseline: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    baseline_cases: Mapped[int]
    now: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    now_cases: Mapped[int]
    least: Mapped[int]


class Baseline(Base):
    """The day that benefit is measured from, where a person set another than that of the first publication."""

    __tablename__ = "baseline"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), SCHEMA)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    day: Mapped[dt.date]


class Cost(Base):
    """What the hub costs, entered by hand: an amount for the days `from_day` to `until_day`, both included."""

    __tablename__ = "cost"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("from_day <= until_day", name="days"),
        OPS,
    )

    cost_id: Mapped[BigId]
    amount: Mapped[Money]
    currency: Mapped[str]
    from_day: Mapped[dt.date]
    until_day: Mapped[dt.date]
    what_for: Mapped[str]
    entered_by: Mapped[str]
    entered_at: Mapped[Arrived]
    removed_at: Mapped[Moment | None]


class UserRating(Base):
    """How many accounts of a role gave a score in a week (its Monday). Whose an answer is, is not kept."""

    __tablename__ = "user_rating"
    __table_args__ = (CheckConstraint("score BETWEEN 1 AND 5", name="score"), OPS)

    week: Mapped[dt.date] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    score: Mapped[int] = mapped_column(primary_key=True)
    answers: Mapped[int]


class RatingAsked(Base):
    """From which day on an account may be asked again for its rating."""

    __tablename__ = "rating_asked"
    __table_args__ = (OPS,)

    name: Mapped[str] = mapped_column(primary_key=True)
    again_on: Mapped[dt.date]


class KeyUse(Base):
    """How many answers a key of the API got in a day, by what they held: `customer`, `provenance`, `facts of sales`."""

    __tablename__ = "key_use"
    __table_args__ = (OPS,)

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    key_name: Mapped[str] = mapped_column(primary_key=True)
    fields: Mapped[str] = mapped_column(primary_key=True)
    reads: Mapped[int] = mapped_column(BigInteger)
