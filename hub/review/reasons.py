"""Why a pair waits, in a few words: what both records agree on, nearly agree on, and do not. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rapidfuzz import fuzz

# What tells most comes first; a later attribute that says the same again is left out.
ATTRIBUTES = (
    ("tax_id", "tax number"), ("email", "e-mail"), ("mobile", "mobile number"), ("phone", "phone number"),
    ("birth_date", "date of birth"), ("website", "website"), ("name", "name"), ("given_name", "first name"),
    ("family_name", "family name"), ("street", "street"), ("postcode", "postcode"), ("city", "town"),
)  # fmt: skip
COVERED = {"name": {"given_name", "family_name"}, "postcode": {"city"}}
SIMILAR = 80.0  # rapidfuzz ratio: `Harbour Road` and `Harbor Rd` have 86, two towns hardly ever above 60
MOST = 3


def reasons(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    """`Same postcode. Similar street. Different first name.`, from the attributes of both records."""
    found: dict[str, list[str]] = {"Same": [], "Similar": [], "Different": []}
    covered: set[str] = set()
    for name, word in ATTRIBUTES:
        verdict = _compared(name, a.get(name), b.get(name))
        if verdict is None or name in covered:
            continue
        found[verdict].append(word)
        if verdict == "Same":
            covered |= COVERED.get(name, set())
    # What part of the name it is says more than that it is the name.
    parts = {"first name", "family name"} & {*found["Similar"], *found["Different"]}
    told = {
        verdict: [word for word in words if word != "name" or verdict == "Same" or not parts]
        for verdict, words in found.items()
    }
    said = [f"{verdict} {_listed(words[:MOST])}." for verdict, words in told.items() if words]
    return " ".join(said) or "The records hold nothing that can be compared directly."


def _compared(name: str, a: Any, b: Any) -> str | None:
    """`Same`, `Similar` or `Different`; None where one side knows nothing."""
    left, right = _plain(name, a), _plain(name, b)
    if not left or not right:
        return None
    if left == right:
        return "Same"
    initial = name == "given_name" and (left.startswith(right) or right.startswith(left))
    return "Similar" if initial or fuzz.ratio(left, right) >= SIMILAR else "Different"


def _plain(name: str, value: Any) -> str:
    if value is None:
        return ""
    written = str(value).casefold()
    return re.sub(r"\D", "", written) if name in {"mobile", "phone"} else re.sub(r"[\W_]+", " ", written).strip()


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
