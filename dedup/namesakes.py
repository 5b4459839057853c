"""How alike the mailboxes of unrelated people are whose names are alike: most mailboxes are made of the name.

Among records drawn at random similar mailboxes are as rare as namesakes, so that they would pass for evidence of their
own. Namesakes are too few to be counted, and where there are duplicates, those pass for them. So people are given each
other's names: what a mailbox has of its owner's name is written over with another name, and two mailboxes that were
written over with names as alike as those of a pair are held against each other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from dedup.columns import MISSING, Floats, Index, Prepared
from dedup.compare.fields import SIMILAR_MAILBOX
from dedup.dependence import Outcomes
from dedup.kinds import Kind
from dedup.spec import MatchSpec

# Mailboxes that are written over, and pairs of them for each outcome of the names: more where only one of the names is
# alike, since few mailboxes are made of one name alone, and there are many people who share one.
MOST_OWNERS, EACH, EACH_OF_ONE = 3_000, 600, 8_000
_FEWEST_OWNERS = 30
# Outcomes of names: equal, and the exchange of given and family name, of which a mailbox tells nothing.
_EQUAL, _CROSSED = 1, {Kind.GIVEN_NAME: 3, Kind.FAMILY_NAME: 2}
# Levels of a mailbox: those of equal names never share an address, which a provider gives once.
_SAME, _SIMILAR, _DIFFERENT = 2, 3, 4
# What stands for the names of the owner in a mailbox, and for their first letters.
_GIVEN, _FAMILY, _G, _F = "\1", "\2", "\3", "\4"
_SHORTEST = 3

Texts = NDArray[np.object_]
# Rows of two records each, by the outcome that their names show.
Alike = Mapping[int, tuple[Index, Index]]


@dataclass(frozen=True)
class Namesakes:
    """By outcomes of the comparisons `given` and `family`: the u of each level of the comparison `email`."""

    given: int
    family: int
    email: int
    chances: Mapping[tuple[int, int], tuple[float, ...]]

    def bits(self, u: Sequence[Floats]) -> Floats:
        """What to add to a weight that takes the `u` of the comparisons; shape (given, family, email levels + 1).

        Names that are alike never make a mailbox that is alike likelier to be the same person's.
        """
        alone = u[self.email]
        added = np.zeros((len(u[self.given]) + 1, len(u[self.family]) + 1, len(alone) + 1))
        for outcome, chances in self.chances.items():
            together = np.maximum(np.array(chances), alone)
            together[-1] = max(1.0 - together[:-1].sum(), 1e-9)
            added[outcome][1:] = np.log2(alone / together)
        return added

    def to_dict(self, spec: MatchSpec) -> dict[str, Any]:
        given, family, email = (spec.comparisons[at] for at in (self.given, self.family, self.email))
        chances = [
            {"given": given.levels[one - 1].label, "family": family.levels[other - 1].label, "u": list(u)}
            for (one, other), u in self.chances.items()
        ]
        return {"given": given.name, "family": family.name, "email": email.name, "chances": chances}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], spec: MatchSpec) -> "Namesakes":
        """Raises ValueError for a comparison or a level that the specification does not have."""
        names = list(spec.by_name)
        given, family, email = (names.index(data[name]) for name in ("given", "family", "email"))
        labels = [[level.label for level in spec.comparisons[at].levels] for at in (given, family)]
        chances = {
            (labels[0].index(one["given"]) + 1, labels[1].index(one["family"]) + 1): tuple(one["u"])
            for one in data["chances"]
        }
        return cls(given, family, email, chances)


def namesakes_of(
    table: Prepared, spec: MatchSpec, left: Index, right: Index, levels: Outcomes
) -> tuple[Namesakes, ...]:
    """For each mailbox of a table that has names; `levels`, shape (pairs, comparisons), are those of pairs of records.

    Deterministic, at a cost that does not depend on the size of the table.
    """
    given, family = (next((one.name for one in spec.fields if one.kind is kind), None) for kind in _CROSSED)
    if given is None or family is None:
        return ()
    places = spec.by_name[given], spec.by_name[family]
    likes = [_alike(levels[:, at], crossed, left, right) for at, crossed in zip(places, _CROSSED.values(), strict=True)]
    last = len(spec.comparisons[places[0]].levels), len(spec.comparisons[places[1]].levels)
    outcomes = [one for one in product((_EQUAL, *likes[0]), (_EQUAL, *likes[1])) if one != last]
    sizes = {one: EACH_OF_ONE if one[0] == last[0] or one[1] == last[1] else EACH for one in outcomes}
    mailboxes = [field.name for field in spec.fields if field.kind is Kind.EMAIL]
    owners = [(email, _Owners.of(table, (given, family, email))) for email in mailboxes]
    return tuple(
        Namesakes(*places, spec.by_name[email], each.chances(table, likes, sizes))
        for email, each in owners
        if len(each.rows) >= _FEWEST_OWNERS
    )


def _alike(outcomes: Index, crossed: int, left: Index, right: Index) -> Alike:
    """Some pairs by outcome, for those that are neither missing nor equal nor crossed."""
    found = {}
    for outcome in np.unique(outcomes).tolist():
        if outcome > _EQUAL and outcome != crossed:
            rows = np.nonzero(outcomes == outcome)[0]
            # Evenly: where all pairs of a small table are looked at, neighbours share their first record.
            some = np.random.default_rng(0).permutation(
                rows[np.linspace(0, len(rows) - 1, EACH_OF_ONE).astype(np.int64)]
            )
            found[outcome] = left[some], right[some]
    return found


@dataclass(frozen=True)
class _Owners:
    """Records with both names and a mailbox: the `fields` of these, and the mailboxes with the names left open."""

    fields: tuple[str, str, str]
    rows: Index
    patterns: pl.Series
    domains: Texts

    @classmethod
    def of(cls, table: Prepared, fields: tuple[str, str, str]) -> "_Owners":
        known = np.all([table.first(f"{field}.text") != MISSING for field in fields], axis=0)
        rows = np.nonzero(known)[0]
        if len(rows) > MOST_OWNERS:
            rows = np.sort(np.random.default_rng(0).choice(rows, MOST_OWNERS, replace=False))
        given, family, address = (_texts(table, field, rows) for field in fields)
        parts = [one.partition("@") for one in address]
        patterns = [_opened(local, *names) for (local, _, _), *names in zip(parts, given, family, strict=True)]
        return cls(
            fields, rows, pl.Series(patterns, dtype=pl.String), np.array([domain for _, _, domain in parts], object)
        )

    def chances(
        self, table: Prepared, likes: Sequence[Alike], sizes: Mapping[tuple[int, int], int]
    ) -> dict[tuple[int, int], tuple[float, ...]]:
        """The share of each level among the mailboxes of so many pairs of people, by the outcome that their names show.

        Both mailboxes are written over with names of the outcome.
        """
        random, several = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), list(sizes.values()))
        one = random.integers(0, len(self.rows), len(several))
        other = (one + random.integers(1, len(self.rows), len(several))) % len(self.rows)
        equal = self.rows[random.integers(0, len(self.rows), len(several))]
        named = [_rows(like, [outcome[at] for outcome in sizes], several, equal) for at, like in enumerate(likes)]
        a, b = (
            _written(
                self.patterns.gather(who),
                *(_texts(table, field, rows[side]) for field, rows in zip(self.fields[:2], named, strict=True)),
            )
            for side, who in enumerate((one, other))
        )
        # A provider gives an address once: whoever finds it taken has another.
        free = (a != b) | (self.domains[one] != self.domains[other])
        likeness = process.cpdist(a, b, scorer=OSA.normalized_similarity, dtype=np.float32)
        levels = np.select([likeness == 1, likeness >= SIMILAR_MAILBOX], [_SAME, _SIMILAR], _DIFFERENT)
        counts = np.zeros((len(sizes), _DIFFERENT))
        np.add.at(counts, (several[free], levels[free] - 1), 1.0)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
        return {outcome: tuple(map(float, share)) for outcome, share in zip(sizes, shares, strict=True)}


def _rows(like: Alike, outcomes: Sequence[int], several: Index, equal: Index) -> tuple[Index, Index]:
    """Two records each whose names show the outcome at the place that `several` says; where equal, one record twice."""
    left, right = equal.copy(), equal.copy()
    for at, outcome in enumerate(outcomes):
        if outcome != _EQUAL:
            here = several == at
            left[here], right[here] = (side[: np.count_nonzero(here)] for side in like[outcome])
    return left, right


def _texts(table: Prepared, field: str, rows: Index) -> pl.Series:
    column = table.columns[f"{field}.text"]
    return column.words.gather(column.first[rows])


def _opened(local: str, given: str, family: str) -> str:
    """A mailbox with the names of its owner left open, where they are whole, and a first letter beside one that is."""
    given, family = given.replace(" ", ""), family.replace(" ", "")
    pattern = local
    for name, mark in sorted(((given, _GIVEN), (family, _FAMILY)), key=lambda one: -len(one[0])):
        if len(name) >= _SHORTEST:
            pattern = pattern.replace(name, mark, 1)
    if _FAMILY in pattern and _GIVEN not in pattern:
        return _shortened(pattern, given[0], _FAMILY, _G)
    if _GIVEN in pattern and _FAMILY not in pattern:
        return _shortened(pattern, family[0], _GIVEN, _F)
    return pattern


def _shortened(pattern: str, letter: str, beside: str, mark: str) -> str:
    """The pattern with the letter left open where it stands right before or after the whole name `beside`."""
    begun = re.sub(f"^{letter}([._-]?{beside})", rf"{mark}\1", pattern)
    return re.sub(rf"({beside}[._-]?){letter}(?=[^a-z]|$)", rf"\1{mark}", begun)


def _written(patterns: pl.Series, given: pl.Series, family: pl.Series) -> Texts:
    """Patterns with names written into them, shape (patterns,)."""
    frame = pl.DataFrame({"pattern": patterns, "given": given, "family": family})
    names = [pl.col(name).str.replace_all(" ", "", literal=True) for name in ("given", "family")]
    marks = zip((_GIVEN, _FAMILY, _G, _F), (*names, *(name.str.slice(0, 1) for name in names)), strict=True)
    written = reduce(lambda text, one: text.str.replace(one[0], one[1], literal=True), marks, pl.col("pattern"))
    texts: Texts = frame.select(written).to_series().to_numpy()
    return texts
