"""The classic EM classifier of the Python Record Linkage Toolkit: pairs that it calls matches, and their components."""

from typing import Any

from benchmarks.peers.contract import Run, start


def main() -> None:
    run = start()
    with run.phase("import"):
        import pandas as pd
        import recordlinkage as rl

        from benchmarks.peers.recordlinkage_settings import setup_for
    with run.phase("read"):
        records = pd.read_parquet(run.records).set_index("unique_id")
        setup = setup_for(records)
        records = setup.clean(records)
    with run.phase("score"):
        candidates = _candidates(rl, records, setup)
        features = _comparisons(rl, setup).compute(candidates, records)
    with run.phase("train"):
        classifier = rl.ECMClassifier()
        matches = classifier.fit_predict(features)
        probability = classifier.prob(features)
    with run.phase("cluster"):
        clusters = _components(records.index, matches)
    _keep(pd, clusters, probability, run)
    run.say(setup=setup.kind, version=rl.__version__, candidates=len(candidates))


def _candidates(rl: Any, records: Any, setup: Any) -> Any:
    """Pairs of ids that share a block, between two sources only where there are two."""
    index = rl.Index()
    for columns in setup.blocking:
        index.block(list(columns))
    if "source_dataset" not in records or records["source_dataset"].nunique() != 2:
        return index.index(records)
    first = records["source_dataset"] == records["source_dataset"].min()
    return index.index(records[first], records[~first])


def _comparisons(rl: Any, setup: Any) -> Any:
    """Each field agrees or does not: the classifier knows nothing between."""
    compare = rl.Compare()
    for column in setup.exact:
        compare.exact(column, column, label=column)
    for column in setup.similar:
        compare.string(column, column, method="jarowinkler", threshold=setup.threshold, label=column)
    return compare


def _components(ids: Any, matches: Any) -> Any:
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = (ids.get_indexer(matches.get_level_values(level)) for level in (0, 1))
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(ids), len(ids)))
    return pd.Series(connected_components(graph, directed=False)[1], index=ids)


def _keep(pd: Any, clusters: Any, probability: Any, run: Run) -> None:
    pd.DataFrame({"unique_id": clusters.index, "cluster": clusters.to_numpy()}).to_parquet(run.clusters)
    a, b = (probability.index.get_level_values(level).to_numpy() for level in (0, 1))
    pd.DataFrame({"a": a, "b": b, "score": probability.to_numpy()}).to_parquet(run.pairs)
    pd.DataFrame({"a": a, "b": b}).to_parquet(run.candidates)


if __name__ == "__main__":
    main()
