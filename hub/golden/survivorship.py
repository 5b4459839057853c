"""Survivorship: which source record each golden value comes from. Pure functions over values."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from hub.golden import placeholders, verified
from hub.golden.policy import Group, Rule

_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """One source record of a customer. `values`: attribute -> value as the source gave it; missing is empty."""

    ref: str
    department: str
    living: bool
    updated_at: dt.datetime | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Manual:
    """What a person said of one group, pinned to a record. `replaced`: what the sources said then, as JSON knows it."""

    ref: str
    values: Mapping[str, Any]
    replaced: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Golden:
    """The values that survive, and where each comes from.

    `provenance`: attribute -> {"ref": the record that won, "rule": the rule that decided, "losers": [{"ref", "value"},
    ...]}. Losers are the records with another value, by ref; records that agree with the winner are not listed. An
    attribute that no record has is in neither. Where a person overruled the sources, "sources_say" is what would have
    won, and "sources_changed" tells whether that is another value than the one that was overruled.
    """

    values: dict[str, Any]
    provenance: dict[str, dict[str, Any]]


class _Candidate(NamedTuple):
    member: Member
    values: tuple[Any, ...]


def survive(
    members: Sequence[Member],
    policy: Sequence[Group],
    priority: Sequence[str],
    manual: Mapping[str, Manual] = MappingProxyType({}),
) -> Golden:
    """Choose the golden values of one customer.

    Args:
        members: its source records, refs distinct, in any order: the result does not depend on it.
        policy: the groups of its kind, see `hub.golden.policy.POLICY`.
        priority: departments, the strongest first; those not named are the weakest.
        manual: what a person said, by name of the group; it goes before every rule.
    """
    golden = Golden({}, {})
    rank = {department: place for place, department in enumerate(priority)}
    names = [name for group in policy for name in group.attributes]
    given = [(member, _given(member, names)) for member in members]
    for group in policy:
        candidates = _candidates(given, group)
        if candidates:
            _settle(golden, group, candidates, *_choose(candidates, group, rank))
        elif group.required and members:
            candidates = [_Candidate(m, tuple(m.values.get(name) for name in group.attributes)) for m in members]
            _settle(golden, group, candidates, min(candidates, key=_by_ref), Rule.PLACEHOLDER)
        if group.name in manual:
            _overrule(golden, group, candidates, manual[group.name])
    return golden


def _given(member: Member, names: Sequence[str]) -> dict[str, Any]:
    """What the record really says: attributes that are neither empty nor placeholders."""
    values = member.values
    return {
        name: value
        for name in names
        if (raw := values.get(name)) is not None and (value := placeholders.given(name, raw)) is not None
    }


def _candidates(given: Sequence[tuple[Member, dict[str, Any]]], group: Group) -> list[_Candidate]:
    found, nothing = [], (None,) * len(group.attributes)
    for member, known in given:
        values = tuple([known.get(name) for name in group.attributes])
        if values != nothing:
            found.append(_Candidate(member, _completed(values) if group.required else values))
    return found


def _completed(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A required group's first attribute is made of the others where a record lacks it."""
    first, *others = values
    return (first or " ".join(value for value in others if value), *others)


def _choose(candidates: list[_Candidate], group: Group, rank: Mapping[str, int]) -> tuple[_Candidate, Rule]:
    if len(candidates) == 1:
        return candidates[0], Rule.ONLY
    if _agree(candidates):
        return min(candidates, key=_by_ref), Rule.AGREED
    left, decided = candidates, Rule.REF
    for rule in (Rule.LIVING, *group.rules):
        score = _SCORES[rule](left, group, rank)
        scored = [(score(candidate), candidate) for candidate in left]
        top = max(value for value, _ in scored)
        best = [candidate for value, candidate in scored if value == top]
        if len(best) < len(left):
            left, decided = best, rule
            if _agree(left):
                return min(left, key=_by_ref), decided
    return min(left, key=_by_ref), Rule.REF


