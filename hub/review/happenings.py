"""What happened with a customer, in words. Pure."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from hub.review import masking, origins, words

KINDS = (
    ("opportunity", "Opportunities"), ("ticket", "Tickets"), ("rating", "Ratings"), ("invoice", "Invoices"),
    ("payment", "Payments"), ("subscription", "Subscriptions"), ("touch", "Campaigns"), ("consent", "Consents"),
    ("record", "Golden record"),
)  # fmt: skip

_WORDS = {
    "opportunity": {"created": "Opportunity opened", "stage": "Opportunity moved", "won": "Opportunity won",
                    "lost": "Opportunity lost"},
    "ticket": {"opened": "Ticket opened", "solved": "Ticket solved"},
    "rating": {"good": "Rated good", "bad": "Rated bad"},
    "invoice": {"issued": "Invoice issued", "due": "Invoice due", "falls_due": "Invoice falls due",
                "overdue": "Invoice overdue", "paid": "Invoice paid"},
    "payment": {"succeeded": "Payment received", "failed": "Payment failed", "pending": "Payment pending",
                "refunded": "Payment refunded"},
    "subscription": {"started": "Subscription started", "ended": "Subscription ended"},
    "touch": {"sent": "Contacted", "delivered": "Message delivered", "opened": "Message opened",
              "clicked": "Message clicked", "responded": "Answered", "bounced": "Message bounced",
              "declined": "Offer declined"},
    "consent": {"granted": "Consent given", "withdrawn": "Consent withdrawn"},
    "record": {"published": "First published", "changed": "Golden record changed",
               "merged": "Merged with another customer",
               "gave": "Split: a part became a customer of its own", "came": "Split off another customer"},
}  # fmt: skip
_GOOD = {"won", "solved", "good", "paid", "succeeded", "responded", "granted"}
_BAD = {"lost", "bad", "overdue", "failed", "bounced", "declined", "withdrawn", "complaint"}


@dataclass(frozen=True)
class Entry:
    """One line of a timeline. `tone` is good, bad or empty; `other` the id of another customer that it names."""

    at: dt.datetime
    later: bool
    what: str
    tone: str
    title: str
    detail: str
    note: str
    amount: str
    department: str | None
    source: str | None
    ref: str | None
    other: str | None
    version: int | None


def entry(row: Any, now: dt.datetime, *, masked: bool = False) -> Entry:
    """A row of `hub.review.queries.timeline` for people; masked, without what a customer or an agent wrote."""
    of_record = row.kind == "record"
    moved = f"{row.before or 'nothing'} → {row.after or 'nothing'}" if row.what == "stage" else ""
    changed = ", ".join(_label(name) for name in row.changed or ())
    return Entry(
        at=row.at,
        later=row.at > now,
        what=_WORDS[row.kind].get(row.what, words.label(row.what)),
        tone="good" if row.what in _GOOD else "bad" if row.what in _BAD or row.note == "complaint" else "",
        title="" if of_record else _title(row, masked=masked),
        detail=changed or moved,
        note=masking.HIDDEN if masked and of_record and row.note else row.note or "",
        amount=words.money(row.amount, row.currency) if row.amount is not None else "",
        department=row.department,
        source=row.source,
        ref=None if of_record else row.ref,
        other=row.title if of_record else None,
        version=row.version,
    )


def _title(row: Any, *, masked: bool) -> str:
    written = {"ticket": "subject", "rating": "comment"}.get(row.kind)
    return (masking.masked(written, row.title) if masked and written else row.title) or ""


def _label(name: str) -> str:
    told = {"members": "Source records", "employer_id": "Works at", "parent_id": "Belongs to"}
    return told.get(name) or origins.attribute(name)
