"""Groups match and resolve: pairs of persons and of organizations, then who is one customer."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from hub import runs
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind
from orchestration.defs.land import CANONICAL
from orchestration.resources import Hub

MEMBERSHIP = dg.AssetKey(["identity", "membership"])


def _pairs_key(kind: PartyKind) -> dg.AssetKey:
    return dg.AssetKey(["identity", f"{kind.value}_pairs"])


PAIRS = tuple(_pairs_key(kind) for kind in PartyKind)


def _match_asset(kind: PartyKind) -> dg.AssetsDefinition:
    @dg.asset(
        key=_pairs_key(kind),
        deps=[CANONICAL],
        group_name="match",
        kinds={"postgres", "rapidfuzz"},
        description=f"Pairs of {kind.value}s that are one customer, or may be; only what changed is compared.",
    )
    def pairs(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
        report = match_parties(hub.engine, kind, hub.settings.match, progress=hub.progress(context))
        runs.note(hub.engine, context.run_id, "pairs", kind.value, asdict(report))
        numbers = {name: value for name, value in asdict(report).items() if isinstance(value, int)}
        dropped = [f"{rule}: a value shared by {size:,} records" for rule, size in report.dropped_blocks]
        return dg.MaterializeResult(
            metadata={
                **numbers,
                "model_version": report.model_version or "none yet",
                "blocks_dropped": dg.MetadataValue.md("\n".join(f"- {line}" for line in dropped) or "none"),
            }
        )

    return pairs


@dg.asset(
    key=MEMBERSHIP,
    deps=PAIRS,
    group_name="resolve",
    kinds={"postgres"},
    description="Which golden record each party belongs to: the model's same pairs and people's judgements, clustered.",
)
def membership(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    report = resolve(hub.engine, run_id=context.run_id, progress=hub.progress(context))
    runs.note(hub.engine, context.run_id, "resolved", "customers", asdict(report))
    numbers = {name: value for name, value in asdict(report).items() if isinstance(value, int)}
    return dg.MaterializeResult(metadata={**numbers, "contradictions": len(report.contradictions)})


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(assets=[*(_match_asset(kind) for kind in PartyKind), membership])
