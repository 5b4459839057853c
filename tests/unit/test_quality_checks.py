"""The checks as data, and the gate's decision."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic.fields import FieldInfo

from hub.model.kinds import Severity
from hub.sections.hygiene import HygieneSettings
from hub.settings import GateSettings
from hub.waivers import Waiver
from quality_checks import gate, suites
from quality_checks.check import ROWS, Check, CheckOutcome
from quality_checks.rules import hygiene

DOCS = Path(__file__).parents[2] / "docs"
RULES, GATE = (DOCS / "rules.md").read_text(), (DOCS / "gate.md").read_text()


def named(check: Check) -> str:
    return f"{check.suite}.{check.name}"


def outcome(name: str, severity: Severity, *, passed: bool) -> CheckOutcome:
    return CheckOutcome(
        "golden", name, severity, passed, checked=9, failed=0 if passed else 2, state="" if passed else "these"
    )


def required(name: str, severity: Severity = Severity.CRITICAL) -> Check:
    return Check(name, "golden", severity, "", "golden.customer_row", (), "", {})


def test_what_passed_is_published() -> None:
    outcomes = [outcome("a", Severity.CRITICAL, passed=True), outcome("b", Severity.WARNING, passed=True)]
    assert gate.decide(outcomes, [required("a")]) == gate.GateDecision(held=False, critical=(), warnings=0)


def test_a_warning_travels_along() -> None:
    outcomes = [outcome("a", Severity.WARNING, passed=False), outcome("b", Severity.WARNING, passed=False)]
    assert gate.decide(outcomes, []) == gate.GateDecision(held=False, critical=(), warnings=2)


def test_a_critical_failure_holds_the_publication_and_is_named() -> None:
    outcomes = [outcome("a", Severity.CRITICAL, passed=False), outcome("b", Severity.WARNING, passed=False)]
    assert gate.decide(outcomes, []) == gate.GateDecision(
        held=True, critical=("golden.a",), warnings=1, why="golden.a failed on 2 of 9"
    )


def test_a_critical_check_that_did_not_run_holds_the_publication() -> None:
    asked = [required("a"), required("b", Severity.WARNING)]
    assert gate.decide([], asked) == gate.GateDecision(
        held=True, critical=("golden.a",), warnings=0, why="golden.a did not run"
    )


def test_nothing_is_published_without_checks() -> None:
    critical = {named(check) for check in suites.CHECKS if check.severity is Severity.CRITICAL}
    assert set(gate.decide([]).critical) == critical != set()


def test_checks_are_told_apart_by_name() -> None:
    names = [named(check) for check in suites.CHECKS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("check", [c for c in suites.CHECKS if c.expectation == ROWS], ids=named)
def test_a_query_looks_at_its_table_and_names_what_it_finds(check: Check) -> None:
    query = check.arguments["unexpected_rows_query"]
    assert query.count("{batch}") == 1
    assert "AS example" in query


def waiver(failed: CheckOutcome, **given: str) -> Waiver:
    return Waiver(**{"check": failed.title, "state": failed.state, "author": "ann", "reason": "known", **given})


def test_a_waived_failure_travels_along_and_names_who_waived_it() -> None:
    failed = outcome("a", Severity.CRITICAL, passed=False)
    assert gate.decide([failed], [], [waiver(failed)]) == gate.GateDecision(
        held=False, critical=(), warnings=1, waived=(gate.Waived("golden.a", 2, "ann"),)
    )


def test_a_waiver_is_for_one_check_and_what_it_found() -> None:
    failed, other = (outcome(name, Severity.CRITICAL, passed=False) for name in "ab")
    assert gate.decide([failed, other], [], [waiver(failed)]).critical == ("golden.b",)
    assert gate.decide([replace(failed, state="others")], [], [waiver(failed)]).held


@pytest.mark.parametrize("title", suites.PROTECTED)
def test_nobody_waives_what_protects_identity_or_permission(title: str) -> None:
    check = next(check for check in suites.CHECKS if check.title == title)
    failed = CheckOutcome(check.suite, check.name, check.severity, passed=False, checked=9, failed=1)
    assert check.severity is Severity.CRITICAL
    assert gate.decide([failed], [], [waiver(failed)]).held


def test_what_cannot_be_waived_is_documented() -> None:
    assert [title for title in suites.PROTECTED if f"| `{title}` |" not in GATE] == []


def test_listing_the_checks_does_not_load_great_expectations() -> None:
    script = "import quality_checks.runner, quality_checks.gate, sys; sys.exit('great_expectations' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[2])


@pytest.mark.parametrize("check", suites.CHECKS, ids=named)
def test_every_check_is_documented_with_its_severity(check: Check) -> None:
    assert f"| `{named(check)}` | {check.severity.value} |" in RULES


@pytest.mark.parametrize("rule", hygiene.RULES, ids=lambda rule: rule.name)
def test_every_rule_is_documented(rule: hygiene.Rule) -> None:
    assert f"| `{rule.name}` |" in RULES


def _default(field: FieldInfo) -> str:
    """As the documentation writes it: 2, not 2.0; nothing where there is nothing."""
    value = field.get_default(call_default_factory=True)
    return (
        f"{value:g}" if isinstance(value, float) else " ".join(value) if isinstance(value, tuple | dict) else str(value)
    )


@pytest.mark.parametrize(
    "setting",
    [f"hygiene.{name} = {_default(field)}" for name, field in HygieneSettings.model_fields.items()]
    + [f"gate.{name} = {_default(field)}" for name, field in GateSettings.model_fields.items()],
)
def test_every_threshold_is_documented_with_its_default(setting: str) -> None:
    name, value = setting.split(" = ")
    line = next((line for line in RULES.splitlines() if f"`{name}`" in line), "")
    assert line, setting
    assert all(word in line for word in value.split()), setting


def test_the_documentation_names_no_check_that_is_gone() -> None:
    documented = re.findall(
        r"^\| `((?:landing|canonical|opportunities|golden|published)\.\w+)` \|", RULES, re.MULTILINE
    )
    assert documented == [named(check) for check in suites.CHECKS]
