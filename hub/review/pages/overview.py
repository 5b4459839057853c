"""The front page: what was published, what came in, what waits for whom."""

import datetime as dt

from fastapi import APIRouter, Request
from fastapi.responses import Response

from hub import benefit_entries, clock
from hub.coach import flags
from hub.review.page import OfSettings, Reading, SignedIn, render
from hub.review.pages.queue import OfSeat
from hub.review.queries import decisions, filters, overview, queue

router = APIRouter()


@router.get("/")
def front(request: Request, connection: Reading, settings: OfSettings, of: OfSeat, who: SignedIn) -> Response:
    run = overview.last_run(connection)
    return render(
        request,
        "overview.html",
        publication=overview.last_publication(connection),
        run=run,
        held_back=overview.held_back(connection, run.run_id) if run else [],
        sources=overview.sources(connection),
        bands=overview.pairs_by_band(connection),
        waiting=queue.count(connection, of, filters.EVERYTHING),
        decided=decisions.decided_since(connection, 7),
        flags=flags.public(connection),
        manages=flags.manages(who),
        own=flags.counts(connection, who.name, clock.as_of(settings).date()),
        asked=benefit_entries.is_asked(connection, who.name, dt.datetime.now(dt.UTC).date()),
    )
