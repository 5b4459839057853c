"""The golden record as it was published at any moment, and what of it is different today."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from hub.access import Scope
from hub.api.facts import customer_now
from hub.golden.policy import POLICY
from hub.model.kinds import Department
from hub.review import looks, masking, origins, words
from hub.review.page import Looking, SignedIn, render, requires
from hub.review.queries import customers, versions

router = APIRouter(prefix="/customers/{golden_id}/as-of", dependencies=[Depends(requires(Scope.READ))])


@router.get("")
def as_of(
    *,
    request: Request,
    connection: Looking,
    who: SignedIn,
    golden_id: uuid.UUID,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    moment: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """The version of that number, or of that moment (UTC, a day means its end); without either, that of now.

    An id that was merged away has versions of its own up to the merge; from then on those of its survivor hold.
    """
    today = customer_now(connection, golden_id)
    when = _moment(moment)
    listed = versions.listed(connection, golden_id)
    shown = _shown(connection, golden_id, today, version, when)
    withheld = looks.withheld(request)
    if not looks.opened(connection, who, today, request):
        today, shown = masking.row(today), masking.row(shown) if shown else None
    return render(
        request,
        "as_of.html",
        customer=today,
        asked=golden_id,
        here=f"/customers/{golden_id}/as-of",
        shown=shown,
        moment=moment,
        when=when,
        versions=[(row, _told(row, withheld)) for row in listed],
        place=_place(listed, shown),
        lines=_lines(connection, shown, today) if shown else [],
        facets=_facets(shown, today, withheld) if shown else [],
        records=_records(connection, shown, today) if shown else [],
        differs=shown is not None and (shown["golden_id"], shown["version"]) != (today["golden_id"], today["version"]),
    )


def _moment(typed: str) -> dt.datetime | None:
    """A day (until its end) or a minute, UTC. Raises HTTPException for anything else."""
    if not typed:
        return None
    try:
        when = dt.datetime.fromisoformat(typed)
        if len(typed) == len("2026-01-31"):
            when += dt.timedelta(days=1, microseconds=-1)
        return when.astimezone(dt.UTC) if when.tzinfo else when.replace(tzinfo=dt.UTC)
    except (ValueError, OverflowError):
        raise HTTPException(422, "that is no day; write it like 2026-11-20 or 2026-11-20T09:30") from None


def _shown(
    connection: Connection,
    golden_id: uuid.UUID,
    today: dict[str, Any],
    version: int | None,
    when: dt.datetime | None,
) -> dict[str, Any] | None:
    if version is not None:
        found = versions.numbered(connection, golden_id, version)
        if found is None:
            raise HTTPException(404, f"this customer has no version {version}")
        return found
    if when is None:
        return versions.numbered(connection, today["golden_id"], today["version"])
    return versions.at(connection, golden_id, when) or versions.at(connection, today["golden_id"], when)


def _place(listed: Sequence[Any], shown: dict[str, Any] | None) -> int:
    """Where the version that is shown stands on the slider, the oldest being 0; the newest's place where it is not."""
    numbers = [(row.golden_id, row.version) for row in reversed(listed)]
    wanted = (shown["golden_id"], shown["version"]) if shown else None
    return numbers.index(wanted) if wanted in numbers else len(numbers) - 1


def _told(row: Any, withheld: Collection[str]) -> str:
    if row.first:
        return "first published"
    changed = [words.label(name.removesuffix("_id")) for name in row.changed if name not in withheld]
    return ", ".join(changed) or "only the origin of values"


def _lines(
    connection: Connection, shown: dict[str, Any], today: dict[str, Any]
) -> list[tuple[str, str | None, str | None]]:
    """Label, value then, and value today, of everything that was known then or is now."""
    found = []
    for name in (name for group in POLICY[shown["kind"]] for name in group.attributes):
        then, now = (_written(connection, row, name) for row in (shown, today))
        if then is not None or now is not None:
            found.append((origins.attribute(name), then, now))
    return found


def _written(connection: Connection, row: dict[str, Any], name: str) -> str | None:
    if name not in origins.PUBLISHED:
        return origins.written(row[name])
    other = row[origins.PUBLISHED[name]]
    return (customers.name_of(connection, other) or str(other)) if other else None


def _facets(
    shown: dict[str, Any], today: dict[str, Any], withheld: Collection[str]
) -> list[tuple[str, list[tuple[str, Any, bool]]]]:
    """By department the label and value of what it knew then, and whether that is something else today."""
    found = []
    for department in (name.value for name in Department if shown[name.value] and name not in withheld):
        now = dict(words.ordered(today[department]))
        told = [(label, value, now.get(label) != value) for label, value in words.ordered(shown[department])]
        found.append((department, told))
    return found


def _records(connection: Connection, shown: dict[str, Any], today: dict[str, Any]) -> list[tuple[origins.Source, str]]:
    """The source records of then, and of today, with what became of each."""
    refs = sorted({*shown["members"], *today["members"]})
    where = origins.places(customers.members(connection, refs))
    then, now = set(shown["members"]), set(today["members"])
    state = {(True, True): "", (True, False): "left since", (False, True): "came later"}
    return [(origins.source_of(ref, where), state[ref in then, ref in now]) for ref in refs]
