"""What all pages of decisions share: the picture as people read it, and what their forms bring back."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection

from hub.decide import carrying, choosing
from hub.decide.carrying import Done
from hub.decide.choosing import Disagreement
from hub.decide.decision import Decision
from hub.decide.picture import Customer, Picture
from hub.review import looks, origins
from hub.review.page import render, settings_of, signed_in
from hub.review.queries import customers

# What was shown comes back with the form, to tell what changed since; the body of a form holds 64 KiB in all.
MOST_SHOWN = 24 * 1024
CHOICE = "choose:"


@dataclass(frozen=True)
class View:
    """A customer as it would be: its values with their origin, and where its records disagree."""

    customer: Customer
    values: list[origins.Origin]
    disagreements: list[Disagreement]


@dataclass(frozen=True)
class Brought:
    """What the form of a preview brings back: the digest of what was shown, what it held, choices and the reason."""

    digest: str
    shown: dict[str, Any] | None
    choices: dict[str, str]
    reason: str


NOTHING = Brought("", None, {}, "")


async def brought(request: Request) -> Brought:
    """A dependency: what the form of a preview brought."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    chosen = {name.removeprefix(CHOICE): ref for name, ref in form.items() if name.startswith(CHOICE) and ref}
    reason = form.get("reason", "")[:2_000].strip()
    return Brought(form.get("seen", ""), _shown(form.get("shown", "")), chosen, reason)


FromPreview = Annotated[Brought, Depends(brought)]


def _shown(sent: str) -> dict[str, Any] | None:
    """What our own page held; it only words a refusal, so that anything else counts as nothing."""
    try:
        found = json.loads(sent)
        valid = all({"records", "values", "consents", "manual"} <= one.keys() for one in found.values())
        valid = valid and all(len(told) == 2 for one in found.values() for told in one["records"].values())
    except (ValueError, AttributeError, TypeError):
        return None
    return found if valid else None


def views(connection: Connection, picture: Picture, *, choices: bool) -> list[View]:
    """The customers of a picture as pages show them; with `choices`, where records of the merged one disagree."""
    merged = picture.merged() if choices else []
    offered = merged if len(merged) == 1 else []
    return [
        View(
            customer,
            origins.composed(customer.golden, origins.places(customer.records), _above(connection, customer)),
            choosing.disagreements(connection, customer) if customer in offered else [],
        )
        for customer in picture.customers
    ]


def _above(connection: Connection, customer: Customer) -> tuple[uuid.UUID, str] | None:
    """Employer or parent by name, where it is published."""
    golden_id = customer.golden.get("employer_id") or customer.golden.get("parent_id")
    name = customers.name_of(connection, golden_id) if golden_id else None
    return (golden_id, name) if golden_id and name else None


def show(
    request: Request,
    picture: Picture,
    *,
    title: str,
    action: str,
    verb: str,
    back: tuple[str, str],
    fields: Sequence[tuple[str, str]] = (),
    told: Sequence[str] | None = None,
    choices: bool = False,
    reason: str = "",
    optional: bool = False,
    chosen: Mapping[str, str] | None = None,
) -> Response:
    """The preview of a decision, with the form that carries it out; with `told`, a refusal that says what changed.

    `back`: address and label of the page before. `optional`: a reason need not be given. `chosen`: as in Decision.
    """
    held = json.dumps(picture.shown(), separators=(",", ":"))
    settings = settings_of(request)
    with request.app.state.engine.begin() as connection:
        looks.seen(
            connection, signed_in(request), [looks.customer_subject(one) for one in picture.departments()], request
        )
        context = {
            "views": views(connection, picture, choices=choices),
            "at_stake": carrying.needs_two(connection, settings, picture),
        }
    return render(
        request,
        "preview.html",
        200 if told is None else 409,
        title=title,
        action=action,
        verb=verb,
        back=back,
        fields=[*fields, ("seen", picture.digest), *([("shown", held)] if len(held) <= MOST_SHOWN else [])],
        told=told,
        reason=reason,
        optional=optional,
        chosen=chosen or {},
        **context,
    )


def carry_out(request: Request, decision: Decision, form: Brought) -> Done:
    """Decide in one transaction, by what the form of the preview brought. Raises as `hub.decide.carrying.decide`."""
    with request.app.state.engine.begin() as connection:
        return carrying.decide(
            connection, settings_of(request), signed_in(request), decision, digest=form.digest, shown=form.shown
        )


def go_on(done: Done) -> Response:
    """To what became of a decision."""
    if done.proposal_id is not None:
        return RedirectResponse(f"/review/proposals/{done.proposal_id}", 303)
    return RedirectResponse(f"/review/acts?done={done.act_id}", 303)


def preview(request: Request, decision: Decision) -> Picture:
    """What the decision would make. Raises as `hub.decide.carrying.preview`."""
    return carrying.preview(request.app.state.engine, settings_of(request), signed_in(request), decision)
