"""Guess what the columns of an unknown file hold: by their names, checked against a sample of their values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import pyarrow as pa
from rapidfuzz import process

from dedup import looks
from dedup.facts import Facts, look
from dedup.kinds import Kind
from dedup.looks import Sample

# A column where a value stands for five records or more, and of at most this many values, sorts records into groups.
_ROWS_EACH, _MOST_CATEGORIES = 5, 1000
_FEW = 20  # rows below which it is no sign of a key that all values differ
_UNUSABLE = frozenset((Kind.ID, Kind.IGNORED))
_REACHED = {Kind.STREET, Kind.CITY, Kind.POSTCODE, Kind.COUNTRY, Kind.REGION, Kind.PHONE, Kind.URL, Kind.EMAIL}

_NAMES = frozenset((Kind.GIVEN_NAME, Kind.FAMILY_NAME))


@dataclass(frozen=True)
class Guess:
    """What a column is taken as, and why in a few words for the person whose file it is."""

    kind: Kind
    reason: str


def guess(
    table: pa.Table,
    *,
    id: str | None = None,  # noqa: A002  # the word of the command line
    ignore: Collection[str] = (),
    given: Mapping[str, Kind] | None = None,
) -> dict[str, Guess]:
    """The kind of every column of `table`, in the order of its columns.

    `id` names the column that names the records, `ignore` those to leave out, and `given` what is known better; they
    win over any guess. At most one column becomes `Kind.ID`. Deterministic; looks at 10,000 rows at most.

    Raises ValueError for names that are no column, for columns of one name, for one to compare that holds no text, and
    where nothing is left to compare.
    """
    said = _said(table.column_names, id, ignore, given or {})
    for name in (name for name, each in said.items() if each.kind not in _UNUSABLE):
        if told := look(table, name).no_text:
            raise ValueError(f"the column {name!r} cannot be compared: it {told}")
    facts = [look(table, name) for name in table.column_names if name not in said]
    found = _guesses(facts, said, keep_constant=False)
    if all(each.kind in _UNUSABLE for each in found.values()):
        found = _guesses(facts, said, keep_constant=True)
    if all(each.kind in _UNUSABLE for each in found.values()):
        why = "; ".join(f"{name}: {each.reason}" for name, each in list(found.items())[:10])
        raise ValueError(f"no column is left to compare{f' ({why})' if why else ''}: say what one holds")
    return {name: said.get(name) or found[name] for name in table.column_names}


def _said(names: list[str], key: str | None, ignore: Collection[str], given: Mapping[str, Kind]) -> dict[str, Guess]:
    """What the user decided, by column."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"the column {twice[0]!r} is there {names.count(twice[0])} times: give each its own name")
    wanted = [*([] if key is None else [key]), *ignore, *given]
    for name in wanted:
        if name not in names:
            raise ValueError(f"there is no column {name!r}{_nearest(name, names)}")
    said = {name: Guess(kind, "you said so") for name, kind in given.items()}
    said |= {name: Guess(Kind.IGNORED, "you said so") for name in ignore}
    if key is not None:
        said[key] = Guess(Kind.ID, "you said so")
    keys = [name for name, each in said.items() if each.kind is Kind.ID]
    if len(keys) > 1:
        raise ValueError(f"the columns {' and '.join(map(repr, keys))} cannot both be the id: name one")
    return said


def _nearest(name: str, names: list[str]) -> str:
    if not names:
        return ": the table has no columns"
    best = process.extractOne(name.lower(), {each: each.lower() for each in names}, score_cutoff=60)
    return f": did you mean {best[2]!r}?" if best else f": the columns are {', '.join(map(repr, names[:20]))}"


def _guesses(facts: list[Facts], said: Mapping[str, Guess], *, keep_constant: bool) -> dict[str, Guess]:
    """A guess for every column, the user's included: first one by one, then those that depend on their neighbours."""
    has_key = any(each.kind is Kind.ID for each in said.values())
    found: dict[str, Guess] = dict(said)
    names: list[Facts] = []
    previous: Kind | None = None
    for column in facts:
        one = _unusable(column, keep_constant=keep_constant) or _key(column, previous, has_key=has_key)
        one = one or _by_header(column) or (None if column.header.bare_name else _by_values(column))
        if one is None:
            names.append(column)
        else:
            found[column.name] = one
            has_key = has_key or one.kind is Kind.ID
        previous = one.kind if one else None
    found |= _people(facts, found)
    for column in names:
        found[column.name] = _bare_name(column, found, facts)
    return found


