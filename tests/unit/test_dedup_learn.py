"""What judgements of people do to a model, and what no judgement can do."""

from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import Kind, Model, dedupe, evaluate, guess, match
from dedup.dedupe import clustered
from dedup.learn import LEAST_JUDGEMENTS, calibrate, next_to_ask, rescored
from dedup.spec import Thresholds
from tests.unit.test_dedup_dedupe import mistyped
from tests.unit.test_dedup_world import persons

THRESHOLD = 0.7
ANSWERS = st.lists(st.tuples(st.floats(-12, 12), st.booleans()), min_size=LEAST_JUDGEMENTS, max_size=40)


class World:
    """People with little to tell them by, matched with a model whose prior is off by some bits."""

    def __init__(self, off: float) -> None:
        random = Random(3)
        rows, self.truth = persons(seed=8, size=250)
        given = ("given_name", "family_name", "city", "street")
        rows = [
            {
                name: (mistyped(random, row[name]) if row[name] and random.random() < 0.3 else row[name])
                for name in given
            }
            for row in rows
        ]
        table = pa.Table.from_pylist(rows)
        found = dedupe(table, {name: each.kind for name, each in guess(table).items()})
        odds = found.model.prior / (1 - found.model.prior) * 2.0**off
        self.model = replace(found.model, prior=odds / (1 + odds))
        numbered = table.append_column("party_id", pa.array(range(len(rows)), pa.int64()))
        self.pairs = match(numbered, self.model, thresholds=Thresholds(0.99, 1e-6)).pairs
        self.table = self.model.terms.apply(self.model.spec.standardise(numbered))

    def f1(self, model: Model) -> float:
        pairs = rescored(self.pairs, self.model, model)
        labels = clustered(self.table, model, pairs, THRESHOLD)
        truth = (np.arange(len(labels)), [str(one) for one in self.truth])
        return float(evaluate(pairs, dict(enumerate(labels.tolist())), truth)["cluster_f1"])

    def taught(self, judgements: int, wrong: int) -> Model:
        """The model after so many answers, asked for ten at a time; the first `wrong` answers are."""
        model, judged = self.model, {}
        while len(judged) < judgements:
            pairs = rescored(self.pairs, self.model, model)
            for pair in next_to_ask(pairs, set(judged), threshold=THRESHOLD, most=10).to_pylist():
                same = self.truth[pair["a"]] == self.truth[pair["b"]]
                judged[pair["a"], pair["b"]] = same if len(judged) >= wrong else not same
            bits = {(pair["a"], pair["b"]): pair["weight"] for pair in self.pairs.to_pylist()}
            model = calibrate(self.model, np.array([bits[pair] for pair in judged]), np.array(list(judged.values())))
        return model


@pytest.mark.parametrize("off", [9.0, -9.0])
@pytest.mark.parametrize("wrong", [0, 2])
def test_fifty_judgements_mend_a_badly_calibrated_model(off: float, wrong: int) -> None:
    world = World(off)
    taught = world.taught(50, wrong)
    assert world.f1(taught) >= world.f1(world.model) + 0.02
    assert taught.version != world.model.version
    assert taught.report["learned"]["judgements"] == 50


@cache
def plain() -> Model:
    return dedupe(pa.table({"name": ["Anna Novak", "Anna Novak"]}), {"name": Kind.FULL_NAME}).model


def test_too_few_judgements_change_nothing() -> None:
    few = np.full(LEAST_JUDGEMENTS - 1, 2.0)
    assert calibrate(plain(), few, few < 0) is plain()
    with pytest.raises(ValueError, match="one for each judgement"):
        calibrate(plain(), np.zeros(12), np.zeros(11, dtype=bool))


def moved(answers: list[tuple[float, bool]]) -> float:
    return calibrate(plain(), np.array([bits for bits, _ in answers]), np.array([same for _, same in answers])).offset


@settings(max_examples=30, deadline=None)
@given(answers=ANSWERS, order=st.randoms(use_true_random=False), data=st.data())
def test_laws_of_learning(answers: list[tuple[float, bool]], order, data) -> None:
    shuffled = list(answers)
    order.shuffle(shuffled)
    before = moved(answers)
    assert moved(shuffled) == before
    at = data.draw(st.integers(0, len(answers) - 1))
    same = [(bits, True) if place == at else (bits, verdict) for place, (bits, verdict) in enumerate(answers)]
    different = [(bits, False) if place == at else (bits, verdict) for place, (bits, verdict) in enumerate(answers)]
    # An answer "same" never moves the evidence down, and one "different" never up.
    assert moved(different) <= before <= moved(same)


def test_one_wrong_judgement_among_many_moves_little() -> None:
    answers = [(float(bits), bits > 0) for bits in np.linspace(-6, 6, 50)]
    wrong = [(-6.0, True), *answers[1:]]
    assert abs(moved(wrong) - moved(answers)) < 0.5


def test_questions_are_doubtful_different_and_new() -> None:
    weights = [8.0, 1.3, 1.25, 1.2, 1.15, -1.0, 0.9]
    pairs = pa.table(
        {
            "a": list(range(7)),
            "b": list(range(10, 17)),
            "rule": ["r"] * 6 + ["s"],
            "weight": weights,
            "probability": [0.5] * 7,
        }
    )
    asked = next_to_ask(pairs, {(2, 12)}, threshold=THRESHOLD, most=4)
    assert asked["a"].to_pylist() == [3, 4, 6, 5]


def test_a_moved_model_survives_its_file_and_its_weights_add_up() -> None:
    world = World(9.0)
    taught = world.taught(20, 0)
    assert Model.from_dict(taught.to_dict()) == taught
    assert taught.prior_bits == pytest.approx(world.model.prior_bits + taught.offset)
