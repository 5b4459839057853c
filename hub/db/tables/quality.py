"""Schema `quality`: what the checks saw, flags, and what they are judged by."""

import datetime as dt
import uuid

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment, Money

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
    """Something that somebody should look at. Reopened flags keep their first_seen.

    Its subject is one of three: an opportunity; a customer, where another department knows what sales does not; or a
    department, where the figure is of all its opportunities.

    `raised_at`: the run's moment when it last opened; a flag that comes back is a new one to its owner. `shared_from`:
    the UTC day from which others than the owner may see it. `public`: the last run found that the window is over and
    the flag neither muted, snoozed nor dismissed; only such flags are published and counted.
    """

    __tablename__ = "flag"
    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        UniqueConstraint("opportunity_ref", "rule", name="uq_flag_opportunity_ref"),
        CheckConstraint("num_nonnulls(opportunity_ref, golden_id, department) = 1", name="subject"),
        UniqueConstraint(
            "opportunity_ref",
            "golden_id",
            "department",
            "rule",
            name="uq_flag_subject",
            postgresql_nulls_not_distinct=True,
        ),
        # Lists are read by severity and id; where most flags are still private, or a rule is asked for, the others are
        # passed over in the index. `public` is in none, so that it turns without a new entry in each.
        Index(
            "ix_flag_open", "severity", "flag_id", "shared_from", "rule", postgresql_where=text("resolved_at IS NULL")
        ),
        Index(
            "ix_flag_department",
            "severity",
            "flag_id",
            postgresql_where=text("resolved_at IS NULL AND opportunity_ref IS NULL"),
        ),
        SCHEMA,
    )

    flag_id: Mapped[BigId]
    opportunity_ref: Mapped[str | None]
    golden_id: Mapped[uuid.UUID | None]
    department: Mapped[str | None]
    rule: Mapped[str]
    severity: Mapped[str]
    evidence: Mapped[Json]
    first_seen: Mapped[Moment]
    last_seen: Mapped[Moment]
    resolved_at: Mapped[Moment | None]
    raised_at: Mapped[Moment]
    shared_from: Mapped[dt.date]
    public: Mapped[bool] = mapped_column(server_default="false")


class OpportunitySnapshot(Base):
    """An opportunity as the last run of a day saw it; the next row begins on the day on which it was seen changed.

    The row without valid_to is now. An opportunity that closed or vanished gets no further rows. taken_at is the
    moment of the run that saw this state last on its first day.
    """

    __tablename__ = "opportunity_snapshot"
    __table_args__ = (SCHEMA,)

    opportunity_ref: Mapped[str] = mapped_column(primary_key=True)
    valid_from: Mapped[dt.date] = mapped_column(primary_key=True)
    valid_to: Mapped[dt.date | None]
    taken_at: Mapped[Moment]
    status: Mapped[str]
    stage: Mapped[str]
    amount: Mapped[Money | None]
    close_date: Mapped[dt.date | None]
    next_step: Mapped[str | None]


class Norm(Base):
    """What is usual in a source, learned from its own opportunities, in versions; the row without valid_to is now.

    kind: stage_days (days that won deals spent in `stage`), stage_probability (percent, by which stages are ordered),
    amount (median and mad of the natural logarithm), cycle_days (days from creation to win). An empty stage or segment
    stands for all; a segment is a currency. `deals` tells of how many opportunities; learned_at when it was found last.
    """

    __tablename__ = "norm"
    __table_args__ = (
        CheckConstraint("kind IN ('stage_days', 'stage_probability', 'amount', 'cycle_days')", name="kind"),
        Index(
            "uq_norm_now",
            "kind",
            "source",
            "stage",
            "segment",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
        SCHEMA,
    )

    norm_id: Mapped[BigId]
    kind: Mapped[str]
    source: Mapped[str]
    stage: Mapped[str]
    segment: Mapped[str]
    median: Mapped[float]
    mad: Mapped[float | None]
    deals: Mapped[int]
    valid_from: Mapped[Moment]
    valid_to: Mapped[Moment | None]
    learned_at: Mapped[Moment]
