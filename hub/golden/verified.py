"""Whether a value passes the check of its kind: what can be told of it without asking anybody."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import phonenumbers

from dedup.standardise import identifiers

_PLENTY = 1 << 16
_MAILBOX = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


def passes(attribute: str, value: Any, record: Mapping[str, Any]) -> bool:
    """Whether the value of an attribute of a record is known to be written without a mistake.

    A telephone number that the numbering plan of its country has, an address of e-mail whose form is right, a tax
    number whose check digit is right; of other attributes nothing is known.
    """
    check = _CHECKS.get(attribute)
    return check is not None and value is not None and check(str(value), str(record.get("country") or ""))


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


_CHECKS: Mapping[str, Callable[[str, str], bool]] = {
    "phone": _telephone,
    "mobile": _telephone,
    "email": _email,
    "tax_id": _tax_id,
}
