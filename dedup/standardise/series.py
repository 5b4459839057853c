"""Standardisation of whole columns at once: each function takes distinct values of a column and gives one for each.

The functions beside them in `people`, `companies`, `contact` and `places` know more, a value at a time; at a million
distinct values these here take a tenth of a second where those take ten.
"""

from collections.abc import Callable
from functools import cache

import phonenumbers
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from anyascii import anyascii

from dedup.standardise.lists import word_lines, word_list
from dedup.standardise.places import ABBREVIATIONS, country_code
from dedup.standardise.text import LONGEST, UMLAUTS

Texts = pl.Series

_DOUBLED = [letter * 2 for letter in "bcdfghjklmnpqrstvwx"]
_NUMBER = r"\D"
_LONGEST_PLACEHOLDER = 24


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column without views, of which arrow cannot pick rows."""
    if pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column.cast(pa.binary()) if pa.types.is_binary_view(column.type) else column


def texts(values: pa.Array) -> Texts:
    """Values of any type as text; whole numbers without the ".0" that columns with gaps get from other programs.

    Raises ValueError, which says what they are, for values that are no text: lists, structures, bytes, durations.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return texts(values.dictionary).gather(pl.Series(values.indices))
    if pa.types.is_nested(kind) or "binary" in str(kind):
        raise ValueError("holds lists or bytes, not text")
    if pa.types.is_duration(kind) or pa.types.is_interval(kind):
        raise ValueError("holds spans of time, not text")
    try:
        return pl.Series(_whole(values).cast(pa.string()), dtype=pl.String)
    except pa.ArrowException:
        raise ValueError(f"holds {kind}, which cannot be read as text") from None


def _whole(values: pa.Array) -> pa.Array:
    """Floating numbers as integers, where all are whole."""
    if not pa.types.is_floating(values.type):
        return values
    try:
        return pc.if_else(pc.is_nan(values), None, values).cast(pa.int64())
    except pa.ArrowException:
        return values


def given(values: Texts) -> Texts:
    """Text as given, trimmed and cut at `LONGEST`; null for nothing and for placeholders."""
    texts = values.cast(pl.String).str.slice(0, LONGEST).str.strip_chars()
    # Placeholders are short; what is longer has letters or digits, or is left to what follows.
    short = (texts.str.len_bytes() <= _LONGEST_PLACEHOLDER).arg_true()
    few = texts.gather(short)
    squeezed = few.str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    empty = squeezed.is_in(_placeholders()) | squeezed.str.strip_chars("-.?/*<>()[]").is_in(_placeholders())
    # No letter or digit at all, or nothing but at least three zeros.
    empty |= ~few.str.contains(r"[\p{L}\p{N}]") | few.str.contains(r"^[^\p{L}\p{N}]*(?:0[^\p{L}\p{N}]*){3,}$")
    return texts.scatter(short.filter(empty.fill_null(value=False)), None) if empty.any() else texts


def fold(values: Texts) -> Texts:
    """Lower-case ASCII words separated by single blanks, as `dedup.standardise.text.fold` gives them."""
    texts = _ascii(values).str.to_lowercase()
    texts = _with(texts, r"['`]", lambda few: few.str.replace_all(r"['`]", ""))
    return _filled(texts.str.replace_all(r"[^a-z0-9]+", " ").str.strip_chars())


def given_name(values: Texts) -> Texts:
    """Given names without titles."""
    return _filled(fold(values).str.replace(_leading("titles"), ""))


def family_name(values: Texts) -> Texts:
    """Family names without particles, generations, degrees and honours."""
    return _filled(
        fold(values)
        .str.replace(_leading("titles"), "")
        .str.replace(_trailing("name_suffixes", "jr", "sr", "junior", "senior", "ii", "iii", "iv"), "")
        .str.replace(_leading("particles"), "")
    )


def split_name(values: Texts) -> tuple[Texts, Texts]:
    """Given and family part of whole names: "Berg, Anna van den" or "Dr. Anna van den Berg".

    Of a single word only the family part is known.
    """
    texts = values.cast(pl.String)
    before = texts.str.extract(r"^([^,]+),\s*[^,]{2,}", 1)
    after = texts.str.extract(r"^[^,]+,\s*([^,]{2,})", 1)
    words = family_name(texts).str.split(" ")
    turned = before.is_not_null()
    first = words.list.first().set((words.list.len() < 2).fill_null(value=True), None)
    return (
        given_name(after).str.split(" ").list.first().zip_with(turned, first),
        family_name(before).zip_with(turned, words.list.last()),
    )


