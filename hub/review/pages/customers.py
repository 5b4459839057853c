"""The golden record for people: search, and one customer with the origin of every value."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection, Row

from hub import clock
from hub.access import Principal, Scope
from hub.api.facts import customer_now
from hub.audit import record
from hub.eligibility import ask
from hub.errors import NotFoundError
from hub.golden import facts
from hub.golden.read import current
from hub.model.kinds import Department, PartyKind
from hub.review import contact, happenings, looks, masking, origins
from hub.review.csv_answer import download
from hub.review.page import Looking, OfSettings, SignedIn, Writing, from_our_form, render, requires
from hub.review.pages.values import may_overrule
from hub.review.queries import belonging, customers, manual_values, timeline
from hub.review.queries.timeline import Customer, TimelineFilter

router = APIRouter(prefix="/customers", dependencies=[Depends(requires(Scope.READ))])

VERSIONS = 10
HAPPENINGS = 10
FACTS_SHOWN = 500
BOOKKEEPING = {"version", "publication", "valid_from", "valid_to", "golden_id", "provenance", "content_hash"}


@dataclass(frozen=True)
class Step:
    """What one version changed against the one before."""

    version: Mapping[str, Any]
    changes: list[tuple[str, Any, Any]]
    first: bool


def customer_filter(
    q: Annotated[str, Query(max_length=200)] = "", kind: PartyKind | Literal[""] = ""
) -> customers.CustomerFilter:
    """The filter that the query of an address describes."""
    return customers.CustomerFilter(q.strip(), str(kind))


Wanted = Annotated[customers.CustomerFilter, Depends(customer_filter)]


@router.get("")
def search(
    *,
    request: Request,
    connection: Looking,
    who: SignedIn,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(max_length=1_000)] = None,
) -> Response:
    direct = _as_id(wanted.q)
    if direct is not None and customers.is_known(connection, direct):
        return RedirectResponse(f"/customers/{direct}", 303)
    page = customers.found(connection, wanted, who.departments, cursor)
    seen = [row for row in page.items if who.sees(row.departments)]
    looks.seen(connection, who, [looks.customer_subject(row.golden_id) for row in seen], request)
    return render(
        request,
        "customers.html",
        wanted=wanted,
        rows=[_shown(who, row) for row in page.items],
        total=customers.count(connection),
        download=_address("/customers/export.csv", wanted.chosen()),
        next_page=_address("/customers", {**wanted.chosen(), "cursor": page.next}) if page.next else None,
        paged=cursor is not None,
    )


@router.get("/export.csv")
def export(request: Request, who: SignedIn, wanted: Wanted) -> Response:
    """What the list shows, all of it, with the masks that it has there. One audit row tells of all its rows."""
    with request.app.state.engine.begin() as connection:
        # The words that were searched for may be a name, and are left out.
        details = {"kind": wanted.kind, "searched": bool(wanted.q), "publication": customers.publication(connection)}
        record(connection, who.name, "export customers", "customers", details=details)
    rows = customers.all_found(request.app.state.engine, wanted, who.departments)
    return download(
        "customers", customers.NAMES, ([_shown(who, row)[name] for name in customers.NAMES] for row in rows)
    )


def _shown(who: Principal, row: Row[Any]) -> dict[str, Any]:
    """A row of the list: masked, unless it is a customer of the visitor's departments."""
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return values if who.sees(values["departments"]) else masking.row(values)


@router.get("/{golden_id}")
def customer(
    request: Request, connection: Looking, who: SignedIn, settings: OfSettings, golden_id: uuid.UUID
) -> Response:
    """A merged id shows its survivor, and says so."""
    found = customer_now(connection, golden_id)
    own = found["golden_id"]
    masked = not looks.opened(connection, who, found, request)
    shown = masking.row if masked else dict[str, Any]
    withheld = looks.withheld(request)
    versions = [shown(dict(version)) for version in customers.versions(connection, own, VERSIONS + 1)]
    members = belonging.reasons(connection, own, found["members"])
    above, now = _named(connection, found["employer_id"] or found["parent_id"]), clock.as_of(settings)
    manual = manual_values.live(connection, found["members"])
    happened = timeline.happened(
        connection, Customer(own, found["members"]), TimelineFilter(), now=now, limit=HAPPENINGS, without=withheld
    )
    return render(
        request,
        "customer.html",
        customer=shown(found),
        asked=golden_id if golden_id != own else None,
        masked=masked,
        withheld=sorted(withheld),
        groups=origins.groups(found, origins.places(members), manual, now, above, masked=masked),
        may_overrule=may_overrule(who, list(members)),
        above=above,
        below=customers.organizations_below(connection, own),
        contact=contact.shown(ask.everything(connection, own, settings.eligibility, now), withheld),
        short=contact.SHORT,
        facets=[(one.value, found[one.value]) for one in Department if found[one.value] and one not in withheld],
        members=[_member(member, masked=masked) for member in members],
        entries=[happenings.entry(happening, now, masked=masked) for happening in happened.items],
        more_happened=happened.next is not None,
        opportunities=[] if Department.SALES in withheld else customers.opportunities(connection, own),
        steps=steps(versions, withheld)[:VERSIONS],
        older=len(versions) > VERSIONS,
        lineage=customers.lineage(connection, own),
    )


