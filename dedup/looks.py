"""What the values of a column look like: shares of a sample that have the form of an address, a date, a name ..."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from nicknames import NickNamer

from dedup.kinds import Kind
from dedup.standardise.lists import word_lines, word_list
from dedup.standardise.text import fold, given_value

_EMAIL = re.compile(r"\S+@\S+\.\S+")
_URL = re.compile(r"(?:https?://\S+|www\.\S+|[\w-]+(?:\.[\w-]+)*\.[a-z]{2,12}(?:/\S*)?)", re.IGNORECASE)
_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:1[89]|20)\d\d"
_TIME = r"(?:[T ](\d{1,2}:\d\d(?::\d\d)?)\S*(?: ?[AP]M)?)?"
_DATE = re.compile(
    rf"(?:{_YEAR}([-/. ]){_MONTH}\1{_DAY}|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\.0)?"
    rf"|{_DAY}([-/. ]){_DAY}\2(?:{_YEAR}|\d\d)|{_DAY}[-. ]+[^\W\d]{{3,9}}[-., ]+(?:{_YEAR}|\d\d)"
    rf"|[^\W\d]{{3,9}}\.? {_DAY},? {_YEAR}){_TIME}",
    re.IGNORECASE,
)
_PHONE = re.compile(r"[+(]?\d[\d\s()/.+-]{4,}\d\s*(?:(?:x|ext\.?|extension)\s*\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"^\+|^00|^0|\d[\s()/.-]+\d")
_NUMBER = re.compile(r"[-+]?(?:\d+|\d{1,3}(?:[,.]\d{3})+)(?:[.,]\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
_STREET_WORD = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|lane|ln|drive|dr|court|ct|place|pl|boulevard|blvd|crescent|close|way|circuit"
    r"|rue|chemin|allee|calle|avenida|plaza|paseo|via|viale|piazza|corso|rua|travessa|weg|platz|gasse|ring|laan|plein)\b"
    r"|(?:strasse|str|straat|gade|gatan|weg|platz|gasse|allee|laan)\b"
)
_UK_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}", re.IGNORECASE)
_SPELLED_LEGAL_FORM = re.compile(
    r"\b(?:g\.?m\.?b\.?h|s\.?r\.?l|s\.?p\.?a|l\.?l\.?c|s\.?a\.?r\.?l|s\.?l|s\.?a|b\.?v)\b\.?$"
)

_LOOKED_AT = 2000


@dataclass(frozen=True)
class Sample:
    """The given values of a column's sample, as text without placeholders, and how many rows were looked at."""

    values: tuple[str, ...]
    rows: int

    @cached_property
    def distinct(self) -> int:
        return len(set(self.values))

    @cached_property
    def some(self) -> tuple[str, ...]:
        """Every so many of the values, at most 2,000: enough for a share, which is then right to 2 %."""
        return self.values[:: -(-len(self.values) // _LOOKED_AT) or 1]

    @cached_property
    def folded(self) -> list[list[str]]:
        """The words of each of `some`, folded."""
        return [fold(value).split() for value in self.some]

    def share(self, is_so: Callable[[str], object]) -> float:
        """Of the values, the share for which `is_so`; 0 without values."""
        return sum(1 for value in self.some if is_so(value)) / max(len(self.some), 1)

    def word_share(self, is_so: Callable[[list[str]], object]) -> float:
        """Of the values, the share whose folded words are so; 0 without values."""
        return sum(1 for words in self.folded if words and is_so(words)) / max(len(self.some), 1)


def sample(values: Iterable[object]) -> Sample:
    """A sample of values of any type; each is cut at 200 characters."""
    listed = list(values)
    return Sample(tuple(text for value in listed if (text := given_value(value))), len(listed))


def emails(found: Sample) -> float:
    return found.share(_EMAIL.fullmatch)


def urls(found: Sample) -> float:
    return found.share(_URL.fullmatch)


def dates(found: Sample) -> float:
    return found.share(_DATE.fullmatch)


def times_of_day(found: Sample) -> int:
    """How many different times of day stand behind the dates."""
    return len({match[3] for value in found.some if (match := _DATE.fullmatch(value)) and match[3]})


def phones(found: Sample) -> float:
    return found.share(is_phone)


def is_phone(value: str) -> bool:
    return bool(_PHONE.fullmatch(value)) and 6 <= sum(letter.isdigit() for letter in value) <= 20


def grouped(found: Sample) -> float:
    """The share written the way people write telephone numbers: +49 ..., 0171 ..., 212-586-4252."""
    return found.share(_GROUPED.search)


def numbers(found: Sample) -> float:
    return found.share(_NUMBER.fullmatch)


def letters(found: Sample) -> float:
    """The share of values with at least one letter of any script."""
    return found.share(lambda value: any(letter.isalpha() for letter in value))


def digits(found: Sample) -> float:
    """The share of values with at least one digit."""
    return found.share(lambda value: any(letter.isdigit() for letter in value))


def longest(found: Sample, most: int) -> float:
    """The share of values of at most `most` characters."""
    return found.share(lambda value: len(value) <= most)


def single_words(found: Sample) -> float:
    return found.share(lambda value: len(value.split()) == 1)


def words_only(found: Sample) -> float:
    """The share of values that are one to four words of letters, as names of people are."""
    return found.share(lambda value: 0 < len(value.split()) <= 4 and not any(letter.isdigit() for letter in value))


def streets(found: Sample) -> float:
    """The share with a number and a word for street."""
    return found.word_share(
        lambda words: len(words) > 1 and any(w[0].isdigit() for w in words) and _STREET_WORD.search(" ".join(words))
    )


def legal_forms(found: Sample) -> float:
    """The share of names that end in a legal form."""
    forms = _forms()
    return found.share(
        lambda value: (
            len(value.split()) > 1 and (fold(value.split()[-1]) in forms or _SPELLED_LEGAL_FORM.search(value.lower()))
        )
    )


def people(found: Sample) -> float:
    """The share of values whose first or last word is a known given name (about half of English given names are)."""
    known = given_names()
    return found.word_share(lambda words: words[0] in known or words[-1] in known)


def is_value(name: str) -> bool:
    """Whether the name of a column is no name but a value: the header line is missing."""
    return any(form.fullmatch(name.strip()) for form in (_EMAIL, _DATE, _PHONE))


def postcodes(found: Sample) -> float:
    """The share with the form of one country's postcodes: British, or digits of one and the same length."""
    lengths = [len(value) for value in found.some if value.isdigit()]
    same = max((lengths.count(length) for length in (4, 5)), default=0) / max(len(found.some), 1)
    years = found.share(lambda value: re.fullmatch(_YEAR, value))
    return max(found.share(_UK_POSTCODE.fullmatch), same if years < 0.8 else 0.0)


def fits(kind: Kind, found: Sample) -> bool:
    """Whether values can be of the kind that the column's name says. Half of them may be damaged."""
    if kind in {Kind.EMAIL, Kind.URL, Kind.DATE, Kind.PHONE, Kind.NUMBER}:
        return _FORMS[kind](found) >= 0.5
    if kind in {Kind.POSTCODE, Kind.HOUSE_NUMBER}:
        return min(digits(found), longest(found, 12)) >= 0.5
    if kind is Kind.IDENTIFIER:
        return min(digits(found), longest(found, 40)) >= 0.5 and dates(found) < 0.9
    if kind is Kind.CATEGORY:
        return found.distinct <= max(len(found.values) / 2, 3) and longest(found, 60) >= 0.9
    return letters(found) >= 0.5 and emails(found) < 0.5


_FORMS: dict[Kind, Callable[[Sample], float]] = {
    Kind.EMAIL: lambda found: found.share(lambda value: "@" in value),
    Kind.URL: lambda found: found.share(lambda value: "." in value and " " not in value and "@" not in value),
    Kind.DATE: dates,
    Kind.PHONE: lambda found: found.share(lambda value: sum(letter.isdigit() for letter in value) >= 6),
    Kind.NUMBER: numbers,
}


@cache
def given_names() -> frozenset[str]:
    """Given names and their short forms: some 2,200 English ones and a few hundred others."""
    english = NickNamer().nickname_lookup
    others = (name for line in word_lines("short_forms") for name in line)
    return frozenset(english).union(*english.values(), others)


@cache
def _forms() -> frozenset[str]:
    return word_list("legal_forms")