def root(values: Texts) -> Texts:
    """The formal name that a folded given name stands for: "bill" and "will" both give "william"."""
    known = values.filter(values.is_in(list(_formal())))
    if known.is_empty():
        return values
    return values.replace(list(_formal()), list(_formal().values()))


def sound(values: Texts) -> Texts:
    """A spelling-tolerant key of folded words, as `dedup.standardise.text.squeeze` gives it."""
    texts = values
    for long, short in (("ae", "a"), ("oe", "o"), ("ue", "u"), ("ph", "f"), ("ck", "k"), ("y", "i"), ("z", "s")):
        texts = texts.str.replace_all(long, short, literal=True)
    tail = texts.str.slice(1).str.replace_all(r"[aeiou ]", "")
    return (texts.str.slice(0, 1) + tail).str.replace_many(_DOUBLED, [two[0] for two in _DOUBLED]).str.slice(0, 5)


def organization(values: Texts) -> Texts:
    """Names of organizations without legal form, articles and conjunctions."""
    texts = _with(values.cast(pl.String), "&", lambda few: few.str.replace_all("&", " and ", literal=True))
    texts = fold(_with(texts, r"\.", lambda few: few.str.replace_all(r"\b(\w)\.", "$1")))
    bare = texts.str.replace(_trailing("legal_forms"), "")
    filler = _anywhere("filler_words")
    bare = _with(bare, filler, lambda few: _single_blanks(few.str.replace_all(filler, " ")))
    return _filled(bare).fill_null(texts)


def street(values: Texts) -> Texts:
    """Street and house number with abbreviations written out."""
    texts = fold(values.cast(pl.String).str.replace_all(r"(?i)(\w)(?:strasse|straße|str\.)", "$1 street"))
    for short, word in ABBREVIATIONS.items():
        if short.isascii():
            texts = texts.str.replace_all(rf"\b{short}\b", word)
    return _filled(_single_blanks(texts))


def email(values: Texts) -> Texts:
    """Addresses in lower case, without plus-tags, and without dots where the provider ignores them."""
    texts = values.cast(pl.String).str.to_lowercase().str.strip_prefix("mailto:").str.strip_chars(" <>;,.\t")
    texts = _with(texts, r"\+", lambda few: few.str.replace(r"\+[^@]*@", "@"))
    texts = _with(texts, r"@googlemail\.com$", lambda few: few.str.replace(r"@googlemail\.com$", "@gmail.com"))
    texts = _with(
        texts, r"@gmail\.com$", lambda few: few.str.strip_suffix("@gmail.com").str.replace_all(r"\.", "") + "@gmail.com"
    )
    local = texts.str.split("@").list.first()
    return _filled(texts.set(local.is_in(list(word_list("nobody_mailboxes"))).fill_null(value=False), None))


def phone(values: Texts) -> Texts:
    """National digits, with the extension: the same whether the country code is written or not."""
    texts = _ascii(values).str.replace_all("[^0-9+]+", "").str.replace("^00", "+")
    digits = texts.str.replace(_calling_code(), "").str.replace_all("+", "", literal=True).str.strip_chars_start("0")
    # Eleven digits that begin with 1: a number of North America with its country code and without a plus.
    digits = digits.str.replace("^1([0-9]{10})$", "$1")
    usable = (digits.str.len_chars() >= 6) & ~digits.str.contains(r"^(?:0+|1+|2+|3+|4+|5+|6+|7+|8+|9+|123456789?0?)$")
    return digits.set(~usable.fill_null(value=False), None)


def code(values: Texts) -> Texts:
    """Letters and digits of an identifier, postcode or number, in lower case."""
    return _filled(fold(values).str.replace_all(" ", "", literal=True))