@router.post("/{golden_id}/show", dependencies=[Depends(from_our_form), Depends(requires(Scope.SHOW))])
def show(
    connection: Writing, who: SignedIn, golden_id: uuid.UUID, reason: Annotated[str, Form(max_length=500)] = ""
) -> Response:
    """Show the personal data of this one customer for ten minutes, to one who says what for."""
    if not reason.strip():
        raise HTTPException(422, "say what you need it for: it is kept in the audit log")
    if current(connection, golden_id) is None:
        raise NotFoundError(f"no customer {golden_id} is published")
    looks.ask(connection, who, golden_id, reason.strip())
    return RedirectResponse(f"/customers/{golden_id}", 303)


@router.get("/{golden_id}/facts/{department}.csv")
def facts_export(
    request: Request, connection: Looking, who: SignedIn, golden_id: uuid.UUID, department: Department
) -> Response:
    """All facts that a department knows of a customer, as the page shows them."""
    _, rows, _ = _facts(request, connection, golden_id, department)
    names = facts.columns(department)
    record(connection, who.name, "export facts", looks.customer_subject(golden_id), details={"department": department})
    table = [[row["what"], row["ref"], row["at"], *(row["fact"].get(name) for name in names)] for row in rows]
    return download(f"{department.value}-{golden_id}", ["what", "ref", "at", *names], table)


@router.get("/{golden_id}/facts/{department}")
def facts_page(request: Request, connection: Looking, golden_id: uuid.UUID, department: Department) -> Response:
    """What a department knows of a customer, fact by fact."""
    row, rows, masked = _facts(request, connection, golden_id, department, limit=FACTS_SHOWN + 1)
    return render(
        request, "facts.html", customer=row, department=department.value, facts=rows[:FACTS_SHOWN],
        more=len(rows) > FACTS_SHOWN, masked=masked,
    )  # fmt: skip


def _facts(
    request: Request, connection: Connection, golden_id: uuid.UUID, department: Department, limit: int | None = None
) -> tuple[dict[str, Any], list[dict[str, Any]], bool]:
    """The customer, its facts, and whether they have masks.

    Raises:
        HTTPException: 403 where this is not for the visitor; 404 and 410 as for the customer's page.
    """
    looks.refuse_withheld(request, department)
    who: Principal = request.state.principal
    row = customer_now(connection, golden_id)
    found = facts.facts(connection, department, row["members"], limit=limit)
    if looks.opened(connection, who, row, request):
        return row, [dict(one) for one in found], False
    return row, [{**one, "fact": masking.row(one["fact"])} for one in found], True


def _member(row: Row[Any], *, masked: bool) -> dict[str, Any]:
    """A source record; what a person wrote about it may hold personal data, too."""
    member = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    return {**masking.row(member), "reason": masking.HIDDEN} if masked else member


def steps(versions: Sequence[Mapping[str, Any]], withheld: Collection[str] = ()) -> list[Step]:
    """What changed from version to version, newest first; the oldest that was read stands as a whole."""
    found, untold = [], BOOKKEEPING | set(withheld)
    for newer, older in zip(versions, [*versions[1:], None], strict=True):
        names = [name for name in newer if name not in untold]
        changes = [(name, older[name], newer[name]) for name in names if older and older[name] != newer[name]]
        found.append(Step(newer, changes, older is None))
    return found


def _address(path: str, query: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _named(connection: Connection, golden_id: uuid.UUID | None) -> tuple[uuid.UUID, str] | None:
    name = customers.name_of(connection, golden_id) if golden_id else None
    return (golden_id, name) if golden_id and name else None


def _as_id(typed: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(typed)
    except ValueError:
        return None
