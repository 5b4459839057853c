"""Measures against a slow oracle that looks at every record and every pair by itself."""

from itertools import combinations

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup.curve import threshold_curve
from dedup.evaluation import evaluate, evaluate_judgements, wilson

IDS = range(1, 11)
# Probabilities repeat, so that thresholds have ties; ids 11 and 12 have no truth.
SCORED = st.dictionaries(
    st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.0, 0.1, 0.4, 0.7, 0.9, 0.99, 1.0]),
    max_size=25,
)
GROUPING = st.lists(st.integers(0, 4), min_size=len(IDS), max_size=len(IDS))
SAME, REVIEW = 0.9, 0.4


def band(chance: float) -> str:
    return "same" if chance >= SAME else "review" if chance >= REVIEW else "different"


def as_table(scored) -> pa.Table:
    columns = {
        "a": pa.array([pair[0] for pair in scored], pa.int64()),
        "b": pa.array([pair[1] for pair in scored], pa.int64()),
        "probability": pa.array(list(scored.values()), pa.float64()),
        "band": pa.array([band(chance) for chance in scored.values()], pa.string()),
    }
    return pa.table(columns)


def share(part, whole):
    return pytest.approx(part / whole) if whole else None


def measured(found: set, true: set) -> tuple:
    """Precision, recall and F1 of a set of pairs."""
    return (
        share(len(found & true), len(found)),
        share(len(found & true), len(true)),
        share(2 * len(found & true), len(found) + len(true)),
    )


def together(group) -> set:
    return {pair for pair in combinations(sorted(group), 2) if group[pair[0]] == group[pair[1]]}


@settings(max_examples=300, deadline=None)
@given(scored=SCORED, labels=GROUPING, entities=GROUPING)
def test_clusters_are_measured_as_the_definitions_say(scored, labels, entities) -> None:
    cluster, entity = dict(zip(IDS, labels, strict=True)), dict(zip(IDS, entities, strict=True))
    found = evaluate(as_table(scored), cluster, (list(IDS), [f"e{one}" for one in entities]))
    pairwise = tuple(found[f"cluster_{name}"] for name in ("precision", "recall", "f1"))
    assert pairwise == measured(together(cluster), together(entity))
    precisions, recalls = [], []
    for one in IDS:
        mine = {other for other in IDS if cluster[other] == cluster[one]}
        true = {other for other in IDS if entity[other] == entity[one]}
        precisions.append(len(mine & true) / len(mine))
        recalls.append(len(mine & true) / len(true))
    precision, recall = sum(precisions) / len(IDS), sum(recalls) / len(IDS)
    assert found["bcubed_precision"] == pytest.approx(precision)
    assert found["bcubed_recall"] == pytest.approx(recall)
    assert found["bcubed_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    sizes = {
        row["size"]: (
            sum(labels.count(one) == row["size"] for one in set(labels)),
            sum(entities.count(one) == row["size"] for one in set(entities)),
        )
        for row in found["sizes"]
    }
    assert sizes == {row["size"]: (row["found"], row["true"]) for row in found["sizes"]}
    assert sum(row["size"] * row["found"] for row in found["sizes"]) == len(IDS)


@settings(max_examples=300, deadline=None)
@given(scored=SCORED, labels=GROUPING, entities=GROUPING)
def test_every_mistake_is_of_exactly_one_kind_and_examples_are_what_they_say(scored, labels, entities) -> None:
    cluster, entity = dict(zip(IDS, labels, strict=True)), dict(zip(IDS, entities, strict=True))
    errors = evaluate(as_table(scored), cluster, (list(IDS), entities), examples=3)["errors"]
    missed, wrong = together(entity) - together(cluster), together(cluster) - together(entity)
    bands = {pair: band(chance) for pair, chance in scored.items()}
    expected = {
        ("missed", "not_compared"): {pair for pair in missed if pair not in bands},
        ("missed", "scored_different"): {pair for pair in missed if bands.get(pair) == "different"},
        ("missed", "in_review"): {pair for pair in missed if bands.get(pair) == "review"},
        ("missed", "kept_apart"): {pair for pair in missed if bands.get(pair) == "same"},
        ("wrong", "scored_same"): {pair for pair in wrong if bands.get(pair) == "same"},
        ("wrong", "joined_over_others"): {pair for pair in wrong if bands.get(pair) != "same"},
    }
    assert {(side, kind) for side in errors for kind in errors[side]} == set(expected)
    for (side, kind), pairs in expected.items():
        told = errors[side][kind]
        assert told["pairs"] == len(pairs)
        examples = {tuple(pair) for pair in told["examples"]}
        assert examples <= pairs
        group = entity if side == "missed" else cluster
        assert len(examples) == len(told["examples"]) == min(3, len({group[a] for a, _ in pairs}))


