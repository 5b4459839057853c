"""Run an engine on a set in a process of its own, and measure what comes out."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from benchmarks.datasets import Dataset, numbered
from benchmarks.environments import HERE, OWN, UnavailableError, python_of
from benchmarks.measure import Cluster, Floats, Index, best_f1, blocking_recall, components, quality

OWN_ENGINE = "onerecord"
LOGS = HERE / "results" / "logs"
# A run that takes longer is given up.
PATIENCE = 3600.0
# What getrusage calls a unit of memory: a kilobyte on Linux, a byte on macOS.
MEGABYTE = 2**20 if sys.platform == "darwin" else 2**10


@dataclass(frozen=True)
class Engine:
    """An engine: its runner in `benchmarks.peers`, the environment that it needs, and the most rows it is given."""

    name: str
    module: str
    environment: str
    most_rows: int | None = None


# Two of them need minutes for 100,000 rows, or all memory for more.
ENGINES = {
    engine.name: engine
    for engine in (
        Engine(OWN_ENGINE, "onerecord", OWN),
        Engine("splink", "splink", "splink"),
        Engine("goldenmatch", "goldenmatch", "goldenmatch"),
        Engine("goldenmatch-em", "goldenmatch_em", "goldenmatch", most_rows=150_000),
        Engine("recordlinkage", "recordlinkage", "recordlinkage", most_rows=150_000),
    )
}


@dataclass(frozen=True)
class Outcome:
    """What an engine did with a set. `said` is the runner's line, `outside` what the launcher measured."""

    said: Mapping[str, Any]
    outside: Mapping[str, Any]

    @property
    def seconds(self) -> float:
        """Read, train, score and cluster: without the start of Python, imports, and the writing of results."""
        return float(sum(seconds for phase, seconds in self.said["seconds"].items() if phase != "import"))


@dataclass(frozen=True)
class Result:
    """A row of the table. `problem` says why there are no numbers. Memory is in MB, times are medians in seconds."""

    dataset: str
    engine: str
    rows: int
    problem: str = ""
    setup: str = ""
    version: str = ""
    runs: int = 0
    seconds: float | None = None
    whole_seconds: float | None = None
    phases: Mapping[str, float] | None = None
    peak_mb: float | None = None
    candidates: int | None = None
    blocking_recall: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    best_f1: float | None = None
    best_threshold: float | None = None


def run_once(engine: Engine, dataset: Dataset, out: Path) -> Outcome:
    """Run the engine; its results are in files that begin with `out`. Raises UnavailableError if it does not end well.

    The home and the working directory are empty ones, and the environment has nothing else: no engine remembers an
    earlier run, finds a key of a paid service, or a setting of the person who measures.
    """
    python = python_of(engine.environment)
    with tempfile.TemporaryDirectory() as home:
        report = Path(home) / "report.json"
        runner = [python, "-m", f"benchmarks.peers.{engine.module}", str(dataset.records), str(out)]
        command = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(report), *runner]
        surroundings = {"PATH": os.environ.get("PATH", ""), "HOME": home, "PYTHONPATH": str(HERE.parent)}
        log = LOGS / f"{dataset.name}-{engine.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        stdout = _run(command, cwd=home, env=surroundings, log=log)
        outside = json.loads(report.read_text())
    if outside["exit"]:
        raise UnavailableError(f"failed: {_last_line(log)} (all of it is in {log})")
    return Outcome(said=json.loads(stdout.strip().splitlines()[-1]), outside=outside)


def _run(command: list[str], *, cwd: str, env: Mapping[str, str], log: Path) -> str:
    """The command's stdout. The command and all that it started end with this function, however it ends."""
    with log.open("w") as errors:
        process = subprocess.Popen(  # noqa: S603  # our own command
            command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
        try:
            return process.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired as late:
            raise UnavailableError(f"given up after {PATIENCE:.0f} s") from late
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1][:200] if lines else "no message"


def judge(engine: Engine, dataset: Dataset, outcomes: Sequence[Outcome], out: Path) -> Result:
    """Medians over the runs, and the quality of the files that the last of them wrote."""
    truth = dataset.truth()
    clusters = pq.read_table(_file(out, "clusters")).sort_by("unique_id")
    if clusters.num_rows != dataset.rows:
        raise UnavailableError(f"failed: {clusters.num_rows:,} rows have a cluster, of {dataset.rows:,}")
    default = quality(numbered(clusters["cluster"]), truth)
    best, threshold = default.f1, None
    if _file(out, "pairs").exists():
        a, b, scores = _columns(_file(out, "pairs"), "a", "b", "score")
        found, at = best_f1(a, b, scores.astype(np.float64), truth, _cluster_of(engine))
        best, threshold = (found, at) if found > best else (best, None)
    kept = None
    if _file(out, "candidates").exists():
        a, b = _columns(_file(out, "candidates"), "a", "b")
        kept = blocking_recall(a, b, truth)
    said = outcomes[-1].said
    phases = said["seconds"]
    return Result(
        dataset=dataset.name,
        engine=engine.name,
        rows=dataset.rows,
        setup=said["setup"],
        version=said["version"],
        runs=len(outcomes),
        seconds=statistics.median(one.seconds for one in outcomes),
        whole_seconds=statistics.median(one.outside["seconds"] for one in outcomes),
        phases={phase: statistics.median(one.said["seconds"][phase] for one in outcomes) for phase in phases},
        peak_mb=statistics.median(one.said["peak"] for one in outcomes) / MEGABYTE,
        candidates=said["candidates"],
        blocking_recall=kept,
        precision=default.precision,
        recall=default.recall,
        f1=default.f1,
        best_f1=best,
        best_threshold=threshold,
    )


def _file(out: Path, kind: str) -> Path:
    return out.with_name(f"{out.name}.{kind}.parquet")


def _columns(path: Path, *names: str) -> tuple[Any, ...]:
    table = pq.read_table(path, columns=list(names))
    return tuple(table[name].to_numpy() for name in names)


def _cluster_of(engine: Engine) -> Cluster:
    """How the engine clusters the pairs above a threshold: the peers by components, ours by what it has for it."""
    if engine.name != OWN_ENGINE:
        return components
    import dedup

    def cluster(rows: int, a: Index, b: Index, scores: Floats) -> Index:
        return np.asarray(dedup.cluster(np.arange(rows), (a, b, scores)), dtype=np.int64)

    return cluster
