"""Group trends: figures of the day, for the lines on the dashboard."""

import datetime as dt
from typing import Any

import dagster as dg

from hub import figures
from orchestration.defs.match import MEMBERSHIP
from orchestration.resources import Hub

FIGURES = dg.AssetKey(["quality", "daily_figure"])


@dg.asset(
    key=FIGURES,
    deps=[MEMBERSHIP],
    group_name="trends",
    kinds={"postgres"},
    description="Records, duplicates and waiting pairs by department; the last run of a day counts.",
)
def daily_figure(hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    with hub.engine.begin() as connection:
        figures.keep(connection, dt.datetime.now(dt.UTC).date())
        whole = {row.name: row.value for row in figures.newest(connection) if row.department == figures.EVERYWHERE}
    return dg.MaterializeResult(metadata=dict(whole))


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[daily_figure])
