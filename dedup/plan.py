"""Which blocking rules to use on a table: combinations of parts that find most matches within a budget of pairs.

What a rule costs is estimated from how often two records agree on its parts. What it finds is tried on simulated
matches: each has a quality, shared by its fields, and fields that were typed wrong agree on a beginning or a sound at
times. Rules are taken one after the other, each for what the rules before it miss.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.special import ndtri

from dedup.columns import Flags, Floats, Prepared

# Pairs per record, and the least budget: small tables afford to look further.
PAIRS_PER_RECORD, LEAST_BUDGET = 12, 500_000
# Up to this many records all pairs are fewer than the least budget.
ALL_PAIRS = 1_000
_SIMULATED, _SAMPLED = 2_000, 50_000
_MOST_RULES, _LEAST_GAIN = 28, 2
# What sorting the records for one more rule costs, in pairs per record.
_COST_OF_RULE = 0.5
# Before anything is known, a given field is spelled equally in so many matches.
EQUAL = 0.62
# Errors of one record go together: correlation of the quality of its fields.
_TOGETHER = 0.6
_PART_SURVIVES, _HOPELESS = 0.4, 1.5
_LEAST_FILLED = 0.02
_WHOLE = frozenset(("all", "local"))


@dataclass(frozen=True)
class Rule:
    """A blocking rule that is planned: it asks for agreement on all `parts`, and makes about so many `pairs`."""

    parts: tuple[str, ...]
    pairs: float


@dataclass(frozen=True)
class Plan:
    """The rules in their order, the pairs that they are expected to make, and the share of matches found."""

    rules: tuple[Rule, ...]
    budget: float
    expected_recall: float

    @property
    def pairs(self) -> float:
        return sum(rule.pairs for rule in self.rules)


@dataclass(frozen=True)
class _Part:
    name: str
    field: int
    filled: float
    agree: float


def budget_of(records: int) -> float:
    return float(max(LEAST_BUDGET, PAIRS_PER_RECORD * records))


def rules_for(
    table: Prepared, fields: Sequence[str], *, budget: float, equal: Floats | None = None,
    given: Sequence[tuple[str, ...]] = (), most: int = _MOST_RULES,
) -> Plan:  # fmt: skip
    """The rules for a table with these fields.

    `equal`, shape (fields,): the share of matches in which a field is equal, where it is known. `given` rules are taken
    first. `budget` counts pairs.
    """
    parts = _parts(table, fields)
    known = np.full(len(fields), EQUAL) if equal is None else equal
    agreeing = _simulated(parts, known)
    found = _candidates(parts, agreeing, len(table), budget)
    return _chosen(found, len(table), budget, given, most)


def _parts(table: Prepared, fields: Sequence[str]) -> list[_Part]:
    random = np.random.default_rng(0)
    some = random.choice(len(table), _SAMPLED, replace=False) if len(table) > _SAMPLED else np.arange(len(table))
    found = []
    for name, hashes in table.parts.items():
        sample = hashes[some]
        present = sample[sample != 0]
        if len(present) < max(_LEAST_FILLED * len(sample), 2):
            continue
        counts = np.unique(present, return_counts=True)[1].astype(float)
        agree = (counts * (counts - 1)).sum() / (len(sample) * (len(sample) - 1.0))
        place = fields.index(name.rpartition(".")[0])
        # One agreement more than was seen: a part of which no two records agree in the sample is not without cost.
        least = 1.0 / len(sample) ** 2
        found.append(_Part(name, place, len(present) / len(sample), max(float(agree), least)))
    return found


def _simulated(parts: Sequence[_Part], equal: Floats) -> Flags:
    """Whether each simulated match agrees on each part, shape (parts, matches)."""
    random = np.random.default_rng(0)
    quality = random.normal(size=_SIMULATED)
    own = random.normal(size=(len(equal), _SIMULATED))
    trouble = _TOGETHER * quality + np.sqrt(1 - _TOGETHER**2) * own
    right = trouble < ndtri(np.clip(equal, 0.02, 0.995))[:, None]
    present = random.random((len(equal), _SIMULATED))
    agreeing = np.zeros((len(parts), _SIMULATED), dtype=bool)
    for at, part in enumerate(parts):
        whole = part.name.rpartition(".")[2] in _WHOLE
        survives = (random.random(_SIMULATED) < (0 if whole else _PART_SURVIVES)) & (quality < _HOPELESS)
        agreeing[at] = (right[part.field] | survives) & (present[part.field] < part.filled**1.5)
    return agreeing


@dataclass(frozen=True)
class _Candidates:
    parts: list[tuple[str, ...]]
    pairs: Floats
    finds: Flags


def _candidates(parts: Sequence[_Part], agreeing: Flags, records: int, budget: float) -> _Candidates:
    """Combinations of up to three parts of different fields that fit a quarter of the budget."""
    possible = records * (records - 1) / 2
    chosen: list[tuple[int, ...]] = []
    costs = []
    for size in (1, 2, 3):
        for several in combinations(range(len(parts)), size):
            if len({parts[at].field for at in several}) < size:
                continue
            cost = possible * float(np.prod([parts[at].agree for at in several]))
            if cost <= budget / 4:
                chosen.append(several)
                costs.append(cost)
    finds = np.array([agreeing[list(several)].all(axis=0) for several in chosen], dtype=bool)
    return _Candidates(
        [tuple(parts[at].name for at in several) for several in chosen],
        np.array(costs),
        finds.reshape(len(chosen), agreeing.shape[1]),
    )


def _chosen(candidates: _Candidates, records: int, budget: float, given: Sequence[tuple[str, ...]], most: int) -> Plan:
    place = {parts: at for at, parts in enumerate(candidates.parts)}
    taken = [place[parts] for parts in given if parts in place]
    found = candidates.finds[taken].any(axis=0) if taken else np.zeros(candidates.finds.shape[1], dtype=bool)
    used = float(candidates.pairs[taken].sum())
    # The matches that each candidate still adds; kept up to date by taking away what a chosen rule finds.
    gain = (candidates.finds & ~found).sum(axis=1)
    while len(taken) < most and len(candidates.parts):
        worth = np.where((gain >= _LEAST_GAIN) & (used + candidates.pairs <= budget), gain, 0)
        at = int((worth / (candidates.pairs + _COST_OF_RULE * records)).argmax())
        if worth[at] == 0:
            break
        new = candidates.finds[at] & ~found
        gain = gain - candidates.finds[:, new].sum(axis=1)
        found |= new
        used += float(candidates.pairs[at])
        taken.append(at)
    rules = tuple(Rule(candidates.parts[at], float(candidates.pairs[at])) for at in taken)
    return Plan(rules, budget, float(found.mean()))
