"""How the data and the work on it develop, who supplies and reads it, and what it brings."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Connection

from hub import benefit, benefit_entries, clock, figures, silo
from hub.access import Scope
from hub.coach import teams
from hub.errors import ConfigurationError
from hub.model.kinds import Department
from hub.review import charts, looks
from hub.review.page import OfSettings, Reading, SignedIn, Writing, from_our_form, render, requires
from hub.review.trend_lines import Line, Period, as_left, in_all, periods
from hub.settings import Settings

router = APIRouter(prefix="/trends", dependencies=[Depends(requires(Scope.READ))])
rating = APIRouter(dependencies=[Depends(from_our_form)])  # whoever is signed in is asked, and may answer
OURS = [Depends(requires(Scope.ADMIN)), Depends(from_our_form)]
RANGES = {28: "4 weeks", 91: "3 months", 364: "12 months"}
READ_DAYS = 28
Words = Annotated[str, Form(max_length=1_000)]


@router.get("")
def trends(
    request: Request,
    connection: Reading,
    settings: OfSettings,
    department: Department | Literal[""] = "",
    days: Annotated[int, Query(ge=1, le=364)] = 91,
) -> Response:
    """Quality scores and what happened, by day or week."""
    over = periods(clock.as_of(settings).date(), min((known for known in RANGES if known >= days), default=364))
    of = str(department) or figures.EVERYWHERE
    kept_back = looks.withheld(request)
    shown = [one for one in figures.HAPPENED if one not in kept_back and department in ("", one)]
    lines = [*_state(connection, of, over, settings.coach.team_minimum), *_happened(connection, shown, over)]
    return render(
        request,
        "trends.html",
        department=str(department),
        departments=[one.value for one in Department],
        days=days,
        ranges=RANGES,
        withheld=sorted(one for one in kept_back if department in ("", one)),
        periods=over,
        lines=lines,
        pictures={line.name: Markup(line.drawn(over)) for line in lines if not line.empty},  # noqa: S704
    )


def _state(connection: Connection, of: str, over: list[Period], minimum: int) -> list[Line]:
    rows = figures.since(connection, over[0].first, [of])

    def named(**labels: str) -> dict[str, Any]:
        return {label: as_left(rows, name, over) for name, label in labels.items()}

    return [
        Line("quality", "Filled in, well formed, entered once", named(
            complete="required fields filled", valid="values well formed", unique="records entered once"), shares=True),
        Line("freshness", "Fresh and consistent", named(
            fresh="records fresh", consistent="values without contradiction"), shares=True),
        *([_stale(connection, named(stale="stale"), minimum)] if of in (figures.EVERYWHERE, Department.SALES) else []),
        Line("duplicates", "Records with a duplicate", named(duplicates="records"), shares=True),
        Line("waits", "What waits", named(waiting="pairs for a person", quarantined="rows in quarantine")),
        Line("deciding", "Hours until half of the pairs are decided", named(hours_to_decide="hours"),
             hint="Of the judgements of the last 28 days, from finding a pair to judging it."),
    ]  # fmt: skip


STALE = "Deals with a shared flag. New flags are for the owners of the deals alone at first."


def _stale(connection: Connection, found: dict[str, Any], minimum: int) -> Line:
    """Drawn where the owners of open deals are many enough for figures on groups."""
    title = "Stale share of open opportunities"
    if not teams.figures(connection, minimum):
        few = f"Drawn from {minimum} owners of open deals on, so that it tells of no single person."
        return Line("stale", title, {}, instead=few)
    return Line("stale", title, found, shares=True, hint=STALE)


TITLES = {
    Department.SALES: "Opportunities created and won",
    Department.SUPPORT: "Tickets and complaints",
    Department.MARKETING: "Touches",
    Department.FINANCE: "Invoices and payments",
}


def _happened(connection: Connection, shown: list[Department], over: list[Period]) -> list[Line]:
    rows = figures.since(connection, over[0].first, shown, [n for one in shown for n in figures.HAPPENED[one]])
    return [
        Line(one.value, TITLES[one], {name: in_all(rows, name, over) for name in figures.HAPPENED[one]})
        for one in shown
    ]


@router.get("/silo")
def supply_and_reads(request: Request, connection: Reading) -> Response:
    """Which department supplies and which reads which golden fields, and how fresh."""
    today = dt.datetime.now(dt.UTC).date()
    first = today - dt.timedelta(days=READ_DAYS - 1)
    return render(
        request,
        "silo.html",
        supplied=silo.supplied(connection),
        reads=silo.read(connection, first),
        days=READ_DAYS,
        picture=_reads(connection, first, today),
    )


def _reads(connection: Connection, first: dt.date, today: dt.date) -> Markup | None:
    by_day = silo.reads_by_day(connection, first)
    if not by_day:
        return None
    days = [first + dt.timedelta(days=day) for day in range((today - first).days + 1)]
    series = {"answers": [float(by_day.get(day, 0)) for day in days]}
    drawn = charts.lines("reads", "Answers and looks, by day", [f"{d.day} {d:%b}" for d in days], series)
    return Markup(drawn)  # noqa: S704  # its writer escapes what it is given


@router.get("/benefit")
def ledger(request: Request, connection: Reading, settings: OfSettings) -> Response:
    """Each figure beside its start value."""
    return _ledger(request, connection, settings)


def _ledger(
    request: Request, connection: Connection, settings: Settings, problem: str = "", status: int = 200
) -> Response:
    hidden = benefit.OF_FINANCE if Department.FINANCE in looks.withheld(request) else frozenset()
    rows = [row for row in benefit.newest(connection) if row.name not in hidden]
    start, today = benefit.baseline(connection), dt.datetime.now(dt.UTC).date()
    return render(
        request,
        "benefit.html",
        status,
        rows=rows,
        withheld=sorted(hidden),
        day=rows[0].day if rows else None,
        settings=settings.benefit,
        costs=benefit_entries.costs(connection),
        ratings=benefit_entries.ratings(connection, start.live_day, today, settings.benefit) if start else [],
        problem=problem,
    )


@router.post("/benefit/cost", dependencies=OURS)
def add_cost(
    *,
    request: Request,
    connection: Writing,
    settings: OfSettings,
    who: SignedIn,
    amount: Words = "",
    currency: Words = "",
    from_day: Words = "",
    until_day: Words = "",
    what_for: Words = "",
) -> Response:
    try:
        benefit_entries.add_cost(
            connection,
            amount=Decimal(amount.strip()),
            currency=currency.strip().upper(),
            from_day=dt.date.fromisoformat(from_day),
            until_day=dt.date.fromisoformat(until_day),
            what_for=what_for,
            actor=who.name,
        )
    except (ConfigurationError, InvalidOperation, ValueError) as error:
        said = str(error) if isinstance(error, ConfigurationError) else "the amount or a day is not written as one"
        return _ledger(request, connection, settings, said, 400)
    return RedirectResponse("/trends/benefit#costs", 303)


@router.post("/benefit/cost/{number}/remove", dependencies=OURS)
def remove_cost(connection: Writing, who: SignedIn, number: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    benefit_entries.remove_cost(connection, number, actor=who.name)
    return RedirectResponse("/trends/benefit#costs", 303)


@rating.post("/rating")
def rate(
    connection: Writing,
    settings: OfSettings,
    who: SignedIn,
    score: Annotated[Literal["1", "2", "3", "4", "5", "later"], Form()],
) -> Response:
    """An answer, or the wish to be asked another time."""
    today = dt.datetime.now(dt.UTC).date()
    answer = None if score == "later" else int(score)
    benefit_entries.rate(connection, who.name, answer, today=today, ask_days=settings.benefit.ask_days)
    return RedirectResponse("/", 303)
