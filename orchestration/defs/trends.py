"""Group trends: figures of the day, for the lines on the pages, and what is known of a publication's benefit."""

from typing import Any

import dagster as dg

from hub import figures
from orchestration.defs.publish import FLAGS
from orchestration.resources import Hub

FIGURES = dg.AssetKey(["quality", "daily_figure"])


@dg.asset(
    key=FIGURES,
    deps=[FLAGS],
    group_name="trends",
    kinds={"postgres"},
    description="Quality scores, duplicates and what waits, by department; facts that came late restate their own day.",
)
def daily_figure(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    with hub.engine.begin() as connection:
        restated = figures.keep(connection, hub.as_of(context.run_id), hub.settings.trends)
        whole = {row.name: row for row in figures.newest(connection) if row.department == figures.EVERYWHERE}
    shares = {f"{name}_share": row.value / row.cases for name, row in whole.items() if row.cases and name in SHARES}
    return dg.MaterializeResult(
        metadata={**{name: row.value for name, row in whole.items()}, **shares, "restated_figures": restated}
    )


SHARES = ("complete", "valid", "unique", "fresh", "consistent", "stale", "duplicates")


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[daily_figure])