def _unusable(column: Facts, *, keep_constant: bool) -> Guess | None:
    if column.no_text:
        return Guess(Kind.IGNORED, column.no_text)
    if not column.seen.values:
        return Guess(Kind.IGNORED, "has no values" if column.empty else "has hardly any values")
    if column.constant and not keep_constant:
        return Guess(Kind.IGNORED, "has one and the same value everywhere")
    if column.header.bookkeeping:
        return Guess(Kind.IGNORED, "says when or by whom a row was written, not whose it is")
    return None


def _key(column: Facts, previous: Kind | None, *, has_key: bool) -> Guess | None:
    """Columns named as keys: the first one that is different in every row names the records."""
    if not column.header.key or column.header.said is not None or looks.single_words(column.seen) < 0.5:
        return None
    if column.all_differ and len(column.seen.values) == column.seen.rows:
        if has_key:
            return Guess(Kind.IGNORED, "another key: different in every row")
        return Guess(Kind.ID, "the name says key, and it is different in every row")
    if previous is Kind.STREET and looks.fits(Kind.HOUSE_NUMBER, column.seen):
        return Guess(Kind.HOUSE_NUMBER, "a number beside the street")
    if _is_category(column.seen):
        return Guess(Kind.CATEGORY, "the name says key, but many rows share its values")
    if column.all_differ and column.seen.rows >= _FEW:
        return Guess(Kind.IGNORED, "a key: different in every row")
    return Guess(Kind.IDENTIFIER, "the name says key, and some rows share its values")


def _by_header(column: Facts) -> Guess | None:
    said = column.header.said
    if said is Kind.STREET and not looks.fits(said, column.seen):
        said = Kind.HOUSE_NUMBER  # "Straße Nr." beside "Straße"
    if said is None or not looks.fits(said, column.seen):
        return None
    if said is Kind.TEXT and _is_category(column.seen):
        return Guess(Kind.CATEGORY, f"{column.seen.distinct} values that many rows share")
    # What is called a birth date is one, even if it came through a time zone that moved it by an hour.
    if said is Kind.DATE and column.header.phrase == "date" and looks.times_of_day(column.seen) > 1:
        return Guess(Kind.IGNORED, "a time to the minute: when something was written")
    return Guess(said, f'the name says "{column.header.phrase}"')


def _by_values(column: Facts) -> Guess:
    seen = column.seen
    told = _form(seen) or _code(column)
    if column.header.said in {None, told.kind}:
        return told
    return replace(told, reason=f'the name says "{column.header.phrase}", the values do not: {told.reason}')


def _form(seen: Sample) -> Guess | None:
    """Kinds that have a form of their own."""
    date = looks.dates(seen)
    if date >= 0.9 and looks.times_of_day(seen) > 1:
        return Guess(Kind.IGNORED, "a time to the minute: when something was written")
    shares = (
        (Kind.EMAIL, looks.emails(seen), 0.7, "are e-mail addresses"),
        (Kind.URL, looks.urls(seen), 0.8, "are web addresses"),
        (Kind.DATE, date, 0.9, "are dates"),
        (Kind.PHONE, min(looks.phones(seen), looks.grouped(seen)), 0.7, "are telephone numbers"),
        (Kind.STREET, looks.streets(seen), 0.5, "are streets with a number"),
        (Kind.ORGANIZATION, looks.legal_forms(seen), 0.15, "end in a legal form"),
        (Kind.POSTCODE, looks.postcodes(seen), 0.9, "have the form of a postcode"),
    )
    for kind, share, least, what in shares:
        if share >= least:
            return Guess(kind, f"{share:.0%} of the values {what}")
    known, words = looks.people(seen), looks.words_only(seen)
    if min(words, 3 * known) >= 0.8 and seen.distinct >= min(_FEW, len(seen.values) / 2):
        kind = Kind.GIVEN_NAME if looks.single_words(seen) >= 0.7 else Kind.FULL_NAME
        return Guess(kind, f"{known:.0%} of the values hold a known given name")
    return None


