"""Whether a value passes the check of its kind: what can be told of it without asking anybody."""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import phonenumbers

from dedup.standardise import identifiers

_PLENTY = 1 << 16
_SHORTEST_NUMBER, _LONGEST_NUMBER = 5, 15
"""Digits of a telephone number: at most by E.164; what is shorter is an extension or a number for emergencies."""
_MAILBOX = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


def passes(attribute: str, value: Any, record: Mapping[str, Any]) -> bool:
    """Whether the value of an attribute of a record is known to be written without a mistake.

    A telephone number that the numbering plan of its country has, an address of e-mail whose form is right, a tax
    number whose check digit is right; of other attributes nothing is known.
    """
    check = _CHECKS.get(attribute)
    return check is not None and value is not None and check(str(value), str(record.get("country") or ""))


_DIALLED = re.compile(r"\+?[0-9 ()/.\-]+(?:(?:x|ext\.?) ?[0-9]{1,7})?", re.IGNORECASE)
_WEBSITE = re.compile(r"(?:https?://)?[^\s/@:.]+(?:\.[^\s/@:.]+)+(?::\d{1,5})?(?:/\S*)?", re.IGNORECASE)
_NO_TELEPHONE = "this is no telephone number; write it with its country code, like +49 30 1234567"


@lru_cache(_PLENTY)
def _telephone(value: str, country: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value, country or None))
    except phonenumbers.NumberParseException:
        return False


def _email(value: str, _country: str) -> bool:
    return _MAILBOX.fullmatch(value) is not None


def _tax_id(value: str, _country: str) -> bool:
    return identifiers.parse(value)[1]


def refusal(attribute: str, value: str, record: Mapping[str, Any]) -> str | None:
    """Why what a person typed cannot be a value of its kind, and how to write it; None where it may be one.

    Less is asked than by `passes`: a number that its plan does not have yet may be right, one with letters is none.
    """
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in value):
        return "write it on one line, without control characters"
    check = _REFUSALS.get(attribute)
    return check(value, str(record.get("country") or "")) if check else None


def _no_telephone(value: str, country: str) -> str | None:
    digits = sum(letter.isdigit() for letter in value)
    if _SHORTEST_NUMBER <= digits <= _LONGEST_NUMBER and _DIALLED.fullmatch(value):
        try:
            number = phonenumbers.parse(value, country if country in phonenumbers.SUPPORTED_REGIONS else None)
        except phonenumbers.NumberParseException:
            # Without a country a national number can only be told by its form.
            return None if not value.startswith(("+", "00")) else _NO_TELEPHONE
        if phonenumbers.is_possible_number(number):
            return None
    return _NO_TELEPHONE


def _no_email(value: str, _country: str) -> str | None:
    return None if _MAILBOX.fullmatch(value) else "this is no e-mail address; write it like anna@example.com"


def _no_website(value: str, _country: str) -> str | None:
    return None if _WEBSITE.fullmatch(value) else "this is no address of a website; write it like example.com"


def _no_birth_date(value: str, _country: str) -> str | None:
    try:
        born = dt.date.fromisoformat(value)
    except ValueError:
        return "this is no date; write it like 1980-05-17"
    return None if dt.date(1900, 1, 1) <= born <= dt.datetime.now(dt.UTC).date() else "nobody was born on that day"


_CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "phone": _telephone,
    "mobile": _telephone,
    "email": _email,
    "tax_id": _tax_id,
}
_REFUSALS: Mapping[str, Callable[[str, str], str | None]] = {
    "phone": _no_telephone,
    "mobile": _no_telephone,
    "email": _no_email,
    "website": _no_website,
    "birth_date": _no_birth_date,
}
