"""The matching problem of any table, derived from the kinds of its columns.

The m of a level is where training starts from; u is always learned. Bounds (`most`) say how often a field of this kind
may differ between two records of one customer before it is no evidence of being one at all.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from dedup.compare import fields as compare
from dedup.kinds import Kind
from dedup.spec import BlockingRule, Compare, Comparison, Contradiction, Level, MatchSpec, Overrule
from dedup.standardise.fields import Field, standardise

# Outcomes are packed into one integer of four bits each.
MOST_FIELDS = 15
# A value shared by more records is given up as a key; pairs of rarer ones are planned within a budget anyway.
_MOST_IN_BLOCK = 300
_WEAK = 10.0
_SORTED = 2.0

# label, m to begin with
_NAME = (("close {0}", 0.12), ("similar {0}", 0.06), ("one {0} begins with the other", 0.05), ("different {0}", 0.07))
_LEVELS: Mapping[Kind, tuple[tuple[str, float], ...]] = {
    Kind.GIVEN_NAME: (("short form of {0}", 0.03), ("{0} and other name exchanged", 0.01), *_NAME),
    Kind.FAMILY_NAME: (("{0} and other name exchanged", 0.01), *_NAME),
    Kind.EMAIL: (("same mailbox, other domain", 0.05), ("similar mailbox", 0.10), ("different {0}", 0.10)),
    Kind.PHONE: (("same {0} in part or elsewhere", 0.06), ("{0} with a slip or two", 0.09), ("different {0}", 0.10)),
    Kind.CATEGORY: (("different {0}", 0.10),),
    Kind.REGION: (("different {0}", 0.10),),
    Kind.COUNTRY: (("different {0}", 0.10),),
    Kind.DATE: (("{0} with one slip", 0.10), ("{0} with two slips", 0.04), ("different {0}", 0.06)),
}
_CODE = (("{0} with one slip", 0.10), ("{0} with two slips", 0.04), ("different {0}", 0.06))
_CODES = frozenset((Kind.IDENTIFIER, Kind.HOUSE_NUMBER, Kind.POSTCODE, Kind.NUMBER))
_MOST_DIFFERENT: Mapping[Kind, float] = {
    Kind.GIVEN_NAME: 0.4, Kind.FAMILY_NAME: 0.4, Kind.ORGANIZATION: 0.4, Kind.CITY: 0.4, Kind.POSTCODE: 0.4,
    Kind.STREET: 0.45, Kind.HOUSE_NUMBER: 0.45, Kind.DATE: 0.2, Kind.IDENTIFIER: 0.2, Kind.EMAIL: 0.6,
    Kind.PHONE: 0.6, Kind.URL: 0.6, Kind.TEXT: 0.6,
}  # fmt: skip


# Shops of one building share its address and telephone: an organization with an unrelated name is shown to a person.
_ASK = -1.0
# Two people of one home are in doubt at the most: just above the least probability that is shown for review, and below
# the mean bits at which clusters stay apart.
_RELATIVES = -4.0
_PERSONAL = frozenset((Kind.GIVEN_NAME, Kind.FAMILY_NAME))
# What only one organization has; there an unrelated name is a new one.
_OWN = frozenset((Kind.IDENTIFIER, Kind.URL, Kind.EMAIL))


def derive(fields: Sequence[Field], rules: Sequence[tuple[str, ...]] = ()) -> MatchSpec:
    """The specification of a table with these fields, and with blocking by these combinations of parts.

    Raises ValueError for no field and for more than 15.
    """
    if not 0 < len(fields) <= MOST_FIELDS:
        raise ValueError(f"{len(fields)} fields to compare: there must be one at least and {MOST_FIELDS} at most")
    return MatchSpec(
        name="table",
        standardise=partial(standardise, fields=tuple(fields)),
        comparisons=tuple(_comparison(field, fields) for field in fields),
        blocking=tuple(BlockingRule(name_of(parts), parts) for parts in rules),
        owner="",
        shareable=(),
        common=tuple(f"{field.name}.text" for field in fields),
        max_block=_MOST_IN_BLOCK,
        contradictions=_relatives(fields),
        overrules=_overrules(fields),
        u_strength=_WEAK,
        dependent=True,
        fields=tuple(fields),
    )


def _overrules(fields: Sequence[Field]) -> tuple[Overrule, ...]:
    named = tuple(field.name for field in fields if field.kind is Kind.ORGANIZATION)
    return tuple(Overrule(((field.name, (1,)),), named) for field in fields if named and field.kind in _OWN)


def _relatives(fields: Sequence[Field]) -> tuple[Contradiction, ...]:
    """What tells two people of one home apart, whose address and telephone alone weigh some fifty bits.

    An unlike first name (no short form, initial, slip or exchange) with another birth date or none known, or with a
    mailbox of their own each, as twins have. An identifier that both have says more, and so does one mailbox where
    the birth dates do not differ too.
    """
    of: Callable[..., list[Field]] = lambda *kinds: [field for field in fields if field.kind in kinds]  # noqa: E731
    given, dates, mail = of(Kind.GIVEN_NAME), of(Kind.DATE), of(Kind.EMAIL)
    if not given or not of(Kind.STREET):
        return ()
    unlike: list[tuple[str, tuple[int, ...]]] = [(given[0].name, (len(_levels(given[0], None)),))]
    unlike += ((field.name, (0, 3, 4)) for field in of(Kind.IDENTIFIER))
    # Where there are several dates, as of birth and of the last order, all must differ.
    when = [(*((field.name, (0,)) for field in dates), *((field.name, (0, 3, 4)) for field in mail))]
    when += [tuple((field.name, (3, 4)) for field in dates)] if dates else []
    when += [((field.name, (4,)),) for field in mail]
    return tuple(Contradiction("relatives", (*unlike, *one), (), _RELATIVES) for one in when)


def _comparison(field: Field, fields: Sequence[Field]) -> Comparison:
    company = field.kind is Kind.ORGANIZATION and not any(one.kind in _PERSONAL for one in fields)
    several = _levels(field, ceiling=_ASK if company else None)
    closer = _closer(field, fields)
    return Comparison(
        name=field.name,
        columns=field.columns,
        compare=compare.whole(field.name, closer),
        levels=several,
        shown=f"{field.name}.text",
        terms=(f"{field.name}.text",),
        adjusted=(1,),
        spread=float("inf"),
        quick=compare.quick(field.name),
        closer=closer,
        strength=_SORTED if len(several) == 2 else _WEAK,
    )


def _levels(field: Field, ceiling: float | None) -> tuple[Level, ...]:
    label = field.kind.value.replace("_", " ") if "/" in field.name else field.name.replace("_", " ")
    unequal = _LEVELS.get(field.kind, _CODE if field.kind in _CODES else _NAME)
    equal = 1 - sum(m for _, m in unequal)
    levels = [Level(f"same {label}", equal, 0.0), *(Level(text.format(label), m, 0.0) for text, m in unequal)]
    most = _MOST_DIFFERENT.get(field.kind, 1.0)
    return (*levels[:-1], Level(levels[-1].label, levels[-1].m, 0.0, ceiling=ceiling, most=most))


def _closer(field: Field, fields: Sequence[Field]) -> Compare:
    other: Callable[[Kind], str | None] = lambda kind: next((one.name for one in fields if one.kind is kind), None)  # noqa: E731
    match field.kind:
        case Kind.GIVEN_NAME:
            return compare.given_name(field.name, other(Kind.FAMILY_NAME))
        case Kind.FAMILY_NAME:
            return compare.family_name(field.name, other(Kind.GIVEN_NAME))
        case Kind.EMAIL:
            return compare.email(field.name)
        case Kind.PHONE:
            others = tuple(one.name for one in fields if one.kind is Kind.PHONE and one.name != field.name)
            return compare.phone(field.name, others)
        case Kind.CATEGORY | Kind.REGION | Kind.COUNTRY:
            return compare.different
        case Kind.ORGANIZATION | Kind.STREET | Kind.TEXT:
            return compare.name(field.name, several=True)
        case kind if kind in _CODES or kind is Kind.DATE:
            return compare.code(field.name)
    return compare.name(field.name)


def name_of(parts: Sequence[str]) -> str:
    """A blocking rule in words: "same first name (sound), city (beginning)"."""
    said = [part.rpartition(".") for part in parts]
    return "same " + ", ".join(f"{field}{_PART_WORDS[part]}" for field, _, part in said)


_PART_WORDS = {
    "all": "", "local": " (mailbox)", "sound": " (sound)", "root": " (formal name)", "head": " (beginning)",
    "tail": " (end)", "word": " (first word)", "last": " (last word)", "long": " (ten digits)",
}  # fmt: skip