def _agree(candidates: Sequence[_Candidate]) -> bool:
    first = candidates[0].values
    return all(candidate.values == first for candidate in candidates)


def _by_ref(candidate: _Candidate) -> str:
    return candidate.member.ref


_Score = Callable[[_Candidate], Any]


def _living(_left: list[_Candidate], _group: Group, _rank: Mapping[str, int]) -> _Score:
    return lambda candidate: candidate.member.living


def _complete(_left: list[_Candidate], group: Group, _rank: Mapping[str, int]) -> _Score:
    places = [group.attributes.index(name) for name in group.essential or group.attributes]
    return lambda candidate: sum(candidate.values[place] is not None for place in places)


def _preferred(_left: list[_Candidate], group: Group, _rank: Mapping[str, int]) -> _Score:
    return lambda candidate: candidate.member.department in group.prefer


def _priority(_left: list[_Candidate], _group: Group, rank: Mapping[str, int]) -> _Score:
    return lambda candidate: -rank.get(candidate.member.department, len(rank))


def _recent(_left: list[_Candidate], _group: Group, _rank: Mapping[str, int]) -> _Score:
    return lambda candidate: candidate.member.updated_at or _NEVER


def _frequent(left: list[_Candidate], _group: Group, _rank: Mapping[str, int]) -> _Score:
    counted = Counter(candidate.values for candidate in left)
    return lambda candidate: counted[candidate.values]


def _longest(_left: list[_Candidate], _group: Group, _rank: Mapping[str, int]) -> _Score:
    return lambda candidate: sum(len(str(value)) for value in candidate.values if value is not None)


def _verified(_left: list[_Candidate], group: Group, _rank: Mapping[str, int]) -> _Score:
    return lambda candidate: sum(
        verified.passes(name, value, candidate.member.values)
        for name, value in zip(group.attributes, candidate.values, strict=True)
    )


_SCORES: dict[Rule, Callable[[list[_Candidate], Group, Mapping[str, int]], _Score]] = {
    Rule.LIVING: _living,
    Rule.COMPLETE: _complete,
    Rule.PREFERRED: _preferred,
    Rule.PRIORITY: _priority,
    Rule.RECENT: _recent,
    Rule.FREQUENT: _frequent,
    Rule.LONGEST: _longest,
    Rule.VERIFIED: _verified,
}


def _settle(golden: Golden, group: Group, candidates: list[_Candidate], winner: _Candidate, rule: Rule) -> None:
    ordered = sorted(candidates, key=_by_ref) if len(candidates) > 1 else candidates
    for place, name in enumerate(group.attributes):
        value = winner.values[place]
        losers = _losers(ordered, place, value)
        if value is not None:
            golden.values[name] = value
        if value is not None or losers:
            golden.provenance[name] = {"ref": winner.member.ref, "rule": rule.value, "losers": losers}


def _overrule(golden: Golden, group: Group, candidates: list[_Candidate], manual: Manual) -> None:
    ordered = sorted(candidates, key=_by_ref)
    for place, name in enumerate(group.attributes):
        if name not in manual.values:
            continue
        value, says = manual.values[name], plain(golden.values.pop(name, None))
        if value is not None:
            golden.values[name] = value
        golden.provenance[name] = {
            "ref": manual.ref,
            "rule": Rule.MANUAL.value,
            "losers": _losers(ordered, place, value),
            "sources_say": says,
            "sources_changed": says != manual.replaced.get(name),
        }


def _losers(ordered: Sequence[_Candidate], place: int, value: Any) -> list[dict[str, Any]]:
    return [
        {"ref": candidate.member.ref, "value": plain(candidate.values[place])}
        for candidate in ordered
        if candidate.values[place] is not None and candidate.values[place] != value
    ]


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    return value.isoformat() if isinstance(value, dt.date) else value
