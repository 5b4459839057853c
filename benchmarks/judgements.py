"""What judgements teach: F1 by their number, from a badly calibrated start, as a table and as a picture.

    python -m benchmarks.judgements [SET] [--off BITS] [--wrong N] [--svg FILE.svg]

SET is one of the benchmark, crm_10000 unless told, or a Parquet file with the entity of each row in its column
`cluster`; other columns are evidence. The prior of the model that the engine learns is put off by some bits; pairs are
asked for, ten at a time, and answered from the truth.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.table import Table

import dedup
from benchmarks.datasets import Dataset, Source, known, prepare
from benchmarks.environments import UnavailableError
from dedup.dedupe import THRESHOLD, clustered
from dedup.learn import rescored
from dedup.model import Model
from dedup.pictures.svg import Picture

ASKED, EACH = 50, 10
SET, ROWS = "crm_10000", (10_000, 100_000)
LEFT, RIGHT, TOP, BOTTOM = 60.0, 620.0, 70.0, 300.0


class Trial:
    """A table with its truth, matched by a model whose prior is off."""

    def __init__(self, data: Dataset, off: float) -> None:
        self.truth = data.truth()
        evidence = pq.read_table(data.records).drop_columns(["unique_id"])
        model = dedup.dedupe(evidence, {name: each.kind for name, each in dedup.guess(evidence).items()}).model
        odds = model.prior / (1 - model.prior) * 2.0**off
        self.start = replace(model, prior=odds / (1 + odds))
        rows = evidence.append_column("party_id", pa.array(range(len(evidence)), pa.int64()))
        self.pairs = dedup.match(rows, self.start, thresholds=dedup.Thresholds(0.99, 1e-6)).pairs
        self.prepared = model.terms.apply(model.spec.standardise(rows))

    def f1(self, model: Model) -> float:
        pairs = rescored(self.pairs, self.start, model)
        labels = clustered(self.prepared, model, pairs, THRESHOLD)
        truth = (np.arange(len(labels)), self.truth.astype(str))
        return float(dedup.evaluate(pairs, dict(enumerate(labels.tolist())), truth)["cluster_f1"])

    def curve(self, wrong: int) -> list[float]:
        """F1 before any answer and after every ten; the first `wrong` answers are wrong."""
        bits = dict(zip(self._ends(self.pairs), self.pairs["weight"].to_pylist(), strict=True))
        model, judged, curve = self.start, {}, [self.f1(self.start)]
        for _ in range(ASKED // EACH):
            pairs = rescored(self.pairs, self.start, model)
            for pair in self._ends(dedup.next_to_ask(pairs, set(judged), threshold=THRESHOLD, most=EACH)):
                right = bool(self.truth[pair[0]] == self.truth[pair[1]])
                judged[pair] = right if len(judged) >= wrong else not right
            weights = np.array([bits[pair] for pair in judged])
            model = dedup.calibrate(self.start, weights, np.array(list(judged.values())))
            curve.append(self.f1(model))
        return curve

    @staticmethod
    def _ends(pairs: pa.Table) -> list[tuple[int, int]]:
        return list(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))


def main(
    source: Annotated[str, typer.Argument(metavar="SET", help="a set of the benchmark, or a Parquet file")] = SET,
    off: Annotated[float, typer.Option(help="bits by which the prior is put off")] = 8.0,
    wrong: Annotated[int, typer.Option(help="wrong answers, in the second line")] = 3,
    svg: Annotated[Path | None, typer.Option(help="where the picture goes")] = None,
) -> None:
    """F1 at the default threshold by the number of judgements."""
    try:
        data = prepare(_source(source))
    except UnavailableError as error:
        raise typer.BadParameter(str(error)) from None
    trial = Trial(data, off)
    lines = {"all answers right": trial.curve(0), f"the first {wrong} wrong": trial.curve(wrong)}
    table = Table("judgements", *lines, title=f"{data.name}, prior off by {off:+g} bits")
    for at, values in enumerate(zip(*lines.values(), strict=True)):
        table.add_row(str(at * EACH), *(f"{value:.4f}" for value in values))
    Console().print(table)
    if svg:
        svg.write_text(_drawn(lines, data.name, off), encoding="utf-8")


def _source(name: str) -> Source:
    if name.endswith(".parquet"):
        return Source(Path(name).stem, file=Path(name))
    sets = known(ROWS, None)
    if name not in sets:
        raise typer.BadParameter(f"{name!r} is neither a Parquet file nor one of {', '.join(sets)}")
    return sets[name]


def _drawn(lines: dict[str, list[float]], name: str, off: float) -> str:
    head = f"F1 by number of judgements: {name}, prior off by {off:+g} bits"
    picture = Picture(
        "curves", 680.0, head, "; ".join(f"{label}: {line[0]:.3f} to {line[-1]:.3f}" for label, line in lines.items())
    )
    picture.text(20, 34, head, "head")
    low = min(min(line) for line in lines.values())
    for at in range(ASKED // EACH + 1):
        picture.text(_x(at), BOTTOM + 22, str(at * EACH), "muted small", "middle")
    for value in (low, 1.0):
        picture.line(LEFT, _y(value, low), RIGHT, _y(value, low), "grid")
        picture.text(LEFT - 8, _y(value, low) + 4, f"{value:.2f}", "muted small", "end")
    for kind, (label, line) in zip(("f1", "recall"), lines.items(), strict=True):
        picture.curve([(_x(at), _y(value, low)) for at, value in enumerate(line)], f"curve {kind}")
        picture.text(RIGHT, _y(line[-1], low) + (18 if kind == "f1" else 34), label, "small", "end")
    return picture.finish(BOTTOM + 44)


def _x(at: int) -> float:
    return LEFT + (RIGHT - LEFT) * at * EACH / ASKED


def _y(value: float, low: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * (value - low) / max(1.0 - low, 1e-9)


if __name__ == "__main__":
    typer.run(main)
