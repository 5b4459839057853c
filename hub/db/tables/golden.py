"""Schema `golden`: composed records, what is published, its history, and the change feed.

Tables ending in `_row` are the hub's own; the views of the same name without it are the public contract.
"""

import datetime as dt
import uuid

from sqlalchemy import BigInteger, CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, BigId, Json, JsonList, Moment, Money, Words

SCHEMA = {"schema": "golden"}


class _Customer:
    """The published shape of one customer."""

    kind: Mapped[str]
    name: Mapped[str]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    job_title: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    mobile: Mapped[str | None]
    street: Mapped[str | None]
    city: Mapped[str | None]
    region: Mapped[str | None]
    postcode: Mapped[str | None]
    country: Mapped[str | None]
    website: Mapped[str | None]
    tax_id: Mapped[str | None]
    birth_date: Mapped[dt.date | None]
    language: Mapped[str | None]
    employer_id: Mapped[uuid.UUID | None]
    parent_id: Mapped[uuid.UUID | None]
    departments: Mapped[Words]
    members: Mapped[Words]
    finance: Mapped[Json]
    support: Mapped[Json]
    marketing: Mapped[Json]
    sales: Mapped[Json]
    consents: Mapped[JsonList]
    provenance: Mapped[Json]
    content_hash: Mapped[str]


class ComposedCustomer(_Customer, Base):
    """What the next publication would hold: written by compose, audited by the checks, read by nobody outside."""

    __tablename__ = "composed_customer"
    __table_args__ = (SCHEMA,)

    golden_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    composed_at: Mapped[Arrived]


class CustomerRow(_Customer, Base):
    """All versions of all customers. The current one has no valid_to; consumers read the views."""

    __tablename__ = "customer_row"
    __table_args__ = (
        Index("uq_customer_row_current", "golden_id", unique=True, postgresql_where=text("valid_to IS NULL")),
        Index(
            "ix_customer_row_parent", "parent_id", postgresql_where=text("valid_to IS NULL AND parent_id IS NOT NULL")
        ),
        Index("ix_customer_row_current_kind", "kind", "golden_id", postgresql_where=text("valid_to IS NULL")),
        Index("ix_customer_row_current_since", "valid_from", "golden_id", postgresql_where=text("valid_to IS NULL")),
        Index(None, "publication"),
        SCHEMA,
    )

    golden_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    publication: Mapped[int]
    valid_from: Mapped[Moment]
    valid_to: Mapped[Moment | None]


class CrosswalkRow(Base):
    """Which customer each source record is published under, and was: the row without `until` is now."""

    __tablename__ = "crosswalk_row"
    __table_args__ = (
        Index("uq_crosswalk_row_now", "ref", unique=True, postgresql_where=text("until IS NULL")),
        Index(None, "golden_id"),
        SCHEMA,
    )

    crosswalk_id: Mapped[BigId]
    ref: Mapped[str]
    golden_id: Mapped[uuid.UUID]
    since: Mapped[Moment]
    until: Mapped[Moment | None]


class OpportunityRow(Base):
    """Published opportunities with their customer and open flags."""

    __tablename__ = "opportunity_row"
    __table_args__ = (SCHEMA,)

    ref: Mapped[str] = mapped_column(primary_key=True)
    golden_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    name: Mapped[str]
    stage: Mapped[str]
    status: Mapped[str]
    amount: Mapped[Money | None]
    currency: Mapped[str | None]
    close_date: Mapped[dt.date | None]
    owner_name: Mapped[str | None]
    flags: Mapped[Words]
    publication: Mapped[int]


class Publication(Base):
    """One checked, numbered release of all golden records.

    `lineage_id`: the last entry of `identity.lineage` that it takes into account; `golden.merge_log` ends there.
    `waived`: critical checks that failed and that a person let pass: [{"check", "failed", "by"}], part of `warnings`.
    """

    __tablename__ = "publication"
    __table_args__ = (SCHEMA,)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[str]
    as_of: Mapped[Moment]
    published_at: Mapped[Arrived]
    customers: Mapped[int]
    created: Mapped[int]
    changed: Mapped[int]
    retired: Mapped[int]
    warnings: Mapped[int]
    lineage_id: Mapped[int] = mapped_column(BigInteger, server_default="0")
    waived: Mapped[JsonList] = mapped_column(server_default="[]")


