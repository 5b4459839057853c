"""The table: in the terminal, as Markdown, and as JSON."""

import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.table import Table

from benchmarks.running import OWN_ENGINE, Result

Cell = Callable[[Result, Result | None], str]


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _ratio(result: Result, ours: Result | None) -> str:
    """Our seconds as a share of theirs."""
    if ours is None or ours.seconds is None or result.seconds is None or result.engine == OWN_ENGINE:
        return ""
    return f"{ours.seconds / result.seconds:.3f}"


COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("set", lambda one, _: one.dataset),
    ("engine", lambda one, _: one.engine),
    ("set-up", lambda one, _: one.problem or one.setup),
    ("rows", lambda one, _: _number(one.rows, ",")),
    ("candidate pairs", lambda one, _: _number(one.candidates, ",")),
    ("blocking recall", lambda one, _: _number(one.blocking_recall, ".3f")),
    ("seconds", lambda one, _: _number(one.seconds, ".2f")),
    ("ours / theirs", _ratio),
    ("peak MB", lambda one, _: _number(one.peak_mb, ",.0f")),
    ("precision", lambda one, _: _number(one.precision, ".4f")),
    ("recall", lambda one, _: _number(one.recall, ".4f")),
    ("best F1", lambda one, _: _number(one.best_f1, ".4f")),
    ("F1 at default", lambda one, _: _number(one.f1, ".4f")),
)


def _cells(results: Sequence[Result]) -> list[list[str]]:
    ours = {one.dataset: one for one in results if one.engine == OWN_ENGINE}
    return [[cell(one, ours.get(one.dataset)) for _, cell in COLUMNS] for one in results]


def table(results: Sequence[Result]) -> Table:
    """The results for the terminal, a section for each set."""
    drawn = Table(title="\nBenchmarks", title_justify="left", title_style="bold", header_style="dim", box=None)
    for name, _ in COLUMNS:
        drawn.add_column(
            name, justify="left" if name in ("set", "engine", "set-up") else "right", no_wrap=name == "set"
        )
    for place, (one, cells) in enumerate(zip(results, _cells(results), strict=True)):
        ends = place + 1 == len(results) or results[place + 1].dataset != one.dataset
        drawn.add_row(*cells, end_section=ends)
    return drawn


def markdown(results: Sequence[Result]) -> str:
    """The results as a Markdown table, for docs/benchmarks.md."""
    names = [name for name, _ in COLUMNS]
    lines = [names, ["---"] * 3 + ["---:"] * (len(names) - 3), *_cells(results)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines) + "\n"


def write(results: Sequence[Result], folder: Path) -> None:
    """Write latest.json, with all that was measured and on what, and latest.md into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    measured = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "results": [asdict(one) for one in results],
    }
    (folder / "latest.json").write_text(json.dumps(measured, indent=1) + "\n")
    (folder / "latest.md").write_text(markdown(results))
