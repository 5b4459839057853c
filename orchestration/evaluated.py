"""An evaluation for people: what `onerecord evaluate` prints."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from orchestration.console import console

# Larger clusters are rare; their sizes are in --json.
LARGEST_SHOWN = 8
MEASURES = (
    "records", "entities", "true_pairs", "same", "review", "same_precision", "same_recall", "review_precision",
    "same_or_review_recall", "clusters", "cluster_precision", "cluster_recall", "cluster_f1", "bcubed_precision",
    "bcubed_recall", "bcubed_f1", "without_truth",
)  # fmt: skip
JUDGED = ("same_precision", "same_recall", "review_precision", "same_or_review_recall")


def show(found: Mapping[str, Any]) -> None:
    """Print the evaluation as tables with a column per kind of party."""
    with_truth = {kind: measures for kind, measures in found.items() if "curve" in measures}
    if with_truth:
        console.print(_table("Against the truth", _measures(with_truth), with_truth))
        console.print(_table("Mistakes, in pairs", _mistakes(with_truth), with_truth))
        console.print(_table("Customers by size: found (true)", _sizes(with_truth), with_truth))
        for line in _examples(with_truth):
            console.print(line, soft_wrap=True)
    if any(measures["judged"]["judged"] for measures in found.values()):
        console.print(_table("Against the pairs that people judged (95 % interval)", _judged(found), found))


def _table(title: str, rows: Iterator[tuple[str, ...]], kinds: Mapping[str, Any]) -> Table:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", header_style="dim", box=None, pad_edge=False
    )
    table.add_column("")
    for kind in kinds:
        table.add_column(kind, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _measures(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name in MEASURES:
        yield name.replace("_", " "), *(_number(measures[name]) for measures in found.values())
    for which in ("pairs", "clusters"):
        best = [measures["curve"][which]["best"] for measures in found.values()]
        yield f"best f1 of {which}", *(_number(one and one["f1"]) for one in best)
        yield "  at the threshold", *("-" if one is None else f"{one['threshold']:.6f}" for one in best)


def _mistakes(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    errors = [measures["errors"] for measures in found.values()]
    for side, kinds in errors[0].items():
        for kind in kinds:
            yield f"{side}: {kind.replace('_', ' ')}", *(f"{one[side][kind]['pairs']:,}" for one in errors)


def _examples(found: Mapping[str, Any]) -> Iterator[str]:
    """One pair per kind of mistake, as a command that shows why."""
    for kind, measures in found.items():
        for side, mistakes in measures["errors"].items():
            for name, mistake in mistakes.items():
                if mistake["examples"]:
                    a, b = mistake["examples"][0]
                    what = f"{kind} {side}, {name.replace('_', ' ')}:"
                    yield f"[dim]{what:<42}[/] onerecord explain {escape(a)} {escape(b)}"


def _sizes(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    sizes = [{row["size"]: row for row in measures["sizes"]} for measures in found.values()]
    nothing = {"found": 0, "true": 0}
    for size in sorted({size for one in sizes for size in one if size <= LARGEST_SHOWN}):
        rows = [one.get(size, nothing) for one in sizes]
        yield str(size), *(f"{row['found']:,} ({row['true']:,})" for row in rows)
    larger = [[row for size, row in one.items() if size > LARGEST_SHOWN] for one in sizes]
    if any(larger):
        sums = [(sum(row["found"] for row in rows), sum(row["true"] for row in rows)) for rows in larger]
        yield "more", *(f"{found:,} ({true:,})" for found, true in sums)


def _judged(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    judged = [measures["judged"] for measures in found.values()]
    yield "judged pairs", *(f"{one['judged']:,}" for one in judged)
    for name in JUDGED:
        yield name.replace("_", " "), *(_with_interval(one[name], one[f"{name}_interval"]) for one in judged)


def _with_interval(share: float | None, interval: list[float] | None) -> str:
    if share is None or interval is None:
        return "-"
    return f"{share:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
