"""The command behind `make bench`."""

import tempfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks import report
from benchmarks.datasets import Dataset, Source, known, prepare
from benchmarks.environments import HERE, UnavailableError, python_of
from benchmarks.running import ENGINES, Engine, Outcome, Result, judge, run_once

RESULTS = HERE / "results"
SIZES = [10_000, 100_000, 1_000_000]
# Up to this many rows a set is run three times, and above once: the larger ones take minutes.
REPEATED_ROWS, REPEATS = 150_000, 3
# All columns of the table side by side.
WIDTH_OF_LOGS = 170

console = Console(highlight=False, emoji=False)
console = console if console.is_terminal else Console(highlight=False, emoji=False, width=WIDTH_OF_LOGS)
app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Sets = Annotated[
    str, typer.Option(help="Only these, by name or pattern with commas between: febrl*,crm_10000. Default: all.")
]
Engines = Annotated[str, typer.Option(help=f"Only these, with commas between, of {', '.join(ENGINES)}. Default: all.")]
Runs = Annotated[
    int | None,
    typer.Option(
        min=1, help=f"Runs of each; times are medians. Default: {REPEATS}, and 1 above {REPEATED_ROWS:,} rows."
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, help="A folder of Parquet files of your own, each with its truth in `cluster`."
    ),
]
Rows = Annotated[
    list[int] | None,
    typer.Option(min=100, help="Rows of a generated crm set; may be repeated. Default: 10 k, 100 k, 1 M."),
]


@app.command()
def bench(sets: Sets = "*", engines: Engines = "", runs: Runs = None, data: Data = None, rows: Rows = None) -> None:
    """Compare OneRecord's engine with Splink, GoldenMatch and recordlinkage: accuracy, time and memory.

    Each engine runs in a process and a virtual environment of its own, which are made on the first run. The sets are
    febrl1 to febrl4 (people, with addresses and birth dates), fake_1000 (people; downloaded, so only with access to the
    internet), and crm_10000, crm_100000, crm_1000000 (generated customer contacts). --data adds files of your own:
    every column but `cluster` and ids (id, unique_id, rec_id, record_id, party_id) is evidence, and `source_dataset`
    names the source of a row.

    \b
    set-up         what a person wrote for the set: hand-written, generic (rules for any file), or none
    seconds        read, train, score and cluster; without starting Python, imports and writing results
    ours / theirs  our seconds as a share of the peer's
    peak MB        the most memory that the process held
    best F1        over about 25 thresholds, each clustered anew
    F1 at default  the engine's own clusters at its own threshold

    \b
    make bench ARGS="--sets febrl*"                      minutes
    make bench ARGS="--sets crm_10000 --engines onerecord,splink"
    make bench ARGS="--data ../shared/data --sets fodors_zagats"

    The results go to benchmarks/results: latest.json, latest.md (the table as Markdown), and the engines' logs.
    """  # noqa: D301  # \\b keeps the lines of a paragraph apart in --help
    chosen = _chosen_engines(engines)
    sources = _chosen_sets(sets, known(rows or SIZES, data))
    results: list[Result] = []
    problems = {engine.name: _problem_of(engine) for engine in chosen}
    for source in sources:
        results += _of_set(source, chosen, problems, runs)
        report.write(results, RESULTS)
    console.print(report.table(results))


def _chosen_engines(names: str) -> list[Engine]:
    wanted = [name.strip() for name in names.split(",") if name.strip()] or list(ENGINES)
    unknown = [name for name in wanted if name not in ENGINES]
    if unknown:
        raise typer.BadParameter(f"no engine {unknown[0]!r}: there are {', '.join(ENGINES)}", param_hint="--engines")
    return [ENGINES[name] for name in ENGINES if name in wanted]


def _chosen_sets(patterns: str, sources: dict[str, Source]) -> list[Source]:
    wanted = [pattern.strip() for pattern in patterns.split(",") if pattern.strip()] or ["*"]
    for pattern in wanted:
        if not any(fnmatch(name, pattern) for name in sources):
            raise typer.BadParameter(f"no set {pattern!r}: there are {', '.join(sources)}", param_hint="--sets")
    return [source for name, source in sources.items() if any(fnmatch(name, pattern) for pattern in wanted)]


def _problem_of(engine: Engine) -> str:
    """Why the engine cannot run at all, or nothing."""
    try:
        python_of(engine.environment)
    except UnavailableError as error:
        console.print(f"{engine.name}: not available: {error}", markup=False)
        return "not available"
    return ""


def _of_set(source: Source, engines: Sequence[Engine], problems: dict[str, str], runs: int | None) -> Iterator[Result]:
    try:
        dataset = prepare(source)
    except UnavailableError as error:
        console.print(f"{source.name}: not available: {error}", markup=False)
        yield Result(dataset=source.name, engine="", rows=0, problem="not available")
        return
    count = runs or (REPEATS if dataset.rows <= REPEATED_ROWS else 1)
    for engine in engines:
        problem = problems[engine.name]
        if engine.most_rows and dataset.rows > engine.most_rows:
            problem = problem or f"not run above {engine.most_rows:,} rows"
        yield _measured(engine, dataset, count) if not problem else _without(engine, dataset, problem)


def _without(engine: Engine, dataset: Dataset, problem: str) -> Result:
    return Result(dataset=dataset.name, engine=engine.name, rows=dataset.rows, problem=problem)


def _measured(engine: Engine, dataset: Dataset, count: int) -> Result:
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / engine.name
        try:
            for run in range(1, count + 1):
                outcomes.append(run_once(engine, dataset, out))
                told = f"run {run} of {count}: {outcomes[-1].seconds:.2f} s"
                console.print(f"{dataset.name:<16} {engine.name:<16} {told}", markup=False)
            return judge(engine, dataset, outcomes, out)
        except UnavailableError as error:
            console.print(f"{dataset.name:<16} {engine.name:<16} {error}", markup=False)
            return _without(engine, dataset, "failed")


if __name__ == "__main__":
    app()
