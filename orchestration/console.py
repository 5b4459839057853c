"""What a person sees in the terminal while the hub runs, and afterwards."""

import sys
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from hub.progress import Step

WIDTH_OF_LOGS = 118

# Progress and messages go to stderr, so that --json leaves one object on stdout.
console = Console(stderr=True, highlight=False, emoji=False, width=None if sys.stderr.isatty() else WIDTH_OF_LOGS)

STAGES = ("sandbox", "land", "conform", "match", "resolve", "compose", "check", "publish")


class Watch:
    """Draws steps as they come: a line per subject, rewritten in a terminal, printed once in a log."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._current: Step | None = None
        self._line = ""
        self._live = console.is_terminal

    def __call__(self, step: Step) -> None:
        if self._current is not None and (step.stage, step.subject) != (self._current.stage, self._current.subject):
            self.close()
        self._current = step
        seconds = time.monotonic() - self._began
        self._line = f"{seconds:6.1f} s  {step.stage:<11} {step.subject:<34} {_amount(step)} {step.note}".rstrip()
        if self._live:
            sys.stderr.write(f"\r\x1b[K{self._line}")
            sys.stderr.flush()

    def close(self) -> None:
        """Finish the line of the current subject."""
        if self._current is not None:
            sys.stderr.write("\n" if self._live else f"{self._line}\n")
            sys.stderr.flush()
        self._current = None


def _amount(step: Step) -> str:
    return f"{step.done:>9,}" if step.total is None else f"{step.done:>9,} of {step.total:,}"


def show_summary(found: Mapping[str, Any], status: str, errors: tuple[str, ...]) -> None:
    """Print the summary of a run as tables."""
    console.print(_sources(found["sources"]))
    if found["pairs"]:
        console.print(_pairs(found["pairs"]))
    if found["flags"]["open"]:
        console.print(_flags(found["flags"]))
    console.print(_publication(found, status, errors))


def plain_table(title: str, *columns: str) -> Table:
    """A table without lines, whose first column is text and the others numbers."""
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    return table


def _sources(sources: Mapping[str, Any]) -> Table:
    columns = ("source", "department", "records", "new", "changed", "deleted", "unchanged", "ignored", "quarantined")
    table = plain_table("\nSources", *columns)
    for name, counts in sources.items():
        numbers = ("records", "inserted", "updated", "deleted", "unchanged", "ignored", "in_quarantine")
        table.add_row(name, counts["department"], *(f"{counts[number]:,}" for number in numbers))
    return table


def _pairs(pairs: Mapping[str, Any]) -> Table:
    table = plain_table("\nPairs", "kind", "parties", "compared now", "same", "to review", "apart now", "model")
    for kind, report in pairs.items():
        numbers = ("parties", "compared", "same", "review", "different")
        note = " (new)" if report["retrained"] else ""
        table.add_row(kind, *(f"{report[n] or 0:,}" for n in numbers), f"{report['model_version'] or '-'}{note}")
    return table


def _flags(flags: Mapping[str, Any]) -> Table:
    table = plain_table("\nOpportunity flags", "rule", "open")
    for rule, count in sorted(flags["open"].items(), key=lambda item: -item[1]):
        table.add_row(rule.replace("_", " "), f"{count:,}")
    return table


def _publication(found: Mapping[str, Any], status: str, errors: tuple[str, ...]) -> Panel:
    golden, publication = found["golden"], found["publication"]
    kinds = f"{golden['persons']:,} persons, {golden['organizations']:,} organizations"
    lines = [
        f"[bold]{golden['customers']:,}[/] golden customers: {kinds}",
        f"{golden['pairs_waiting']:,} doubtful pairs wait for a person",
    ]
    if golden["merged"] or golden["split"]:
        churn = f"{golden['merged']:,} merged away, {golden['split']:,} came out of others"
        lines.append(f"golden ids that moved: {churn} ({golden['id_churn']:.1%} of the customers)")
    if golden["contradictions"]:
        lines.append(f"{golden['contradictions']:,} judgements contradict others: see /review/conflicts")
    lines += [_warning(one) for one in publication["warnings"]]
    lines += [f"[red]held back by {check}[/]" for check in publication["held_by"]]
    lines += [f"[red]{_escape(error)}[/]" for error in errors]
    title, colour = _headline(found, status)
    return Panel("\n".join(lines), title=title, title_align="left", border_style=colour, expand=False)


def _warning(one: Mapping[str, Any]) -> str:
    waived = f", waived by {_escape(one['waived_by'])}" if one["waived_by"] else ""
    return f"warning: {one['check']} ({one['failed'] or 0:,} rows{waived})"


def _headline(found: Mapping[str, Any], status: str) -> tuple[str, str]:
    number = found["publication"]["number"]
    in_force = f"publication {number} stays in force" if number else "nothing is published so far"
    if status == "held":
        return f"Held back: {in_force}", "red"
    if status == "failed":
        return f"The run failed: {in_force}", "red"
    if not found["changed"]:
        return f"Nothing changed: {in_force}", "green"
    if not found["publication"]["published"]:
        return f"No golden record changed: {in_force}", "green"
    parts = found["publication"]
    what = f"{parts['created']:,} new, {parts['changed']:,} changed, {parts['merged']:,} merged"
    return f"Publication {number}: {what}", "green"


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)
