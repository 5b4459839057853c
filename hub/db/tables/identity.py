"""Schema `identity`: pairs, judgements, golden ids, who belongs to whom, and how that came about."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, Moment

SCHEMA = {"schema": "identity"}
PARTY = "canonical.party.party_id"
GOLDEN = "identity.golden_id.golden_id"


class MatchModel(Base):
    """A trained matching model: readable parameters and its training report. The newest of a kind is in use."""

    __tablename__ = "match_model"
    __table_args__ = (SCHEMA,)

    version: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    parameters: Mapped[Json]
    report: Mapped[Json]
    trained_at: Mapped[Arrived]


class Pair(Base):
    """Two parties that matching compared and did not put far apart: bands same and review."""

    __tablename__ = "pair"
    __table_args__ = (
        CheckConstraint("party_a < party_b", name="ordered"),
        Index(None, "party_b"),
        Index("ix_pair_review", "probability", postgresql_where=text("band = 'review'")),
        SCHEMA,
    )

    party_a: Mapped[int] = mapped_column(ForeignKey(PARTY), primary_key=True)
    party_b: Mapped[int] = mapped_column(ForeignKey(PARTY), primary_key=True)
    kind: Mapped[str]
    band: Mapped[str]
    weight: Mapped[float]
    probability: Mapped[float]
    blocking_rule: Mapped[str]
    model_version: Mapped[str] = mapped_column(ForeignKey("identity.match_model.version"))
    first_seen_at: Mapped[Arrived]
    scored_at: Mapped[Arrived]


class MatchIndex(Base):
    """What the index of a kind was written by, and its pairs were found by: code, model, and the largest block."""

    __tablename__ = "match_index"
    __table_args__ = (SCHEMA,)

    kind: Mapped[str] = mapped_column(primary_key=True)
    code: Mapped[str]
    model_version: Mapped[str]
    max_block: Mapped[int]


class _BlockingKey:
    """Parties that share a key are candidates for each other; the keys of one rule are not those of another.

    Ten to twenty rows per party, so there is nothing that is not needed: no foreign key, a trigger takes the keys of a
    deleted party away; and no index by party, whose keys follow from its standardised form.
    """

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    party_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)


class BlockingKeyPerson(_BlockingKey, Base):
    __tablename__ = "blocking_key_person"
    __table_args__ = (SCHEMA,)


class BlockingKeyOrganization(_BlockingKey, Base):
    __tablename__ = "blocking_key_organization"
    __table_args__ = (SCHEMA,)


class _Standardised:
    """A party as matching compares it, see `hub.identity.forms`."""

    party_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    form: Mapped[str]


class StandardisedPerson(_Standardised, Base):
    __tablename__ = "standardised_person"
    __table_args__ = (SCHEMA,)


class StandardisedOrganization(_Standardised, Base):
    __tablename__ = "standardised_organization"
    __table_args__ = (SCHEMA,)


class Judgement(Base):
    """A signed statement about two parties. Append-only: a row is never changed but for being ended, once.

    `probability` is what the model held of the pair when a person judged it; none where matching had not paired them.
    `bulk_id` names the act that it was one of many in.
    """

    __tablename__ = "judgement"
    __table_args__ = (
        CheckConstraint("party_a < party_b", name="ordered"),
        CheckConstraint("verdict IN ('same', 'different', 'unsure')", name="verdict"),
        CheckConstraint("author_kind IN ('rule', 'person')", name="author_kind"),
        Index(
            "uq_judgement_live",
            "party_a",
            "party_b",
            "author_kind",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "party_a"),
        Index(None, "party_b"),
        Index(None, "author", "made_at"),
        Index(None, "bulk_id", postgresql_where=text("bulk_id IS NOT NULL")),
        SCHEMA,
    )

    judgement_id: Mapped[BigId]
    party_a: Mapped[int] = mapped_column(ForeignKey(PARTY))
    party_b: Mapped[int] = mapped_column(ForeignKey(PARTY))
    verdict: Mapped[str]
    author_kind: Mapped[str]
    author: Mapped[str]
    reason: Mapped[str]
    probability: Mapped[float | None]
    made_at: Mapped[Arrived]
    ended_at: Mapped[Moment | None]
    ended_by: Mapped[str | None]
    bulk_id: Mapped[int | None] = mapped_column(ForeignKey("identity.bulk.bulk_id"))


class BlindSample(Base):
    """A pair drawn at random from what is held already, to be judged once more by somebody who is not told what.

    `held` is what was held when it was drawn, `held_by` whether by the model or by a person, `held_author` that person.
    The answer changes no customer: it measures.
    """

    __tablename__ = "blind_sample"
    __table_args__ = (
        CheckConstraint("party_a < party_b", name="ordered"),
        CheckConstraint("held IN ('same', 'different')", name="held"),
        CheckConstraint("held_by IN ('model', 'person')", name="held_by"),
        CheckConstraint("answer IN ('same', 'different', 'unsure')", name="answer"),
        CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="answered"),
        Index("uq_blind_sample_open", "party_a", "party_b", unique=True, postgresql_where=text("answer IS NULL")),
        SCHEMA,
    )

    sample_id: Mapped[BigId]
    party_a: Mapped[int] = mapped_column(ForeignKey(PARTY))
    party_b: Mapped[int] = mapped_column(ForeignKey(PARTY))
    held: Mapped[str]
    held_by: Mapped[str]
    held_author: Mapped[str | None]
    drawn_at: Mapped[Arrived]
    answer: Mapped[str | None]
    answered_by: Mapped[str | None]
    answered_at: Mapped[Moment | None]


class GoldenId(Base):
    """Every golden id ever given. `survivor` is set while it is merged away; status tells whether it is in use."""

    __tablename__ = "golden_id"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'merged', 'retired')", name="status"),
        Index(None, "survivor", postgresql_where=text("survivor IS NOT NULL")),
        SCHEMA,
    )

    golden_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="active")
    survivor: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(GOLDEN))
    given_at: Mapped[Arrived]


class Membership(Base):
    """Which customer a party belongs to, and belonged to: the row without `until` is now."""

    __tablename__ = "membership"
    __table_args__ = (
        Index("uq_membership_now", "party_id", unique=True, postgresql_where=text("until IS NULL")),
        Index(None, "golden_id"),
        SCHEMA,
    )

    membership_id: Mapped[BigId]
    party_id: Mapped[int] = mapped_column(ForeignKey(PARTY))
    golden_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(GOLDEN))
    since: Mapped[Arrived]
    until: Mapped[Moment | None]


class Lineage(Base):
    """Every creation, merge, split and retirement of a golden id, with the reason."""

    __tablename__ = "lineage"
    __table_args__ = (
        Index(None, "golden_id"),
        Index(None, "other_golden_id", postgresql_where=text("other_golden_id IS NOT NULL")),
        SCHEMA,
    )

    lineage_id: Mapped[BigId]
    event: Mapped[str]
    golden_id: Mapped[uuid.UUID] = mapped_column(ForeignKey(GOLDEN))
    other_golden_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey(GOLDEN))
    reason: Mapped[str]
    run_id: Mapped[str]
    happened_at: Mapped[Arrived]


class ToResolve(Base):
    """Queue: parties whose pairs or judgements changed and whose cluster is not recomputed yet."""

    __tablename__ = "to_resolve"
    __table_args__ = (SCHEMA,)

    party_id: Mapped[int] = mapped_column(ForeignKey(PARTY), primary_key=True)
