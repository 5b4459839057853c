"""Names of organizations: without legal form, as words, and as an acronym."""

import re
from dataclasses import dataclass

from cleanco import prepare_default_terms
from cleanco.clean import custom_basename, normalized, strip_punct, strip_tail

from dedup.standardise.lists import word_list
from dedup.standardise.text import fold, given_value

_TERMS = prepare_default_terms()
_LAST = {words[-1] for _, words in _TERMS}
_ENDS = word_list("legal_forms") | {"and"}
_FILLERS = word_list("filler_words")
_GENERIC = word_list("generic_words")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}")


@dataclass(frozen=True)
class CompanyName:
    """`core` is the folded name without legal form, `words` its words sorted, `acronym` its initials."""

    core: str | None = None
    words: tuple[str, ...] = ()
    acronym: str | None = None

    @property
    def ordered(self) -> str | None:
        return " ".join(self.words) or None

    @property
    def distinctive(self) -> str | None:
        """The name's telling words without the generic ones, which come and go between systems."""
        return " ".join(word for word in self.words if word not in _GENERIC) or self.ordered


def parse(value: object) -> CompanyName:
    text = given_value(value)
    if not text:
        return CompanyName()
    joined = _INITIALS.sub(lambda found: found.group().replace(".", ""), text.replace("&", " and "))
    words = fold(_bare(joined) or joined).split()
    while len(words) > 1 and words[-1] in _ENDS:
        words = words[:-1]
    telling = [word for word in words if word not in _FILLERS] or words
    if not telling:
        return CompanyName()
    acronym = "".join(word[0] for word in telling) if len(telling) > 2 else None
    if len(telling) == 1 and 3 <= len(telling[0]) <= 6:
        acronym = telling[0]
    return CompanyName(" ".join(telling), tuple(sorted(set(telling))), acronym)


def _bare(name: str) -> str:
    """The name without the legal forms at its end. cleanco tries 300 of them: only where the last word is of one."""
    bare: str = strip_tail(name)
    if strip_punct("".join(normalized(bare).split()[-1:])) in _LAST:
        bare = custom_basename(name, _TERMS, prefix=False, middle=False, suffix=True)
    return bare
