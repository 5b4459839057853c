"""Looks at personal data without a mask: who may have one, and the audit rows that tell of each."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from fastapi import HTTPException, Request
from sqlalchemy import Connection, text

from hub.access import Principal, Scope
from hub.audit import record
from hub.model.kinds import Department

AGAIN = 600  # seconds: a look that is repeated within them is one row, and what was asked for is shown so long


def customer_subject(golden_id: uuid.UUID | str) -> str:
    """What the audit log calls a customer."""
    return f"customer:{golden_id}"


def pair_subject(party_a: int, party_b: int) -> str:
    """What the audit log calls two records that are compared."""
    return f"pair:{party_a}/{party_b}"


def is_open(connection: Connection, who: Principal, golden_id: uuid.UUID, departments: Collection[str]) -> bool:
    """Whether somebody sees a customer without masks: for their departments, or because they asked to just now."""
    if who.sees(departments):
        return True
    if not who.may(Scope.SHOW):
        return False
    asked = text(
        """SELECT EXISTS (SELECT 1 FROM ops.audit WHERE actor = :actor AND subject = :subject AND act = 'show'
                          AND happened_at > now() - make_interval(secs => :seconds))"""
    )
    return bool(connection.execute(asked, _values(who, subject=customer_subject(golden_id))).scalar_one())


def opened(connection: Connection, who: Principal, customer: Mapping[str, Any], request: Request) -> bool:
    """Whether somebody sees this published customer without masks on this page; if so, it is written down."""
    found = is_open(connection, who, customer["golden_id"], customer["departments"])
    if found:
        seen(connection, who, [customer_subject(customer["golden_id"])], request)
    return found


def ask(connection: Connection, who: Principal, golden_id: uuid.UUID, reason: str) -> None:
    """Show a customer's personal data to somebody for ten minutes. The audit row is what opens it."""
    record(connection, who.name, "show", customer_subject(golden_id), reason=reason)


def seen(connection: Connection, who: Principal, subjects: Sequence[str], request: Request) -> None:
    """Write down that somebody saw personal data of `subjects` (`customer:...`, `pair:...`) on this page."""
    page = getattr(request.scope.get("route"), "path", "-")
    connection.execute(
        text(
            """INSERT INTO ops.audit (actor, act, subject, details)
               SELECT :actor, 'look', subject, jsonb_build_object('page', CAST(:page AS text))
               FROM unnest(CAST(:subjects AS text[])) AS looked (subject)
               WHERE NOT EXISTS (
                   SELECT 1 FROM ops.audit a
                   WHERE a.subject = looked.subject AND a.actor = :actor AND a.act = 'look'
                     AND a.details ->> 'page' = :page AND a.happened_at > now() - make_interval(secs => :seconds))"""
        ),
        _values(who, subjects=list(subjects), page=page),
    )


def _values(who: Principal, **more: Any) -> dict[str, Any]:
    return {"actor": who.name, "seconds": AGAIN, **more}


def withheld(request: Request) -> frozenset[Department]:
    """The departments whose facts this visitor does not see."""
    who: Principal = request.state.principal
    return who.withheld(request.app.state.settings.private_departments)


def refuse_withheld(request: Request, department: str) -> None:
    """Raises HTTPException 403 where this visitor does not see what `department` knows."""
    if department in withheld(request):
        raise HTTPException(403, f"what {department} knows is for its leads and for admins")
