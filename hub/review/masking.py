"""Personal data with a mask: enough to recognise what one knows already, too little to use. Pure.

Names have none: a customer is called by them.
"""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"
NUMBER = re.compile(r"\D")
# Country calling codes have one digit (1, 7), two or three; two are shown, which tells most countries and no line.
PREFIX = re.compile(r"\+(1|7|\d\d)")


def email(value: str) -> str:
    """`anna@acme.example` -> `a***@a***.example`"""
    mailbox, at, domain = value.rpartition("@")
    first, dot, last = domain.rpartition(".")
    if not at or not mailbox or not dot or not first:
        return HIDDEN
    return f"{mailbox[0]}{HIDDEN}@{first[0]}{HIDDEN}.{last}"


def phone(value: str) -> str:
    """`+49 151 23456123` -> `+49 *** 123`"""
    digits, prefix = NUMBER.sub("", value), PREFIX.match(value)
    if len(digits) < 8:
        return HIDDEN
    return f"{prefix[0]} {HIDDEN} {digits[-3:]}" if prefix else f"{HIDDEN} {digits[-3:]}"


def hidden(_value: str) -> str:
    """`***`"""
    return HIDDEN


MASKS = {
    "email": email, "phone": phone, "mobile": phone, "street": hidden, "postcode": hidden,
    "birth_date": hidden, "tax_id": hidden, "subject": hidden, "comment": hidden, "next_step": hidden,
}  # fmt: skip


def masked(name: str, value: Any) -> Any:
    """The value of an attribute as it is shown to those who do not see it; None stays None."""
    mask = MASKS.get(name)
    return value if mask is None or value is None else mask(str(value))


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """A customer, a record or a fact with masks, by attribute; values in its provenance too."""
    shown = {name: masked(name, value) for name, value in values.items()}
    if "provenance" in shown:
        shown["provenance"] = {name: _origin(name, origin) for name, origin in shown["provenance"].items()}
    return shown


def _origin(name: str, origin: Mapping[str, Any]) -> dict[str, Any]:
    losers = [{**loser, "value": masked(name, loser.get("value"))} for loser in origin.get("losers") or []]
    said = {"sources_say": masked(name, origin["sources_say"])} if "sources_say" in origin else {}
    return {**origin, "losers": losers, **said}
