"""Schema `quality`: what the checks saw, the flags they raise on opportunities, and figures day by day."""

import datetime as dt

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment

SCHEMA = {"schema": "quality"}


class CheckResult(Base):
    """The outcome of one check in one run.

    `looks_at` is the `schema.table` that it checks. `waivable`: whether a person may let a failure pass. `state` is a
    digest of what failed: another one is another failure.
    """

    __tablename__ = "check_result"
    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        Index(None, "run_id"),
        Index(None, "suite", "name", "check_result_id"),
        SCHEMA,
    )

    check_result_id: Mapped[BigId]
    run_id: Mapped[str]
    suite: Mapped[str]
    name: Mapped[str]
    severity: Mapped[str]
    passed: Mapped[bool]
    checked: Mapped[int | None]
    failed: Mapped[int | None]
    description: Mapped[str] = mapped_column(server_default="")
    looks_at: Mapped[str] = mapped_column(server_default="")
    waivable: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[str] = mapped_column(server_default="")
    as_of: Mapped[Moment]
    checked_at: Mapped[Arrived]


class FailingRow(Base):
    """A row that a check found wrong: its ref or id, never its values. The first so many of each, in order."""

    __tablename__ = "failing_row"
    __table_args__ = (SCHEMA,)

    check_result_id: Mapped[int] = mapped_column(
        ForeignKey("quality.check_result.check_result_id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str]


class Waiver(Base):
    """A person lets one failed check of one held run pass: for the releases of that run, as long as `state` holds."""

    __tablename__ = "waiver"
    __table_args__ = (UniqueConstraint("run_id", "suite", "name"), SCHEMA)

    waiver_id: Mapped[BigId]
    run_id: Mapped[str] = mapped_column(ForeignKey("ops.run.run_id"))
    suite: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]
    author: Mapped[str]
    reason: Mapped[str]
    made_at: Mapped[Arrived]


class FillRate(Base):
    """How many live rows of a stream had something in a field, in one run. `field` is `table.column`."""

    __tablename__ = "fill_rate"
    __table_args__ = (SCHEMA,)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    stream: Mapped[str] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(primary_key=True)
    rows: Mapped[int]
    filled: Mapped[int]


class DataDocs(Base):
    """The page that Great Expectations writes of a suite, as the last run that evaluated it left it."""

    __tablename__ = "data_docs"
    __table_args__ = (SCHEMA,)

    suite: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    page: Mapped[str]
    made_at: Mapped[Arrived]


class Flag(Base):
    """Something about one opportunity that its owner should look at. Reopened flags keep their first_seen."""

    __tablename__ = "flag"
    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        SCHEMA,
    )

    opportunity_ref: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    severity: Mapped[str]
    evidence: Mapped[Json]
    first_seen: Mapped[Moment]
    last_seen: Mapped[Moment]
    resolved_at: Mapped[Moment | None]


class DailyFigure(Base):
    """A figure as the last run of a day left it; the department `all` stands for the whole hub."""

    __tablename__ = "daily_figure"
    __table_args__ = (SCHEMA,)

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    department: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[int]
