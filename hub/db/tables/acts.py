"""Schema `identity`: what people did to customers, kept so that it can be taken back, and what waits for a second."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, JsonList, Moment

SCHEMA = {"schema": "identity"}
ACT = "identity.act.act_id"
JUDGEMENT = "identity.judgement.judgement_id"
MANUAL = "golden.manual_value.manual_id"


class Act(Base):
    """A merge, a split, a judgement with values, or the undoing of one: what it did (`did`) is counts and ids."""

    __tablename__ = "act"
    __table_args__ = (CheckConstraint("kind IN ('merge', 'split', 'judge', 'undo')", name="kind"), SCHEMA)

    act_id: Mapped[BigId]
    kind: Mapped[str]
    subject: Mapped[str]
    author: Mapped[str]
    reason: Mapped[str]
    confirmed_by: Mapped[str | None]
    undoes: Mapped[int | None] = mapped_column(ForeignKey(ACT), unique=True)
    did: Mapped[Json]
    made_at: Mapped[Arrived]


class ActJudgement(Base):
    """A pair of which an act changed what a person says: the judgement that it ended, and the one that it entered."""

    __tablename__ = "act_judgement"
    __table_args__ = (SCHEMA,)

    act_id: Mapped[int] = mapped_column(ForeignKey(ACT), primary_key=True)
    party_a: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    party_b: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ended_id: Mapped[int | None] = mapped_column(ForeignKey(JUDGEMENT))
    entered_id: Mapped[int | None] = mapped_column(ForeignKey(JUDGEMENT), index=True)


class ActValue(Base):
    """A group of a record's values that an act changed: the manual value that it ended, and the one that it entered."""

    __tablename__ = "act_value"
    __table_args__ = (SCHEMA,)

    act_id: Mapped[int] = mapped_column(ForeignKey(ACT), primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    attributes: Mapped[str] = mapped_column(primary_key=True)
    ended_id: Mapped[int | None] = mapped_column(ForeignKey(MANUAL))
    entered_id: Mapped[int | None] = mapped_column(ForeignKey(MANUAL))


class Proposal(Base):
    """What one person wants done and a second must confirm.

    `said`: [[ref, ref, verdict], ...]. `choices`: group of attributes -> the record whose values are chosen. `shown`
    and `digest`: what its proposer saw; where it is something else by now it cannot be confirmed. `stake`: money per
    currency.
    """

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint("status IN ('waiting', 'confirmed', 'refused', 'renewed')", name="status"),
        Index("uq_proposal_waiting", "kind", "subject", unique=True, postgresql_where=text("status = 'waiting'")),
        SCHEMA,
    )

    proposal_id: Mapped[BigId]
    kind: Mapped[str]
    subject: Mapped[str]
    said: Mapped[JsonList]
    choices: Mapped[Json]
    undoes: Mapped[int | None] = mapped_column(ForeignKey(ACT))
    proposer: Mapped[str]
    reason: Mapped[str]
    digest: Mapped[str]
    shown: Mapped[Json]
    stake: Mapped[Json]
    records: Mapped[int]
    status: Mapped[str] = mapped_column(server_default="waiting")
    proposed_at: Mapped[Arrived]
    closed_at: Mapped[Moment | None]
    closed_by: Mapped[str | None]
    closed_why: Mapped[str | None]
    act_id: Mapped[int | None] = mapped_column(ForeignKey(ACT))
