"""The matching models in use: what they learned, and what people's judgements moved."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy import Row

from dedup.pictures import weights
from hub.access import Scope
from hub.errors import NotFoundError
from hub.identity import models
from hub.identity.described import describe
from hub.model.kinds import PartyKind
from hub.review import charts
from hub.review.page import OfSettings, Reading, render, requires
from hub.review.queries import dashboard as counted

router = APIRouter(prefix="/model", dependencies=[Depends(requires(Scope.REVIEW))])


@router.get("")
def model(request: Request, connection: Reading, settings: OfSettings, kind: PartyKind = PartyKind.PERSON) -> Response:
    """The model of a kind; before the first matching a page that says so."""
    try:
        described = describe(connection, kind)
    except NotFoundError:
        described = None
    chances = counted.by_chance(connection, kind.value)
    return render(
        request,
        "model.html",
        kind=kind.value,
        kinds=[one.value for one in PartyKind],
        described=described,
        versions=models.versions(connection, kind),
        chances=chances,
        learn_after=settings.match.learn_after,
        pictures=_pictures(described, chances) if described else {},
    )


def _pictures(described: dict[str, Any], chances: Sequence[Row[Any]]) -> dict[str, Markup]:
    """The charts, by name; their writers escape what they are given."""
    levels = {
        one["field"]: [(level["label"], level["weight"]) for level in one["levels"]] for one in described["fields"]
    }
    by_tenth = {row.tenth: row for row in chances}
    tenths = [by_tenth.get(tenth) for tenth in range(1, 11)]
    came_true = charts.lines(
        "chances", "What people say of pairs, by what the model held",
        [f"{10 * tenth}-{10 * tenth + 10} %" for tenth in range(10)],
        {
            "people say the same, in %": [100.0 * row.same / row.many if row else None for row in tenths],
            "the model held, in %": [100.0 * row.held if row else None for row in tenths],
        },
        100.0,
    )  # fmt: skip
    return {"weights": Markup(weights(levels, style=False)), "chances": Markup(came_true)}  # noqa: S704
