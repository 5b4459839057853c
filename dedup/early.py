"""Early exit: pairs whose outcome can no longer reach the threshold are not compared any further.

Equality alone gives every pair a highest possible weight. Comparisons are then made one after the other, those that
can take away most first, and after each the pairs that cannot reach the threshold any more are left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.blocking import Pairs
from dedup.columns import Floats, Levels, Prepared
from dedup.model import Model
from dedup.spec import UNDECIDED
from dedup.weigh import BITS_PER_LEVEL, Patterns, level_weights, shared_frequency

_WIDTH = 2**BITS_PER_LEVEL
Bits = NDArray[np.float32]


@dataclass(frozen=True)
class Bounds:
    """The highest weight of each outcome: of comparisons, shape (comparisons, 16), and of each bond, shape (16, 16)."""

    levels: Bits
    bonds: tuple[tuple[int, int, Bits], ...]


def promising(table: Prepared, pairs: Pairs, model: Model, floor: float) -> tuple[Pairs, Patterns]:
    """The pairs that reach `floor` bits, and perhaps some that do not, with all comparisons made."""
    comparisons, bounds = model.spec.comparisons, bounds_of(model)
    levels = [comparison.quick(table, pairs.left, pairs.right) for comparison in comparisons if comparison.quick]
    highest = np.full(len(pairs), model.prior_bits, dtype=np.float32)
    for at, outcome in enumerate(levels):
        highest += bounds.levels[at][outcome]
        _add_frequencies(highest, table, pairs, model, at, outcome)
    bonded = _bonded(levels, bounds)
    for at in np.argsort(-(bounds.levels[:, UNDECIDED] - bounds.levels.min(axis=1))):
        keep = np.nonzero(highest + bonded >= floor)[0]
        if len(keep) < len(pairs):
            pairs, highest = pairs.part(keep), highest[keep]
            levels = [outcome[keep] for outcome in levels]
        undecided = np.nonzero(levels[at] == UNDECIDED)[0]
        closer = comparisons[at].closer
        if len(undecided) and closer is not None:
            found = closer(table, pairs.left[undecided], pairs.right[undecided])
            highest[undecided] += bounds.levels[at][found] - bounds.levels[at][UNDECIDED]
            levels[at][undecided] = found
        bonded = _bonded(levels, bounds)
    return pairs, _packed(levels)


def bounds_of(model: Model) -> Bounds:
    """The bounds of a model: exact for what is decided, the best that is possible for what is not."""
    spec = model.spec
    levels = np.zeros((len(spec.comparisons), _WIDTH), dtype=np.float32)
    for at, comparison in enumerate(spec.comparisons):
        name = comparison.name
        weights = level_weights(comparison, model.learned.m[name], model.learned.u[name])
        levels[at, : len(weights)] = weights
        levels[at, UNDECIDED] = weights[2:].max(initial=0.0)
    several = [(bond, 1.0) for bond in model.bonds_m] + [(bond, -1.0) for bond in model.bonds_u]
    return Bounds(levels, tuple((bond.first, bond.second, _widened(sign * bond.table())) for bond, sign in several))


def _widened(bits: Floats) -> Bits:
    """A bond's bits with the best outcome for "undecided", which is not equal and not missing."""
    wide = np.full((_WIDTH, _WIDTH), 0.0, dtype=np.float32)
    wide[: bits.shape[0], : bits.shape[1]] = bits
    wide[UNDECIDED, : bits.shape[1]] = bits[2:].max(axis=0, initial=-np.inf)
    wide[: bits.shape[0], UNDECIDED] = bits[:, 2:].max(axis=1, initial=-np.inf)
    wide[UNDECIDED, UNDECIDED] = bits[2:, 2:].max(initial=-np.inf)
    return wide


def _bonded(levels: list[Levels], bounds: Bounds) -> Bits:
    bits = np.zeros(len(levels[0]), dtype=np.float32)
    for first, second, table in bounds.bonds:
        bits += table.ravel()[levels[first].astype(np.intp) * _WIDTH + levels[second]]
    return bits


def _add_frequencies(highest: Bits, table: Prepared, pairs: Pairs, model: Model, at: int, outcome: Levels) -> None:
    comparison = model.spec.comparisons[at]
    equal = np.nonzero(outcome == 1)[0]
    for name in comparison.terms:
        frequency = shared_frequency(table, name, pairs.left[equal], pairs.right[equal])
        highest[equal] += np.log2(model.terms.frequencies[name].chance / frequency).astype(np.float32)


def _packed(levels: list[Levels]) -> Patterns:
    packed = np.zeros(len(levels[0]), dtype=np.int64)
    for at, outcome in enumerate(levels):
        packed |= outcome.astype(np.int64) << (BITS_PER_LEVEL * at)
    return packed
