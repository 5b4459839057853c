"""Schema `quality`: what people say of flags, and what follows from it: answers, mutes and digests."""

import datetime as dt

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment

SCHEMA = {"schema": "quality"}


class FlagAnswer(Base):
    """What the owner, or the department, said of a flag; the last one that was not undone counts.

    `evidence` and `raised_at` are those of the flag that was answered: `wrong` holds for as long as the evidence is the
    same, `fixed` and `snooze` for as long as the flag stays open. `as_of` is the moment by the clock of the rules,
    `answered_at` by that of the database. `seen_again_at`: a run that had read the source anew still found the flag.
    """

    __tablename__ = "flag_answer"
    __table_args__ = (
        CheckConstraint("answer IN ('fixed', 'wrong', 'snooze')", name="answer"),
        CheckConstraint("(answer = 'snooze') = (until IS NOT NULL)", name="until"),
        CheckConstraint("answer <> 'wrong' OR reason <> ''", name="reason"),
        Index(None, "flag_id", "answer_id"),
        SCHEMA,
    )

    answer_id: Mapped[BigId]
    flag_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("quality.flag.flag_id"))
    rule: Mapped[str]
    raised_at: Mapped[Moment]
    evidence: Mapped[Json]
    answer: Mapped[str]
    reason: Mapped[str]
    until: Mapped[dt.date | None]
    author: Mapped[str]
    as_of: Mapped[Moment]
    answered_at: Mapped[Arrived]
    seen_again_at: Mapped[Moment | None]
    undone_at: Mapped[Moment | None]


class RuleMute(Base):
    """A rule whose flags are not shown, since too many of them were dismissed: `wrong` of `answers`."""

    __tablename__ = "rule_mute"
    __table_args__ = (
        Index("uq_rule_mute_rule", "rule", unique=True, postgresql_where=text("ended_at IS NULL")),
        SCHEMA,
    )

    mute_id: Mapped[BigId]
    rule: Mapped[str]
    answers: Mapped[int]
    wrong: Mapped[int]
    muted_at: Mapped[Arrived]
    ended_at: Mapped[Moment | None]
    ended_by: Mapped[str | None]
    ended_why: Mapped[str | None]


class Digest(Base):
    """The mail of one day to one person. It is claimed before it is sent; one that was not taken is given up again."""

    __tablename__ = "digest"
    __table_args__ = (SCHEMA,)

    name: Mapped[str] = mapped_column(ForeignKey("ops.account.name"), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    as_of: Mapped[Moment]
    claimed_at: Mapped[Arrived]
    sent_at: Mapped[Moment | None]


class TeamFigure(Base):
    """How the open deals of a group were when the last run ended: of groups that are large enough to be shown.

    The first place is the whole department. `flagged` deals have a shared flag, `critical` a critical one.
    """

    __tablename__ = "team_figure"
    __table_args__ = (SCHEMA,)

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]
    owners: Mapped[int]
    deals: Mapped[int]
    flagged: Mapped[int]
    critical: Mapped[int]


class RuleFigure(Base):
    """How many shared flags of a rule the last run left; rules without one have no row.

    Of the `critical` and `warning` ones, `on_no_deal` are on customers and departments.
    """

    __tablename__ = "rule_figure"
    __table_args__ = (SCHEMA,)

    rule: Mapped[str] = mapped_column(primary_key=True)
    critical: Mapped[int]
    warning: Mapped[int]
    on_no_deal: Mapped[int]