def _code(column: Facts) -> Guess:
    """Kinds without a form of their own: groups, measures, codes and any other words."""
    seen = column.seen
    if _is_category(seen):
        return Guess(Kind.CATEGORY, f"{seen.distinct} values that many rows share")
    single, numeric = looks.single_words(seen), looks.numbers(seen)
    broken = seen.share(lambda value: "." in value or "," in value)
    if numeric >= 0.9 and broken >= 0.1:
        return Guess(Kind.NUMBER, "the values are measures")
    coded = single >= 0.9 and looks.digits(seen) >= 0.8
    if coded and column.all_differ and seen.rows >= _FEW:
        return Guess(Kind.IGNORED, "a code that is different in every row teaches nothing")
    if coded and looks.longest(seen, 5) < 0.5 and seen.distinct > len(seen.values) / 2:
        return Guess(Kind.IDENTIFIER, "the values are codes that few rows share")
    if numeric >= 0.9:
        return Guess(Kind.NUMBER, "the values are numbers")
    return Guess(Kind.TEXT, "nothing tells more")


def _is_category(seen: Sample) -> bool:
    count, short = len(seen.values), looks.longest(seen, 60) >= 0.9
    few = seen.distinct <= min(_MOST_CATEGORIES, count / _ROWS_EACH) or seen.distinct <= min(10, count / 2)
    return few and short


def _people(facts: list[Facts], found: Mapping[str, Guess]) -> dict[str, Guess]:
    """Family names, where no column is named so: another column of known names, or of single words beside them."""
    told = [column for column in facts if _is(found, column, Kind.GIVEN_NAME) and column.header.said is None]
    if not told or _has(found, Kind.FAMILY_NAME):
        return {}
    first = max(told, key=lambda column: looks.people(column.seen))
    at = facts.index(first)
    beside = [each for each in (*facts[at + 1 : at + 2], *facts[max(at - 1, 0) : at]) if _is(found, each, Kind.TEXT)]
    alike = [each for each in beside if min(looks.words_only(each.seen), looks.single_words(each.seen)) >= 0.8]
    family = [column for column in told if column is not first] or alike
    return {column.name: Guess(Kind.FAMILY_NAME, "single words beside the given names") for column in family[:1]}


def _bare_name(column: Facts, found: Mapping[str, Guess], facts: Iterable[Facts]) -> Guess:
    """Whether a column that is only called `name` holds people or organizations: the values and other columns tell."""
    seen = column.seen
    legal, known, single = looks.legal_forms(seen), looks.people(seen), looks.single_words(seen)
    if not looks.fits(Kind.FULL_NAME, seen) or min(single, looks.digits(seen)) >= 0.8:
        return _by_values(column)
    given, family = _has(found, Kind.GIVEN_NAME), _has(found, Kind.FAMILY_NAME)
    if legal >= 0.05 and not _has(found, Kind.ORGANIZATION):
        return Guess(Kind.ORGANIZATION, f"{legal:.0%} of the names end in a legal form")
    if given and not family and single >= 0.5:
        return Guess(Kind.FAMILY_NAME, "a name beside a given name")
    if family and not given and single >= 0.5:
        return Guess(Kind.GIVEN_NAME, "a name beside a family name")
    shared = _repeats(seen, [each.seen for each in facts if each.name in found and found[each.name].kind in _NAMES])
    if shared >= 0.3 or (known >= 0.25 and looks.words_only(seen) >= 0.6):
        return Guess(Kind.FULL_NAME, f"{max(shared, known):.0%} of the names hold a known name of a person")
    if _has(found, Kind.ORGANIZATION) or _is_born(found, facts):
        return Guess(Kind.FULL_NAME, "a name beside what belongs to a person")
    if any(each.kind in _REACHED for each in found.values()):
        return Guess(Kind.ORGANIZATION, "a name with an address, and hardly any known given names")
    return Guess(Kind.TEXT, "a name, but neither of people nor of organizations")


def _repeats(seen: Sample, names: list[Sample]) -> float:
    """The share of values whose first or last word is a value of the columns of given and family names."""
    known = {words[0] for each in names for words in each.folded if words}
    return seen.word_share(lambda words: words[0] in known or words[-1] in known)


def _is_born(found: Mapping[str, Guess], facts: Iterable[Facts]) -> bool:
    return any(_is(found, each, Kind.DATE) and each.header.phrase != "date" for each in facts)


def _is(found: Mapping[str, Guess], column: Facts, kind: Kind) -> bool:
    return column.name in found and found[column.name].kind is kind


def _has(found: Mapping[str, Guess], kind: Kind) -> bool:
    return any(each.kind is kind for each in found.values())
