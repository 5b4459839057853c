"""Groups land and conform: an asset of each per source, and the canonical store that they fill together."""

from typing import Any

import dagster as dg
from sqlalchemy import text

from hub import runs
from hub.settings import load
from orchestration.factories import canonical_key, conform_asset, land_asset
from orchestration.resources import Hub

CANONICAL = dg.AssetKey(["canonical", "party"])


def _canonical_store(sources: list[str]) -> dg.AssetsDefinition:
    @dg.asset(
        key=CANONICAL,
        deps=[canonical_key(source) for source in sources],
        group_name="conform",
        kinds={"postgres"},
        description="Parties of all departments, with the facts that hang on them.",
    )
    def canonical_store(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
        with hub.engine.connect() as connection:
            rows = connection.execute(text("SELECT kind, count(*) AS parties FROM canonical.party GROUP BY kind"))
            counts = {row.kind: row.parties for row in rows}
            quarantined = connection.execute(
                text("SELECT count(*) FROM landing.quarantine WHERE resolved_at IS NULL")
            ).scalar_one()
        found = {"persons": counts.get("person", 0), "organizations": counts.get("organization", 0)}
        runs.note(hub.engine, context.run_id, "canonical", "store", {**found, "quarantined": quarantined})
        return dg.MaterializeResult(
            metadata={"dagster/row_count": sum(found.values()), **found, "in_quarantine": quarantined}
        )

    return canonical_store


@dg.definitions
def defs() -> dg.Definitions:
    sources = load().sources
    assets = [factory(source) for source in sources for factory in (land_asset, conform_asset)]
    return dg.Definitions(assets=[*assets, _canonical_store([source.name for source in sources])])
