"""How good pairs and clusters are, against a known truth or against the judgements of people."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from dedup.columns import Flags, Index
from dedup.mistakes import mistakes
from dedup.truth import Located, Truth, locate, pairs_within, ratio

# Standard errors on either side of an estimate that hold the truth in 95 of 100 samples.
Z95 = 1.959964


def evaluate(
    pairs: pa.Table, labels: Mapping[int, int], truth: tuple[ArrayLike, ArrayLike], *, examples: int = 5
) -> dict[str, Any]:
    """Precision and recall of the bands and of the final clusters, and what went wrong.

    `pairs` has the columns a, b and band, and each pair once; `labels` gives the cluster of an id (an id without is
    alone); `truth` are arrays of ids and of the entity that each belongs to. Records without truth are left out.
    A ratio of nothing is None. Beside the measures the result holds

    - sizes: how many clusters and how many entities there are of each size, as rows of size, found and true;
    - errors: missed and wrong pairs by kind with up to `examples` pairs of ids each, see `dedup.mistakes`.

    Raises ValueError if the truth gives an id twice or has names of mixed types.
    """
    known = Truth.of(*truth)
    cluster, found = _clusters(known.ids, labels), locate(pairs, known.ids)
    band = pairs.column("band").to_numpy(zero_copy_only=False)[found.row]
    errors = mistakes(known, cluster, found, band, examples)
    return {
        **_of_bands(known, found, band),
        **of_clusters(known, cluster),
        "sizes": _sizes(cluster, known.entity),
        "errors": errors,
    }


def of_clusters(truth: Truth, cluster: Index) -> dict[str, Any]:
    """Pairwise and B-cubed precision, recall and F1 of clusters; `cluster` is one per record of the truth, from 0.

    B-cubed asks every record which share of its cluster belongs to it, and which share of its entity it is with.
    """
    cells, row = np.unique(cluster * (len(truth) + 1) + truth.entity, return_inverse=True)
    together = np.bincount(row, minlength=len(cells))[row]
    joined, correct = pairs_within(cluster), pairs_within(row)
    true_pairs = pairs_within(truth.entity)
    precision, recall = (_mean(together / _size_of_own(groups)) for groups in (cluster, truth.entity))
    return {
        "clusters": len(np.unique(cluster)),
        "cluster_precision": ratio(correct, joined),
        "cluster_recall": ratio(correct, true_pairs),
        "cluster_f1": ratio(2 * correct, joined + true_pairs),
        "bcubed_precision": precision,
        "bcubed_recall": recall,
        "bcubed_f1": None if precision is None or recall is None else 2 * precision * recall / (precision + recall),
    }


def evaluate_judgements(pairs: pa.Table, judged: tuple[ArrayLike, ArrayLike, ArrayLike]) -> dict[str, Any]:
    """Precision and recall of the bands on the pairs that people judged, each with its 95 % interval.

    `pairs` has the columns a, b and band; `judged` are arrays a, b and whether the pair is the same, each pair once.
    People judge doubtful pairs first, so this says how the engine does on those, not on all. A ratio of nothing is
    None, and so is its interval. Raises ValueError for arrays of unequal length.
    """
    a, b, same = (np.asarray(side) for side in judged)
    if not len(a) == len(b) == len(same):
        raise ValueError(f"judged arrays differ in length: {len(a)}, {len(b)}, {len(same)}")
    same = same.astype(bool)
    band = _bands_of(pairs, a.astype(np.int64), b.astype(np.int64))
    merged, asked = band == "same", band == "review"
    return {
        "judged": len(same),
        "judged_same": int(same.sum()),
        "judged_different": int((~same).sum()),
        **_with_interval("same_precision", int((merged & same).sum()), int(merged.sum())),
        **_with_interval("same_recall", int((merged & same).sum()), int(same.sum())),
        **_with_interval("review_precision", int((asked & same).sum()), int(asked.sum())),
        **_with_interval("same_or_review_recall", int(((merged | asked) & same).sum()), int(same.sum())),
    }


def wilson(part: int, whole: int) -> tuple[float, float] | None:
    """The 95 % interval of a share seen in a sample (Wilson's score interval, within 0..1); None without a sample."""
    if not whole:
        return None
    share, spread = part / whole, Z95**2 / whole
    middle = (share + spread / 2) / (1 + spread)
    half = Z95 * np.sqrt(share * (1 - share) / whole + spread / (4 * whole)) / (1 + spread)
    # At the ends the interval touches 0 or 1, which rounding would miss by a hair.
    return (0.0 if part == 0 else float(middle - half), 1.0 if part == whole else float(middle + half))


def _of_bands(truth: Truth, found: Located, band: NDArray[np.object_]) -> dict[str, Any]:
    correct: Flags = truth.entity[found.left] == truth.entity[found.right]
    true_pairs = pairs_within(truth.entity)
    same, review = band == "same", band == "review"
    right, asked = int((same & correct).sum()), int((review & correct).sum())
    return {
        "records": len(truth),
        "entities": len(np.unique(truth.entity)),
        "true_pairs": true_pairs,
        "same": int(same.sum()),
        "review": int(review.sum()),
        "same_precision": ratio(right, int(same.sum())),
        "same_recall": ratio(right, true_pairs),
        "review_precision": ratio(asked, int(review.sum())),
        "same_or_review_recall": ratio(right + asked, true_pairs),
    }


def _clusters(ids: Index, labels: Mapping[int, int]) -> Index:
    """The cluster of each id as a number from 0, shape (ids,); an id without a label gets one that no other has."""
    given = [labels.get(one) for one in ids.tolist()]
    alone = np.array([label is None for label in given], dtype=bool)
    named = np.array([0 if label is None else label for label in given], dtype=np.int64)
    cluster: Index = np.unique(named, return_inverse=True)[1].astype(np.int64)
    cluster[alone] = len(ids) + np.arange(int(alone.sum()))
    return np.unique(cluster, return_inverse=True)[1].astype(np.int64)


def _size_of_own(groups: Index) -> Index:
    """The size of the group of each record, shape (records,)."""
    row, sizes = np.unique(groups, return_inverse=True, return_counts=True)[1:]
    own: Index = sizes[row]
    return own


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None


def _sizes(cluster: Index, entity: Index) -> list[dict[str, int]]:
    found, true = (np.bincount(np.unique(groups, return_counts=True)[1], minlength=1) for groups in (cluster, entity))
    width = max(len(found), len(true))
    found, true = (np.pad(counts, (0, width - len(counts))) for counts in (found, true))
    present = np.nonzero(found + true)[0]
    return [{"size": int(at), "found": int(found[at]), "true": int(true[at])} for at in present]


def _bands_of(pairs: pa.Table, a: Index, b: Index) -> NDArray[np.object_]:
    """The band of each pair; *different* for one that the table does not have."""
    ids = np.unique(np.concatenate([a, b]))
    found = locate(pairs, ids)
    keys = found.left * len(ids) + found.right
    order = np.argsort(keys)
    wanted = np.searchsorted(ids, np.minimum(a, b)) * len(ids) + np.searchsorted(ids, np.maximum(a, b))
    bands = np.full(len(a), "different", dtype=object)
    if len(keys):
        at = order[np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)]
        hit = keys[at] == wanted
        bands[hit] = pairs.column("band").to_numpy(zero_copy_only=False)[found.row[at[hit]]]
    return bands


def _with_interval(name: str, part: int, whole: int) -> dict[str, Any]:
    interval = wilson(part, whole)
    return {name: ratio(part, whole), f"{name}_interval": list(interval) if interval else None}
