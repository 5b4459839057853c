"""The quality suites as Dagster asset checks: where a critical one fails, nothing after its asset runs."""

from collections.abc import Iterator

import dagster as dg

from hub import waivers
from hub.model.kinds import Severity
from hub.progress import Step
from orchestration.defs.land import CANONICAL
from orchestration.defs.publish import COMPOSED, FLAGS
from orchestration.resources import Hub
from quality_checks import gate, runner, suites
from quality_checks.check import CheckOutcome

EXAMPLES = 20  # failing rows that Dagster's page shows; /checks has the others
ASSETS = {
    "landing": CANONICAL,
    "canonical": CANONICAL,
    "opportunities": FLAGS,
    "golden": COMPOSED,
    "published": COMPOSED,
}


def _suite_checks(suite: str) -> dg.AssetChecksDefinition:
    asset = ASSETS[suite]
    specs = [
        dg.AssetCheckSpec(
            check.name,
            asset=asset,
            description=check.description,
            blocking=check.severity is Severity.CRITICAL,
            metadata={"suite": suite, "table": check.table, "expectation": check.expectation},
        )
        for check in suites.suite(suite)
    ]

    @dg.multi_asset_check(specs=specs, name=f"check_{suite}", description=f"The suite {suite}, by Great Expectations.")
    def checks(context: dg.AssetCheckExecutionContext, hub: dg.ResourceParam[Hub]) -> Iterator[dg.AssetCheckResult]:
        progress = hub.progress(context)
        progress(Step("check", suite, 0, len(specs)))
        run_id, as_of = context.run.run_id, hub.as_of(context)
        outcomes = runner.run_suite(hub.engine, suite, hub.settings, run_id=run_id, as_of=as_of)
        failed = sum(not outcome.passed for outcome in outcomes)
        progress(Step("check", suite, len(specs), len(specs), f"{failed} not passed"))
        with hub.engine.begin() as connection:
            waived = waivers.of_run(connection, run_id)
            decision = gate.decide(outcomes, (), waived)
            if decision.held:
                gate.tell_held(connection, run_id, suite, decision)
        for outcome in outcomes:
            yield _result(outcome, asset, waived=gate.is_waived(outcome, waived))

    return checks


def _result(outcome: CheckOutcome, asset: dg.AssetKey, *, waived: bool) -> dg.AssetCheckResult:
    severe = outcome.severity is Severity.CRITICAL and not waived
    return dg.AssetCheckResult(
        passed=outcome.passed,
        asset_key=asset,
        check_name=outcome.name,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        metadata={
            "checked": outcome.checked or 0,
            "failed": outcome.failed or 0,
            "waived": waived,
            "examples": dg.MetadataValue.md("\n".join(f"- `{key}`" for key in outcome.failing[:EXAMPLES]) or "none"),
        },
    )


@dg.definitions
def defs() -> dg.Definitions:
    return dg.Definitions(asset_checks=[_suite_checks(suite) for suite in suites.SUITES])
