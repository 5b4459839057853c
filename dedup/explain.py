"""Why two records are taken for one customer, or are not: field by field, in the numbers that matching uses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import JaroWinkler

from dedup.columns import MISSING, Index, Prepared
from dedup.matching import band, evidence
from dedup.model import Model
from dedup.spec import Comparison, Thresholds
from dedup.standardise.table import GIVEN_COLUMNS
from dedup.weigh import Evidence, probability, shared_frequency, unpack

Given = Mapping[str, Any]


def explain(a: Given, b: Given, model: Model, thresholds: Thresholds) -> dict[str, Any]:
    """The evidence about two records (values by column name; party_id is not needed) as JSON-able data.

    The weights of `fields` and `prior` add up to `total`, all in bits. A contradiction that keeps a pair from being
    merged unseen is a field of its own. Raises ValueError if a value breaks the input contract.
    """
    columns = [column for one in model.fields for column in one.columns] or GIVEN_COLUMNS
    prepared = model.terms.apply(model.spec.standardise(_two_rows(a, b, columns)))
    return explained(prepared, model, thresholds)


def explained(prepared: Prepared, model: Model, thresholds: Thresholds) -> dict[str, Any]:
    """The evidence about the two records of `prepared`, as `explain` gives it."""
    first, second = prepared.raw.to_pylist()
    known = evidence(prepared, np.array([0]), np.array([1]), model)
    return explained_pairs(prepared, known, [(first, second)], model, thresholds)[0]


def explained_pairs(
    prepared: Prepared,
    known: Evidence,
    given: Sequence[tuple[Given, Given]],
    model: Model,
    thresholds: Thresholds,
) -> list[dict[str, Any]]:
    """What `dedup.matching.evidence` knows of pairs of `prepared`, each as `explain` gives it.

    `given` are, per pair, the two records as they were given.
    """
    spec, version = model.spec, model.version
    levels, bits = unpack(known.patterns, spec), known.bits
    told = []
    for at, records in enumerate(given):
        pair = _Pair(prepared, known.left[at : at + 1], known.right[at : at + 1], records)
        shown = zip(spec.comparisons, levels[at].tolist(), bits[at].tolist(), strict=True)
        fields = [_field(pair, comparison, level, weight) for comparison, level, weight in shown]
        total = model.prior_bits + float(bits[at].sum())
        summed = _bounded(total, fields, float(known.ceiling[at]), thresholds)
        told.append({"kind": model.kind, "model_version": version, "prior": model.prior_bits, **summed})
    return told


@dataclass(frozen=True)
class _Pair:
    """Two records of a table by their positions, shape (1,), and what was given of them."""

    table: Prepared
    a: Index
    b: Index
    given: tuple[Given, Given]


def _bounded(total: float, fields: list[dict[str, Any]], ceiling: float, thresholds: Thresholds) -> dict[str, Any]:
    """The total, with what it means; a contradiction that bounds it becomes a field of its own."""
    if total > ceiling:
        fields = [*fields, _contradiction(ceiling - total)]
        total = ceiling
    chance = float(probability(np.array([total]))[0])
    return {"total": total, "probability": chance, "band": band(chance, thresholds), "fields": fields}


def _two_rows(a: Given, b: Given, columns: Sequence[str]) -> pa.Table:
    names = [name for name in columns if name in a or name in b]
    try:
        return pa.table({"party_id": [0, 1], **{name: pa.array([a.get(name), b.get(name)]) for name in names}})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError("the two records hold values of different types") from error


def _field(pair: _Pair, comparison: Comparison, level: int, weight: float) -> dict[str, Any]:
    given = [_given(record, comparison) for record in pair.given]
    return {
        "field": comparison.name,
        "label": comparison.levels[level - 1].label if level else _absent(given),
        "a": given[0],
        "b": given[1],
        "level": level,
        "similarity": _similarity(pair, comparison) if level else None,
        "term_frequency": _term_frequency(pair, comparison) if level in comparison.adjusted else None,
        "weight": weight,
    }


def _given(record: Given, comparison: Comparison) -> str | None:
    """The given values of a comparison in one line."""
    texts = [record[name] for name in comparison.columns]
    parts = [part for text in texts if text for part in str(text).split("\n")]
    return ", ".join(dict.fromkeys(parts)) or None


def _absent(given: list[str | None]) -> str:
    return "not known" if not any(given) else "known on one side only" if not all(given) else "nothing to compare"


def _similarity(pair: _Pair, comparison: Comparison) -> float | None:
    column = pair.table.columns[comparison.shown]
    codes = [int(column.first[row][0]) for row in (pair.a, pair.b)]
    one, other = (column.words[code] if code != MISSING else None for code in codes)
    return round(JaroWinkler.normalized_similarity(one, other), 4) if one and other else None


def _term_frequency(pair: _Pair, comparison: Comparison) -> float:
    """The share of records with the compared value; of several columns, of their combination."""
    shares = [shared_frequency(pair.table, name, pair.a, pair.b)[0] for name in comparison.terms]
    return float(np.nanprod(shares))


def _contradiction(weight: float) -> dict[str, Any]:
    return {
        "field": "contradiction",
        "label": "contradicting evidence: not merged without a person's word",
        "a": None,
        "b": None,
        "level": 0,
        "similarity": None,
        "term_frequency": None,
        "weight": weight,
    }
