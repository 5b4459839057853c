"""Customers found by hand: by name, e-mail address, telephone number, golden id or the ref of a source record."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.access import Principal
from hub.errors import NotFoundError
from hub.golden.read import resolve_id
from hub.identity.search import candidates
from hub.model.kinds import PartyKind
from hub.review.queries import customers
from hub.settings import MatchSettings

MOST = 20


@dataclass(frozen=True)
class Found:
    """A customer as it is now. `ref`, the first of its records, stands for it in forms."""

    golden_id: str
    ref: str
    kind: str
    name: str
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    cities: tuple[str, ...]
    departments: tuple[str, ...]
    records: int


def find(connection: Connection, who: Principal, typed: str, settings: MatchSettings) -> list[Found]:
    """Customers that `typed` may mean and that have a record of a department that `who` answers for; at most MOST."""
    if not typed:
        return []
    published = customers.found(connection, customers.CustomerFilter(typed), who.departments, None).items
    ids = [*_as_id(connection, typed), *(str(row.golden_id) for row in published)]
    ids += [one["golden_id"] for one in _alike(connection, typed, settings) if one["golden_id"]]
    found = described(connection, golden_ids=list(dict.fromkeys(ids)), refs=[typed])
    return [one for one in found if any(map(who.answers_for, one.departments))][:MOST]


def described(connection: Connection, *, golden_ids: Sequence[str] = (), refs: Sequence[str] = ()) -> list[Found]:
    """The customers of these records, in their order, then those with these ids, in theirs."""
    rows = connection.execute(
        text(
            """WITH asked AS (
                   SELECT m.golden_id, min(place) - 1000000 AS place
                   FROM unnest(CAST(:refs AS text[])) WITH ORDINALITY asked (ref, place)
                   JOIN canonical.party p USING (ref) JOIN identity.membership m USING (party_id)
                   WHERE m.until IS NULL GROUP BY m.golden_id
                   UNION ALL
                   SELECT CAST(id AS uuid), place FROM unnest(CAST(:ids AS text[])) WITH ORDINALITY asked (id, place)
               ), home AS (SELECT golden_id, min(place) AS place FROM asked GROUP BY golden_id)
               SELECT CAST(h.golden_id AS text) AS golden_id, min(p.ref) AS ref, min(p.kind) AS kind,
                      (array_agg(p.name ORDER BY p.ref))[1] AS name,
                      array_remove(array_agg(DISTINCT p.email), NULL) AS emails,
                      array_remove(array_agg(DISTINCT coalesce(p.phone, p.mobile)), NULL) AS phones,
                      array_remove(array_agg(DISTINCT p.city), NULL) AS cities,
                      array_agg(DISTINCT p.department) AS departments, count(*) AS records
               FROM home h JOIN identity.membership m ON m.golden_id = h.golden_id AND m.until IS NULL
               JOIN canonical.party p USING (party_id) GROUP BY h.golden_id, h.place ORDER BY h.place"""
        ),
        {"refs": list(refs), "ids": list(golden_ids)},
    )
    return [
        Found(
            row.golden_id, row.ref, row.kind, row.name, tuple(row.emails), tuple(row.phones), tuple(row.cities),
            tuple(row.departments), row.records,
        )
        for row in rows
    ]  # fmt: skip


def _as_id(connection: Connection, typed: str) -> list[str]:
    """The customer that a golden id leads to, where one was typed."""
    try:
        found = resolve_id(connection, uuid.UUID(typed)).golden_id
    except (ValueError, NotFoundError):
        return []
    return [str(found)] if found else []


def _alike(connection: Connection, typed: str, settings: MatchSettings) -> list[dict[str, Any]]:
    """Records that matching would take for what was typed, however it is written."""
    digits = sum(character.isdigit() for character in typed)
    field = "email" if "@" in typed else "phone" if digits >= 6 and digits * 2 > len(typed) else "name"
    found: list[dict[str, Any]] = []
    for kind in PartyKind:
        try:
            found += candidates(connection, {field: typed}, kind, settings, limit=MOST)
        except NotFoundError:
            continue  # nothing of this kind was matched yet
    return found
