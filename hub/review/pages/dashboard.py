"""How the work on duplicates goes: found, waiting, decided, and how often the model and people are right."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from markupsafe import Markup
from sqlalchemy import Connection, Row

from hub import figures
from hub.access import Principal, Scope
from hub.identity import blind
from hub.model.kinds import Department
from hub.review import charts, words
from hub.review.page import Reading, SignedIn, render, requires
from hub.review.queries import dashboard as counted

router = APIRouter(prefix="/dashboard", dependencies=[Depends(requires(Scope.REVIEW))])
WEEKS = 12
KEPT = {"waiting": "Pairs that wait, by day", "duplicates": "Records with a duplicate, by day"}


@router.get("")
def dashboard(
    request: Request, connection: Reading, who: SignedIn, department: Department | Literal[""] = ""
) -> Response:
    """The figures of a department, or of the whole hub."""
    today = dt.datetime.now(dt.UTC).date()
    first = today - dt.timedelta(days=today.weekday(), weeks=WEEKS - 1)
    concerned = [str(department)] if department else [one.value for one in Department]
    weeks = _weeks(counted.by_week(connection, first, concerned), first)
    measured = blind.measured(connection, concerned)
    by_department = _newest(connection)
    return render(
        request,
        "dashboard.html",
        department=str(department),
        departments=[one.value for one in Department],
        latest=by_department.get(str(department) or figures.EVERYWHERE, {}),
        by_department={name: of for name, of in by_department.items() if name != figures.EVERYWHERE},
        weeks=weeks,
        decided=sum(week["same"] + week["different"] + week["unsure"] for week in weeks),
        agreement=blind.share(sum(week["agreed"] for week in weeks), sum(week["comparable"] for week in weeks)),
        days_to_decide=counted.days_to_decide(connection, first, concerned),
        model=measured["model"],
        people=measured["people"],
        blind_waits=blind.waiting(connection, who.name, departments_of(who)) is not None,
        pictures=_pictures(connection, first, today, str(department), weeks),
    )


def departments_of(who: Principal) -> list[str]:
    """The departments that somebody answers for, by name."""
    return [one.value for one in Department if who.answers_for(one.value)]


def _newest(connection: Connection) -> dict[str, dict[str, Any]]:
    """By department the last figures, with their day."""
    found: dict[str, dict[str, Any]] = {}
    for row in figures.newest(connection):
        found.setdefault(row.department, {"day": row.day})[row.name] = row.value
    return found


def _weeks(rows: Sequence[Row[Any]], first: dt.date) -> list[dict[str, Any]]:
    """Every week since `first`, those without any judgement included."""
    known = {row.week: dict(row._mapping) for row in rows}  # noqa: SLF001  # the public way to a row's names
    nothing = dict.fromkeys(("same", "different", "unsure", "comparable", "agreed"), 0)
    mondays = [first + dt.timedelta(weeks=week) for week in range(WEEKS)]
    return [{**nothing, "week": monday, **known.get(monday, {})} for monday in mondays]


def _pictures(
    connection: Connection,
    first: dt.date,
    today: dt.date,
    department: str,
    weeks: list[dict[str, Any]],
) -> dict[str, Markup]:
    """The charts, by name; their writer escapes what it is given."""
    mondays = [_short(week["week"]) for week in weeks]
    kept = {
        (row.day, row.name): row.value for row in figures.since(connection, first, [department or figures.EVERYWHERE])
    }
    days = [first + dt.timedelta(days=day) for day in range((today - first).days + 1)]
    shares = [100.0 * week["agreed"] / week["comparable"] if week["comparable"] else None for week in weeks]
    by_verdict = {said: [week[verdict] for week in weeks] for verdict, said in words.VERDICTS.items()}
    drawn = {
        "decided": charts.bars("decided", "Decisions by week", mondays, by_verdict),
        "agreement": charts.lines("agreement", "Agreement with the model, in %", mondays, {"agree": shares}, 100.0),
    }
    for name, title in KEPT.items():
        values = [kept.get((day, name)) for day in days]
        drawn[name] = charts.lines(name, title, [_short(day) for day in days], {"at the end of the day": values})
    return {name: Markup(picture) for name, picture in drawn.items()}  # noqa: S704


def _short(day: dt.date) -> str:
    """`5 Nov`"""
    return f"{day.day} {day:%b}"
