"""GoldenMatch 3.22 as it comes: zero configuration, and the clusters that it makes itself."""

from typing import Any

from benchmarks.peers.contract import Run, start


def main() -> None:
    dedupe(probabilistic=False)


def dedupe(*, probabilistic: bool) -> None:
    """Dedupe with the configuration that GoldenMatch chooses, or with the probabilistic one that it also offers."""
    run = start()
    with run.phase("import"):
        import goldenmatch
        import pyarrow.parquet as pq
    with run.phase("read"):
        table = _evidence(pq.read_table(run.records))
    with run.phase("match"):
        config = goldenmatch.auto_configure_probabilistic_df(table) if probabilistic else None
        result = goldenmatch.dedupe_df(table, config=config)
    _keep(table.num_rows, result, run)
    run.say(setup="none", version=goldenmatch.__version__)


def _evidence(table: Any) -> Any:
    """The name of the source is left out: GoldenMatch would compare it, and link what comes from one source."""
    return table.drop_columns([name for name in ("unique_id", "source_dataset") if name in table.column_names])


def _keep(rows: int, result: Any, run: Run) -> None:
    """A row's position is its unique_id. Rows that are in no cluster are alone.

    GoldenMatch makes the dictionary of its clusters and the list of its pairs when they are asked for, which is here,
    so that neither costs it time or memory in the table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = list(range(rows))
    for cluster in result.clusters.values():
        first = min(cluster["members"])
        for member in cluster["members"]:
            labels[member] = first
    pq.write_table(pa.table({"unique_id": pa.array(range(rows), pa.int64()), "cluster": labels}), run.clusters)
    a, b, score = zip(*result.scored_pairs, strict=True) if result.scored_pairs else ((), (), ())
    columns = [pa.array(a, pa.int64()), pa.array(b, pa.int64()), pa.array(score, pa.float64())]
    pq.write_table(pa.table(columns, names=["a", "b", "score"]), run.pairs)


if __name__ == "__main__":
    main()
