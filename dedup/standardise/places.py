"""Postal addresses and countries."""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import phonenumbers
from babel import Locale

from dedup.standardise.text import fold, given_value

ABBREVIATIONS = {
    "st": "street", "str": "street", "strasse": "street", "straße": "street", "rd": "road", "ave": "avenue",
    "av": "avenue", "blvd": "boulevard", "dr": "drive", "ln": "lane", "ct": "court", "pl": "place", "sq": "square",
    "hwy": "highway", "pkwy": "parkway", "ter": "terrace", "cir": "circle", "n": "north", "s": "south", "e": "east",
    "w": "west", "no": "", "nr": "", "the": "",
}  # fmt: skip
_UNIT = re.compile(r"\b(?:suite|ste|apt|apartment|unit|floor|fl|room|etage|stock|og|c/o)\b.*$|#.*$", re.IGNORECASE)
_GLUED_STREET = re.compile(r"(?<=[a-z])(?:strasse|strase|str)\b")
_NUMBER = re.compile(r"\b\d+[a-z]?\b")
_LANGUAGES = (
    "en", "de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi", "cs", "sk", "hu", "ro", "el", "tr",
)  # fmt: skip
_ALIASES = {
    "usa": "US", "united states of america": "US", "u s": "US", "u s a": "US", "america": "US", "uk": "GB",
    "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "gbr": "GB",
    "deu": "DE", "fra": "FR", "ita": "IT", "esp": "ES", "nld": "NL", "holland": "NL", "che": "CH", "aut": "AT",
    "bel": "BE", "can": "CA", "aus": "AU", "ire": "IE", "irl": "IE", "swe": "SE", "nor": "NO", "dnk": "DK",
    "fin": "FI", "pol": "PL", "prt": "PT", "jpn": "JP", "chn": "CN", "ind": "IN", "bra": "BR", "mex": "MX",
    "korea": "KR", "south korea": "KR", "russia": "RU", "czech republic": "CZ", "uae": "AE",
}  # fmt: skip


@dataclass(frozen=True)
class Address:
    """`street` is the folded name of the street without its number; `number` the house number."""

    street: str | None = None
    number: str | None = None
    postcode: str | None = None
    city: str | None = None
    country: str | None = None


def parse(street: object, city: object, postcode: object, country: object) -> Address:
    street_text, city_text, postcode_text = given_value(street), given_value(city), given_value(postcode)
    name, number = _street(street_text) if street_text else (None, None)
    return Address(
        street=name,
        number=number,
        postcode=_postcode(postcode_text),
        city=re.sub(r"\bsaint\b", "st", fold(city_text)) or None if city_text else None,
        country=country_code(given_value(country)),
    )


@lru_cache(maxsize=1 << 12)
def country_code(value: str | None) -> str | None:
    """The ISO 3166-1 alpha-2 code of a country given as code or by its name in its own or a widely used language."""
    if not value:
        return None
    folded = fold(value)
    if len(folded) == 2 and folded.upper() in phonenumbers.SUPPORTED_REGIONS:
        return folded.upper()
    return _ALIASES.get(folded) or _country_names().get(folded)


def _street(text: str) -> tuple[str | None, str | None]:
    folded = fold(_UNIT.sub("", text)) or fold(text)
    folded = _GLUED_STREET.sub(" street", folded)
    numbers = _NUMBER.findall(folded)
    number = None
    if numbers:
        # "5 High Street", "Hauptstr. 5": the number stands first or last; one inside ("12th") belongs to the name.
        number = numbers[0] if folded.startswith(numbers[0]) else numbers[-1]
    words = [ABBREVIATIONS.get(word, word) for word in folded.split() if word != number]
    return " ".join(word for word in words if word) or None, number


def _postcode(text: str | None) -> str | None:
    if not text:
        return None
    letters = fold(text).replace(" ", "").upper()
    # ZIP+4: the last four digits are given by some systems only.
    return letters[:5] if len(letters) == 9 and letters.isdigit() else letters or None


@cache
def _country_names() -> dict[str, str]:
    """ISO code by folded name, in the languages that departments write in."""
    names: dict[str, str] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if len(code) == 2 and code.isalpha():
                names.setdefault(fold(name), code)
    return names
