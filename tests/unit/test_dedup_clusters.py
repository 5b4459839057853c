"""Clusters and their evaluation, on examples small enough to be checked by eye."""

import numpy as np
import pyarrow as pa
import pytest

from dedup import PERSON, cluster, contradicted, contradictions, evaluate, match, train
from tests.unit.test_dedup_world import persons, table


def edges(*pairs: tuple[int, int], probability: float = 0.999):
    a, b = zip(*pairs, strict=True) if pairs else ((), ())
    return a, b, [probability] * len(pairs)


def test_labels_are_the_smallest_id_in_the_order_given() -> None:
    assert cluster([30, 10, 20, 40], edges((40, 30), (20, 10))).tolist() == [30, 10, 10, 30]


def test_a_cannot_link_is_never_bridged_and_the_stronger_side_wins() -> None:
    given = ([1, 2], [2, 3], [0.999, 0.991])
    assert cluster([1, 2, 3], given, cannot_link=[(3, 1)]).tolist() == [1, 1, 3]


def test_a_must_link_joins_without_evidence() -> None:
    assert cluster([1, 2, 3], edges(), must_link=[(3, 1)]).tolist() == [1, 2, 1]


def test_a_cannot_link_overrules_must_links_and_the_contradiction_is_told() -> None:
    must, cannot = [(1, 2), (2, 3)], [(1, 3)]
    assert cluster([1, 2, 3], edges(), must_link=must, cannot_link=cannot).tolist() == [1, 1, 3]
    assert contradicted(must, cannot) == [(2, 3)]
    assert contradicted(must, []) == []


def test_a_must_link_overrules_a_contradiction_of_the_evidence() -> None:
    def conflicts(a, b):
        return np.ones(len(a), dtype=bool)

    given = edges((1, 2), (2, 3))
    assert cluster([1, 2, 3], given, conflicts=conflicts).tolist() == [1, 1, 3]
    assert cluster([1, 2, 3], given, conflicts=conflicts, must_link=[(1, 3)]).tolist() == [1, 1, 1]


def test_one_pair_does_not_chain_two_dense_groups() -> None:
    first, second = [(1, 2), (1, 3), (2, 3)], [(4, 5), (4, 6), (5, 6)]
    assert cluster(range(1, 7), edges(*first, *second, (3, 4), probability=0.995)).tolist() == [1, 1, 1, 4, 4, 4]
    assert set(cluster(range(1, 7), edges(*first, *second, (3, 4), (2, 5), probability=0.995)).tolist()) == {1}


def test_unknown_ids_and_loops_are_left_out() -> None:
    assert cluster([1, 2], edges((1, 9), (2, 2))).tolist() == [1, 2]
    assert cluster([], edges()).tolist() == []


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="unique"):
        cluster([1, 1], edges())
    with pytest.raises(ValueError, match="length"):
        cluster([1, 2], ([1], [2], []))


def test_two_birth_dates_are_not_joined_over_a_record_without() -> None:
    rows = persons()[0]
    father = dict(rows[0], email=None, phone="+49 30 7770001")
    rows += [
        dict(father, birth_date=father["birth_date"].replace(year=1940)),
        dict(father, birth_date=father["birth_date"].replace(year=1999)),
        dict(father, birth_date=None),
    ]
    given = table(rows)
    model = train(given, PERSON)
    found = match(given, model).pairs.to_pylist()
    same = [(row["a"], row["b"], row["probability"]) for row in found if row["band"] == "same"]
    ids = given.column("party_id").to_numpy()
    labels = cluster(ids, tuple(zip(*same, strict=True)), conflicts=contradictions(given, model))
    assert labels[300] != labels[301]
    assert {(row["a"], row["b"]) for row in found} >= {(301, 303), (302, 303)}


def test_evaluation_counts_what_was_found() -> None:
    pairs = pa.table({"a": [1, 1, 4], "b": [2, 3, 5], "band": ["same", "review", "same"]})
    found = evaluate(pairs, {1: 1, 2: 1, 3: 3, 4: 4, 5: 4}, ([1, 2, 3, 4, 5], ["x", "x", "x", "y", "z"]))
    assert found["true_pairs"] == 3
    assert found["same_precision"] == 0.5
    assert found["same_recall"] == pytest.approx(1 / 3)
    assert found["same_or_review_recall"] == pytest.approx(2 / 3)
    assert (found["cluster_precision"], found["cluster_recall"]) == (0.5, pytest.approx(1 / 3))
    assert found["cluster_f1"] == pytest.approx(0.4)


def test_evaluation_of_nothing_has_no_ratios() -> None:
    empty = pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.int64()), "band": pa.array([], pa.string())})
    assert evaluate(empty, {}, ([], []))["same_precision"] is None
