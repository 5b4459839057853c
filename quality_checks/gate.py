"""The gate before a publication: a critical failure that nobody waived holds it; a warning travels with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.announcements import announce
from hub.model.kinds import Severity
from hub.waivers import Waiver
from quality_checks import suites
from quality_checks.check import Check, CheckOutcome


@dataclass(frozen=True)
class Waived:
    """A critical failure that travels with the publication as a warning, and who let it pass."""

    check: str
    failed: int | None
    by: str


@dataclass(frozen=True)
class GateDecision:
    """Whether the publication is held: `critical` are the checks that hold it, as suite.check; `why` is for people.

    `warnings` counts all failures that do not hold it, the waived ones included.
    """

    held: bool
    critical: tuple[str, ...]
    warnings: int
    why: str = ""
    waived: tuple[Waived, ...] = ()


def decide(
    outcomes: Iterable[CheckOutcome], required: Iterable[Check] = suites.CHECKS, waivers: Iterable[Waiver] = ()
) -> GateDecision:
    """Held when a critical check failed and is not waived, or one of `required` is missing: silence is no consent."""
    known = {outcome.title: outcome for outcome in outcomes}
    passing = {waiver.check: waiver for waiver in waivers}
    failed = [outcome for outcome in known.values() if not outcome.passed]
    severe = [outcome for outcome in failed if outcome.severity is Severity.CRITICAL]
    waived = tuple(
        Waived(outcome.title, outcome.failed, passing[outcome.title].author)
        for outcome in sorted(severe, key=lambda outcome: outcome.title)
        if is_waived(outcome, passing.values())
    )
    spared = {one.check for one in waived}
    reasons = {one.title: f"failed on {one.failed} of {one.checked}" for one in severe if one.title not in spared}
    reasons |= {
        check.title: "did not run"
        for check in required
        if check.severity is Severity.CRITICAL and check.title not in known
    }
    names = tuple(sorted(reasons))
    why = "; ".join(f"{name} {reasons[name]}" for name in names)
    return GateDecision(bool(names), names, len(failed) - len(severe) + len(waived), why, waived)


def is_waived(outcome: CheckOutcome, waivers: Iterable[Waiver]) -> bool:
    """Whether a person let just this failure pass: the same check, which can be waived, failing on the same rows."""
    return outcome.title not in suites.PROTECTED and any(
        waiver.check == outcome.title and waiver.state == outcome.state for waiver in waivers
    )


def tell_held(connection: Connection, run_id: str, suite: str, decision: GateDecision) -> None:
    """Announce that a suite holds the publication back, by which checks, and what stays in force."""
    number = connection.execute(text("SELECT coalesce(max(number), 0) FROM golden.publication")).scalar_one()
    told = {"suite": suite, "checks": list(decision.critical), "why": decision.why, "publication_in_force": number}
    announce(connection, "held", run_id, told)


def outcomes_of_run(connection: Connection, run_id: str) -> Sequence[CheckOutcome]:
    """What the checks found in a run, by suite and name."""
    rows = connection.execute(
        text(
            """SELECT suite, name, severity, passed, checked, failed, ARRAY(
                   SELECT key FROM quality.failing_row f WHERE f.check_result_id = r.check_result_id ORDER BY place),
                   state
               FROM quality.check_result r WHERE run_id = :run_id ORDER BY suite, name"""
        ),
        {"run_id": run_id},
    )
    return [CheckOutcome(r[0], r[1], Severity(r[2]), r[3], r[4], r[5], tuple(r[6]), r[7]) for r in rows]
