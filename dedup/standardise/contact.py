"""E-mail addresses, web domains and phone numbers."""

import re
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from tldextract import TLDExtract

from dedup.standardise.lists import word_list
from dedup.standardise.text import LONGEST, fold, given_value

# The bundled list of public suffixes only: a library must not reach for the network.
_EXTRACT = TLDExtract(suffix_list_urls=(), cache_dir=None)
_ADDRESS = re.compile(r"^([^@\s<>\"]+)@([^@\s<>\"]+\.[^@\s<>\".]+)$")
_EXTENSION = re.compile(r"(?:ext\.?|extension|x|durchwahl|dw)\s*:?\s*\d+\s*$", re.IGNORECASE)

_ROLES = word_list("role_mailboxes")
_NOBODY = word_list("nobody_mailboxes")
_FREEMAIL = word_list("mail_providers")
_DOTLESS = frozenset(("gmail.com", "googlemail.com"))


@dataclass(frozen=True)
class Email:
    """A normalised address. `role`: several people read it. `work`: its company domain, None for a mail provider."""

    address: str
    local: str
    role: bool
    work: str | None


@lru_cache(maxsize=1 << 16)
def parse_email(value: str | None) -> Email | None:
    text = given_value(value)
    found = _ADDRESS.match(text.removeprefix("mailto:").strip(" <>;,.").lower()) if text else None
    if not found:
        return None
    local, host = found.groups()
    local = local.split("+", 1)[0] or local
    if host in _DOTLESS:
        local, host = local.replace(".", ""), "gmail.com"
    if local in _NOBODY:
        return None
    return Email(
        address=f"{local}@{host}",
        local=local,
        role=re.sub(r"[._\-]|\d+$", "", local) in _ROLES,
        work=None if host in _FREEMAIL else domain(host),
    )


@lru_cache(maxsize=1 << 16)
def domain(value: str | None) -> str | None:
    """The registered domain of a web address or host: "https://www.acme.co.uk/about" -> "acme.co.uk"."""
    text = given_value(value)
    if not text:
        return None
    extracted = _EXTRACT(text.lower())
    if not extracted.domain or not extracted.suffix:
        return None
    registered = f"{extracted.domain}.{extracted.suffix}"
    return None if registered in _FREEMAIL or extracted.domain in {"example", "test"} else registered


def country_of(email: str | None, website: str | None) -> str | None:
    """The country (ISO code) that the ending of a web or e-mail domain stands for, if any."""
    for value in (website, email):
        ending = (value or "").rstrip("/ ").rpartition(".")[2].upper()
        if ending == "UK":
            return "GB"
        if ending in phonenumbers.SUPPORTED_REGIONS:
            return ending
    return None


@lru_cache(maxsize=1 << 16)
def parse_phone(value: str | None, country: str | None) -> str | None:
    """The national number, which is the same whether a system writes the country code or not.

    `country` (ISO code) helps with numbers that do not carry their own. Short national numbers stay in E.164: too many
    countries have them. The extension is cut off: a number with it would not equal the same number without.
    """
    text = given_value(value)
    if not text:
        return None
    text = _EXTENSION.sub("", text[: LONGEST // 2])
    digits = re.sub(r"\D", "", text)
    if len(digits) < 6 or len(set(digits)) == 1 or digits in {"1234567890", "123456789", "0123456789"}:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return digits.lstrip("0")
    if not phonenumbers.is_possible_number(number):
        return digits.lstrip("0")
    national = phonenumbers.national_significant_number(number)
    return national if len(national) > 7 else phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def is_from_name(local: str, *names: str | None) -> bool:
    """Whether the local part of an address is built from the person's name, and so no evidence beside the name."""
    letters = fold(local).replace(" ", "")
    words = [word for name in names if name for word in name.split() if len(word) > 2]
    return any(word in letters or (len(letters) > 2 and word.startswith(letters)) for word in words)
