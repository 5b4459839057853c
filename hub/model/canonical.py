"""The canonical vocabulary: what every source is mapped to.

A `ref` names one source record everywhere: `source:stream:source_id`, for example `salesforce:Contact:003A1`.
Text is stripped and empty text is None; moments are UTC; money is a Decimal in major units with its ISO 4217 code.
Field names and types equal the columns of the `canonical` schema.
"""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from hub.model import kinds


def _clean(value: Any) -> Any:
    """Strip text, drop NUL (Postgres has none), and turn nothing into None. Longer than any field needs is cut off."""
    if not isinstance(value, str):
        return value
    return value.replace("\x00", "").strip() or None


def _utc(value: dt.datetime) -> dt.datetime:
    return value.astimezone(dt.UTC)


Text = Annotated[Annotated[str, Field(max_length=2_000)] | None, BeforeValidator(_clean)]
Required = Annotated[str, BeforeValidator(_clean), Field(min_length=1, max_length=2_000)]
Ref = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*:[A-Za-z_]+:.+$", max_length=300)]
Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
Money = Annotated[Decimal, Field(max_digits=18, decimal_places=2)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Canonical(BaseModel):
    """Common to parties and facts: which source record it came from, and whether that is still there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ref: Ref
    source: str
    stream: str
    source_id: str
    source_updated_at: Moment | None = None
    deleted_at: Moment | None = None


class Party(Canonical):
    """A source record that names a customer: a person or an organization."""

    kind: kinds.PartyKind
    department: kinds.Department
    name: Required
    given_name: Text = None
    family_name: Text = None
    job_title: Text = None
    email: Text = None
    other_emails: tuple[str, ...] = ()
    phone: Text = None
    mobile: Text = None
    street: Text = None
    city: Text = None
    region: Text = None
    postcode: Text = None
    country: Text = None
    website: Text = None
    tax_id: Text = None
    birth_date: dt.date | None = None
    language: Text = None
    employer_name: Text = None
    employer_ref: Ref | None = None
    parent_ref: Ref | None = None
    owner_name: Text = None
    merged_into_ref: Ref | None = Field(None, description="the source itself says that this record is that one now")
    source_created_at: Moment | None = None


class Fact(Canonical):
    """A canonical row that hangs on a party; `party_ref` may arrive after the fact does."""

    party_ref: Ref | None = None


class Opportunity(Fact):
    contact_ref: Ref | None = None
    name: Required
    stage: Required
    status: kinds.OpportunityStatus
    amount: Money | None = None
    currency: Currency | None = None
    probability: float | None = Field(None, ge=0, le=100)
    close_date: dt.date | None = None
    next_step: Text = None
    owner_id: Text = None
    owner_name: Text = None
    source_created_at: Moment
    last_activity_at: Moment | None = None
    closed_at: Moment | None = None
    contact_count: int | None = Field(
        None, ge=0, description="people on the deal; None where the source keeps each as a row, an OpportunityContact"
    )


class OpportunityChange(Fact):
    """One entry of an opportunity's history: stage, amount, close_date or next_step went from old to new."""

    opportunity_ref: Ref
    field: Annotated[str, Field(pattern="^(stage|amount|close_date|next_step)$")]
    old_value: Text = None
    new_value: Text = None
    changed_at: Moment


class OpportunityContact(Fact):
    """A person, the party, is on a deal."""

    opportunity_ref: Ref


class Ticket(Fact):
    organization_ref: Ref | None = None
    subject: Text = None
    status: kinds.TicketStatus
    priority: Text = None
    is_complaint: bool = False
    source_created_at: Moment
    solved_at: Moment | None = None


class Rating(Fact):
    ticket_ref: Ref | None = None
    score: kinds.RatingScore
    comment: Text = None
    rated_at: Moment


class Invoice(Fact):
    number: Text = None
    status: kinds.InvoiceStatus
    currency: Currency
    total: Money
    paid: Money
    remaining: Money
    issued_at: Moment
    due_at: Moment | None = None
    paid_at: Moment | None = None


class Payment(Fact):
    invoice_ref: Ref | None = None
    status: kinds.PaymentStatus
    currency: Currency
    amount: Money
    refunded: Money = Decimal(0)
    paid_at: Moment


class Subscription(Fact):
    status: kinds.SubscriptionStatus
    product: Text = None
    currency: Currency | None = None
    amount: Money | None = None
    started_at: Moment
    ended_at: Moment | None = None


class Touch(Fact):
    """A marketing contact: a campaign membership, an e-mail sent, opened, answered."""

    channel: kinds.Channel
    campaign: Text = None
    outcome: kinds.TouchOutcome
    touched_at: Moment


class Consent(Fact):
    """A permission to contact, or its withdrawal. Missing consent is not consent.

    `mailbox`: the address that the statement names, in small letters, where the source names one instead of an id.
    """

    channel: kinds.Channel
    purpose: Required
    status: kinds.ConsentStatus
    recorded_at: Moment
    mailbox: str | None = None


FACTS: tuple[type[Fact], ...] = (
    Opportunity, OpportunityChange, OpportunityContact, Ticket, Rating, Invoice, Payment, Subscription, Touch, Consent,
)  # fmt: skip


def ref(source: str, stream: str, source_id: str) -> str:
    """The name of a source record, used everywhere."""
    return f"{source}:{stream}:{source_id}"
