"""What the quality checks found: for those who mend it, and those who answer for letting one failure pass."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from markupsafe import Markup
from sqlalchemy import Connection, Row

from hub import waivers
from hub.access import Scope
from hub.errors import NotFoundError, OneRecordError
from hub.review import charts
from hub.review.page import Reading, SignedIn, Writing, from_our_form, render, requires
from hub.review.queries import checks as found

router = APIRouter(prefix="/checks", dependencies=[Depends(requires(Scope.CHECKS))])
RunId = Annotated[str, Query(max_length=80)]
Words = Annotated[str, Form(max_length=4_000)]

# The page has no scripts and may load nothing; its style sheet is in it. Sandboxed, it is of no origin.
DOCS_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"


@router.get("")
def checks(request: Request, connection: Reading, run: RunId = "") -> Response:
    return _checks(request, connection, run)


@router.post("/waive", dependencies=[Depends(from_our_form), Depends(requires(Scope.WAIVE))])
def waive(
    *, request: Request, connection: Writing, who: SignedIn, run: Words = "", check: Words = "", reason: Words = ""
) -> Response:
    try:
        waivers.waive(connection, run, check, author=who.name, reason=reason)
    except OneRecordError as error:
        return _checks(request, connection, run, problem=str(error), status=400)
    return RedirectResponse("/checks", 303)


def _checks(request: Request, connection: Connection, run_id: str, problem: str = "", status: int = 200) -> Response:
    runs = found.runs(connection)
    asked = next((run for run in runs if run.run_id == run_id), None)
    chosen = asked or next((run for run in runs if run.checks), runs[0] if runs else None)
    failures = waivers.failures(connection, chosen.run_id) if chosen else []
    holding = [row for row in failures if row.severity == "critical" and row.waived_by is None]
    return render(
        request, "checks.html", status,
        runs=runs, run=chosen, problem=problem, holding=holding,
        failures=[row for row in failures if row not in holding],
        newest=bool(runs) and chosen is runs[0],
        said=waivers.said(connection, chosen.run_id) if chosen else {},
        results=found.results(connection, chosen.run_id) if chosen else [],
        documented=found.documented(connection),
    )  # fmt: skip


@router.get("/docs/{suite}", dependencies=[Depends(requires(Scope.WAIVE))])
def data_docs(connection: Reading, suite: str) -> Response:
    """Great Expectations' own page of the last run of a suite: who mends the checks reads it."""
    page = found.data_docs(connection, suite)
    if page is None:
        raise NotFoundError("no run has written this page yet")
    return HTMLResponse(page, headers={"Content-Security-Policy": DOCS_POLICY})


@router.get("/{suite}/{name}")
def check(
    *,
    request: Request,
    connection: Reading,
    suite: str,
    name: str,
    run: RunId = "",
    after: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> Response:
    """One check: the rows that fail it in a run, and how it went before."""
    history = found.history(connection, suite, name)
    if not history:
        raise NotFoundError("no run has evaluated a check of this name")
    shown = next((row for row in history if row.run_id == run), history[0])
    rows = found.failing(connection, shown.check_result_id, shown.looks_at, after)
    last = rows[-1].place if len(rows) == found.ROWS else None
    return render(
        request, "check.html",
        suite=suite, name=name, shown=shown, rows=rows, history=history, picture=_picture(history),
        next_page=f"/checks/{suite}/{name}?run={shown.run_id}&after={last}" if last else None,
    )  # fmt: skip


def _picture(history: list[Row[Any]] | Any) -> Markup:
    """Failing rows over the last runs; its writer escapes what it is given."""
    runs = history[::-1]
    places = [f"{run.checked_at:%d %b %H:%M}" for run in runs]
    drawn = charts.lines("history", "Failing rows by run", places, {"failing rows": [run.failed or 0 for run in runs]})
    return Markup(drawn)  # noqa: S704
