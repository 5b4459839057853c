"""Why two records are taken for one customer, or are not: field by field, in the numbers that matching uses."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from rapidfuzz.distance import JaroWinkler

from dedup.columns import MISSING, Prepared
from dedup.matching import band
from dedup.model import Model
from dedup.spec import Comparison, Thresholds
from dedup.standardise.table import GIVEN_COLUMNS
from dedup.weigh import compare, frequency_bits, pattern_weights, probability, shared_frequency, unpack

_PAIR = (np.array([0]), np.array([1]))


def explain(a: Mapping[str, Any], b: Mapping[str, Any], model: Model, thresholds: Thresholds) -> dict[str, Any]:
    """The evidence about two records (values by column name; party_id is not needed) as JSON-able data.

    The weights of `fields` and `prior` add up to `total`, all in bits. A contradiction that keeps a pair from being
    merged unseen is a field of its own. Raises ValueError if a value breaks the input contract.
    """
    columns = [column for one in model.fields for column in one.columns] or GIVEN_COLUMNS
    prepared = model.terms.apply(model.spec.standardise(_two_rows(a, b, columns)))
    return explained(prepared, model, thresholds)


def explained(prepared: Prepared, model: Model, thresholds: Thresholds) -> dict[str, Any]:
    """The evidence about the two records of `prepared`, as `explain` gives it."""
    spec = model.spec
    patterns = compare(prepared, *_PAIR, spec)
    weights = pattern_weights(patterns, spec, model.learned)
    bits = (weights.fields + frequency_bits(prepared, *_PAIR, patterns, spec=spec, terms=model.terms))[0]
    levels = unpack(patterns, spec)[0]
    fields = [
        _field(prepared, comparison, int(levels[at]), float(bits[at])) for at, comparison in enumerate(spec.comparisons)
    ]
    total = model.prior_bits + float(bits.sum())
    if total > weights.ceiling[0]:
        fields.append(_contradiction(float(weights.ceiling[0]) - total))
        total = float(weights.ceiling[0])
    chance = float(probability(np.array([total]))[0])
    return {
        "kind": model.kind,
        "model_version": model.version,
        "prior": model.prior_bits,
        "total": total,
        "probability": chance,
        "band": band(chance, thresholds),
        "fields": fields,
    }


def _two_rows(a: Mapping[str, Any], b: Mapping[str, Any], columns: Sequence[str]) -> pa.Table:
    names = [name for name in columns if name in a or name in b]
    try:
        return pa.table({"party_id": [0, 1], **{name: pa.array([a.get(name), b.get(name)]) for name in names}})
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise ValueError("the two records hold values of different types") from error


def _field(table: Prepared, comparison: Comparison, level: int, weight: float) -> dict[str, Any]:
    raw = [_given(table, comparison, row) for row in (0, 1)]
    return {
        "field": comparison.name,
        "label": comparison.levels[level - 1].label if level else _absent(raw),
        "a": raw[0],
        "b": raw[1],
        "level": level,
        "similarity": _similarity(table, comparison) if level else None,
        "term_frequency": _term_frequency(table, comparison) if level in comparison.adjusted else None,
        "weight": weight,
    }


def _given(table: Prepared, comparison: Comparison, row: int) -> str | None:
    """The given values of a comparison in one line."""
    texts = [table.raw.column(name)[row].as_py() for name in comparison.columns]
    return ", ".join(dict.fromkeys(part for text in texts if text for part in text.split("\n"))) or None


def _absent(raw: list[str | None]) -> str:
    return "not known" if not any(raw) else "known on one side only" if not all(raw) else "nothing to compare"


def _similarity(table: Prepared, comparison: Comparison) -> float | None:
    column = table.columns[comparison.shown]
    one, other = (column.vocabulary[code] if code != MISSING else None for code in column.first)
    return round(JaroWinkler.normalized_similarity(one, other), 4) if one and other else None


def _term_frequency(table: Prepared, comparison: Comparison) -> float:
    """The share of records with the compared value; of several columns, of their combination."""
    shares = [shared_frequency(table, name, *_PAIR)[0] for name in comparison.terms]
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
