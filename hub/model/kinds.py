"""The closed vocabularies. Values are what is stored and published."""

from enum import StrEnum


class Department(StrEnum):
    FINANCE = "finance"
    SUPPORT = "support"
    MARKETING = "marketing"
    SALES = "sales"


class PartyKind(StrEnum):
    PERSON = "person"
    ORGANIZATION = "organization"


class Band(StrEnum):
    """Where the evidence puts a pair: merge, ask a person, or leave apart."""

    SAME = "same"
    REVIEW = "review"
    DIFFERENT = "different"


class Verdict(StrEnum):
    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


class AuthorKind(StrEnum):
    RULE = "rule"
    PERSON = "person"


class OpportunityStatus(StrEnum):
    OPEN = "open"
    WON = "won"
    LOST = "lost"


class TicketStatus(StrEnum):
    OPEN = "open"
    PENDING = "pending"
    SOLVED = "solved"


class InvoiceStatus(StrEnum):
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class PaymentStatus(StrEnum):
    SUCCEEDED = "succeeded"
    PENDING = "pending"
    FAILED = "failed"
    REFUNDED = "refunded"


class SubscriptionStatus(StrEnum):
    ACTIVE = "active"
    TRIALING = "trialing"
    PAST_DUE = "past_due"
    CANCELED = "canceled"


class Channel(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    SMS = "sms"
    POST = "post"
    EVENT = "event"


class TouchOutcome(StrEnum):
    SENT = "sent"
    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    RESPONDED = "responded"
    BOUNCED = "bounced"
    DECLINED = "declined"


class ConsentStatus(StrEnum):
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class RatingScore(StrEnum):
    GOOD = "good"
    BAD = "bad"
    OFFERED = "offered"


class Severity(StrEnum):
    WARNING = "warning"
    CRITICAL = "critical"
