"""What an evaluation tells, on examples small enough to be checked by eye."""

import numpy as np
import pyarrow as pa
import pytest

from dedup.curve import threshold_curve
from dedup.evaluation import evaluate, evaluate_judgements, wilson

NOTHING = pa.table(
    {
        "a": pa.array([], pa.int64()),
        "b": pa.array([], pa.int64()),
        "probability": pa.array([], pa.float64()),
        "band": pa.array([], pa.string()),
    }
)


def scored(*rows: tuple[int, int, float, str]) -> pa.Table:
    return pa.table(dict(zip(("a", "b", "probability", "band"), zip(*rows, strict=True), strict=True)))


def test_bcubed_is_kinder_to_one_wrong_record_in_a_large_cluster_than_pairs_are() -> None:
    labels = dict.fromkeys(range(1, 6), 1)
    found = evaluate(NOTHING, labels, (list(labels), ["x", "x", "x", "x", "y"]))
    assert found["cluster_precision"] == 6 / 10
    assert found["bcubed_precision"] == pytest.approx((4 * 4 / 5 + 1 / 5) / 5)
    assert found["bcubed_recall"] == found["cluster_recall"] == 1
    assert found["sizes"] == [
        {"size": 1, "found": 0, "true": 1},
        {"size": 4, "found": 0, "true": 1},
        {"size": 5, "found": 1, "true": 0},
    ]


def test_an_id_without_a_cluster_is_alone_even_if_another_cluster_is_called_like_it() -> None:
    found = evaluate(NOTHING, {2: 1, 3: 1}, ([1, 2, 3], ["x", "y", "y"]))
    assert found["clusters"] == 2
    assert found["cluster_precision"] == found["cluster_recall"] == 1


def test_a_record_whose_entity_is_unknown_is_left_out() -> None:
    found = evaluate(NOTHING, {1: 1, 2: 1, 3: 1}, ([1, 2, 3], ["x", None, None]))
    assert (found["records"], found["entities"], found["true_pairs"]) == (1, 1, 0)
    assert found["cluster_precision"] is None


def test_a_truth_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        evaluate(NOTHING, {}, ([1, 1], ["x", "y"]))
    with pytest.raises(ValueError, match="different types"):
        evaluate(NOTHING, {}, ([1, 2], ["x", 2]))
    with pytest.raises(ValueError, match="2 ids for 1 entities"):
        evaluate(NOTHING, {}, ([1, 2], ["x"]))


def test_mistakes_are_told_apart_by_what_made_them() -> None:
    pairs = scored((1, 2, 0.6, "review"), (2, 3, 0.999, "same"), (4, 5, 0.995, "same"), (5, 6, 0.995, "same"))
    labels = {1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 4}
    errors = evaluate(pairs, labels, (list(labels), ["x", "x", "x", "p", "q", "p"]))["errors"]
    assert errors["missed"]["in_review"] == {"pairs": 1, "examples": [[1, 2]]}
    assert errors["missed"]["kept_apart"] == {"pairs": 1, "examples": [[2, 3]]}
    assert errors["missed"]["not_compared"] == {"pairs": 1, "examples": [[1, 3]]}
    assert errors["wrong"]["scored_same"] == {"pairs": 2, "examples": [[4, 5]]}, "one example per cluster"
    assert errors["wrong"]["joined_over_others"]["pairs"] == 0


def test_a_huge_wrong_cluster_is_counted_without_listing_its_pairs() -> None:
    size = 200_000
    ids = np.arange(size)
    found = evaluate(NOTHING, dict.fromkeys(range(size), 0), (ids, ids // 2), examples=4)
    told = found["errors"]["wrong"]["joined_over_others"]
    assert told["pairs"] == size * (size - 1) // 2 - size // 2
    assert told["examples"] == [[0, 2]]


def test_the_curve_finds_the_threshold_that_the_data_wants() -> None:
    true = [(at, at + 1, 0.6 + at / 1000, "review") for at in range(0, 200, 2)]
    wrong = [(at, at + 3, at / 1000, "different") for at in range(0, 196, 4)]
    curve = threshold_curve(scored(*true, *wrong), (range(200), [at // 2 for at in range(200)]), points=10)
    assert curve["clusters"]["best"] == {"threshold": 0.6, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert curve["pairs"]["best"]["threshold"] == 0.6
    assert len(curve["pairs"]["threshold"]) <= 10
    assert curve["pairs"]["threshold"][0] == 0.6 + 198 / 1000
    assert curve["pairs"]["threshold"][-1] == 0.0


def test_nothing_to_measure_gives_no_number_and_no_error() -> None:
    assert threshold_curve(NOTHING, ([], []))["pairs"] == {
        "threshold": [], "precision": [], "recall": [], "f1": [], "best": None,
    }  # fmt: skip
    found = evaluate(NOTHING, {}, ([], []))
    assert (found["bcubed_f1"], found["cluster_f1"], found["sizes"]) == (None, None, [])
    assert all(kind == {"pairs": 0, "examples": []} for side in found["errors"].values() for kind in side.values())
    judged = evaluate_judgements(NOTHING, ([], [], []))
    assert judged["judged"] == 0
    assert judged["same_precision"] is judged["same_precision_interval"] is None


def test_judgements_measure_with_an_interval_that_narrows() -> None:
    pairs = scored((1, 2, 0.999, "same"), (3, 4, 0.999, "same"), (5, 6, 0.5, "review"))
    found = evaluate_judgements(pairs, ([2, 3, 6, 8], [1, 4, 5, 9], [True, False, True, True]))
    assert (found["same_precision"], found["same_recall"]) == (0.5, pytest.approx(1 / 3))
    assert found["same_or_review_recall"] == pytest.approx(2 / 3)
    low, high = found["same_precision_interval"]
    assert low < 0.1
    assert high > 0.9
    few, many = wilson(9, 10), wilson(900, 1000)
    assert many[1] - many[0] < few[1] - few[0]
    with pytest.raises(ValueError, match="2, 1, 1"):
        evaluate_judgements(pairs, ([1, 2], [2], [True]))


def test_the_curve_ends_where_no_threshold_is_set_any_more() -> None:
    sure = [(at, at + 1, 1 - 2.0 ** -(25 + at / 10), "same") for at in range(0, 60, 2)]
    likely = [(at, at + 1, 0.9, "review") for at in range(100, 120, 2)]
    found = threshold_curve(scored(*sure, *likely), (range(120), [at // 2 for at in range(120)]))["pairs"]
    assert len(found["threshold"]) == 2, "all that is surer than a millionth is one point"
    assert found["recall"] == [30 / 60, 40 / 60]
