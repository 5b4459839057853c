"""Groups compose, check and publish: write the golden records aside, audit them, then let everybody see them."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from hub import runs, waivers
from hub.errors import PublicationHeldError
from hub.golden.compose import compose
from hub.golden.publish import publish
from orchestration.defs.match import MEMBERSHIP
from orchestration.resources import Hub
from quality_checks import gate
from quality_checks.flags import flag_opportunities

COMPOSED = dg.AssetKey(["golden", "composed_customer"])
FLAGS = dg.AssetKey(["quality", "opportunity_flag"])
PUBLICATION = dg.AssetKey(["golden", "publication"])


def _numbers(report: Any) -> dict[str, int]:
    return {name: value for name, value in asdict(report).items() if isinstance(value, int)}


@dg.asset(
    key=COMPOSED,
    deps=[MEMBERSHIP],
    group_name="compose",
    kinds={"postgres"},
    description="The golden records as the next publication would show them; only customers that changed are composed.",
)
def composed_customer(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    as_of = hub.as_of(context)
    report = compose(hub.engine, hub.settings, run_id=context.run_id, as_of=as_of, progress=hub.progress(context))
    runs.note(hub.engine, context.run_id, "golden", "composed", asdict(report))
    return dg.MaterializeResult(metadata=_numbers(report))


@dg.asset(
    key=FLAGS,
    deps=[MEMBERSHIP],
    group_name="check",
    kinds={"postgres"},
    description="Open opportunities that their owners should look at, with the evidence.",
)
def opportunity_flag(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    report = flag_opportunities(hub.engine, hub.settings, as_of=hub.as_of(context))
    runs.note(hub.engine, context.run_id, "flags", "opportunities", asdict(report))
    return dg.MaterializeResult(metadata={**_numbers(report), **{f"open_{k}": v for k, v in report.open.items()}})


@dg.asset(
    key=PUBLICATION,
    deps=[COMPOSED, FLAGS],
    group_name="publish",
    kinds={"postgres"},
    description="One checked, numbered release of all golden records: visible as a whole, or not at all.",
)
def publication(context: dg.AssetExecutionContext, hub: dg.ResourceParam[Hub]) -> dg.MaterializeResult[Any]:
    as_of = hub.as_of(context)
    with hub.engine.connect() as connection:
        outcomes, waived = gate.outcomes_of_run(connection, context.run_id), waivers.of_run(connection, context.run_id)
    decision = gate.decide(outcomes, waivers=waived)
    if decision.held:
        raise dg.Failure(str(PublicationHeldError(decision.why)), allow_retries=False)
    told = [asdict(one) for one in decision.waived]
    report = publish(hub.engine, run_id=context.run_id, as_of=as_of, warnings=decision.warnings, waived=told)
    runs.note(hub.engine, context.run_id, "publication", "report", asdict(report))
    return dg.MaterializeResult(metadata={"dagster/row_count": report.customers, **_numbers(report)})
