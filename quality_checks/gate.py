"""The gate before a publication: a critical failure holds it back, a warning travels with it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.model.kinds import Severity
from quality_checks import suites
from quality_checks.check import Check, CheckOutcome


@dataclass(frozen=True)
class GateDecision:
    """Whether the publication is held: `critical` are the checks that hold it, as suite.check; `why` is for people."""

    held: bool
    critical: tuple[str, ...]
    warnings: int
    why: str = ""


def decide(outcomes: Iterable[CheckOutcome], required: Iterable[Check] = suites.CHECKS) -> GateDecision:
    """Held when a critical check failed, or one of `required` has no outcome: silence is no consent."""
    known = {(outcome.suite, outcome.name): outcome for outcome in outcomes}
    failed = [outcome for outcome in known.values() if not outcome.passed]
    reasons = {
        f"{outcome.suite}.{outcome.name}": f"failed on {outcome.failed} of {outcome.checked}"
        for outcome in failed
        if outcome.severity is Severity.CRITICAL
    }
    reasons |= {
        f"{check.suite}.{check.name}": "did not run"
        for check in required
        if check.severity is Severity.CRITICAL and (check.suite, check.name) not in known
    }
    names = tuple(sorted(reasons))
    warnings = sum(outcome.severity is Severity.WARNING for outcome in failed)
    return GateDecision(bool(names), names, warnings, "; ".join(f"{name} {reasons[name]}" for name in names))


def outcomes_of_run(connection: Connection, run_id: str) -> list[CheckOutcome]:
    """What the checks found in a run, by suite and name."""
    rows = connection.execute(
        text(
            """SELECT suite, name, severity, passed, checked, failed, examples FROM quality.check_result
               WHERE run_id = :run_id ORDER BY suite, name"""
        ),
        {"run_id": run_id},
    )
    return [CheckOutcome(r[0], r[1], Severity(r[2]), r[3], r[4], r[5], tuple(r[6])) for r in rows]