@settings(max_examples=300, deadline=None)
@given(scored=SCORED, entities=GROUPING)
def test_the_curve_is_what_measuring_at_each_threshold_gives(scored, entities) -> None:
    entity = dict(zip(IDS, entities, strict=True))
    true = together(entity)
    curve = threshold_curve(as_table(scored), (list(IDS), entities))
    thresholds = sorted(set(scored.values()), reverse=True)
    expected = {"pairs": [], "clusters": []}
    for threshold in thresholds:
        chosen = [pair for pair, chance in scored.items() if chance >= threshold]
        graph = nx.Graph(chosen)
        joined = {pair for part in nx.connected_components(graph) for pair in combinations(sorted(part), 2)}
        known = {pair for pair in joined if set(pair) <= set(IDS)}
        expected["pairs"].append(measured({pair for pair in chosen if set(pair) <= set(IDS)}, true))
        expected["clusters"].append(measured(known, true))
    for name, measures in expected.items():
        found = curve[name]
        assert found["threshold"] == thresholds
        assert list(zip(found["precision"], found["recall"], found["f1"], strict=True)) == measures
        f1 = [0.0 if one is None else one for one in found["f1"]]
        if scored:
            assert found["best"]["f1"] == (max(f1) if any(found["f1"]) else found["f1"][0])
            assert found["best"]["threshold"] == thresholds[f1.index(max(f1))]
        else:
            assert found["best"] is None


@settings(max_examples=200, deadline=None)
@given(scored=SCORED, verdicts=st.dictionaries(st.tuples(st.integers(1, 12), st.integers(13, 14)), st.booleans()))
def test_judged_pairs_are_looked_up_in_either_order(scored, verdicts) -> None:
    verdicts = {**verdicts, **{pair: chance > 0.5 for pair, chance in list(scored.items())[::2]}}
    a, b = [pair[1] for pair in verdicts], [pair[0] for pair in verdicts]
    found = evaluate_judgements(as_table(scored), (a, b, list(verdicts.values())))
    merged = {pair for pair in verdicts if band(scored.get(pair, 0.0)) == "same"}
    asked = {pair for pair in verdicts if band(scored.get(pair, 0.0)) == "review"}
    same = {pair for pair, verdict in verdicts.items() if verdict}
    assert (found["judged"], found["judged_same"]) == (len(verdicts), len(same))
    assert found["same_precision"] == share(len(merged & same), len(merged))
    assert found["same_recall"] == share(len(merged & same), len(same))
    assert found["review_precision"] == share(len(asked & same), len(asked))
    assert found["same_or_review_recall"] == share(len((merged | asked) & same), len(same))
    assert (found["same_recall_interval"] is None) == (not same)


@given(whole=st.integers(1, 10_000), data=st.data())
def test_the_interval_holds_the_share_and_stays_within_its_bounds(whole, data) -> None:
    part = data.draw(st.integers(0, whole))
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1
    assert low < high
    # The interval's ends are where the share lies 1.96 standard errors away.
    for end in (low, high):
        if 0 < end < 1:
            assert (part / whole - end) ** 2 == pytest.approx(
                1.959964**2 * end * (1 - end) / whole, rel=1e-6, abs=1e-12
            )
