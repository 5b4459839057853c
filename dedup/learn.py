"""Judgements of people improve a model: how many bits the evidence must be moved so that it agrees with them.

People are shown doubtful pairs, not a random sample. That does no harm here: given its bits, whether a pair was shown
says nothing about its answer, and only the relation of bits to answers is learned. It is one number, so the order of
pairs never changes and an answer *same* never makes any pair less likely.
"""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.columns import Flags, Floats
from dedup.model import Model

# Below so many judgements nothing is learned.
LEAST_JUDGEMENTS = 10
# One answer in fifty is wrong: that bounds what any one of them can do.
WRONG = 0.02
# What training found is thought to be right to within so many bits; twice as much takes four times the answers.
SPREAD, MOST = 3.0, 16.0
_STEP = 0.01
# Questions of one rule whose bits are this close are the same question; so many of them are asked.
_ALIKE, _MOST_ALIKE = 0.5, 2


def calibrate(model: Model, bits: Floats, same: Flags, *, judgements: int | None = None) -> Model:
    """The model moved towards judgements: `bits` of the judged pairs by `model`, and whether each was said to be one.

    Both of shape (judgements,). The order of the judgements does not matter. With fewer than ten the model is given
    back as it is. `judgements` counts those that were looked at, where some of them were of no use. Raises ValueError
    for arrays of different length.
    """
    if len(bits) != len(same):
        raise ValueError(f"{len(bits)} weights and {len(same)} verdicts: there must be one for each judgement")
    if len(bits) < LEAST_JUDGEMENTS:
        return model
    plain = np.asarray(bits, dtype=np.float64) - model.offset
    offset = _offset(plain, np.asarray(same, dtype=bool))
    learned = {"judgements": judgements or len(bits), "same": int(np.count_nonzero(same)), "moved_by": offset}
    return replace(model, offset=offset, report={**model.report, "learned": learned})


def next_to_ask(pairs: pa.Table, judged: Collection[tuple[int, int]], *, threshold: float, most: int) -> pa.Table:
    """The pairs, of those that matching gives, whose answers teach most: near the threshold, and not all alike.

    `judged` pairs (a, b) are left out.
    """
    border = float(np.log2(threshold / (1 - threshold)))
    doubt = np.abs(pairs["weight"].to_numpy() - border)
    rules = pairs["rule"].to_pylist()
    ends = list(zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True))
    asked: dict[tuple[str, int], int] = {}
    chosen: list[int] = []
    for at in np.lexsort((pairs["b"].to_numpy(), pairs["a"].to_numpy(), doubt)).tolist():
        question = (rules[at], int(pairs["weight"][at].as_py() // _ALIKE))
        if ends[at] in judged or asked.get(question, 0) >= _MOST_ALIKE:
            continue
        asked[question] = asked.get(question, 0) + 1
        chosen.append(at)
        if len(chosen) == most:
            break
    return pairs.take(pa.array(chosen, pa.int64()))


def rescored(pairs: pa.Table, before: Model, after: Model) -> pa.Table:
    """Scored pairs as the moved model sees them; those of a contradiction keep their ceiling with everything else."""
    weight = pc.add(pairs["weight"], after.offset - before.offset)
    odds = np.exp2(np.clip(weight.to_numpy(), -300, 300))
    moved = pairs.set_column(pairs.column_names.index("weight"), "weight", weight)
    return moved.set_column(moved.column_names.index("probability"), "probability", pa.array(odds / (1 + odds)))


def _offset(bits: Floats, same: Flags) -> float:
    """The most probable number of bits, found by trying all."""
    offsets = np.arange(-MOST, MOST + _STEP / 2, _STEP)
    chance = WRONG + (1 - 2 * WRONG) / (1 + np.exp2(-np.clip(bits[:, None] + offsets[None, :], -60, 60)))
    answers = np.where(same[:, None], np.log(chance), np.log1p(-chance)).sum(axis=0)
    return float(np.round(offsets[int(np.argmax(answers - 0.5 * (offsets / SPREAD) ** 2))], 2))
