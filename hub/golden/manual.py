"""Manual values: what a person says of a customer, before all sources, with a reason and perhaps an end.

A value is pinned to a source record and goes with it through merges and splits. It is said of a whole group, so that
an address is never half a person's and half a source's; it does not change the source.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from psycopg.types.json import Jsonb
from pydantic import ValidationError
from sqlalchemy import Connection, RowMapping, text

from hub.audit import record
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.golden import dirty, placeholders, verified
from hub.golden.policy import POLICY, Group
from hub.golden.survivorship import plain
from hub.model.canonical import Party

# Whom a person works for, or an organization belongs to, is a record of a source, not a value to be typed.
_NOT_SAID = frozenset({"employer_ref", "parent_ref"})
LONGEST = 2_000
"""Characters of a value at most, as of the canonical model."""


def said_of(group: Group) -> list[str]:
    """The attributes of a group that a person can say."""
    return [name for name in group.attributes if name not in _NOT_SAID]


def say(
    connection: Connection,
    ref: str,
    values: Mapping[str, str | None],
    *,
    author: str,
    reason: str,
    until: dt.datetime | None = None,
    sources_say: Mapping[str, Any] | None = None,
) -> int:
    """Overrule the sources for the customer of the record `ref`; returns the number of the manual value.

    `values` are attributes of one group; what they leave out of it stays as it is now, by what a person said before or
    by the sources, and None says that there is none. It holds until it is ended, overruled or over, and is composed
    with the next run. What was said of the group by this record before is ended, and kept as history. `sources_say`:
    what the sources say of the group, for a customer that is not composed yet as it is to be.

    Raises:
        NotFoundError: no record has the ref.
        OneRecordError: the attributes are unknown, of several groups, or a value is none.
    """
    party = _party(connection, ref)
    group = _group(party["kind"], values)
    given = _checked(party, values)
    composed = _composed(connection, party["golden_id"])
    names = said_of(group)
    before = _said_before(connection, party["golden_id"], group.name)
    whole = {name: plain(composed.get(name)) for name in names} | before | given
    if group.required and not whole[group.attributes[0]]:
        raise OneRecordError(f"{group.attributes[0]}: a customer cannot be without it")
    ended = _end_live(connection, ref, group.name, author)
    number: int = connection.execute(
        text(
            """INSERT INTO golden.manual_value (ref, attributes, said, replaced, author, reason, until)
               VALUES (:ref, :group, :said, :replaced, :author, :reason, :until) RETURNING manual_id"""
        ),
        {
            "ref": ref,
            "group": group.name,
            "said": Jsonb(whole),
            "replaced": Jsonb(
                {name: _of_sources(composed, name) for name in names} if sources_say is None else dict(sources_say)
            ),
            "author": author,
            "reason": reason,
            "until": until,
        },
    ).scalar_one()
    dirty.mark(connection, [ref])
    details = {"manual_id": number, "attributes": sorted(values), "ended": ended}
    record(connection, author, "say value", ref, reason=reason, details=details)
    return number


def end(connection: Connection, manual_id: int, *, author: str, reason: str) -> None:
    """From now on the sources are believed again.

    Raises:
        NotFoundError: there is no such manual value.
        ConflictError: it was ended before; says by whom.
    """
    row = connection.execute(
        text("SELECT ref, ended_by FROM golden.manual_value WHERE manual_id = :id FOR UPDATE"), {"id": manual_id}
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no manual value {manual_id}")
    if row.ended_by is not None:
        raise ConflictError(f"manual value {manual_id} was ended before, by {row.ended_by}")
    connection.execute(
        text("UPDATE golden.manual_value SET ended_at = now(), ended_by = :author WHERE manual_id = :id"),
        {"id": manual_id, "author": author},
    )
    dirty.mark(connection, [row.ref])
    record(connection, author, "end value", row.ref, reason=reason, details={"manual_id": manual_id})


def _party(connection: Connection, ref: str) -> RowMapping:
    """The record and its customer; of several who speak of it at once, one goes after the other."""
    found = (
        connection.execute(
            text(
                """SELECT p.*, m.golden_id FROM canonical.party p
                   LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL WHERE p.ref = :ref
                   FOR NO KEY UPDATE OF p"""
            ),
            {"ref": ref},
        )
        .mappings()
        .one_or_none()
    )
    if found is None:
        raise NotFoundError(f"no party is called {ref!r}; refs look like salesforce:Contact:0035g00000XyZ")
    return found


def _group(kind: str, values: Mapping[str, str | None]) -> Group:
    groups = {name: group for group in POLICY[kind] for name in said_of(group)}
    unknown = [name for name in values if name not in groups]
    if unknown or not values:
        what = repr(unknown[0]) if unknown else "nothing"
        raise OneRecordError(f"{what} is no attribute of a {kind}; there are {', '.join(groups)}")
    asked = {groups[name].name: groups[name] for name in values}
    if len(asked) > 1:
        raise OneRecordError(f"{' and '.join(asked)} do not belong together: say one after the other")
    return next(iter(asked.values()))


def _checked(party: RowMapping, values: Mapping[str, str | None]) -> dict[str, Any]:
    """The values as the canonical model knows them; a source's record would be held to the same.

    Raises:
        OneRecordError: a value is none of its kind; says which and why.
    """
    for name, value in values.items():
        refusal = _refusal(name, value, party) if value else None
        if refusal:
            raise OneRecordError(f"{name}: {refusal}")
    base = {name: party[name] for name in ("ref", "source", "stream", "source_id", "kind", "department", "name")}
    try:
        checked = Party.model_validate({**base, **{name: value for name, value in values.items() if value}})
    except ValidationError as error:
        problem = error.errors(include_input=False)[0]
        raise OneRecordError(f"{problem['loc'][0]}: {problem['msg']}") from None
    return {name: plain(getattr(checked, name)) if value else None for name, value in values.items()}


def _refusal(name: str, value: str, party: RowMapping) -> str | None:
    if len(value) > LONGEST:
        return f"this is longer than {LONGEST:,} characters"
    refusal = verified.refusal(name, value, dict(party))
    # Whatever cannot be dialled counts as a placeholder of a telephone number; to people only some of it is one.
    if placeholders.given(name, value) is None and (refusal is None or placeholders.given("", value) is None):
        return "this is a placeholder; leave it empty to say that there is none"
    return refusal


def _composed(connection: Connection, golden_id: Any) -> Mapping[str, Any]:
    row = connection.execute(text("SELECT * FROM golden.composed_customer WHERE golden_id = :id"), {"id": golden_id})
    found = row.mappings().one_or_none()
    return {} if found is None else dict(found)


def _said_before(connection: Connection, golden_id: Any, group: str) -> dict[str, Any]:
    """What a person said of the group last, composed or not."""
    said: dict[str, Any] | None = connection.execute(
        text(
            """SELECT v.said FROM identity.membership m
               JOIN canonical.party p USING (party_id) JOIN golden.manual_value v USING (ref)
               WHERE m.golden_id = :id AND m.until IS NULL AND v.attributes = :group
                 AND v.ended_at IS NULL AND (v.until IS NULL OR v.until > now())
               ORDER BY v.manual_id DESC LIMIT 1"""
        ),
        {"id": golden_id, "group": group},
    ).scalar_one_or_none()
    return said or {}


def _of_sources(composed: Mapping[str, Any], name: str) -> Any:
    """What the sources say of an attribute, whatever a person said of it before."""
    told = composed.get("provenance", {}).get(name, {})
    return told["sources_say"] if "sources_say" in told else plain(composed.get(name))


def _end_live(connection: Connection, ref: str, group: str, author: str) -> list[int]:
    ended = connection.execute(
        text(
            """UPDATE golden.manual_value SET ended_at = now(), ended_by = :author
               WHERE ref = :ref AND attributes = :group AND ended_at IS NULL RETURNING manual_id"""
        ),
        {"ref": ref, "group": group, "author": author},
    )
    return list(ended.scalars())
