"""Which rules pick each golden value, in which order. This is the one place where it is declared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from hub.model.kinds import Department, PartyKind


class Rule(StrEnum):
    """A reason for which one value is chosen over another; the values are published in provenance."""

    ONLY = "only"
    """One record has a value."""
    AGREED = "agreed"
    """All records that have a value have the same one."""
    LIVING = "living"
    """The record still exists at its source. Always asked first."""
    COMPLETE = "most_complete"
    """Most of the group's essential attributes are filled."""
    PREFERRED = "preferred_department"
    """The record is of a department that knows this attribute best."""
    PRIORITY = "source_priority"
    """The record's department comes first in the setting source_priority."""
    RECENT = "most_recent"
    """The record changed last at its source."""
    FREQUENT = "most_frequent"
    """Most records spell it so."""
    LONGEST = "longest"
    """The text is the longest."""
    VERIFIED = "verified"
    """Most of its attributes pass the check of their kind; see `hub.golden.verified`."""
    MANUAL = "manual"
    """A person said so; see `hub.golden.manual`."""
    REF = "ref"
    """Nothing told them apart; the smallest ref wins, so that the choice does not depend on the order."""
    PLACEHOLDER = "placeholder"
    """Only placeholders were found for an attribute that cannot be empty."""


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that are always taken from one record together, and the rules that choose the record.

    `name` is what settings and people call it. `essential` are the attributes whose number decides under
    Rule.COMPLETE; `prefer` are the departments that win under Rule.PREFERRED. The first attribute of a `required` group
    is never empty: it is made of the others, or a placeholder if need be.
    """

    name: str
    attributes: tuple[str, ...]
    rules: tuple[Rule, ...]
    prefer: frozenset[str] = frozenset()
    essential: tuple[str, ...] = ()
    required: bool = False


_FINANCE = frozenset({Department.FINANCE.value})
# Who talks to people every day has the address and the number at which they answer.
_IN_TOUCH = frozenset({Department.SUPPORT.value, Department.SALES.value})
# Invoices are sent there, and come back when it is wrong; but a lone country is no address, hence completeness first.
_ADDRESS = Group(
    "address",
    ("street", "city", "region", "postcode", "country"),
    (Rule.COMPLETE, Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY),
    prefer=_FINANCE,
    essential=("street", "city", "postcode"),
)
_TAX_ID = Group("tax_id", ("tax_id",), (Rule.PREFERRED, Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT), prefer=_FINANCE)
_WEBSITE = Group("website", ("website",), (Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT))
_LANGUAGE = Group("language", ("language",), (Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY), prefer=_IN_TOUCH)


def _contact(attribute: str, prefer: frozenset[str]) -> Group:
    return Group(attribute, (attribute,), (Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY), prefer=prefer)


_PERSON = (
    Group(
        "name",
        ("name", "given_name", "family_name"),
        (Rule.COMPLETE, Rule.FREQUENT, Rule.LONGEST, Rule.PRIORITY, Rule.RECENT),
        essential=("given_name", "family_name"),
        required=True,
    ),
    _contact("email", _IN_TOUCH),
    _contact("phone", _IN_TOUCH),
    _contact("mobile", _IN_TOUCH),
    # A title belongs to a job: the sales title of one employer beside the name of the next would be wrong.
    Group(
        "job",
        ("job_title", "employer_ref"),
        (Rule.COMPLETE, Rule.PRIORITY, Rule.RECENT),
        essential=("job_title", "employer_ref"),
    ),
    _ADDRESS,
    _WEBSITE,
    _TAX_ID,
    Group("birth_date", ("birth_date",), (Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT)),
    _LANGUAGE,
)
_ORGANIZATION = (
    Group("name", ("name",), (Rule.FREQUENT, Rule.LONGEST, Rule.PRIORITY, Rule.RECENT), required=True),
    _contact("email", _FINANCE),
    _contact("phone", _IN_TOUCH),
    _contact("mobile", _IN_TOUCH),
    _ADDRESS,
    _WEBSITE,
    _TAX_ID,
    # Sales keeps whole groups of companies in view; where it does not, whoever said so last does.
    Group(
        "parent",
        ("parent_ref",),
        (Rule.PREFERRED, Rule.PRIORITY, Rule.RECENT),
        prefer=frozenset({Department.SALES.value}),
    ),
    _LANGUAGE,
)

Policy = Mapping[str, tuple[Group, ...]]
POLICY: Policy = {PartyKind.PERSON: _PERSON, PartyKind.ORGANIZATION: _ORGANIZATION}
ATTRIBUTES: tuple[str, ...] = tuple(
    dict.fromkeys(name for group in (*_PERSON, *_ORGANIZATION) for name in group.attributes)
)

CHOOSING = frozenset(
    {Rule.COMPLETE, Rule.PREFERRED, Rule.PRIORITY, Rule.RECENT, Rule.FREQUENT, Rule.LONGEST, Rule.VERIFIED}
)
"""The rules that settings may put in an order of their own; the others are not a matter of choice."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What settings say of one group: rules in their order, preferred departments; None leaves it as it is."""

    rules: tuple[Rule, ...] | None = None
    prefer: frozenset[str] | None = None


def changed(choices: Mapping[str, Mapping[str, Choice]]) -> Policy:
    """The policy with what settings choose, by kind and name of the group.

    Raises:
        ValueError: a kind has no group of that name, or a rule cannot be chosen; says which there are.
    """
    for kind, by_name in choices.items():
        known = {group.name for group in POLICY[kind]}
        for name, choice in by_name.items():
            if name not in known:
                raise ValueError(f"{kind}.{name}: there is no such group; there are {', '.join(sorted(known))}")
            wrong = [rule for rule in choice.rules or () if rule not in CHOOSING]
            if wrong:
                raise ValueError(f"{kind}.{name}: {wrong[0].value!r} is none of {', '.join(sorted(CHOOSING))}")
    return {
        kind: tuple(_chosen(group, choices.get(kind, {}).get(group.name, Choice())) for group in groups)
        for kind, groups in POLICY.items()
    }


def _chosen(group: Group, choice: Choice) -> Group:
    return replace(
        group,
        rules=group.rules if choice.rules is None else choice.rules,
        prefer=group.prefer if choice.prefer is None else choice.prefer,
    )
