"""Where each golden value comes from, as people read it. Pure."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hub.golden.manual import said_of
from hub.golden.policy import POLICY, Group, Rule
from hub.golden.survivorship import plain
from hub.review import masking, words

PUBLISHED = {"employer_ref": "employer_id", "parent_ref": "parent_id"}
"""What survives is a ref; what is published is the customer that it leads to."""
_LABELS = {
    "employer_ref": "Works at",
    "parent_ref": "Belongs to",
    "birth_date": "Date of birth",
    "tax_id": "Tax number",
}
WHY = {
    Rule.ONLY: "the only record that has one",
    Rule.AGREED: "all records that have one agree",
    Rule.LIVING: "the other records were deleted at their source",
    Rule.COMPLETE: "the most complete record",
    Rule.PREFERRED: "the department that knows this best",
    Rule.PRIORITY: "the department that comes first",
    Rule.RECENT: "the record that changed last",
    Rule.FREQUENT: "most records write it so",
    Rule.LONGEST: "the longest text",
    Rule.VERIFIED: "the record that passes most checks",
    Rule.MANUAL: "said by a person",
    Rule.REF: "no rule told the records apart",
    Rule.PLACEHOLDER: "no record has a real one",
}


@dataclass(frozen=True)
class Source:
    """A source record that says a value. `department` is None where the record is not a member any more."""

    ref: str
    source: str
    department: str | None


@dataclass(frozen=True)
class Said:
    """What some record says instead; `text` is None where it says nothing."""

    where: Source
    text: str | None


@dataclass(frozen=True)
class Origin:
    """One golden value. `sources_say` is set where a person overruled the sources; `changed` if they say else now."""

    name: str
    label: str
    text: str | None
    link: str | None
    where: Source | None
    why: str
    losers: Sequence[Said]
    by_hand: bool
    sources_say: str | None
    changed: bool


@dataclass(frozen=True)
class OriginGroup:
    """Values that are always taken from one record together.

    `manual` is what a person says of them (a row of `hub.review.queries.manual_values`), also when it is not published
    yet, or is over. `waits` says in words what the next publication changes; empty where nothing waits.
    """

    name: str
    label: str
    origins: Sequence[Origin]
    manual: Any
    waits: str
    sayable: bool


def attribute(name: str) -> str:
    """What people call an attribute."""
    return _LABELS.get(name) or words.label(name)


def places(members: Sequence[Any]) -> dict[str, Source]:
    """By ref, the source and department of the records of a customer."""
    return {member.ref: Source(member.ref, member.source, member.department) for member in members}


def groups(
    row: Mapping[str, Any],
    where: Mapping[str, Source],
    manual: Mapping[str, Any],
    as_of: dt.datetime,
    above: tuple[uuid.UUID, str] | None = None,
    *,
    masked: bool = False,
) -> list[OriginGroup]:
    """The groups of a published customer, in the order of its policy, those of which nothing is known last.

    `where` is of `places`, `manual` of `hub.review.queries.manual_values.live`; `above` names the employer or parent.
    `row` comes without masks; with `masked` its values get them, and why people said theirs is left out.
    """
    found = []
    for group in POLICY[row["kind"]]:
        names = [name for name in group.attributes if _is_told(row, PUBLISHED.get(name, name))]
        said = manual.get(group.name)
        found.append(
            OriginGroup(
                name=group.name,
                label=attribute(group.name),
                origins=[_origin(name, row, where, above, masked=masked) for name in names],
                manual=None if masked else said,
                waits=waiting(group, row, said, as_of),
                sayable=bool(said_of(group)),
            )
        )
    return sorted(found, key=lambda group: not group.origins)


def composed(
    golden: Mapping[str, Any], where: Mapping[str, Source], above: tuple[uuid.UUID, str] | None = None
) -> list[Origin]:
    """The known values of a customer that is not published, in the order of its policy; `above` as in `groups`."""
    policy = POLICY[golden["kind"]]
    nothing = {PUBLISHED.get(name, name): None for group in policy for name in group.attributes}
    row = {"provenance": {}, **nothing, **golden}
    names = [name for group in policy for name in group.attributes if _is_told(row, PUBLISHED.get(name, name))]
    return [_origin(name, row, where, above, masked=False) for name in names]


def _is_told(row: Mapping[str, Any], name: str) -> bool:
    return row[name] is not None or name in row["provenance"]


def _origin(
    name: str,
    row: Mapping[str, Any],
    where: Mapping[str, Source],
    above: tuple[uuid.UUID, str] | None,
    *,
    masked: bool,
) -> Origin:
    published = PUBLISHED.get(name, name)
    told = row["provenance"].get(published) or {}

    def shown(value: Any) -> str | None:
        return written(masking.masked(name, value) if masked else value)

    value, link = shown(row[published]), None
    if name in PUBLISHED and above and row[published] == above[0]:
        value, link = above[1], f"/customers/{above[0]}"
    by_hand = told.get("rule") == Rule.MANUAL
    return Origin(
        name=name,
        label=attribute(name),
        text=value,
        link=link,
        where=source_of(told["ref"], where) if told else None,
        why=WHY.get(told.get("rule", ""), "not recorded"),
        losers=[Said(source_of(loser["ref"], where), shown(loser["value"])) for loser in told.get("losers", ())],
        by_hand=by_hand,
        sources_say=shown(told.get("sources_say")) if by_hand else None,
        changed=bool(told.get("sources_changed")),
    )


def written(value: Any) -> str | None:
    """A golden value as text; None where there is none."""
    return None if value is None else str(plain(value))


def source_of(ref: str, where: Mapping[str, Source]) -> Source:
    return where.get(ref) or Source(ref, ref.split(":", 1)[0], None)


def waiting(group: Group, row: Mapping[str, Any], manual: Any, as_of: dt.datetime) -> str:
    """What people said of a group and is not published yet, in words; empty where all of it is."""
    shown = {name: row["provenance"].get(name, {}) for name in said_of(group)}
    by_hand = any(told.get("rule") == Rule.MANUAL for told in shown.values())
    if manual is None or is_over(manual, as_of):
        return "The value by hand has ended. It is shown until the next publication." if by_hand else ""
    same = all(
        told.get("rule") == Rule.MANUAL and told["ref"] == manual.ref and plain(row[name]) == manual.said.get(name)
        for name, told in shown.items()
        if name in manual.said
    )
    return "" if same else "A value by hand waits for the next publication."


def is_over(manual: Any, as_of: dt.datetime) -> bool:
    """Whether a manual value is past its end."""
    return manual.until is not None and manual.until <= as_of
