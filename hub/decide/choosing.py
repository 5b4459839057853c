"""Where sources disagree on a value, a person may choose one of theirs; it becomes a manual value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.decide.decision import Decision
from hub.decide.picture import Customer, Picture
from hub.errors import OneRecordError
from hub.golden import manual, placeholders
from hub.golden.policy import POLICY, Group
from hub.golden.survivorship import plain


@dataclass(frozen=True)
class Option:
    """What one record says of a group of attributes; `chosen`: the rules choose it."""

    ref: str
    source: str
    department: str
    text: str
    chosen: bool


@dataclass(frozen=True)
class Disagreement:
    """A group of attributes of which records say different things, with the rule that decides."""

    group: str
    rule: str
    options: tuple[Option, ...]


def disagreements(connection: Connection, customer: Customer) -> list[Disagreement]:
    """Where the records of a customer say different things, in the order of the policy."""
    provenance: Mapping[str, Any] = customer.golden["provenance"]
    found = []
    parties = _parties(connection, customer.refs)
    for group in POLICY[customer.kind]:
        told = [provenance[name] for name in _sayable(group) if name in provenance]
        if not any(one["losers"] for one in told):
            continue
        options = _options(group, customer, parties, told[0])
        if len(options) > 1:
            found.append(Disagreement(group.name, told[0]["rule"], options))
    return found


def check(picture: Picture, choices: Mapping[str, str]) -> None:
    """Raise OneRecordError where a choice is of no group, of a foreign record, or no customer is merged."""
    if not choices:
        return
    customer = _merged(picture)
    groups = {group.name for group in POLICY[customer.kind]}
    wrong = [name for name, ref in choices.items() if name not in groups or ref not in customer.refs]
    if wrong:
        raise OneRecordError(f"{wrong[0]!r} cannot be chosen so: choose among what the page offers")


def say(connection: Connection, picture: Picture, decision: Decision) -> None:
    """Make the choices manual values, each pinned to the record that it was taken from."""
    if not decision.choices:
        return
    customer = _merged(picture)
    parties = _parties(connection, sorted(set(decision.choices.values())))
    groups = {group.name: group for group in POLICY[customer.kind]}
    for name, ref in decision.choices.items():
        manual.say(
            connection, ref, _values(groups[name], parties[ref]), author=decision.author, reason=decision.reason,
            sources_say={one: _of_sources(customer, one) for one in _sayable(groups[name])},
        )  # fmt: skip


def _merged(picture: Picture) -> Customer:
    merged = picture.merged() or list(picture.customers)
    if len(merged) != 1:
        raise OneRecordError("values can be chosen for one customer at a time")
    return merged[0]


def _of_sources(customer: Customer, name: str) -> Any:
    told = customer.golden["provenance"].get(name, {})
    return told["sources_say"] if "sources_say" in told else plain(customer.golden.get(name))


def _sayable(group: Group) -> list[str]:
    return manual.said_of(group)


def _values(group: Group, party: Mapping[str, Any]) -> dict[str, str | None]:
    found = {}
    for name in _sayable(group):
        value = party[name]
        given = None if value is None else placeholders.given(name, value)
        found[name] = None if given is None else str(plain(given))
    if group.required and not found[group.attributes[0]]:
        found[group.attributes[0]] = " ".join(value for value in found.values() if value)
    return found


def _options(
    group: Group, customer: Customer, parties: Mapping[str, Mapping[str, Any]], told: Mapping[str, Any]
) -> tuple[Option, ...]:
    """One option per different saying, the winner's first."""
    found: dict[str, Option] = {}
    winner = told["ref"] if told["rule"] != "manual" else ""
    for record in sorted(customer.records, key=lambda record: record.ref != winner):
        said = _written([value for value in _values(group, parties[record.ref]).values() if value])
        if said and said not in found:
            found[said] = Option(record.ref, record.source, record.department, said, record.ref == winner)
    return tuple(found.values())


def _written(values: Sequence[str]) -> str:
    """A full name says what its parts say."""
    first, *others = values or [""]
    return first if all(other in first for other in others) else ", ".join(values)


def _parties(connection: Connection, refs: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    rows = connection.execute(text("SELECT * FROM canonical.party WHERE ref = ANY(:refs)"), {"refs": list(refs)})
    return {row["ref"]: dict(row) for row in rows.mappings()}
