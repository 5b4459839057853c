"""Training without labels: u from random pairs, m and the prior by expectation maximisation over candidate pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.blocking import Pairs, derive, pairs_of
from dedup.columns import Floats, Index, Prepared
from dedup.dependence import bonds
from dedup.model import Model
from dedup.namesakes import Namesakes, namesakes_of
from dedup.spec import Comparison, MatchSpec
from dedup.terms import Terms, learn
from dedup.weigh import Parameters, Patterns, compare, frequency_bits, pattern_weights, probability, unpack

RANDOM_PAIRS = 300_000
# Candidate pairs beyond this teach m nothing new.
MOST_CANDIDATES = 200_000
ITERATIONS, FEWEST_ITERATIONS = 40, 6
TOLERANCE = 1e-4
# No more matches per record than this are thought to be missed.
MOST_MISSED = 3.0
# A thousand pairs hold one match: counts beside the data as much as a thousand pairs do.
DEFAULT_PRIOR, PRIOR_STRENGTH = 1e-3, 1_000.0
# Between one match in fifty records and twenty matches per record: outside lies a model that ran away.
FEWEST_MATCHES, MOST_MATCHES = 0.02, 20.0
# A customer has this many records of its own with a value, on the average, before others are counted.
OWN_RECORDS = 1.5
# So many fields whose share of *different* is at its bound are a training that found no customers.
_MANY_AT_BOUND, _AT_BOUND = 3, 0.98

Shares = Mapping[str, Floats]


@dataclass(frozen=True)
class Seen:
    """Pairs by what they show: distinct patterns with their levels, the pattern of each case, and how often it stands.

    `frequent` are the bits that the frequency of the values adds to each case; `counts` the pairs that it stands for.
    Of pairs drawn at random, `matches`: how many are matches if each record has one; and what they tell of `namesakes`.
    """

    patterns: Patterns
    levels: NDArray[np.int64]
    case: Index
    frequent: Floats
    counts: Floats
    matches: float = 0.0
    namesakes: tuple[Namesakes, ...] = ()


@dataclass(frozen=True)
class _Rows:
    """How many records there are, how many pairs of them, and how many candidates a sampled pair stands for."""

    records: int
    possible: float
    scale: float


# What pairs show, and how many pairs each pattern stands for.
Weighted = tuple[Seen, Floats]


def train(table: pa.Table, spec: MatchSpec, *, seed: int = 0) -> Model:
    """A model learned from the records themselves; falls back on the specification where they teach too little.

    Raises ValueError if the table breaks the input contract.
    """
    terms, prepared = learned_terms(spec.standardise(table), spec)
    drawn = draw(prepared, spec, terms, seed)
    return fit(prepared, spec, terms, pairs_of(derive(prepared, spec)), drawn, seed=seed)


def learned_terms(table: Prepared, spec: MatchSpec) -> tuple[Terms, Prepared]:
    """What frequencies a table teaches, and the table with them."""
    own = OWN_RECORDS if spec.dependent else 0.0
    return learn(table, spec.common, spec.shareable, owner=spec.owner, shared_by=spec.shared_by, own=own)


def fit(
    table: Prepared, spec: MatchSpec, terms: Terms, pairs: Pairs, drawn: Seen, *,
    seed: int = 0, most: int = MOST_CANDIDATES,
) -> Model:  # fmt: skip
    """The model that explains the candidate `pairs`, `most` of them; `drawn` are pairs of records at random."""
    some = _sampled(pairs, most, seed)
    packed = compare(table, some.left, some.right, spec)
    found = _seen(table, spec, terms, (some.left, some.right), packed)
    records, possible = len(table), len(table) * (len(table) - 1) / 2
    # A sample of the candidates stands for all of them.
    rows = _Rows(records, possible, len(pairs) / max(found.counts.sum(), 1.0))
    default = replace(_defaults(spec, terms), namesakes=drawn.namesakes)
    learned, prior, iterations = _explained(spec, found, drawn, default, rows)
    if spec.dependent and _ran_away(spec, learned):
        learned, prior, iterations = _explained(spec, found, drawn, default, rows, held=True)
    report = {
        "rows": records,
        "pairs": len(pairs),
        "random_pairs": int(drawn.counts.sum()),
        "iterations": iterations,
        "prior": prior,
        "expected_matches": prior * possible,
    }
    return _model(spec, terms, learned, report)


def _explained(
    spec: MatchSpec, found: Seen, drawn: Seen, default: Parameters, rows: _Rows, *, held: bool = False
) -> tuple[Parameters, float, int]:
    """Parameters and prior by expectation maximisation, with the iterations; where `held`, m stays at its default."""
    # To begin with, all pairs drawn at random are taken for unrelated records.
    everything = drawn, _by_pattern(drawn, drawn.counts)
    learned = _bonded(default, spec, None, everything) if spec.dependent else default
    prior = max(min(DEFAULT_PRIOR, 1.0 / max(rows.records, 1)), 1e-9)
    iterations, moved = 0, np.inf
    while iterations < ITERATIONS and (moved >= TOLERANCE or iterations < FEWEST_ITERATIONS):
        iterations += 1
        expected = found.counts * _posterior(found, spec, learned, prior)
        unmatched = drawn.counts * (1.0 - _posterior(drawn, spec, learned, prior))
        matched, random = (found, _by_pattern(found, expected)), (drawn, _by_pattern(drawn, unmatched))
        new = _maximised(spec, learned, default, matched, random)
        if held:
            new = replace(new, m=default.m)
        # Bonds cost more than shares and settle sooner; those of matches wait until it is clear what matches.
        if spec.dependent and iterations % 4 == 1:
            new = _bonded(new, spec, matched if iterations > 4 and not held else None, random)
        matches = np.clip(expected.sum() * rows.scale, FEWEST_MATCHES * rows.records, MOST_MATCHES * rows.records)
        new_prior = float((matches + PRIOR_STRENGTH * DEFAULT_PRIOR) / (rows.possible + PRIOR_STRENGTH))
        moved = max(abs(np.log2(new_prior / prior)), *(_distance(new.m[name], learned.m[name]) for name in new.m))
        learned, prior = new, new_prior
    return learned, prior, iterations


def _ran_away(spec: MatchSpec, learned: Parameters) -> bool:
    """Whether what training took for customers differs in field after field, as often as is allowed: namesakes.

    In a file with hardly a duplicate they are the largest group of pairs that is no chance. Such a training has three
    to five fields at their bound; where there are duplicates to learn from, at most one is.
    """
    last = ((one.levels[-1].most, float(learned.m[one.name][-1])) for one in spec.comparisons)
    return sum(most < 1.0 and share >= _AT_BOUND * most for most, share in last) >= _MANY_AT_BOUND


def draw(table: Prepared, spec: MatchSpec, terms: Terms, seed: int = 0) -> Seen:
    """What pairs drawn at random show, or all pairs where there are fewer."""
    records, random = len(table), np.random.default_rng(seed)
    if records * (records - 1) // 2 <= RANDOM_PAIRS:
        left, right = np.triu_indices(records, k=1)
    else:
        left = random.integers(0, records, RANDOM_PAIRS)
        right = (left + random.integers(1, records, RANDOM_PAIRS)) % records
    left, right = np.minimum(left, right), np.maximum(left, right)
    packed = compare(table, left, right, spec)
    seen = _seen(table, spec, terms, (left, right), packed)
    namesakes = namesakes_of(table, spec, left, right, unpack(packed, spec)) if spec.dependent else ()
    return replace(seen, matches=len(left) / max(records - 1, 1), namesakes=namesakes)


def _sampled(pairs: Pairs, most: int, seed: int) -> Pairs:
    if len(pairs) <= most:
        return pairs
    return pairs.part(np.sort(np.random.default_rng(seed).choice(len(pairs), most, replace=False)))


def _seen(table: Prepared, spec: MatchSpec, terms: Terms, sides: tuple[Index, Index], packed: Patterns) -> Seen:
    """What pairs of records show, whose outcomes are `packed`."""
    left, right = sides
    patterns, case = np.unique(packed, return_inverse=True)
    if not spec.dependent:
        counts = np.bincount(case, minlength=len(patterns)).astype(float)
        return Seen(patterns, unpack(patterns, spec), np.arange(len(patterns)), np.zeros(len(patterns)), counts)
    # Pairs of one pattern whose frequencies weigh the same to a quarter of a bit are one case.
    bits = np.round(frequency_bits(table, left, right, packed, spec=spec, terms=terms).sum(axis=1) * 4).astype(np.int64)
    cases, counted = np.unique(case * 1024 + np.clip(bits, -511, 511) + 511, return_counts=True)
    return Seen(patterns, unpack(patterns, spec), cases // 1024, (cases % 1024 - 511) / 4.0, counted.astype(float))


def _posterior(seen: Seen, spec: MatchSpec, learned: Parameters, prior: float) -> Floats:
    """The probability of a match per case, by the very rules that score a pair later."""
    weights = pattern_weights(seen.patterns, spec, learned)
    total = float(np.log2(prior / (1 - prior))) + weights.fields.sum(axis=1)[seen.case] + seen.frequent
    return probability(np.minimum(total, weights.ceiling[seen.case]))


def _maximised(
    spec: MatchSpec, before: Parameters, default: Parameters, matched: Weighted, random: Weighted
) -> Parameters:
    m, u = {}, {}
    for at, comparison in enumerate(spec.comparisons):
        name = comparison.name
        m[name] = _bounded(_share(matched, at, default.m[name], comparison.strength), comparison)
        u[name] = _chance(_share(random, at, default.u[name], spec.u_strength), before.u[name], spec)
    return replace(before, m=m, u=u)


def _bonded(learned: Parameters, spec: MatchSpec, matched: Weighted | None, random: Weighted) -> Parameters:
    shares = [learned.m[comparison.name] for comparison in spec.comparisons]
    tied = [(name, one.email) for one in learned.namesakes for name in (one.given, one.family)]
    doubtful = MOST_MISSED * random[0].matches
    return replace(
        learned,
        bonds_m=bonds(matched[0].levels, matched[1], shares) if matched else (),
        bonds_u=bonds(random[0].levels, random[1], shares, doubtful=doubtful, tied=tied),
    )


def _distance(one: Floats, other: Floats) -> float:
    return float(np.abs(one - other).max())


def _by_pattern(seen: Seen, weights: Floats) -> Floats:
    return np.bincount(seen.case, weights=weights, minlength=len(seen.patterns)).astype(np.float64)


def _share(pairs: Weighted, at: int, default: Floats, strength: float) -> Floats:
    """Share of pairs per level among those where the comparison was possible, drawn towards the default."""
    levels, counts = pairs[0].levels[:, at], pairs[1]
    seen = np.bincount(levels, weights=counts, minlength=len(default) + 1)[1:]
    shares: Floats = (seen + strength * default) / (seen.sum() + strength)
    return shares


def _bounded(shares: Floats, comparison: Comparison) -> Floats:
    """Shares that keep within the bounds of their levels; what is taken away goes to the others."""
    most = np.array([level.most for level in comparison.levels])
    over = shares > most
    if not over.any():
        return shares
    bounded = np.where(over, most, shares)
    spare = 1.0 - bounded[over].sum()
    return np.where(over, bounded, bounded * spare / max(bounded[~over].sum(), 1e-12))


def _chance(shares: Floats, before: Floats, spec: MatchSpec) -> Floats:
    """Where weights follow the frequency of values, the chance that two are equal is theirs, counted, not drawn."""
    if not spec.dependent:
        return shares
    rest: Floats = shares[1:] * (1.0 - before[0]) / max(shares[1:].sum(), 1e-12)
    return np.concatenate([before[:1], rest])


def _defaults(spec: MatchSpec, terms: Terms) -> Parameters:
    """The specification's m and u, each summing to one per comparison."""
    m, u = {}, {}
    for comparison in spec.comparisons:
        expected = np.array([level.m for level in comparison.levels])
        by_chance = np.array([level.u for level in comparison.levels])
        if spec.dependent:
            equal = min(terms.frequencies[comparison.terms[0]].chance, 0.999)
            by_chance = np.full(len(expected), (1.0 - equal) / (len(expected) - 1))
            by_chance[0] = equal
        m[comparison.name], u[comparison.name] = expected / expected.sum(), by_chance / by_chance.sum()
    return Parameters(m, u)


def _model(spec: MatchSpec, terms: Terms, learned: Parameters, report: dict[str, Any]) -> Model:
    m, u = ({name: tuple(map(float, shares)) for name, shares in side.items()} for side in (learned.m, learned.u))
    levels = {name: {"m": list(m[name]), "u": list(u[name])} for name in m}
    return Model(
        kind=spec.name,
        prior=report["prior"],
        m=m,
        u=u,
        terms=terms,
        bonds_m=learned.bonds_m,
        bonds_u=learned.bonds_u,
        namesakes=learned.namesakes,
        fields=spec.fields,
        rules=tuple(rule.columns for rule in spec.blocking) if spec.fields else (),
        report={**report, "levels": levels},
    )
