"""What a person wants of a group of values, from the form to the act."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text

from hub.errors import ConflictError, OneRecordError
from hub.golden import gather, manual, placeholders, preview
from hub.golden.policy import ATTRIBUTES, Group
from hub.golden.survivorship import plain
from hub.review import origins

TYPED, SOURCES = "typed", "sources"
_FIELD = "value_"


@dataclass(frozen=True)
class Wish:
    """A filled form. `choice`: typed, sources (believe them again), or the ref of the record that is believed."""

    choice: str = ""
    typed: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    reason: str = ""
    until: str = ""
    seen: str = ""


@dataclass(frozen=True)
class Choice:
    """What other records say of the group: the values, and the records that say just this."""

    values: dict[str, str | None]
    wheres: Sequence[origins.Source]


@dataclass(frozen=True)
class Plan:
    """The act: say `values` of the record `ref`, or end the manual value `ends`."""

    ref: str
    values: dict[str, str | None]
    reason: str
    until: dt.datetime | None
    ends: int | None


def wish(fields: Mapping[str, str]) -> Wish:
    """The form as it was posted, stripped. Raises OneRecordError for what no form of ours sends."""
    for value in fields.values():
        if "\x00" in value:
            raise OneRecordError("a field holds a NUL byte, which no text has; type it again")
        if len(value) > manual.LONGEST:
            raise OneRecordError(f"a field is longer than {manual.LONGEST:,} characters; shorten it")
    given = {name: value.strip() for name, value in fields.items()}
    typed = {name.removeprefix(_FIELD): value for name, value in given.items() if name.startswith(_FIELD)}
    named = {name: given.get(name, "") for name in ("choice", "reason", "until", "seen")}
    return Wish(typed=typed, **named)


def in_words(error: OneRecordError) -> str:
    """The error as the form shows it: with the label that the field has there."""
    name, separator, rest = str(error).partition(": ")
    return f"{origins.attribute(name)}: {rest}" if separator and name in ATTRIBUTES else str(error)


def until(wish: Wish, as_of: dt.datetime) -> dt.datetime | None:
    """The moment from which on the sources are believed again. Raises OneRecordError for a day that is no later one."""
    if not wish.until:
        return None
    try:
        day = dt.datetime.combine(dt.date.fromisoformat(wish.until), dt.time(), dt.UTC)
    except ValueError:
        raise OneRecordError("the last day is no date; write it like 2027-01-31") from None
    if day <= as_of:
        raise OneRecordError("the day from which the sources are believed again must be later than today")
    return day


def parties(connection: Connection, refs: Sequence[str]) -> list[dict[str, Any]]:
    """What the records of a customer say, by ref; those that were deleted at their source come last."""
    rows = connection.execute(
        text(
            """SELECT p.*, m.golden_id FROM canonical.party p
               LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE p.ref = ANY(:refs) ORDER BY p.deleted_at IS NOT NULL, p.ref"""
        ),
        {"refs": list(refs)},
    )
    return [dict(row) for row in rows.mappings()]


def choices(group: Group, row: Mapping[str, Any], records: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """What the records say of the group and is not published now; equal words are one choice."""
    names = manual.said_of(group)
    published = {name: _line(row[name]) for name in names}
    found: dict[str, tuple[dict[str, str | None], list[origins.Source]]] = {}
    for record in records:
        values = _said_by(record, names)
        if values != published and any(values.values()):
            _, wheres = found.setdefault(json.dumps(values), (values, []))
            wheres.append(origins.Source(record["ref"], record["source"], record["department"]))
    return [Choice(values, wheres) for values, wheres in found.values()]


def plan(
    *,
    wish: Wish,
    group: Group,
    row: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    live: Any,
    as_of: dt.datetime,
) -> Plan:
    """What the wish means for this customer.

    A value stays with the record that an earlier one holds to, so that it takes its place; else with the record that
    says so; else with the one whose value is published.

    Raises:
        OneRecordError: nothing is chosen, the reason is missing, or the day is none.
        ConflictError: the record is not of this customer any more.
    """
    if not wish.reason:
        raise OneRecordError("say why: a value without a reason helps nobody later")
    by_ref = {record["ref"]: record for record in records}
    if wish.choice == SOURCES:
        if live is None:
            raise ConflictError("the value by hand was ended since you opened the page: open it again")
        return Plan(live.ref, {}, wish.reason, None, live.manual_id)
    names = manual.said_of(group)
    if wish.choice == TYPED:
        values = {name: wish.typed.get(name) or None for name in names}
    elif wish.choice in by_ref:
        values = _said_by(by_ref[wish.choice], names)
    elif wish.choice:
        raise ConflictError("that record does not belong to this customer any more: open the page again")
    else:
        raise OneRecordError("choose a value, or type one")
    ref = _keeper(wish, group, row, by_ref, live)
    if by_ref[ref]["golden_id"] != row["golden_id"]:
        raise ConflictError("records of this customer moved since it was published: wait for the next publication")
    return Plan(ref, values, wish.reason, until(wish, as_of), None)


def carry_out(connection: Connection, plan: Plan, *, author: str) -> None:
    """Do it, as `hub.golden.manual` does, and with its errors."""
    if plan.ends is not None:
        manual.end(connection, plan.ends, author=author, reason=plan.reason)
        return
    manual.say(connection, plan.ref, plan.values, author=author, reason=plan.reason, until=plan.until)


def tried(
    connection: Connection, plan: Plan, golden_id: uuid.UUID, group: Group, rules: gather.Rules, *, author: str
) -> dict[str, Any]:
    """The values of the group as they would be composed after the act, by name; nothing is changed."""
    row = preview.after(connection, golden_id, rules, lambda within: carry_out(within, plan, author=author))
    return {name: plain(row.get(name)) for name in manual.said_of(group)}


def digest(tried: Mapping[str, Any], live: Any) -> str:
    """Tells whether an act still does what its preview showed."""
    told = json.dumps([dict(tried), live.manual_id if live else None], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def take_turns(connection: Connection, golden_id: uuid.UUID) -> None:
    """One at a time says something of a customer, until commit."""
    connection.execute(
        text("SELECT 1 FROM identity.golden_id WHERE golden_id = :id FOR NO KEY UPDATE"), {"id": golden_id}
    )


def _keeper(
    wish: Wish, group: Group, row: Mapping[str, Any], by_ref: Mapping[str, Mapping[str, Any]], live: Any
) -> str:
    winner = row["provenance"].get(group.attributes[0], {}).get("ref")
    wanted = (live.ref if live else None, wish.choice, winner, *by_ref)
    return next(str(ref) for ref in wanted if ref in by_ref)


def _said_by(record: Mapping[str, Any], names: Sequence[str]) -> dict[str, str | None]:
    return {name: _line(placeholders.given(name, record[name])) for name in names}


def _line(value: Any) -> str | None:
    """A value on one line, as a form holds it: streets have several at some sources."""
    return None if value is None else " ".join(str(plain(value)).split())
