"""Values in words: how templates write moments, names of fields, money, evidence and differences. Pure."""

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import SequenceMatcher
from typing import Any

CURRENCY = re.compile(r"[A-Z]{3}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d.*")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
VERDICTS = {"same": "the same", "different": "different", "unsure": "not sure"}
ABBREVIATIONS = {"id": "ID", "url": "URL", "crm": "CRM", "sms": "SMS", "api": "API"}


def label(name: str) -> str:
    """`open_balance` -> `Open balance`."""
    parts = [ABBREVIATIONS.get(part, part) for part in str(name).replace("_", " ").split()]
    text = " ".join(parts)
    return text[:1].upper() + text[1:]


def sentence(said: str) -> str:
    """With a capital, unless it begins with something that is written as it is, such as a ref or an address."""
    first = said.split(" ", 1)[0]
    return said if set(first) & set(":/.@_") else said[:1].upper() + said[1:]


def moment(value: dt.datetime | str | None) -> str:
    """`22 Nov 2026, 11:04 UTC`"""
    if value is None:
        return "never"
    when = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    if when.tzinfo is not None:
        when = when.astimezone(dt.UTC)
    return f"{when.day} {when:%b %Y, %H:%M} UTC"


def day(value: dt.date | str | None) -> str:
    """`22 Nov 2026`"""
    if value is None:
        return "—"
    when = dt.date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{when.day} {when:%b %Y}"


def number(value: float | Decimal | None) -> str:
    """`12,345`; two decimals where there are any."""
    if value is None:
        return "—"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def counted(many: int, what: str) -> str:
    """`1 opportunity`, `3 opportunities`, `2 touches`"""
    ending = "ies" if what.endswith("y") else "es" if what.endswith("ch") else "s"
    stem = what.removesuffix("y") if ending == "ies" else what
    return f"{many:,} {what if many == 1 else stem + ending}"


def amount(value: Any) -> str:
    """`1,234.50`"""
    return money(value, None)


def money(amount: Any, currency: str | None) -> str:
    """`EUR 1,234.50`"""
    if amount is None:
        return "—"
    try:
        return f"{currency or ''} {Decimal(str(amount)):,.2f}".strip()
    except InvalidOperation:
        return str(amount)


def plain(value: Any) -> str:
    """A scalar out of JSON, as a person would write it."""
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return number(value)
    if isinstance(value, dt.datetime) or (isinstance(value, str) and MOMENT.fullmatch(value)):
        return _or_as_it_is(moment, value)
    if isinstance(value, dt.date) or (isinstance(value, str) and DAY.fullmatch(value)):
        return _or_as_it_is(day, value)
    return str(value)


def _or_as_it_is(written: Any, value: Any) -> str:
    try:
        return str(written(value))
    except ValueError:
        return str(value)


def is_money(value: Any) -> bool:
    """Whether this is money per currency: {"EUR": 12.5, "USD": 3}."""
    if not isinstance(value, Mapping) or not value:
        return False
    return all(CURRENCY.fullmatch(str(key)) and not isinstance(item, Mapping | list) for key, item in value.items())


def is_table(value: Any) -> bool:
    """Whether this is a list of objects, to be written as a table."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, Mapping) for item in value)


def columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys of all rows, in order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def ordered(facts: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Labels and values by name, so that what belongs together stands together; how fresh it all is comes last.

    `last_touch_at` is labelled `Last touch`, unless there is a `last_touch` as well.
    """
    names = sorted(facts, key=lambda name: (name == "fresh_at", name))
    short = {name: name.removesuffix("_at") for name in names}
    return [(label(name if short[name] in facts else short[name]), facts[name]) for name in names]


def bits(weight: float) -> str:
    """`+6.6 bits`"""
    return f"{weight:+.1f} bits".replace("-", "−")


def pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def percent(probability: float) -> str:
    """Never rounded up to certainty: 0.9999 is `99.99 %`."""
    share = probability * 100
    if 1 <= share <= 99:
        return f"{share:.0f} %"
    return f"{min(max(share, 0.01), 99.99):.2f} %"


def verdict(said: str) -> str:
    """`the same`, `different`, `not sure`"""
    return VERDICTS[said]


def share(part: float) -> str:
    """`83 %`; a share of counts, which may be none or all."""
    return f"{100 * part:.0f} %" if part in {0, 1} or 0.01 <= part <= 0.99 else f"{100 * part:.1f} %"


@dataclass(frozen=True)
class Strength:
    """How much a piece of evidence says: a word, and for or against `same`."""

    word: str
    side: str


# 10 bits of evidence multiply the odds by 1,000, 6 by 64, 3 by 8; below half a bit is noise.
STRENGTHS = ((10.0, "very strong"), (6.0, "strong"), (3.0, "moderate"), (0.5, "weak"))


def strength(bits: float) -> Strength:
    """What `bits` of evidence mean in words."""
    for least, word in STRENGTHS:
        if abs(bits) >= least:
            return Strength(word, "for" if bits > 0 else "against")
    return Strength("no evidence either way", "neutral")


def chance(bits: float) -> str:
    """`12 times likelier if they are the same customer`."""
    times = 2 ** min(abs(bits), 40)
    many = f"{times:,.1f}" if times < 10 else f"{times:,.0f}" if times < 1_000_000 else "over a million"
    return f"{many} times likelier if they are {'the same' if bits >= 0 else 'different'}"


@dataclass(frozen=True)
class Segment:
    text: str
    same: bool


def differences(a: str | None, b: str | None) -> tuple[list[Segment], list[Segment]]:
    """Both texts in segments that agree or differ; case alone is no difference."""
    left, right = a or "", b or ""
    first: list[Segment] = []
    second: list[Segment] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, left.casefold(), right.casefold(), autojunk=False).get_opcodes():
        if a1 > a0:
            first.append(Segment(left[a0:a1], tag == "equal"))
        if b1 > b0:
            second.append(Segment(right[b0:b1], tag == "equal"))
    return first, second


FILTERS = {
    written.__name__: written
    for written in (
        label, moment, day, number, plain, pretty, percent, money, amount, counted, share, verdict, strength, chance,
        columns, ordered, bits, sentence,
    )
}  # fmt: skip
TESTS = {"money": is_money, "table": is_table}