def date(values: Texts) -> Texts:
    """Dates as eight digits, year first; what cannot be read is kept as its digits. 1900-01-01 and 1970-01-01 are none.

    Where day and month can be told apart nowhere in the column, "03/04/1980" is taken as the third of April.
    """
    texts = values.cast(pl.String).str.replace(r"[T ]\d{1,2}:\d{2}.*$|\.0$", "").str.strip_chars()
    parts = texts.str.extract_groups(r"^(\d{1,2})[./\- ](\d{1,2})[./\- ](\d{4})$")
    first, second, year = (parts.struct.field(str(number)) for number in (1, 2, 3))
    month_first = bool((second.cast(pl.Int32) > 12).any()) and not bool((first.cast(pl.Int32) > 12).any())
    day, month = (second, first) if month_first else (first, second)
    written = year + month.str.zfill(2) + day.str.zfill(2)
    ordered = texts.str.replace(r"^(\d{4})[./\-](\d{1,2})[./\-](\d{1,2})$", "$1 0$2 0$3")
    ordered = ordered.str.replace(r"^(\d{4}) \d?(\d{2}) \d?(\d{2})$", "$1$2$3").str.replace_all(_NUMBER, "")
    digits = written.zip_with(written.is_not_null(), ordered)
    return _without(_filled(digits), ["19000101", "19700101", "00000000", "0"])


def country(values: Texts) -> Texts:
    """ISO codes of countries; what is no country is kept, folded."""
    distinct = values.cast(pl.String).drop_nulls().unique()
    codes = [country_code(text) for text in distinct]
    return fold(
        values.cast(pl.String).replace(distinct, pl.Series([c or t for c, t in zip(codes, distinct, strict=True)]))
    )


def url(values: Texts) -> Texts:
    """Host and path of a web address, without scheme and www."""
    texts = values.cast(pl.String).str.to_lowercase().str.replace(r"^[a-z]+://", "").str.replace(r"^www\d?\.", "")
    return _filled(texts.str.replace(r"[/?#]+$", ""))


def _ascii(values: Texts) -> Texts:
    texts = values.cast(pl.String)
    foreign = (texts.str.len_bytes() != texts.str.len_chars()).fill_null(value=False)
    if not foreign.any():
        return texts
    listed = texts.filter(foreign).unique()
    return texts.replace(listed, pl.Series([anyascii(text.translate(UMLAUTS)) for text in listed], dtype=pl.String))


def _with(texts: Texts, pattern: str, change: Callable[[Texts], Texts]) -> Texts:
    """The texts, changed where they hold the pattern: to look for it costs a third of replacing it."""
    rows = texts.str.contains(pattern).arg_true()
    return texts.clone().scatter(rows, change(texts.gather(rows))) if len(rows) else texts


def _single_blanks(texts: Texts) -> Texts:
    return texts.str.replace_all(r"\s+", " ").str.strip_chars()


def _filled(texts: Texts) -> Texts:
    return texts.set(texts.str.len_bytes().eq(0).fill_null(value=False), None)


def _without(texts: Texts, values: list[str]) -> Texts:
    return texts.set(texts.is_in(values).fill_null(value=False), None) if values else texts


@cache
def _placeholders() -> list[str]:
    return sorted(word_list("placeholders"))


@cache
def _leading(name: str) -> str:
    return rf"^(?:(?:{'|'.join(sorted(word_list(name), key=len, reverse=True))}) )+"


@cache
def _trailing(name: str, *more: str) -> str:
    return rf"(?: (?:{'|'.join(sorted(word_list(name) | set(more), key=len, reverse=True))}))+$"


@cache
def _anywhere(name: str) -> str:
    return rf"\b(?:{'|'.join(sorted(word_list(name), key=len, reverse=True))})\b"


@cache
def _calling_code() -> str:
    codes = sorted((str(code) for code in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), key=len, reverse=True)
    return rf"^\+(?:{'|'.join(codes)})"


@cache
def _formal() -> dict[str, str]:
    """The formal given name by short form; of several the longest."""
    from nicknames import NickNamer

    listed = [
        *NickNamer().nickname_lookup.items(),
        *((formal, set(short)) for formal, *short in word_lines("short_forms")),
    ]
    found: dict[str, set[str]] = {}
    for formal, several in listed:
        for short in several:
            found.setdefault(short, set()).add(formal)
    # "Anna" may be short for "Savannah", but it is a formal name of its own.
    formals = {formal for formal, _ in listed}
    return {short: max(sorted(names), key=len) for short, names in found.items() if short not in formals}
