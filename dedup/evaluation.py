"""How good pairs and clusters are, against a known truth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike

from dedup.columns import Index


def evaluate(pairs: pa.Table, labels: Mapping[int, int], truth: tuple[ArrayLike, ArrayLike]) -> dict[str, Any]:
    """Pairwise precision and recall of the bands and of the final clusters.

    `pairs` has the columns a, b and band; `labels` gives the cluster of an id (an id without is alone); `truth` are
    arrays of ids and of the entity that each belongs to. Records without truth are left out.
    A ratio of nothing is None.
    """
    ids = np.asarray(truth[0], dtype=np.int64)
    order = np.argsort(ids)
    ids, entity = ids[order], np.unique(np.asarray(truth[1]).astype(str), return_inverse=True)[1][order]
    true_pairs = _pairs(entity)
    right, total = {}, {}
    for band in ("same", "review"):
        chosen = pairs.filter(pc.equal(pairs.column("band"), band))
        correct = _correct(ids, entity, chosen.column("a").to_numpy(), chosen.column("b").to_numpy())
        right[band], total[band] = int(correct.sum()), len(correct)
    cluster = np.unique([labels.get(int(one), int(one)) for one in ids], return_inverse=True)[1] if len(ids) else entity
    joined = _pairs(cluster)
    joined_right = _pairs(cluster.astype(np.int64) * (int(entity.max(initial=0)) + 1) + entity)
    precision, recall = _ratio(joined_right, joined), _ratio(joined_right, true_pairs)
    return {
        "records": len(ids),
        "entities": len(np.unique(entity)),
        "true_pairs": true_pairs,
        "same": total["same"],
        "review": total["review"],
        "same_precision": _ratio(right["same"], total["same"]),
        "same_recall": _ratio(right["same"], true_pairs),
        "review_precision": _ratio(right["review"], total["review"]),
        "same_or_review_recall": _ratio(right["same"] + right["review"], true_pairs),
        "clusters": len(np.unique(cluster)),
        "cluster_precision": precision,
        "cluster_recall": recall,
        "cluster_f1": _ratio(2 * joined_right, joined + true_pairs),
    }


def _pairs(groups: Index) -> int:
    """Number of pairs that share a group."""
    sizes = np.unique(groups, return_counts=True)[1]
    return int((sizes * (sizes - 1) // 2).sum())


def _correct(ids: Index, entity: Index, a: Index, b: Index) -> Index:
    """For the pairs of which both ids have a truth, whether it is the same."""
    known = np.isin(a, ids) & np.isin(b, ids)
    same: Index = entity[np.searchsorted(ids, a[known])] == entity[np.searchsorted(ids, b[known])]
    return same


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
