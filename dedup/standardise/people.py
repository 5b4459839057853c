"""Names of people: parts, initials, nicknames, titles, particles and generations."""

from dataclasses import dataclass
from functools import lru_cache

from nicknames import NickNamer

from dedup.standardise.lists import word_lines, word_list
from dedup.standardise.text import fold, given_value, squeeze

_TITLES = word_list("titles")
_SUFFIXES = word_list("name_suffixes")
_GENERATIONS = {"jr": "2", "junior": "2", "ii": "2", "sr": "1", "senior": "1", "iii": "3", "iv": "4"}
# What may stand behind a family name.
_ENDS = _SUFFIXES | set(_GENERATIONS)
_PARTICLES = word_list("particles")
_NICKNAMES = NickNamer()
# The package knows English names; this adds other languages.
_SHORT_FORMS = {formal: frozenset(short) for formal, *short in word_lines("short_forms")}
_FORMAL_NAMES = {
    short: frozenset(formal for formal, others in _SHORT_FORMS.items() if short in others)
    for short in frozenset().union(*_SHORT_FORMS.values())
}

YES = "yes"


@dataclass(frozen=True)
class PersonName:
    """Folded parts of a person's name. `roots` are the formal names that the given name may stand for, itself first.

    `family_roots` are those of the family name, in case the two were entered in each other's place.
    """

    given: str | None = None
    family: str | None = None
    parts: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    family_roots: tuple[str, ...] = ()
    generation: str | None = None

    @property
    def known(self) -> bool:
        """Whether the given name is an established one, so that a small difference is no slip of the pen."""
        return len(self.roots) > 1 or bool(self.given and _nicknames_of(self.given))


def parse(given: object, family: object, name: object) -> PersonName:
    """The parts of a name from its fields; `name` is split where the fields are missing."""
    given_text, family_text, name_text = given_value(given), given_value(family), given_value(name)
    if not (given_text and family_text) and name_text and "@" not in name_text:
        given_text, family_text = _split(name_text)
    first, generation_first = _words(given_text)
    last, generation_last = _words(family_text)
    particle_free = [word for word in last if word not in _PARTICLES] or last
    given_name = first[0] if first else None
    return PersonName(
        given=given_name,
        family=" ".join(particle_free) or None,
        parts=tuple(word for word in particle_free if len(word) > 2)
        if len(particle_free) > 1
        else tuple(particle_free),
        roots=_roots(given_name) if given_name else (),
        family_roots=_roots(particle_free[-1]) if particle_free else (),
        generation=generation_last or generation_first,
    )


def unordered(name: PersonName) -> str | None:
    """Given and family name, as far as known, as a key that is the same in either order."""
    return " ".join(sorted(part for part in (name.given, name.family) if part)) or None


@lru_cache(maxsize=1 << 16)
def sound(word: str | None) -> str | None:
    return squeeze(word) if word else None


def _split(name: str) -> tuple[str | None, str | None]:
    """Given and family part of a name as written: "Berg, Anna van den" or "Dr. Anna van den Berg"."""
    before, comma, after = name.partition(",")
    if comma and fold(after) and not set(fold(after).split()) <= _ENDS:
        return after, before
    words = [word for word in name.replace(",", " ").split() if fold(word)]
    titles = [fold(word) in _TITLES for word in words]
    while len(words) > 1 and titles[0]:
        words, titles = words[1:], titles[1:]
    tail = len(words)
    while tail > 1 and fold(words[tail - 1]) in _ENDS:
        tail -= 1
    start = tail - 1
    while start > 1 and fold(words[start - 1]) in _PARTICLES:
        start -= 1
    if start == 0:
        return " ".join(words[:1]) or None, None
    return " ".join(words[:start]), " ".join(words[start:])


def _words(text: str | None) -> tuple[list[str], str | None]:
    words = fold(text).split() if text else []
    while len(words) > 1 and words[0] in _TITLES:
        words = words[1:]
    generation = None
    while len(words) > 1 and words[-1] in _ENDS:
        generation = _GENERATIONS.get(words[-1], generation)
        words = words[:-1]
    return words, generation


@lru_cache(maxsize=1 << 14)
def _nicknames_of(name: str) -> frozenset[str]:
    return frozenset(_NICKNAMES.nicknames_of(name)) | _SHORT_FORMS.get(name, frozenset())


@lru_cache(maxsize=1 << 14)
def _roots(name: str) -> tuple[str, ...]:
    formal = _NICKNAMES.canonicals_of(name) | _FORMAL_NAMES.get(name, frozenset())
    return (name, *sorted(formal - {name}))