class Change(Base):
    """The change feed: ordered by sequence without gaps, complete, replayable from zero."""

    __tablename__ = "change"
    __table_args__ = (
        CheckConstraint("op IN ('created', 'changed', 'merged', 'split', 'erased')", name="op"),
        Index(None, "golden_id", "version", unique=True),
        SCHEMA,
    )

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    golden_id: Mapped[uuid.UUID]
    version: Mapped[int]
    op: Mapped[str]
    survivor: Mapped[uuid.UUID | None]
    publication: Mapped[int]
    before: Mapped[Json | None]
    after: Mapped[Json | None]
    happened_at: Mapped[Arrived]


class ManualValue(Base):
    """What a person says of a group of attributes, before all sources; pinned to a source record.

    `replaced`: what the sources said then. Live while it has no `ended_at`, and over from `until` on.
    """

    __tablename__ = "manual_value"
    __table_args__ = (
        Index("uq_manual_value_live", "ref", "attributes", unique=True, postgresql_where=text("ended_at IS NULL")),
        SCHEMA,
    )

    manual_id: Mapped[BigId]
    ref: Mapped[str]
    attributes: Mapped[str]
    said: Mapped[Json]
    replaced: Mapped[Json]
    author: Mapped[str]
    reason: Mapped[str]
    made_at: Mapped[Arrived]
    until: Mapped[Moment | None]
    ended_at: Mapped[Moment | None]
    ended_by: Mapped[str | None]


class ToCompose(Base):
    """Queue: golden ids whose members or facts changed and that are not composed yet."""

    __tablename__ = "to_compose"
    __table_args__ = (SCHEMA,)

    golden_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class ToPublish(Base):
    """Queue: golden ids that were composed anew and wait for the next publication that passes its checks."""

    __tablename__ = "to_publish"
    __table_args__ = (SCHEMA,)

    golden_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class ToPublishOpportunity(Base):
    """Queue, filled by triggers: opportunities written or flagged since the last publication, some of them repeatedly.

    Nothing is left out because it is queued already, so nobody who fills it waits for anybody.
    """

    __tablename__ = "to_publish_opportunity"
    __table_args__ = (SCHEMA,)

    queue_id: Mapped[BigId]
    ref: Mapped[str]


class ComposeState(Base):
    """The moment up to which time itself has been taken into account: what fell due since then is composed anew.

    `policy` tells which rules of survivorship were in force; others have everybody composed anew. `lineage_id`: the
    last merge or split that was composed.
    """

    __tablename__ = "compose_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), SCHEMA)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[Moment]
    policy: Mapped[str | None]
    lineage_id: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ContactRules(Base):
    """The numbers by which `golden.contact_leak` judges, as the settings of the last run had them; `days` by rule."""

    __tablename__ = "contact_rules"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), SCHEMA)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    days: Mapped[Json]
    opt_out_channels: Mapped[Words]


class ContactLeakRow(Base):
    """A contact that was made while a record held it back, or without consent, where `evidence_ref` is empty.

    Judged by compose, for the customers that it composes.
    """

    __tablename__ = "contact_leak_row"
    __table_args__ = (Index(None, "golden_id"), Index(None, "touched_at"), SCHEMA)

    touch_ref: Mapped[str] = mapped_column(primary_key=True)
    rule: Mapped[str] = mapped_column(primary_key=True)
    evidence_ref: Mapped[str] = mapped_column(primary_key=True)
    golden_id: Mapped[uuid.UUID]
    department: Mapped[str]
    channel: Mapped[str]
    campaign: Mapped[str | None]
    touched_at: Mapped[Moment]
    evidence_department: Mapped[str | None]
    evidence_at: Mapped[Moment | None]
