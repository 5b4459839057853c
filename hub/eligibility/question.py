"""What is asked about a contact, and what is answered."""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from hub.model.kinds import Channel, Department


class Purpose(StrEnum):
    """What a contact is for. `service`: what the customer has to be told, an outage or an invoice."""

    MARKETING = "marketing"
    SALES = "sales"
    UPSELL = "upsell"
    COLLECTIONS = "collections"
    SERVICE = "service"


PURPOSES = frozenset(Purpose)


class Verdict(StrEnum):
    ALLOW = "allow"
    NOT_BEFORE = "not_before"
    DENY = "deny"


class Rule(StrEnum):
    """In the order in which they are asked; the first that denies is the reason."""

    UNKNOWN = "unknown"
    STALE = "stale"
    OBJECTION = "objection"
    CONSENT = "consent"
    COMPLAINT = "complaint"
    BAD_RATING = "bad_rating"
    OVERDUE = "overdue"
    PURCHASE = "purchase"
    DECLINED = "declined"
    REPLY = "reply"
    FREQUENCY = "frequency"
    EXEMPT = "exempt"


@dataclass(frozen=True)
class Question:
    """`offer`: the campaign or offer that is to be made, as touches call it. `product_line`: as subscriptions call it.
    `mailing_list`: the purpose under which consents to this list are recorded, such as `subscription 2849`.
    """

    channel: Channel
    purpose: Purpose
    offer: str | None = None
    product_line: str | None = None
    mailing_list: str | None = None

    @property
    def named_list(self) -> str | None:
        """The list as consents are compared with it; None where none is named, or a purpose, which is no list."""
        named = (self.mailing_list or "").strip().casefold()
        return named if named and named not in PURPOSES else None


class Evidence(NamedTuple):
    """A record that a finding rests on. `department`: who knows it; None for consents, which everybody may see."""

    ref: str
    department: Department | None
    at: dt.datetime

    def age_days(self, as_of: dt.datetime) -> int:
        """Whole days from its moment until `as_of`."""
        return (as_of - self.at).days


class Finding(NamedTuple):
    """What one rule says. `until`: when it ends; None where it does not, or where nothing holds."""

    rule: Rule
    verdict: Verdict
    until: dt.datetime | None = None
    evidence: tuple[Evidence, ...] = ()
    departments: tuple[Department, ...] = ()


class Answer(NamedTuple):
    """`reason`: the rule that decided. `reach`: refs of the records whose address may be used; none unless allowed."""

    verdict: Verdict
    reason: Rule | None
    not_before: dt.datetime | None
    findings: tuple[Finding, ...]
    reach: tuple[str, ...] = ()

    def without(self, withheld: Collection[str]) -> "Answer":
        """The same for somebody who does not see what the departments `withheld` know: their records are not named."""
        if not withheld:
            return self
        return self._replace(
            findings=tuple(
                one._replace(evidence=tuple(record for record in one.evidence if record.department not in withheld))
                for one in self.findings
            )
        )
