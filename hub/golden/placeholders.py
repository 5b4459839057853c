"""Values that only say that there is none: "n/a", "TBD", "-", "000". They never survive into a golden record.

Matching has a longer list of its own: it may ignore a doubtful value at no loss, but a golden record that drops
a true one is wrong. Hence the short list here, and the attributes in which some of its words are true values.
"""

import string
from typing import Any

WORDS = frozenset(
    {"n/a", "n.a.", "n.a", "n/k", "tbd", "tbc", "tba", "test", "testing", "dummy", "xx", "xxx", "none", "null", "nil"}
    | {"nan", "unknown", "undefined", "unbekannt", "noname", "noemail"}
    | {"not-available", "not-known", "not-provided", "no-name", "no-email"}
)
# Mr Null, Mrs Test and Ms Na exist; so do Namibia and Naples, both NA, and the Null that a spreadsheet made of them.
_TRUE_WORDS = {
    "given_name": frozenset({"na", "nil", "nan"}),
    "family_name": frozenset({"na", "null", "nil", "nan", "test", "none"}),
    "country": frozenset({"na"}),
    "region": frozenset({"na"}),
}
_EVERYWHERE_ELSE = frozenset({"na"})
_NO_MAILBOX = frozenset({"none", "noemail", "no-email", "unknown", "na", "n/a", "noreply", "no-reply", "donotreply"})
_DIALLED = frozenset({"phone", "mobile"})
NOTHING = string.punctuation + string.whitespace + "0\u00a0–—…·•"
_LONGEST = max(map(len, WORDS))


def given(attribute: str, value: Any) -> Any:
    """`value` without surrounding blanks; None where it is empty or a placeholder for that attribute."""
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    return None if _says_nothing(attribute, stripped) else stripped


def _says_nothing(attribute: str, value: str) -> bool:
    if not value.strip(NOTHING):
        return True
    if attribute in _DIALLED:
        return _cannot_be_dialled(value)
    if attribute == "email":
        return value.casefold().partition("@")[0] in _NO_MAILBOX
    if len(value) > _LONGEST:
        return False
    word = "-".join(value.casefold().split())
    if attribute in _TRUE_WORDS:
        return word in WORDS and word not in _TRUE_WORDS[attribute]
    return word in WORDS or word in _EVERYWHERE_ELSE


def _cannot_be_dialled(value: str) -> bool:
    """Fewer than two different digits: "n/a", "1111111", "99999"."""
    return len({letter for letter in value if letter.isdigit()}) < 2
