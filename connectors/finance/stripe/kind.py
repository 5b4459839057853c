"""Whether a Stripe Customer, which does not say, is an organization or a person."""

import re
from functools import cache
from typing import Any

from cleanco.termdata import terms_by_country, terms_by_type

from connectors.fields import at, text
from hub.model.kinds import PartyKind

ORGANIZATIONS = frozenset({"company", "organization", "organisation", "business", "b2b", "non_profit"})
PERSONS = frozenset({"individual", "person", "private", "consumer", "b2c"})
MAILBOXES = frozenset({"accounting", "accounts", "admin", "ap", "billing", "contact", "finance", "hello", "info",
                       "invoice", "invoices", "mail", "office", "sales", "support", "team"})  # fmt: skip


def kind_of(customer: dict[str, Any]) -> PartyKind:
    """The first of these that speaks decides.

    1. metadata.customer_type, which our own checkout may write
    2. business_name: organization; individual_name: person
    3. a tax id: organization
    4. the name ends or begins with a legal form (Ltd, GmbH, S.A.S., ...): organization
    5. the e-mail is a shared mailbox (billing@, info@, ...), or there is no name: organization
    6. two to four words without digits, one of which is in the e-mail's local part: person
    7. otherwise organization: those who are billed mostly are
    """
    declared = (text(customer, "metadata.customer_type") or "").lower()
    name = text(customer, "name") or ""
    mailbox = (text(customer, "email") or "").partition("@")[0].lower()
    if declared in ORGANIZATIONS or declared in PERSONS:
        return PartyKind.ORGANIZATION if declared in ORGANIZATIONS else PartyKind.PERSON
    if text(customer, "business_name") or text(customer, "individual_name"):
        return PartyKind.ORGANIZATION if text(customer, "business_name") else PartyKind.PERSON
    if at(customer, "tax_ids.data") or has_legal_form(name) or mailbox in MAILBOXES or not name:
        return PartyKind.ORGANIZATION
    return PartyKind.PERSON if _reads_like(name, mailbox) else PartyKind.ORGANIZATION


def has_legal_form(name: str) -> bool:
    """Whether the last one to three words, or the first, are a legal form that cleanco knows."""
    words = _plain(name).split()
    ends = {" ".join(words[-count:]) for count in (1, 2, 3) if len(words) > count}
    return bool((ends | set(words[:1] if len(words) > 1 else ())) & _legal_forms())


def _reads_like(name: str, mailbox: str) -> bool:
    words = re.findall(r"[^\W\d_]+", name.lower())
    if not 2 <= len(words) <= 4 or any(letter.isdigit() for letter in name):
        return False
    return any(len(word) > 2 and word in mailbox for word in words)


@cache
def _legal_forms() -> frozenset[str]:
    terms = [*terms_by_type.values(), *terms_by_country.values()]
    return frozenset(_plain(term) for each in terms for term in each if len(_plain(term)) > 1)


def _plain(value: str) -> str:
    """Lower case, dots taken out (S.A.S. is sas), other punctuation a space."""
    return " ".join(re.sub(r"[^\w\s]", " ", value.lower().replace(".", "")).split())
