"""Splink 5 on DuckDB: trained and scored with a set-up for the columns, clustered at the 0.95 of its documentation."""

from typing import Any

from benchmarks.peers.contract import Run, start

# The threshold at which Splink's documentation clusters.
THRESHOLD = 0.95
# Scores below this weight (bits) are of no use at any threshold that is tried; the documentation's README has it too.
LEAST_WEIGHT = -10


def main() -> None:
    run = start()
    with run.phase("import"):
        import duckdb
        import splink

        from benchmarks.peers.splink_generic import as_text, generic
        from benchmarks.peers.splink_settings import HAND_WRITTEN
    with run.phase("read"):
        connection = duckdb.connect()
        raw = connection.read_parquet(str(run.records))
        written = next((one for one in HAND_WRITTEN if one.needs <= set(raw.columns)), None)
        raw.project(written.clean if written else as_text(raw.columns)).create("records")
    with run.phase("train"):
        setup = written or generic(connection)
        linker = _linker(connection, setup)
        _train(linker, setup)
    with run.phase("score"):
        blocked = linker.inference.compute_blocked_pairs_for_predict()
        pairs = linker.inference.predict(threshold_match_weight=LEAST_WEIGHT)
    candidates = _keep_candidates(connection, blocked, run)
    with run.phase("cluster"):
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
            pairs, threshold_match_probability=THRESHOLD
        )
    _keep(clusters, pairs, run)
    run.say(setup=setup.kind, version=splink.__version__, candidates=candidates)


def _linker(connection: Any, setup: Any) -> Any:
    """A linker over the table, or with `link_only` over one table for each source."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    api = DuckDBAPI(connection=connection)
    tables = [connection.table("records")]
    if setup.link_type == "link_only":
        sources = connection.sql("select distinct source_dataset from records order by 1").fetchall()
        tables = [_of_source(connection, place, source) for place, (source,) in enumerate(sources)]
    settings = SettingsCreator(
        link_type=setup.link_type,
        comparisons=setup.comparisons(),
        blocking_rules_to_generate_predictions=list(setup.blocking),
    )
    registered = [api.register(table) for table in tables]
    return Linker(registered if len(registered) > 1 else registered[0], settings, log_level="ERROR")


def _of_source(connection: Any, place: int, source: str) -> Any:
    name = f"source_{place}"
    connection.execute(f"create table {name} as select * from records where source_dataset = ?", [source])
    return connection.table(name)


def _train(linker: Any, setup: Any) -> None:
    training = linker.training
    training.estimate_probability_two_random_records_match(list(setup.deterministic), recall=setup.recall)
    training.estimate_u_using_random_sampling(max_pairs=setup.most_pairs, seed=1)
    for rule in setup.training:
        training.estimate_parameters_using_expectation_maximisation(rule, estimate_without_term_frequencies=True)


def _keep_candidates(connection: Any, blocked: Any, run: Run) -> int:
    """Write the pairs that Splink compared, and drop its table, as it would have done itself. Their number."""
    pairs = connection.table(blocked.physical_name)
    pairs.project(f"{_row('join_key_l')} as a, {_row('join_key_r')} as b").write_parquet(str(run.candidates))
    count = len(pairs)
    blocked.drop_table_from_database_and_remove_from_cache()
    return count


def _row(key: str) -> str:
    """The row in a key of Splink's, which is SOURCE-__-ROW where tables are linked."""
    return f"cast(split_part(cast({key} as varchar), '-__-', -1) as bigint)"


def _keep(clusters: Any, pairs: Any, run: Run) -> None:
    found = clusters.as_duckdbpyrelation()
    found.project("unique_id, cast(cluster_id as varchar) as cluster").write_parquet(str(run.clusters))
    scored = pairs.as_duckdbpyrelation()
    scored.project("unique_id_l as a, unique_id_r as b, match_weight as score").write_parquet(str(run.pairs))


if __name__ == "__main__":
    main()
