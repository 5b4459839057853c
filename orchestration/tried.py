"""What a trial of settings found, as tables in the terminal."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hub.changes import toml
from hub.golden.trial import Values
from hub.identity.trial import Clusters
from orchestration.console import plain_table
from quality_checks.trial import Trial, value_of
from quality_checks.tried import Rule

console = Console(highlight=False, emoji=False)
MOST_SHOWN = 10  # golden ids and decisions; --json gives all
VERDICTS = {
    "safe": "[green]safe[/]: no decision of a person is contradicted, and the checks that it concerns hold",
    "blocked": "[red]blocked[/]: people decided otherwise. Take their decisions back first, or choose other settings",
    "held": "[red]held[/]: the next publication would be held back",
    "unknown": "[yellow]unknown[/]: the stored pairs do not tell all. Try again with --match-again",
}


def show(found: Trial, *, show_values: bool, overruled: Sequence[str]) -> None:
    """Print the tables of what changes, the verdict, and, where it is safe, the lines for onerecord.toml."""
    for one in _tables(found, show_values=show_values):
        console.print(one)
    for told in found.notes:
        console.print(f"note: {escape(told)}")
    console.print(f"\n{VERDICTS[found.status]}", soft_wrap=True)
    for check in (one.check for one in found.checks if one.holds_already):
        told = f"{check} fails by the settings in force already: the next publication is held either way"
        console.print(told, soft_wrap=True)
    if found.status == "safe":
        console.print("To put it in force, write into onerecord.toml:\n")
        console.print("\n".join(found.lines), markup=False, soft_wrap=True)
    for name in overruled:
        console.print(f"{name} is set and goes before onerecord.toml: change it there", markup=False)
    console.print("\nNothing was changed.")


def _tables(found: Trial, *, show_values: bool) -> Iterator[Table]:
    settings = _texts("\nSettings", "setting", "in force", "tried")
    for key, (old, new) in found.keys.items():
        settings.add_row(key, escape("default" if old is None else toml(old)), escape(toml(new)))
    yield settings
    if found.flags:
        yield from _flags(found.flags)
    if found.clusters is not None:
        yield from _clusters(found.clusters, found.parts)
    if found.routed:
        routed = plain_table("\nQueues of departments", "department", "now", "then")
        for name, (before, after) in found.routed.items():
            routed.add_row(name, f"{before:,}", f"{after:,}")
        yield routed
    if found.values is not None:
        yield from _values(found.values, show_values=show_values)
    if found.checks:
        yield _checks(found)
    if found.overturned:
        yield _overturned(found)


def _texts(title: str, *columns: str) -> Table:
    shown = plain_table(title, *columns)
    for column in shown.columns:
        column.justify, column.overflow = "left", "fold"
    return shown


def _flags(rules: dict[str, Rule]) -> Iterator[Table]:
    counted = plain_table("\nOpportunity flags", "rule", "open now", "then", "open", "resolve", "other severity")
    some = _texts("", "opportunity", "rule", "what becomes of the flag")
    for name, rule in rules.items():
        numbers = (rule.before, rule.after, rule.opened, rule.resolved, rule.weighed)
        counted.add_row(name.replace("_", " "), *(f"{number:,}" for number in numbers))
        for what, refs in (("opens", rule.open_refs), ("is resolved", rule.resolved_refs)):
            for ref in refs:
                some.add_row(escape(ref), name.replace("_", " "), what)
        for ref, before, after in rule.severity:
            some.add_row(escape(ref), name.replace("_", " "), f"{before} becomes {after}")
    yield counted
    if some.row_count:
        yield some


def _clusters(found: Clusters, parts: dict[str, Any]) -> Iterator[Table]:
    title = "\nCustomers" if found.complete else "\nCustomers, as far as the stored pairs tell"
    counted = plain_table(title, "", "then")
    counted.add_row("golden ids merged away", f"{len(found.merged):,}")
    counted.add_row("parts that become customers of their own", f"{len(found.split):,}")
    counted.add_row("customers with other records", f"{found.changed:,}")
    counted.add_row("records that change their customer", f"{found.moved:,}")
    counted.add_row("pairs that wait for people", f"{found.waiting[1]:,} (now {found.waiting[0]:,})")
    yield counted
    if found.bands:
        bands = plain_table("\nPairs", "band now", "then", "pairs")
        for (before, after), number in found.bands.items():
            bands.add_row(before, after, f"{number:,}")
        yield bands
    if found.merged:
        merged = _texts("\nMerged", "golden id", "leads to")
        for one, survivor in islice(sorted(found.merged.items()), MOST_SHOWN):
            merged.add_row(str(one), str(survivor))
        yield _rest(merged, len(found.merged))
    if found.split:
        split = _texts("\nSplit", "part", "comes out of", "records")
        for one, origin in islice(sorted(found.split.items()), MOST_SHOWN):
            split.add_row(str(one), str(origin), escape(", ".join(parts.get(str(one), ["..."]))))
        yield _rest(split, len(found.split))


def _rest(shown: Table, total: int) -> Table:
    if total > shown.row_count:
        shown.add_row(f"... and {total - shown.row_count:,} more", *[""] * (len(shown.columns) - 1))
    return shown


def _values(found: Values, *, show_values: bool) -> Iterator[Table]:
    counted = plain_table("\nGolden values", "kind", "attribute", "customers")
    for (kind, name), number in found.attributes.items():
        counted.add_row(kind, name, f"{number:,}")
    counted.add_row("all", "any value", f"{found.changed:,} of {found.looked_at:,}")
    counted.add_row("all", "the origin only", f"{found.retold:,}")
    yield counted
    if found.examples:
        yield _some_values(found, show_values=show_values)


def _some_values(found: Values, *, show_values: bool) -> Table:
    columns = ("golden id", "attribute", "now from", "then from", *(("now", "then") if show_values else ()))
    some = _texts("", *columns)
    for one in found.examples:
        told = value_of(one, show_values=show_values)
        sides = [told[side] for side in ("before", "after")]
        origins = [f"{side['ref'] or '-'} ({side['rule'] or '-'})" for side in sides]
        values = [side["value"] or "-" for side in sides] if show_values else []
        some.add_row(one.golden_id, one.attribute, *map(escape, (*origins, *values)))
    return some


def _checks(found: Trial) -> Table:
    checks = plain_table("\nChecks before a publication", "check", "severity", "rows failing now", "then", "")
    for one in found.checks:
        numbers = (f"{one.before:,}", f"{one.after:,}")
        holds = "holds it back, as now" if one.holds_already else "holds it back" if one.holds else ""
        checks.add_row(one.check, one.severity.value, *numbers, f"[red]{holds}[/]")
    return checks


def _overturned(found: Trial) -> Table:
    decisions = _texts("\nDecisions of people that it contradicts", "number", "by", "said", "of", "")
    for one in found.overturned[:MOST_SHOWN]:
        row = (f"{one.kind} {one.number}", one.author, one.said, " ".join(one.refs), one.why)
        decisions.add_row(*map(escape, row))
    return _rest(decisions, len(found.overturned))
