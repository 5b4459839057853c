"""Folding of text: one spelling for what differs only in case, accents, script or punctuation."""

import re
from functools import lru_cache

from anyascii import anyascii

from dedup.standardise.lists import word_list

# No name or address in use comes near; a longer value is a mistake and would only cost time.
LONGEST = 200

_APOSTROPHES = re.compile(r"['`´’‘]")
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_TELLING = re.compile(r"[^\W_0]")
_PLACEHOLDERS = word_list("placeholders")
UMLAUTS = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "Ä": "A", "Ö": "O", "Ü": "U"})


@lru_cache(maxsize=1 << 16)
def is_placeholder(value: str) -> bool:
    """Whether a value only says that there is none: "n/a", "TBD", "-", "000-000", "....."."""
    squeezed = "-".join(value.lower().replace("_", " ").split())
    if squeezed in _PLACEHOLDERS or squeezed.strip("-.?/*<>()[]") in _PLACEHOLDERS:
        return True
    # No letter or digit at all, or nothing but at least three zeros.
    zeros = value.count("0")
    return not _TELLING.search(value) and (zeros == 0 or zeros > 2)


def given_value(value: object) -> str | None:
    """The text of a value, cut at `LONGEST`; None for nothing and for placeholders."""
    if value is None:
        return None
    text = str(value)[: LONGEST * 4].strip()[:LONGEST]
    return None if is_placeholder(text) else text


@lru_cache(maxsize=1 << 16)
def fold(text: str) -> str:
    """Lower-case ASCII words separated by single blanks: "José  Núñez-Gómez" -> "jose nunez gomez".

    Umlauts lose their dots, because sources write both "Müller" and "Muller" more often than "Mueller"; the third
    spelling is caught by `squeeze`.
    """
    plain = anyascii(text.translate(UMLAUTS)).lower()
    return _NOT_WORD.sub(" ", _APOSTROPHES.sub("", plain)).strip()


def squeeze(word: str) -> str:
    """A spelling-tolerant key: ae/oe/ue as a/o/u, ph as f, doubled letters once, later vowels dropped."""
    for long, short in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ph", "f"), ("ck", "k"), ("y", "i"), ("z", "s")):
        word = word.replace(long, short)
    head, tail = word[:1], re.sub(r"[aeiou ]", "", word[1:])
    return re.sub(r"(.)\1+", r"\1", head + tail)[:5]
