"""Schema `quality`: what the checks saw, and the flags they raise on opportunities."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, JsonList, Moment

SCHEMA = {"schema": "quality"}


class CheckResult(Base):
    """The outcome of one expectation in one run. `examples` holds refs or ids of failing rows, never their values."""

    __tablename__ = "check_result"
    __table_args__ = (
        CheckConstraint("severity IN ('warning', 'critical')", name="severity"),
        Index(None, "run_id"),
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
    examples: Mapped[JsonList]
    as_of: Mapped[Moment]
    checked_at: Mapped[Arrived]


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
