"""Tax and registration numbers: their letters and digits, and whether the check digit is right."""

from functools import lru_cache

from stdnum.eu import vat

from dedup.standardise.text import fold, given_value

_FEWEST = 5


@lru_cache(maxsize=1 << 16)
def parse(value: str | None) -> tuple[str | None, bool]:
    """The number without blanks and punctuation, and whether it is known to be written without a mistake.

    Only VAT numbers of European countries say so of themselves; of others nothing is known.
    """
    text = given_value(value)
    number = fold(text).replace(" ", "").upper() if text else ""
    return (number, bool(vat.is_valid(number))) if len(number) >= _FEWEST else (None, False)
