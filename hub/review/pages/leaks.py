"""Contacts that were made while something held them back, by department and week."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy import Row

from hub import clock
from hub.access import Scope
from hub.eligibility import leaks
from hub.model.kinds import Department
from hub.review import charts, contact, looks
from hub.review.page import OfSettings, Reading, render, requires

router = APIRouter(prefix="/contact/leaks", dependencies=[Depends(requires(Scope.REVIEW))])
WEEKS = 12
LISTED = 50


@router.get("")
def page(
    request: Request, connection: Reading, settings: OfSettings, department: Department | Literal[""] = ""
) -> Response:
    """The last weeks of one department, or of all that the visitor sees. Nobody is counted by name."""
    now, withheld = clock.as_of(settings), looks.withheld(request)
    if department:
        looks.refuse_withheld(request, department)
    seen = [one.value for one in Department if one not in withheld]
    asked = [department.value] if isinstance(department, Department) else seen
    first = _monday(now) - dt.timedelta(weeks=WEEKS - 1)
    counts = leaks.counted(connection, first, now, asked)
    mondays = [(first + dt.timedelta(weeks=week)).date() for week in range(WEEKS)]
    return render(
        request,
        "leaks.html",
        department=str(department),
        departments=seen,
        withheld=sorted(withheld),
        mondays=mondays,
        by_week=_by_week(counts, mondays, asked),
        by_rule=_by_rule(counts, asked),
        words=contact.SHORT,
        picture=_picture(counts, mondays, asked),
        rows=leaks.newest(connection, first, now, asked, LISTED),
    )


def _monday(now: dt.datetime) -> dt.datetime:
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return day - dt.timedelta(days=day.weekday())


def _by_week(counts: Sequence[Row[Any]], mondays: Sequence[dt.date], asked: Sequence[str]) -> dict[str, list[int]]:
    """By department the contacts of every week, those without any included."""
    known = {(row.department, row.week): row.touches for row in counts if row.week}
    return {department: [known.get((department, monday), 0) for monday in mondays] for department in asked}


def _by_rule(counts: Sequence[Row[Any]], asked: Sequence[str]) -> list[tuple[str, list[int]]]:
    """By rule the contacts of each department; a contact may break several."""
    known = defaultdict[str, dict[str, int]](dict)
    for row in counts:
        if row.rule:
            known[row.rule][row.department] = row.touches
    found = [(rule, [of.get(department, 0) for department in asked]) for rule, of in known.items()]
    return sorted(found, key=lambda one: -sum(one[1]))


def _picture(counts: Sequence[Row[Any]], mondays: Sequence[dt.date], asked: Sequence[str]) -> Markup:
    places = [f"{monday.day} {monday:%b}" for monday in mondays]
    drawn = charts.bars("leaks", "Contacts by week", places, _by_week(counts, mondays, asked))
    return Markup(drawn)  # noqa: S704  # the writer of charts escapes what it is given
