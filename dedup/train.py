"""Training without labels: u from random pairs, m and the prior by expectation maximisation over candidate pairs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dedup.blocking import candidates, derive
from dedup.columns import Floats, Prepared
from dedup.model import Model
from dedup.spec import MatchSpec
from dedup.terms import Terms, learn
from dedup.weigh import Patterns, compare, pattern_weights, probability, total_bits, unpack

RANDOM_PAIRS = 500_000
# Candidate pairs beyond this teach m nothing new.
MOST_CANDIDATES = 3_000_000
ITERATIONS = 40
TOLERANCE = 1e-4
# Strength of the specification's m and u, counted in pairs.
M_STRENGTH, U_STRENGTH = 25.0, 10_000.0
# A thousand pairs hold one match: counts beside the data as much as a thousand pairs do.
DEFAULT_PRIOR, PRIOR_STRENGTH = 1e-3, 1_000.0
# Between one match in fifty records and twenty matches per record: outside lies a model that ran away.
FEWEST_MATCHES, MOST_MATCHES = 0.02, 20.0

Shares = Mapping[str, Floats]


@dataclass(frozen=True)
class Counted:
    """Distinct patterns, how many pairs show each, and the outcome per comparison."""

    patterns: Patterns
    counts: Floats
    levels: NDArray[np.int64]


def train(table: pa.Table, spec: MatchSpec, *, seed: int = 0) -> Model:
    """A model learned from the records themselves; falls back on the specification where they teach too little.

    Raises ValueError if the table breaks the input contract.
    """
    plain = spec.standardise(table)
    terms = learn(plain, spec.common, spec.shareable, spec.owner, spec.shared_by)
    prepared = terms.apply(plain)
    drawn = _random_pairs(prepared, spec, np.random.default_rng(seed))
    found, total = _candidate_patterns(prepared, spec)
    return _expectation_maximisation(spec, terms, records=len(prepared), pairs=total, drawn=drawn, found=found)


def _expectation_maximisation(
    spec: MatchSpec, terms: Terms, *, records: int, pairs: int, drawn: Counted, found: Counted
) -> Model:
    possible = records * (records - 1) / 2
    m, u = default_m, default_u = _defaults(spec)
    prior = max(min(DEFAULT_PRIOR, 1.0 / max(records, 1)), 1e-9)
    # A sample of the candidates stands for all of them.
    scale = pairs / max(found.counts.sum(), 1.0)
    iterations = 0
    while iterations < ITERATIONS:
        iterations += 1
        expected = found.counts * _posterior(found, spec, m, u, prior)
        unmatched = drawn.counts * (1.0 - _posterior(drawn, spec, m, u, prior))
        new_m = _shares(found.levels, expected, spec, default_m, M_STRENGTH)
        u = _shares(drawn.levels, unmatched, spec, default_u, U_STRENGTH)
        matches = np.clip(expected.sum() * scale, FEWEST_MATCHES * records, MOST_MATCHES * records)
        new_prior = float((matches + PRIOR_STRENGTH * DEFAULT_PRIOR) / (possible + PRIOR_STRENGTH))
        moved = max(abs(np.log2(new_prior / prior)), *(float(np.abs(new_m[name] - m[name]).max()) for name in m))
        m, prior = new_m, new_prior
        if moved < TOLERANCE:
            break
    report = {
        "rows": records,
        "pairs": pairs,
        "random_pairs": int(drawn.counts.sum()),
        "iterations": iterations,
        "prior": prior,
        "expected_matches": prior * possible,
    }
    return _model(spec, terms, m, u, report)


def _posterior(seen: Counted, spec: MatchSpec, m: Shares, u: Shares, prior: float) -> Floats:
    """The probability of a match per pattern, by the very rules that score a pair later."""
    weights = pattern_weights(seen.patterns, spec, m, u)
    return probability(total_bits(float(np.log2(prior / (1 - prior))), weights.fields, weights.ceiling))


def _shares(
    levels: NDArray[np.int64], counts: Floats, spec: MatchSpec, default: Shares, strength: float
) -> dict[str, Floats]:
    """Share of pairs per level among those where the comparison was possible, drawn towards the default."""
    shares = {}
    for at, comparison in enumerate(spec.comparisons):
        seen = np.bincount(levels[:, at], weights=counts, minlength=len(comparison.levels) + 1)[1:]
        shares[comparison.name] = (seen + strength * default[comparison.name]) / (seen.sum() + strength)
    return shares


def _random_pairs(table: Prepared, spec: MatchSpec, random: np.random.Generator) -> Counted:
    """Patterns of pairs drawn at random, or of all pairs where there are fewer."""
    records = len(table)
    if records * (records - 1) // 2 <= RANDOM_PAIRS:
        left, right = np.triu_indices(records, k=1)
    else:
        left = random.integers(0, records, RANDOM_PAIRS)
        right = (left + random.integers(1, records, RANDOM_PAIRS)) % records
        left, right = np.minimum(left, right), np.maximum(left, right)
    return _count(compare(table, left, right, spec), spec)


def _candidate_patterns(table: Prepared, spec: MatchSpec) -> tuple[Counted, int]:
    """Patterns of the candidate pairs, evenly thinned where there are very many, and their full number."""
    keys, _ = derive(table, spec)
    total = sum(len(chunk.left) for chunk in candidates(keys))
    step = max(1, -(-total // MOST_CANDIDATES))
    parts = [compare(table, chunk.left[::step], chunk.right[::step], spec) for chunk in candidates(keys)]
    return _count(np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64), spec), total


def _count(patterns: Patterns, spec: MatchSpec) -> Counted:
    values, counts = np.unique(patterns, return_counts=True)
    return Counted(values, counts.astype(np.float64), unpack(values, spec))


def _defaults(spec: MatchSpec) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """The specification's m and u, each summing to one per comparison."""
    m, u = {}, {}
    for comparison in spec.comparisons:
        expected = np.array([level.m for level in comparison.levels])
        by_chance = np.array([level.u for level in comparison.levels])
        m[comparison.name], u[comparison.name] = expected / expected.sum(), by_chance / by_chance.sum()
    return m, u


def _model(spec: MatchSpec, terms: Terms, m: Shares, u: Shares, report: dict[str, Any]) -> Model:
    m_levels = {name: tuple(float(share) for share in shares) for name, shares in m.items()}
    u_levels = {name: tuple(float(share) for share in shares) for name, shares in u.items()}
    learned = {name: {"m": list(m_levels[name]), "u": list(u_levels[name])} for name in m_levels}
    return Model(spec.name, report["prior"], m_levels, u_levels, terms, {**report, "levels": learned})
