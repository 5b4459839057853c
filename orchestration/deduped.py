"""What `onerecord dedupe` found: as files, as one JSON object, and as tables for the terminal."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dedup import Deduped, looks, tables
from dedup.derive import name_of
from dedup.kinds import Kind
from dedup.mapping import Guess
from dedup.opened import Opened
from dedup.plan import Plan
from orchestration import console as terminal

# What fits a screen: the rest is in the files.
CLUSTERS_SHOWN, MEMBERS_SHOWN, PAIRS_SHOWN, COLUMNS_SHOWN, DROPPED_SHOWN = 3, 5, 5, 6, 5
LETTERS_SHOWN, BAR = 32, 40
SIZES = ((1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 10), (11, 100), (101, None))
UNSEEN = frozenset((Kind.ID, Kind.IGNORED))


@dataclass(frozen=True)
class Finished:
    """A run over a file. `ids` is a table of one column, which names the records; `seconds` by stage and in total."""

    file: Path
    opened: Opened
    guesses: Mapping[str, Guess]
    ids: pa.Table
    found: Deduped
    threshold: float
    seconds: Mapping[str, float]

    @property
    def labels(self) -> pa.ChunkedArray:
        """The cluster of every record: the id of its first record."""
        return self.ids.column(0).take(pa.array(self.found.clusters))

    @property
    def compared(self) -> list[str]:
        return [name for name, guess in self.guesses.items() if guess.kind not in UNSEEN]

    def sizes(self) -> NDArray[np.int64]:
        """The size of every cluster, largest first, shape (clusters,)."""
        return np.sort(np.unique(self.found.clusters, return_counts=True)[1])[::-1]


def save(finished: Finished, *, out: Path | None, pairs: Path | None, model: Path | None) -> None:
    """Write the wanted files. Raises OSError."""
    if out is not None:
        tables.write(finished.ids.append_column("cluster", finished.labels), out)
    if pairs is not None:
        tables.write(_named_pairs(finished), pairs)
    if model is not None:
        model.write_text(json.dumps(finished.found.model.to_dict(), indent=2, ensure_ascii=False) + "\n")


def _named_pairs(finished: Finished) -> pa.Table:
    """The scored pairs with ids in place of positions."""
    named, ids = finished.found.pairs, finished.ids.column(0)
    for side in ("a", "b"):
        named = named.set_column(named.column_names.index(side), side, ids.take(named[side]))
    return named


def summary(finished: Finished) -> dict[str, Any]:
    """The report as plain values. Counts and names of columns only, no value of the file."""
    report, sizes = finished.found.report, finished.sizes()
    many, counts = np.unique(sizes, return_counts=True)
    return {
        "file": str(finished.file),
        "read_as": finished.opened.how,
        "records": report.records,
        "rows_left_out": finished.opened.bad_rows,
        "warnings": list(_warnings(finished.opened)),
        "id": finished.ids.column_names[0],
        "columns": [
            {"name": name, "kind": guess.kind.value, "reason": guess.reason} for name, guess in finished.guesses.items()
        ],
        "threshold": finished.threshold,
        "clusters": len(sizes),
        "duplicates": report.records - len(sizes),
        "sizes": {str(size): int(count) for size, count in zip(many, counts, strict=True)},
        "pairs": {"compared": report.candidates, "same": report.same, "review": report.review},
        "by_rule": dict(report.by_rule),
        "dropped_blocks": [{"rule": block.rule, "size": block.size} for block in report.dropped_blocks],
        "model_version": finished.found.model.version,
        "seconds": {stage: round(took, 3) for stage, took in finished.seconds.items()},
    }


def show_mapping(opened: Opened, guesses: Mapping[str, Guess]) -> None:
    """What each column is taken as, and why, before any work: a wrong guess is to be seen."""
    table = _table("column", "taken as", "why", "for example")
    for name, guess in guesses.items():
        style = "dim" if guess.kind in UNSEEN else ""
        example = next((value for value in opened.table[name].slice(0, 100).to_pylist() if value is not None), "")
        table.add_row(_shown(name), guess.kind.value, _shown(guess.reason, 70), _shown(example), style=style)
    say = terminal.console.print
    say("\n[bold]Columns[/]", table, sep="\n")
    first = next(name for name, guess in guesses.items() if guess.kind not in UNSEEN)
    say(escape(f"\nA guess is wrong? --column '{first}=KIND' says what it holds, --ignore '{first}' leaves it out.\n"))
    for warning in _warnings(opened):
        say(f"[yellow]Look at this:[/] {escape(warning)}.\n")


def _warnings(opened: Opened) -> Iterator[str]:
    """What may have been read otherwise than it was meant, without values of the file."""
    yield from opened.warnings
    if any(looks.is_value(name) for name in opened.table.column_names):
        yield (
            "The first line looks like a record, but is taken for the names of columns and not compared: "
            "put a line with the names above it"
        )
    if opened.bad_rows:
        lines = ", ".join(f"line {bad.line} ({bad.fields} fields)" for bad in opened.bad)
        more = " ..." if opened.bad_rows > len(opened.bad) else ""
        yield (
            f"{opened.bad_rows:,} rows are left out: they do not have {opened.table.num_columns} fields: {lines}{more}"
        )


def show_plan(plan: Plan) -> None:
    """The blocking rules before a run, with what each is expected to cost."""
    table = _table("two records are compared if they agree on", "pairs", right=("pairs",))
    for rule in plan.rules:
        table.add_row(escape(name_of(rule.parts).removeprefix("same ")), f"{rule.pairs:,.0f}")
    table.add_row("[bold]together[/]", f"[bold]{plan.pairs:,.0f}[/] of {plan.budget:,.0f} allowed")
    console = Console(highlight=False, emoji=False)
    console.print(table)
    console.print(
        f"About {plan.expected_recall:.0%} of the duplicates are expected among them, if typed as badly as usual."
    )


def show(finished: Finished, *, out: Path | None, pairs: Path | None) -> None:
    """Print the report on stdout."""
    console = Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else terminal.WIDTH_OF_LOGS)
    parts = [("Found", _counts(finished)), ("Sizes of clusters", _histogram(finished.sizes()))]
    for title, table in (*parts, *_dropped(finished), *_clusters(finished), *_doubtful(finished)):
        console.print(f"\n[bold]{title}[/]", no_wrap=True, overflow="ellipsis")
        console.print(table)
    console.print("\n" + "\n".join(f"[bold]->[/] {escape(line)}" for line in _next(finished, out, pairs)))


def _table(*columns: str, right: Sequence[str] = ()) -> Table:
    table = Table(header_style="dim", box=None, pad_edge=False)
    for column in columns:
        table.add_column(
            escape(column), justify="right" if column in right else "left", overflow="ellipsis", no_wrap=True
        )
    return table


def _counts(finished: Finished) -> Table:
    report, clusters = finished.found.report, len(finished.sizes())
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(justify="right")
    table.add_column()
    stages = ", ".join(f"{stage} {took:.1f}" for stage, took in finished.seconds.items() if stage != "total")
    for number, what in (
        (f"{report.records:,}", f"records in {_shown(finished.file.name)}"),
        (f"{clusters:,}", "clusters: different people or companies"),
        (f"{report.records - clusters:,}", "duplicates: records that are not the first of their cluster"),
        (f"{report.candidates:,}", "pairs compared"),
        (f"{report.same:,}", "of them the same"),
        (f"{report.review:,}", f"of them doubtful; put together from a probability of {finished.threshold:.2f} on"),
        (f"{finished.seconds['total']:.1f}", f"seconds ({stages})"),
    ):
        table.add_row(f"[bold]{number}[/]", what)
    return table


def _histogram(sizes: NDArray[np.int64]) -> Table:
    table = _table("records", "clusters", "", right=("records", "clusters"))
    counts = {
        (least, most): int(np.count_nonzero((sizes >= least) & (sizes <= (most or sizes[0])))) for least, most in SIZES
    }
    longest = max(counts.values())
    for (least, most), count in counts.items():
        if count:
            name = f"{least}" if least == most else f"{least}-{most}" if most else f"over {least - 1}"
            table.add_row(name, f"{count:,}", "█" * max(round(BAR * count / longest), 1))
    return table


def _dropped(finished: Finished) -> list[tuple[str, Table]]:
    blocks = sorted(finished.found.report.dropped_blocks, key=lambda block: -block.size)
    if not blocks:
        return []
    table = _table("rule", "records that share one value", right=("records that share one value",))
    for block in blocks[:DROPPED_SHOWN]:
        table.add_row(_shown(block.rule), f"{block.size:,}")
    more = f"; the {DROPPED_SHOWN} largest of {len(blocks):,}" if len(blocks) > DROPPED_SHOWN else ""
    return [(f"Values too common to find candidates by: who shares nothing else was not compared{more}", table)]


def _clusters(finished: Finished) -> list[tuple[str, Table]]:
    """The largest clusters with the values in which their first members differ."""
    names, first, counts = np.unique(finished.found.clusters, return_index=True, return_counts=True)
    largest = [at for at in np.argsort(-counts, kind="stable")[:CLUSTERS_SHOWN] if counts[at] > 1]
    shown = []
    for at in largest:
        rows = np.flatnonzero(finished.found.clusters == names[at])[:MEMBERS_SHOWN]
        more = f", {MEMBERS_SHOWN} shown" if counts[at] > MEMBERS_SHOWN else ""
        key = _shown(finished.ids.column(0)[int(first[at])].as_py())
        shown.append(_differing(finished, rows, f"Cluster {key}: {counts[at]:,} records{more}"))
    return shown


def _doubtful(finished: Finished) -> list[tuple[str, Table]]:
    """The pairs whose probability is nearest to one half, with the values in which they differ."""
    pairs = finished.found.pairs.filter(pc.equal(finished.found.pairs["band"], "review"))
    nearest = np.argsort(np.abs(pairs["probability"].to_numpy() - 0.5), kind="stable")[:100]
    shown: list[tuple[str, Table]] = []
    seen: set[int] = set()
    for pair in pairs.take(pa.array(nearest)).to_pylist():
        if len(shown) < PAIRS_SHOWN and not {pair["a"], pair["b"]} & seen:  # one record in five doubts tells less
            seen |= {pair["a"], pair["b"]}
            title = f"Doubtful: probability {pair['probability']:.2f}, found by {_shown(pair['rule'])}"
            shown.append(_differing(finished, np.array([pair["a"], pair["b"]]), title))
    return shown


def _differing(finished: Finished, rows: NDArray[np.int64], title: str) -> tuple[str, Table]:
    """Records side by side: id, and the compared columns in which they differ."""
    records = finished.opened.table.select(finished.compared).take(pa.array(rows))
    values = {name: records[name].to_pylist() for name in finished.compared}
    differing = [name for name in values if len({_shown(value) for value in values[name]}) > 1]
    columns = differing[:COLUMNS_SHOWN]
    equal = [name for name in values if name not in differing and any(value is not None for value in values[name])]
    if equal:
        title += f"; equal: {_shown(', '.join(equal), 60)}"
    table = _table(finished.ids.column_names[0], *columns)
    keys = [_shown(finished.ids.column(0)[int(row)].as_py()) for row in rows]
    table.columns[0].min_width = max(map(len, keys))  # what names a record is never cut for want of room
    for place, key in enumerate(keys):
        table.add_row(key, *(_shown(values[name][place]) for name in columns))
    return title, table


def _next(finished: Finished, out: Path | None, pairs: Path | None) -> list[str]:
    """What to do with the result."""
    name, review = finished.ids.column_names[0], finished.found.report.review
    if out is None:
        yes = ["Keep the result: --out clusters.csv (or .parquet) writes the cluster of every record."]
    else:
        yes = [f"{out} has a line for every record: {name}, and cluster, which is the {name} of its first record."]
    if pairs is not None:
        yes.append(f"{pairs} has the scored pairs; band says same or review.")
    elif review:
        yes.append(f"Look at the {review:,} doubtful pairs: --pairs pairs.csv writes them with their probability.")
    yes.append("Too much or too little put together? Check the columns above first, then move --threshold up or down.")
    return yes


def _shown(value: object, most: int = LETTERS_SHOWN) -> str:
    """A value of the file for the terminal: one line, cut, and nothing in it that steers a terminal or means markup."""
    text = "".join(
        letter if letter.isprintable() else " " for letter in str("" if value is None else value)[: most + 1]
    )
    return escape(text if len(text) <= most else f"{text[: most - 1]}…")
