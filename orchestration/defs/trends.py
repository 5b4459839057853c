"""Group trends: figures of the day, for the lines on the pages, and the ledgers of who supplies and what it brings."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import dagster as dg
from sqlalchemy import Row

from hub import benefit, clock, figures, silo
from orchestration.defs.publish import FLAGS, PUBLICATION
from orchestration.resources import Hub

FIGURES = dg.AssetKey(["quality", "daily_figure"])
BENEFIT = dg.AssetKey(["quality", "benefit_figure"])
# The figures that are a part of a whole, and told as a share as well.
SHARES = ("complete", "valid", "unique", "fresh", "consistent", "stale", "duplicates")


@dg.asset(
    key=FIGURES,
    deps=[FLAGS],
    group_name="trends",
    kinds={"postgres"},
    description="Quality scores, duplicates and what waits, by department; facts that came late restate their own day.",
)
def daily_figure(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    as_of = hub.as_of(context)
    with hub.engine.begin() as connection:
        restated = figures.keep(connection, as_of, hub.settings.trends)
        found = figures.newest(connection)
    whole = {row.name: row for row in found if (row.department, row.day) == (figures.EVERYWHERE, clock.day(as_of))}
    shares = {f"{name}_share": row.value / row.cases for name, row in whole.items() if row.cases and name in SHARES}
    return dg.MaterializeResult(
        metadata={**{name: row.value for name, row in whole.items()}, **shares, "restated_figures": restated}
    )


@dg.asset(
    key=BENEFIT,
    deps=[PUBLICATION, FIGURES],
    group_name="trends",
    kinds={"postgres"},
    description="What is published: who supplies it, and the benefit ledger, each figure beside its start value.",
)
def benefit_figure(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    as_of = hub.as_of(context)
    with hub.engine.begin() as connection:
        looked = silo.follow(connection, clock.day(as_of))
        benefit.keep(connection, as_of, dt.datetime.now(dt.UTC).date(), hub.settings.benefit)
        found = benefit.newest(connection)
    return dg.MaterializeResult(metadata={"values_looked_at": looked, **_told(found)})


def _told(found: Sequence[Row[Any]]) -> dict[str, Any]:
    """Every figure beside its start value, as numbers; those with too few cases are left out."""
    named = {f"{row.name}_{row.currency}".rstrip("_"): row for row in found}
    return {
        f"{name}_{which}": float(value)
        for name, row in named.items()
        for which, value in (("baseline", row.baseline), ("now", row.now))
        if row.baseline is not None and row.now is not None
    }


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[daily_figure, benefit_figure])
