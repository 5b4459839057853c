"""Find the duplicates of any table: plan, train, match and cluster in one call."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa

from dedup.blocking import Blocks, Keys, Pairs, pairs_of, sorted_keys, usable
from dedup.bridges import Evidence, joined, nameless
from dedup.clusters import places_of
from dedup.columns import Flags, Index, Prepared
from dedup.copies import Copies, by_content
from dedup.derive import MOST_FIELDS, derive
from dedup.kinds import Kind
from dedup.matching import Report, score, scored
from dedup.model import Model
from dedup.plan import ALL_PAIRS, Plan, budget_of, rules_for
from dedup.spec import MatchSpec, Thresholds
from dedup.standardise.fields import Field, of_kinds, standardise
from dedup.terms import Terms
from dedup.train import Seen, draw, fit, learned_terms
from dedup.weigh import probability

# From this probability on, two records are put together: likelier than not, with something to spare.
THRESHOLD = 0.7
SAME, REVIEW = 0.99, 0.05
_TELLS_LITTLE = frozenset((Kind.CATEGORY, Kind.NUMBER, Kind.TEXT, Kind.REGION, Kind.COUNTRY))
_PILOT_RULES, _PILOT_SHARE, _PILOT_PAIRS = 8, 0.25, 50_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Deduped:
    """What was found. `clusters`: per row the position of the first row of its cluster, shape (rows,).

    `pairs` of rows that are equal in everything are listed for ten of them at the most.
    """

    clusters: Index
    pairs: pa.Table
    model: Model
    report: Report


def dedupe(
    table: pa.Table, kinds: Mapping[str, Kind], *, threshold: float = THRESHOLD, progress: Progress | None = None
) -> Deduped:
    """Which rows of `table` are one and the same person or organization, learned from the table itself.

    `kinds`: what each column holds, see `dedup.guess`. `progress` is told stage, done and total. Raises ValueError
    for a threshold outside 0..1 and for a table that cannot be read as its kinds say.
    """
    limits = Thresholds(same=max(SAME, threshold), review=min(REVIEW, threshold))
    tell = progress or (lambda _stage, _done, _total: None)
    tell("standardise", 0, table.num_rows)
    fields, plain, copies = _standardised(table, kinds)
    tell("train", 0, table.num_rows)
    model, prepared, blocks, pairs = learn(plain, fields)
    scoring = partial(tell, "score")
    result = scored(prepared, model, pairs, blocks.dropped, limits, progress=lambda done: scoring(done, len(pairs)))
    tell("cluster", 0, result.pairs.num_rows)
    clusters = clustered(prepared, model, result.pairs, threshold)
    labels = copies.labels(clusters, _alike(prepared, model, copies, threshold))
    tell("cluster", result.pairs.num_rows, result.pairs.num_rows)
    return Deduped(labels, copies.pairs(result.pairs), model, replace(result.report, records=table.num_rows))


def plan(table: pa.Table, kinds: Mapping[str, Kind], *, budget: float | None = None) -> Plan:
    """The blocking rules for a table, with the pairs that they are expected to make, before any is compared.

    A run plans again with what a pilot teaches. `budget` counts pairs. Raises ValueError as `dedupe` does.
    """
    fields, plain, _ = _standardised(table, kinds)
    return rules_for(plain, [one.name for one in fields], budget=budget or budget_of(len(plain)))


def _standardised(table: pa.Table, kinds: Mapping[str, Kind]) -> tuple[tuple[Field, ...], Prepared, Copies]:
    fields = _comparable(table, of_kinds(kinds))
    columns = table.select(list(dict.fromkeys(column for one in fields for column in one.columns)))
    return fields, *by_content(standardise(columns, fields))


def _alike(table: Prepared, model: Model, copies: Copies, threshold: float) -> Flags:
    """Per kept record whether those that are equal to it in everything are one: not so where only a name is known."""
    places = copies.repeated
    alike = np.zeros(len(table), dtype=bool)
    alike[places] = probability(score(table, places, places, model)) >= threshold
    return alike


def clustered(table: Prepared, model: Model, pairs: pa.Table, threshold: float) -> Index:
    """Per record the smallest id of its cluster. `pairs` are as matching gives them, the ids of `table` ascending."""

    def places(ids: Index) -> Index:
        return places_of(table.ids, ids)

    known = Evidence(
        pairs,
        weigh=lambda a, b: score(table, places(a), places(b), model),
        nameless=lambda ids: nameless(table, places(ids), model.spec),
    )
    return joined(table.ids, known, threshold)


def learn(plain: Prepared, fields: tuple[Field, ...]) -> tuple[Model, Prepared, Blocks, Pairs]:
    """A model of a standardised table, with its blocks and candidate pairs.

    A pilot with a few rules learns how reliable each field is; the rules for all are planned with that.
    """
    spec = derive(fields)
    terms, table = learned_terms(plain, spec)
    with ThreadPoolExecutor() as pool:
        drawing = pool.submit(draw, table, spec, terms)
        first, keys = _pilot(table, fields)
        drawn = drawing.result()
    spec, blocks, pairs = _planned(table, first, keys, terms, drawn)
    if len(table) <= ALL_PAIRS:
        blocks, pairs = Blocks(len(table), (), ()), every_pair(len(table), len(spec.blocking))
    return fit(table, spec, terms, pairs, drawn), table, blocks, pairs


def _pilot(table: Prepared, fields: tuple[Field, ...]) -> tuple[MatchSpec, list[Keys]]:
    """A few rules, with their keys, to learn how reliable each field is."""
    budget = budget_of(len(table)) * _PILOT_SHARE
    rules = rules_for(table, [one.name for one in fields], budget=budget, most=_PILOT_RULES).rules
    spec = derive(fields, tuple(rule.parts for rule in rules))
    return spec, sorted_keys(table, spec)


def _planned(
    table: Prepared, pilot: MatchSpec, keys: list[Keys], terms: Terms, drawn: Seen
) -> tuple[MatchSpec, Blocks, Pairs]:
    """The rules for all, with that knowledge."""
    learned = fit(table, pilot, terms, pairs_of(usable(keys, len(table), pilot)), drawn, most=_PILOT_PAIRS)
    names = [one.name for one in pilot.fields]
    equal = np.array([learned.m[name][0] for name in names])
    first = tuple(rule.columns for rule in pilot.blocking)
    planned = rules_for(table, names, budget=budget_of(len(table)), equal=equal, given=first)
    spec = derive(pilot.fields, tuple(rule.parts for rule in planned.rules) or _whole(table, names))
    blocks = usable(sorted_keys(table, spec, keys), len(table), spec)
    return spec, blocks, pairs_of(blocks)


def _whole(table: Prepared, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """Every field for itself, where no combination is worth its pairs: shows which values are shared by too many."""
    return tuple((part,) for name in names for part in (f"{name}.all", f"{name}.local") if part in table.parts)


def every_pair(records: int, rule: int) -> Pairs:
    """All pairs of so many records, as found by the rule of this number."""
    left, right = np.triu_indices(records, k=1)
    return Pairs(left, right, np.full(len(left), rule))


def _comparable(table: pa.Table, fields: tuple[Field, ...]) -> tuple[Field, ...]:
    """At most as many fields as can be compared: names and addresses before groups and measures, then the fullest."""
    if len(fields) <= MOST_FIELDS:
        return fields
    empty = {one: min(table.column(column).null_count for column in one.columns) for one in fields}
    ranked = sorted(fields, key=lambda one: (one.kind in _TELLS_LITTLE, empty[one]))[:MOST_FIELDS]
    return tuple(one for one in fields if one in ranked)
