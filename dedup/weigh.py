"""Weights of evidence in bits (log2 of the Bayes factor), from level patterns by table lookup.

The outcomes of all comparisons of a pair are packed into one integer. A weight is worked out once per distinct
pattern; only the adjustment for frequent and rare values differs between pairs of one pattern.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dedup.columns import Flags, Floats, Index, Prepared
from dedup.dependence import Bond, bond_bits
from dedup.namesakes import Namesakes
from dedup.spec import Comparison, Contradiction, Level, MatchSpec
from dedup.terms import Terms

BITS_PER_LEVEL = 4
NO_CEILING = np.inf
# What correlated evidence beside the strongest of its group still counts.
CORRELATED_SHARE = 0.5

Patterns = NDArray[np.int64]


@dataclass(frozen=True)
class Parameters:
    """What is learned about levels: the shares m and u by comparison, and the bonds between comparisons for each.

    `namesakes` take the place of bonds between mailboxes and names.
    """

    m: Mapping[str, Floats]
    u: Mapping[str, Floats]
    bonds_m: tuple[Bond, ...] = ()
    bonds_u: tuple[Bond, ...] = ()
    namesakes: tuple[Namesakes, ...] = ()

    def of_namesakes(self) -> list[tuple[Namesakes, Floats]]:
        """What each adds to the weight of its mailbox, see `Namesakes.bits`."""
        u = list(self.u.values())
        return [(one, one.bits(u)) for one in self.namesakes]


@dataclass(frozen=True)
class Weights:
    """Per distinct pattern: `fields` of shape (patterns, comparisons) in bits, and the `ceiling` of the total."""

    fields: Floats
    ceiling: Floats


@dataclass(frozen=True)
class Evidence:
    """What was found of pairs of record positions: packed outcomes, and bits of shape (pairs, comparisons)."""

    left: Index
    right: Index
    patterns: Patterns
    bits: Floats
    ceiling: Floats

    def take(self, pairs: Index) -> "Evidence":
        return Evidence(
            self.left[pairs], self.right[pairs], self.patterns[pairs], self.bits[pairs], self.ceiling[pairs]
        )


def compare(table: Prepared, left: Index, right: Index, spec: MatchSpec) -> Patterns:
    """The packed outcomes of all comparisons; shape (pairs,). `table` has the `own_X` columns of its terms."""
    packed = np.zeros(len(left), dtype=np.int64)
    for at, comparison in enumerate(spec.comparisons):
        packed |= comparison.compare(table, left, right).astype(np.int64) << (BITS_PER_LEVEL * at)
    return packed


def unpack(patterns: Patterns, spec: MatchSpec) -> NDArray[np.int64]:
    """The outcome per comparison; shape (patterns, comparisons)."""
    shifts = BITS_PER_LEVEL * np.arange(len(spec.comparisons))
    levels: NDArray[np.int64] = (patterns[:, None] >> shifts) & (2**BITS_PER_LEVEL - 1)
    return levels


def pattern_weights(patterns: Patterns, spec: MatchSpec, learned: Parameters) -> Weights:
    """Bounded weights of each pattern, after contradictions and correlated evidence are taken into account."""
    levels = unpack(patterns, spec)
    fields = np.zeros(levels.shape, dtype=np.float64)
    ceiling = np.full(len(patterns), NO_CEILING)
    for at, comparison in enumerate(spec.comparisons):
        name = comparison.name
        fields[:, at] = level_weights(comparison, learned.m[name], learned.u[name])[levels[:, at]]
    if spec.dependent:
        fields += bond_bits(levels, learned.bonds_m) - bond_bits(levels, learned.bonds_u)
        for one, added in learned.of_namesakes():
            fields[:, one.email] += added[levels[:, one.given], levels[:, one.family], levels[:, one.email]]
    for at, comparison in enumerate(spec.comparisons):
        standing = np.ones(len(patterns), dtype=bool)
        for overrule in spec.overrules:
            if comparison.name in overrule.contradicted:
                standing &= ~_shows(levels, overrule.when, spec)
        for number, level in enumerate(comparison.levels, start=1):
            here = standing & (levels[:, at] == number)
            _contradict(fields, ceiling, here, level, spec)
    for contradiction in spec.contradictions:
        _contradict(fields, ceiling, _shows(levels, contradiction.when, spec), contradiction, spec)
    _discount_correlated(fields, spec)
    return Weights(fields, ceiling)


def _shows(levels: NDArray[np.int64], when: tuple[tuple[str, tuple[int, ...]], ...], spec: MatchSpec) -> Flags:
    """Per pattern, whether every comparison of `when` shows one of its levels."""
    shown = np.ones(len(levels), dtype=bool)
    for name, several in when:
        shown &= np.isin(levels[:, spec.by_name[name]], several)
    return shown


def _contradict(fields: Floats, ceiling: Floats, here: Flags, by: Level | Contradiction, spec: MatchSpec) -> None:
    if by.ceiling is not None:
        ceiling[here] = np.minimum(ceiling[here], by.ceiling)
    for name in by.voids:
        column = spec.by_name[name]
        fields[here, column] = np.minimum(fields[here, column], 0.0)


def level_weights(comparison: Comparison, m: Floats, u: Floats) -> Floats:
    """Bits per level, 0 for "missing" first; shape (levels + 1,)."""
    low = np.array([level.low for level in comparison.levels])
    high = np.array([level.high for level in comparison.levels])
    return np.concatenate([[0.0], np.clip(np.log2(m / u), low, high)])


def frequency_bits(
    table: Prepared, left: Index, right: Index, patterns: Patterns, *, spec: MatchSpec, terms: Terms
) -> Floats:
    """What rare and common values add to the level weights; shape (pairs, comparisons)."""
    bits = np.zeros((len(left), len(spec.comparisons)))
    levels = unpack(patterns, spec)
    for at, comparison in enumerate(spec.comparisons):
        if not comparison.terms:
            continue
        chosen = np.nonzero(np.isin(levels[:, at], comparison.adjusted))[0]
        added = np.zeros(len(chosen))
        for name in comparison.terms:
            frequency = shared_frequency(table, name, left[chosen], right[chosen])
            ratio = np.log2(terms.frequencies[name].chance / frequency)
            added += np.where(np.isnan(ratio), 0.0, ratio)
        bits[chosen, at] = np.clip(added, -comparison.spread, comparison.spread)
    return bits


def shared_frequency(table: Prepared, name: str, left: Index, right: Index) -> Floats:
    """The frequency of the value of each pair, of the commoner one where two differ; nan where there is none."""
    codes, of = table.first(name), np.append(table.frequencies[name], np.nan)
    # Missing is -1, which is the place of the nan.
    frequency: Floats = np.fmax(of[codes[left]], of[codes[right]])
    return frequency


def total_bits(prior: float, evidence: Evidence) -> Floats:
    total: Floats = np.minimum(prior + evidence.bits.sum(axis=1), evidence.ceiling)
    return total


def probability(bits: Floats) -> Floats:
    chance: Floats = 1.0 / (1.0 + np.exp2(-np.clip(bits, -300, 300)))
    return chance


def _discount_correlated(fields: Floats, spec: MatchSpec) -> None:
    """Within a group the strongest evidence for and the strongest against count in full, the rest in part."""
    for group in {comparison.group for comparison in spec.comparisons if comparison.group}:
        members = [at for at, comparison in enumerate(spec.comparisons) if comparison.group == group]
        part = fields[:, members]
        for signed, strongest in (
            (np.maximum(part, 0), part.argmax(axis=1)),
            (np.minimum(part, 0), part.argmin(axis=1)),
        ):
            full = np.zeros(part.shape, dtype=bool)
            full[np.arange(len(part)), strongest] = True
            part = part - np.where(full, 0.0, signed * (1 - CORRELATED_SHARE))
        fields[:, members] = part
