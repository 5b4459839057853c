"""Which rules pick each golden value, in which order. This is the one place where it is declared."""

from collections.abc import Mapping
from dataclasses import dataclass
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
    REF = "ref"
    """Nothing told them apart; the smallest ref wins, so that the choice does not depend on the order."""
    PLACEHOLDER = "placeholder"
    """Only placeholders were found for an attribute that cannot be empty."""


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that are always taken from one record together, and the rules that choose the record.

    `essential` are the attributes whose number decides under Rule.COMPLETE; `prefer` are the departments that win
    under Rule.PREFERRED. The first attribute of a `required` group is never empty: it is made of the others, or a
    placeholder if need be.
    """

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
    ("street", "city", "region", "postcode", "country"),
    (Rule.COMPLETE, Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY),
    prefer=_FINANCE,
    essential=("street", "city", "postcode"),
)
_TAX_ID = Group(("tax_id",), (Rule.PREFERRED, Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT), prefer=_FINANCE)
_WEBSITE = Group(("website",), (Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT))
_LANGUAGE = Group(("language",), (Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY), prefer=_IN_TOUCH)


def _contact(attribute: str, prefer: frozenset[str]) -> Group:
    return Group((attribute,), (Rule.PREFERRED, Rule.RECENT, Rule.PRIORITY), prefer=prefer)


_PERSON = (
    Group(
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
        ("job_title", "employer_ref"),
        (Rule.COMPLETE, Rule.PRIORITY, Rule.RECENT),
        essential=("job_title", "employer_ref"),
    ),
    _ADDRESS,
    _WEBSITE,
    _TAX_ID,
    Group(("birth_date",), (Rule.FREQUENT, Rule.PRIORITY, Rule.RECENT)),
    _LANGUAGE,
)
_ORGANIZATION = (
    Group(("name",), (Rule.FREQUENT, Rule.LONGEST, Rule.PRIORITY, Rule.RECENT), required=True),
    _contact("email", _FINANCE),
    _contact("phone", _IN_TOUCH),
    _contact("mobile", _IN_TOUCH),
    _ADDRESS,
    _WEBSITE,
    _TAX_ID,
    _LANGUAGE,
)

POLICY: Mapping[str, tuple[Group, ...]] = {PartyKind.PERSON: _PERSON, PartyKind.ORGANIZATION: _ORGANIZATION}
ATTRIBUTES: tuple[str, ...] = tuple(
    dict.fromkeys(name for group in (*_PERSON, *_ORGANIZATION) for name in group.attributes)
)
