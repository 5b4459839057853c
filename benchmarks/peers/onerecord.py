"""OneRecord's engine with nothing set up: it guesses what the columns hold and learns the rest."""

from importlib.metadata import version
from typing import Any

from benchmarks.peers.contract import Run, start


def main() -> None:
    run = start()
    with run.phase("import"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        import dedup
    with run.phase("read"):
        table = pq.read_table(run.records, pre_buffer=False).drop_columns(["unique_id"])
    with run.phase("match"):
        kinds = {name: guessed.kind for name, guessed in dedup.guess(table).items()}
        found = dedup.dedupe(table, kinds)
    _keep(pa, pq, found, run)
    _keep_candidates(pa, pq, table, found, run)
    run.say(setup="none", version=version("onerecord"), candidates=found.report.candidates)


def _keep(pa: Any, pq: Any, found: Any, run: Run) -> None:
    """A row's position is its unique_id. Scores are weights, in bits; pairs below the review band have none."""
    rows = pa.array(range(len(found.clusters)), pa.int64())
    pq.write_table(pa.table({"unique_id": rows, "cluster": found.clusters}), run.clusters)
    pq.write_table(found.pairs.select(["a", "b", "weight"]).rename_columns(["a", "b", "score"]), run.pairs)


def _keep_candidates(pa: Any, pq: Any, table: Any, found: Any, run: Run) -> None:
    """The pairs that were compared, made again by the rules of the model: outside what is timed."""
    from dedup.blocking import derive, pairs_of
    from dedup.dedupe import every_pair
    from dedup.matching import EVERY_PAIR

    spec = found.model.spec
    compared_all = EVERY_PAIR in found.report.by_rule
    pairs = every_pair(len(table), 0) if compared_all else pairs_of(derive(spec.standardise(table), spec))
    pq.write_table(pa.table({"a": pairs.left, "b": pairs.right}), run.candidates)


if __name__ == "__main__":
    main()
