"""Schemas `identity` and `ops`: the queue of pairs that wait for people, and what people do about them meanwhile."""

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, Text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Moment

SCHEMA = {"schema": "identity"}
PARTY = "canonical.party.party_id"


class WaitingPair(Base):
    """A pair that waits for a person, with all that the queue is filtered and sorted by; see `hub.identity.waiting`.

    `doubt` is how far the probability is from even odds. `departments` and `sources` are those of the two records.
    Value at stake is that of both whole customers, by currency: {"EUR": 12500.0}; `stake` is the largest sum of both
    in one currency, since there are no rates to add currencies up with. `cluster_id` is the smallest party of all that
    waiting pairs tie together, `records` how many these are. `asked`: the department that owes an answer.
    """

    __tablename__ = "waiting_pair"
    __table_args__ = (
        ForeignKeyConstraint(
            ["party_a", "party_b"],
            ["identity.pair.party_a", "identity.pair.party_b"],
            name="fk_waiting_pair_pair",
            ondelete="CASCADE",
        ),
        Index(None, "party_b"),
        Index(None, "cluster_id"),
        Index("ix_waiting_pair_impact", "stake", "party_a", "party_b"),
        Index("ix_waiting_pair_likely", "probability", "party_a", "party_b"),
        Index("ix_waiting_pair_teaching", "doubt", "party_a", "party_b"),
        Index("ix_waiting_pair_oldest", "waiting_since", "party_a", "party_b"),
        Index("ix_waiting_pair_words", "words", postgresql_using="gin"),
        SCHEMA,
    )

    party_a: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    party_b: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str]
    probability: Mapped[float]
    doubt: Mapped[float]
    waiting_since: Mapped[Moment]
    departments: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))
    stake: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    open_opportunities: Mapped[dict[str, Any]] = mapped_column(JSONB)
    open_balance: Mapped[dict[str, Any]] = mapped_column(JSONB)
    words: Mapped[str] = mapped_column(TSVECTOR)
    cluster_id: Mapped[int] = mapped_column(BigInteger)
    records: Mapped[int]
    later_until: Mapped[dt.date | None]
    asked: Mapped[str | None]


class Claim(Base):
    """Who looks at a pair now; others do not judge it until the claim is over."""

    __tablename__ = "claim"
    __table_args__ = (SCHEMA,)

    party_a: Mapped[int] = mapped_column(ForeignKey(PARTY), primary_key=True)
    party_b: Mapped[int] = mapped_column(ForeignKey(PARTY), primary_key=True)
    claimed_by: Mapped[str]
    claimed_until: Mapped[Moment]


class Question(Base):
    """What one department asks another about a pair, and the answer. One at a time per pair."""

    __tablename__ = "question"
    __table_args__ = (
        CheckConstraint("party_a < party_b", name="ordered"),
        Index("uq_question_open", "party_a", "party_b", unique=True, postgresql_where="answered_at IS NULL"),
        Index(None, "party_a", "party_b"),
        SCHEMA,
    )

    question_id: Mapped[BigId]
    party_a: Mapped[int] = mapped_column(ForeignKey(PARTY))
    party_b: Mapped[int] = mapped_column(ForeignKey(PARTY))
    department: Mapped[str]
    question: Mapped[str]
    asked_by: Mapped[str]
    asked_at: Mapped[Arrived]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[Moment | None]


class Bulk(Base):
    """Many judgements that one person made in one act, to be undone as one."""

    __tablename__ = "bulk"
    __table_args__ = (SCHEMA,)

    bulk_id: Mapped[BigId]
    author: Mapped[str]
    reason: Mapped[str]
    pairs: Mapped[int]
    made_at: Mapped[Arrived]


class SavedFilter(Base):
    """A filter of the queue that a person gave a name. `query` is that of the queue's address."""

    __tablename__ = "saved_filter"
    __table_args__ = ({"schema": "ops"},)

    owner: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    query: Mapped[str]
    saved_at: Mapped[Arrived]
