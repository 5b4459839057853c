"""The golden record for people: search, and one customer with the origin of every value."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, RowMapping

from hub.access import Scope
from hub.golden.read import current, resolve_id
from hub.model.kinds import Department, PartyKind
from hub.review import words
from hub.review.page import Reading, render, requires
from hub.review.queries import customers

router = APIRouter(prefix="/customers", dependencies=[Depends(requires(Scope.READ))])

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Identity", ("name", "given_name", "family_name", "job_title", "birth_date", "language", "tax_id")),
    ("Contact", ("email", "phone", "mobile", "website")),
    ("Address", ("street", "postcode", "city", "region", "country")),
)
VERSIONS = 30
BOOKKEEPING = {"version", "publication", "valid_from", "valid_to", "golden_id", "provenance", "content_hash"}


@dataclass(frozen=True)
class Value:
    """One golden value: where it came from, by which rule, and what lost."""

    label: str
    text: str
    ref: str | None
    rule: str | None
    losers: Sequence[Any]


@dataclass(frozen=True)
class Step:
    """What one version changed against the one before."""

    version: RowMapping
    changes: list[tuple[str, Any, Any]]
    first: bool


@router.get("")
def search(
    request: Request,
    connection: Reading,
    q: Annotated[str, Query(max_length=200)] = "",
    kind: PartyKind | Literal[""] = "",
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    wanted = customers.CustomerFilter(q.replace("\x00", "").strip(), str(kind))
    direct = _as_id(wanted.q)
    if direct is not None and customers.is_known(connection, direct):
        return RedirectResponse(f"/customers/{direct}", 303)
    page = customers.found(connection, wanted, cursor)
    return render(
        request,
        "customers.html",
        wanted=wanted,
        page=page,
        total=customers.count(connection),
        next_page=f"/customers?{urlencode({**wanted.chosen(), 'cursor': page.next})}" if page.next else None,
        paged=cursor is not None,
    )


@router.get("/{golden_id}")
def customer(request: Request, connection: Reading, golden_id: uuid.UUID) -> Response:
    """A merged id shows its survivor, and says so."""
    row = current(connection, golden_id) or _survivor(connection, golden_id)
    versions = customers.versions(connection, row["golden_id"], VERSIONS + 1)
    members = customers.members(connection, row["members"])
    return render(
        request,
        "customer.html",
        customer=row,
        asked=golden_id if golden_id != row["golden_id"] else None,
        groups=[(title, values(row, names)) for title, names in GROUPS],
        above=_named(connection, row["employer_id"] or row["parent_id"]),
        below=customers.organizations_below(connection, row["golden_id"]),
        facets=[(department.value, row[department.value]) for department in Department if row[department.value]],
        members=members,
        opportunities=customers.opportunities(connection, row["golden_id"]),
        steps=steps(versions)[:VERSIONS],
        older=len(versions) > VERSIONS,
        lineage=customers.lineage(connection, row["golden_id"]),
    )


def _survivor(connection: Connection, golden_id: uuid.UUID) -> dict[str, Any]:
    """Who goes on for an id under which nothing is published.

    Raises:
        NotFoundError, HTTPException: there is none, says why.
    """
    found = resolve_id(connection, golden_id)
    if found.golden_id is None:
        raise HTTPException(410, "this customer was retired: all its source records are gone")
    row = current(connection, found.golden_id)
    if row is None:
        raise HTTPException(404, f"customer {found.golden_id} is not published yet")
    return row


def values(row: Mapping[str, Any], names: Sequence[str]) -> list[Value]:
    """The values of a customer that are known, with their provenance."""
    return [_value(row, name) for name in names if row[name] is not None]


def _value(row: Mapping[str, Any], name: str) -> Value:
    origin = row["provenance"].get(name) or {}
    return Value(words.label(name), str(row[name]), origin.get("ref"), origin.get("rule"), origin.get("losers") or [])


def steps(versions: Sequence[RowMapping]) -> list[Step]:
    """What changed from version to version, newest first; the oldest that was read stands as a whole."""
    found = []
    for newer, older in zip(versions, [*versions[1:], None], strict=True):
        names = [name for name in newer if name not in BOOKKEEPING]
        changes = [(name, older[name], newer[name]) for name in names if older and older[name] != newer[name]]
        found.append(Step(newer, changes, older is None))
    return found


def _named(connection: Connection, golden_id: uuid.UUID | None) -> tuple[uuid.UUID, str] | None:
    name = customers.name_of(connection, golden_id) if golden_id else None
    return (golden_id, name) if golden_id and name else None


def _as_id(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None
