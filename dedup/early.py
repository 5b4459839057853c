"""Early exit: pairs whose outcome can no longer reach the threshold are not compared any further.

Equality alone gives every pair a highest possible weight. Comparisons are then made one after the other, those that
can take away most first, and after each the pairs that cannot reach the threshold any more are left out.
"""

from dataclasses import dataclass

import numpy as np

from dedup.blocking import Pairs
from dedup.columns import Floats, Index, Levels, Prepared
from dedup.model import Model
from dedup.spec import UNDECIDED, Comparison
from dedup.terms import Terms
from dedup.weigh import BITS_PER_LEVEL, Patterns, level_weights, shared_frequency

_WIDTH = 2**BITS_PER_LEVEL
_WORTH = 0.9


@dataclass(frozen=True)
class Bounds:
    """The highest weight of each outcome: of comparisons, shape (comparisons, 16), and of those that are tied together.

    Of `ties`: the comparisons, and the bits by their outcomes, an axis of 16 each.
    """

    levels: Floats
    ties: tuple[tuple[tuple[int, ...], Floats], ...]


def weighed(table: Prepared, pairs: Pairs, model: Model, floor: float) -> tuple[Pairs, Floats, Patterns]:
    """The pairs that reach `floor` bits with their bits, contradictions left out of account, and their patterns."""
    comparisons, bounds = model.spec.comparisons, bounds_of(model)
    levels = [comparison.quick(table, pairs.left, pairs.right) for comparison in comparisons if comparison.quick]
    highest = np.full(len(pairs), model.prior_bits)
    for at, outcome in enumerate(levels):
        highest += bounds.levels[at][outcome]
        comparison, equal = comparisons[at], np.nonzero(outcome == 1)[0]
        highest[equal] += _rarity(table, pairs.part(equal), comparison, model.terms)
    for tied, bits in bounds.ties:
        highest += bits[tuple(levels[at] for at in tied)]
    for at in np.argsort(-(bounds.levels[:, UNDECIDED] - bounds.levels.min(axis=1))):
        pairs, highest, levels = _reaching(pairs, highest, levels, floor)
        undecided = np.nonzero(levels[at] == UNDECIDED)[0]
        closer = comparisons[at].closer
        if len(undecided) and closer is not None:
            found = closer(table, pairs.left[undecided], pairs.right[undecided])
            highest[undecided] += _change(levels, int(at), undecided, found, bounds)
            levels[at][undecided] = found
    pairs, highest, levels = _reaching(pairs, highest, levels, floor)
    return pairs, highest, _packed(levels)


def bounds_of(model: Model) -> Bounds:
    """The bounds of a model: exact for what is decided, the best that is possible for what is not."""
    spec = model.spec
    levels = np.zeros((len(spec.comparisons), _WIDTH))
    for at, comparison in enumerate(spec.comparisons):
        name = comparison.name
        weights = level_weights(comparison, model.learned.m[name], model.learned.u[name])
        levels[at, : len(weights)] = weights
        levels[at, UNDECIDED] = weights[2:].max(initial=-np.inf)
    several = [(bond, 1.0) for bond in model.bonds_m] + [(bond, -1.0) for bond in model.bonds_u]
    ties: list[tuple[tuple[int, ...], Floats]] = [
        ((bond.first, bond.second), _widened(sign * bond.table())) for bond, sign in several
    ]
    ties += [((one.given, one.family, one.email), _widened(bits)) for one, bits in model.learned.of_namesakes()]
    return Bounds(levels, tuple(ties))


def _widened(bits: Floats) -> Floats:
    """Bits by outcomes, with the best outcome for "undecided", which is not equal and not missing."""
    wide = np.zeros((_WIDTH,) * bits.ndim)
    wide[tuple(map(slice, bits.shape))] = bits
    for axis, size in enumerate(bits.shape):
        along = np.moveaxis(wide, axis, 0)
        along[UNDECIDED] = along[2:size].max(axis=0)
    return wide


def _reaching(pairs: Pairs, highest: Floats, levels: list[Levels], floor: float) -> tuple[Pairs, Floats, list[Levels]]:
    keep = np.nonzero(highest >= floor)[0]
    # To copy everything for a few pairs less costs more than to carry them on.
    if len(keep) > _WORTH * len(pairs):
        return pairs, highest, levels
    return pairs.part(keep), highest[keep], [outcome[keep] for outcome in levels]


def _change(levels: list[Levels], at: int, rows: Index, found: Levels, bounds: Bounds) -> Floats:
    """What the highest weight of some pairs changes by, now that one comparison is decided."""
    change: Floats = bounds.levels[at][found] - bounds.levels[at][UNDECIDED]
    for tied, bits in bounds.ties:
        if at in tied:
            along = np.moveaxis(bits, tied.index(at), 0)
            others = tuple(levels[other][rows] for other in tied if other != at)
            change += along[(found, *others)] - along[(UNDECIDED, *others)]
    return change


def _rarity(table: Prepared, equal: Pairs, comparison: Comparison, terms: Terms) -> Floats:
    """What the frequency of the value that they share adds to pairs that are equal in a comparison."""
    bits = np.zeros(len(equal))
    for name in comparison.terms:
        bits += np.log2(terms.frequencies[name].chance / shared_frequency(table, name, equal.left, equal.right))
    return bits


def _packed(levels: list[Levels]) -> Patterns:
    packed = np.zeros(len(levels[0]), dtype=np.int64)
    for at, outcome in enumerate(levels):
        packed |= outcome.astype(np.int64) << (BITS_PER_LEVEL * at)
    return packed
