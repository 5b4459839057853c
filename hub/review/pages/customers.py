"""The golden record for people: search, and one customer with the origin of every value."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, RowMapping

from hub import clock
from hub.access import Scope
from hub.model.kinds import Department, PartyKind
from hub.review import happenings, origins
from hub.review.page import OfSettings, Reading, SignedIn, render, requires
from hub.review.pages.published import published
from hub.review.pages.values import may_overrule
from hub.review.queries import belonging, customers, manual_values, timeline
from hub.review.queries.timeline import Customer, TimelineFilter

router = APIRouter(prefix="/customers", dependencies=[Depends(requires(Scope.READ))])

VERSIONS = 10
HAPPENINGS = 10
BOOKKEEPING = {"version", "publication", "valid_from", "valid_to", "golden_id", "provenance", "content_hash"}


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
def customer(
    request: Request, connection: Reading, who: SignedIn, settings: OfSettings, golden_id: uuid.UUID
) -> Response:
    """A merged id shows its survivor, and says so."""
    row = published(connection, golden_id)
    versions = customers.versions(connection, row["golden_id"], VERSIONS + 1)
    members = belonging.reasons(connection, row["golden_id"], row["members"])
    above, now = _named(connection, row["employer_id"] or row["parent_id"]), clock.as_of(settings)
    manual = manual_values.live(connection, row["members"])
    happened = timeline.happened(
        connection, Customer(row["golden_id"], row["members"]), TimelineFilter(), now=now, limit=HAPPENINGS
    )
    return render(
        request,
        "customer.html",
        customer=row,
        asked=golden_id if golden_id != row["golden_id"] else None,
        groups=origins.groups(row, origins.places(members), manual, now, above),
        may_overrule=may_overrule(who, list(members)),
        above=above,
        below=customers.organizations_below(connection, row["golden_id"]),
        facets=[(department.value, row[department.value]) for department in Department if row[department.value]],
        members=members,
        entries=[happenings.entry(happening, now) for happening in happened.items],
        more_happened=happened.next is not None,
        opportunities=customers.opportunities(connection, row["golden_id"]),
        steps=steps(versions)[:VERSIONS],
        older=len(versions) > VERSIONS,
        lineage=customers.lineage(connection, row["golden_id"]),
    )


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
