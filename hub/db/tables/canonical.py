"""Schema `canonical`: parties and facts, one row per source record that fits. Columns equal `hub.model.canonical`."""

import datetime as dt

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.tables.base import Arrived, Base, Moment, Money, Words

SCHEMA = {"schema": "canonical"}


class _FromSource:
    ref: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str]
    stream: Mapped[str]
    source_id: Mapped[str]
    source_updated_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]


class _OfParty(_FromSource):
    party_ref: Mapped[str | None] = mapped_column(index=True)


class Party(Base):
    """A source record that names a customer. party_id is the short name that matching and identity use for ref."""

    __tablename__ = "party"
    __table_args__ = (
        Index(None, "source", "stream"),
        # Who lives at the same address, or has a mailbox of the same company.
        Index("ix_party_address", text("lower(street)"), "postcode"),
        Index("ix_party_email", text("lower(email)")),
        Index("ix_party_mail_domain", text("lower(split_part(email, '@', 2))")),
        SCHEMA,
    )

    party_id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    ref: Mapped[str] = mapped_column(unique=True)
    source: Mapped[str]
    stream: Mapped[str]
    source_id: Mapped[str]
    source_updated_at: Mapped[Moment | None]
    deleted_at: Mapped[Moment | None]
    kind: Mapped[str]
    department: Mapped[str]
    name: Mapped[str]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    job_title: Mapped[str | None]
    email: Mapped[str | None]
    other_emails: Mapped[Words]
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
    employer_name: Mapped[str | None]
    employer_ref: Mapped[str | None] = mapped_column(index=True)
    parent_ref: Mapped[str | None] = mapped_column(index=True)
    owner_name: Mapped[str | None]
    merged_into_ref: Mapped[str | None]
    source_created_at: Mapped[Moment | None]
    arrived_at: Mapped[Arrived]


class ToMatch(Base):
    """Queue: parties that changed and are not matched yet. Written with the party, removed with its pairs."""

    __tablename__ = "to_match"
    __table_args__ = (SCHEMA,)

    party_id: Mapped[int] = mapped_column(ForeignKey("canonical.party.party_id"), primary_key=True)


class Opportunity(_OfParty, Base):
    __tablename__ = "opportunity"
    __table_args__ = (Index(None, "source", "owner_id"), SCHEMA)

    contact_ref: Mapped[str | None] = mapped_column(index=True)
    name: Mapped[str]
    stage: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    amount: Mapped[Money | None]
    currency: Mapped[str | None]
    probability: Mapped[float | None]
    close_date: Mapped[dt.date | None]
    next_step: Mapped[str | None]
    owner_id: Mapped[str | None]
    owner_name: Mapped[str | None]
    source_created_at: Mapped[Moment]
    last_activity_at: Mapped[Moment | None]
    closed_at: Mapped[Moment | None]
    contact_count: Mapped[int | None]


class OpportunityChange(_OfParty, Base):
    """History of an opportunity: one row per change of stage, amount, close_date or next_step."""

    __tablename__ = "opportunity_change"
    __table_args__ = (Index(None, "opportunity_ref", "changed_at"), SCHEMA)

    opportunity_ref: Mapped[str]
    field: Mapped[str]
    old_value: Mapped[str | None]
    new_value: Mapped[str | None]
    changed_at: Mapped[Moment]


class OpportunityContact(_OfParty, Base):
    """A person on a deal: the party is the person."""

    __tablename__ = "opportunity_contact"
    __table_args__ = (SCHEMA,)

    opportunity_ref: Mapped[str] = mapped_column(index=True)


class Ticket(_OfParty, Base):
    __tablename__ = "ticket"
    __table_args__ = (SCHEMA,)

    organization_ref: Mapped[str | None] = mapped_column(index=True)
    subject: Mapped[str | None]
    status: Mapped[str]
    priority: Mapped[str | None]
    is_complaint: Mapped[bool]
    source_created_at: Mapped[Moment]
    solved_at: Mapped[Moment | None]


class Rating(_OfParty, Base):
    __tablename__ = "rating"
    __table_args__ = (SCHEMA,)

    ticket_ref: Mapped[str | None] = mapped_column(index=True)
    score: Mapped[str]
    comment: Mapped[str | None]
    rated_at: Mapped[Moment]


class Invoice(_OfParty, Base):
    __tablename__ = "invoice"
    __table_args__ = (SCHEMA,)

    number: Mapped[str | None]
    status: Mapped[str]
    currency: Mapped[str]
    total: Mapped[Money]
    paid: Mapped[Money]
    remaining: Mapped[Money]
    issued_at: Mapped[Moment]
    due_at: Mapped[Moment | None] = mapped_column(index=True)
    paid_at: Mapped[Moment | None]


class Payment(_OfParty, Base):
    __tablename__ = "payment"
    __table_args__ = (SCHEMA,)

    invoice_ref: Mapped[str | None]
    status: Mapped[str]
    currency: Mapped[str]
    amount: Mapped[Money]
    refunded: Mapped[Money]
    paid_at: Mapped[Moment]


class Subscription(_OfParty, Base):
    __tablename__ = "subscription"
    __table_args__ = (SCHEMA,)

    status: Mapped[str]
    product: Mapped[str | None]
    currency: Mapped[str | None]
    amount: Mapped[Money | None]
    started_at: Mapped[Moment]
    ended_at: Mapped[Moment | None]


class Touch(_OfParty, Base):
    __tablename__ = "touch"
    __table_args__ = (Index(None, "party_ref", "touched_at"), SCHEMA)

    party_ref: Mapped[str | None] = mapped_column(index=False)  # the one above serves it
    channel: Mapped[str]
    campaign: Mapped[str | None]
    outcome: Mapped[str]
    touched_at: Mapped[Moment]


class Consent(_OfParty, Base):
    __tablename__ = "consent"
    __table_args__ = (Index(None, "mailbox", "status"), SCHEMA)

    channel: Mapped[str]
    purpose: Mapped[str]
    status: Mapped[str]
    recorded_at: Mapped[Moment]
    mailbox: Mapped[str | None]
