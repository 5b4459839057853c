"""Laws of matching on arbitrary records: symmetry, order, increments and explanations."""

import datetime as dt
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import ORGANIZATION, PERSON, MatchSpec, Model, Thresholds, explain, match, train
from tests.unit.test_dedup_world import organizations, persons, table

EVERYTHING = Thresholds(same=0.99, review=0.0)
BOTH = pytest.mark.parametrize("spec", [PERSON, ORGANIZATION], ids=lambda spec: spec.name)


def values(*several: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(several), st.text(max_size=12))


# Few values, so that records meet in blocks; and any text, so that nothing breaks.
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "name": values("Anna Novak", "Novak, Anna", "A. Novak", "Ana Novak", "Bill Smith", "William Smith Jr", "Acme Pumps GmbH", "Acme", "AP", "Pumps Acme Group"),
            "given_name": values("Anna", "Ana", "Novak", "Bill", "W."),
            "family_name": values("Novak", "Nowak", "Anna", "Smith-Novak"),
            "email": values("anna@novak.org", "anna+x@novak.org", "info@acme.com", "a.novak@gmail.com", "bluecat77@web.de", "bluecat77@gmx.de"),
            "other_emails": st.one_of(st.none(), st.lists(st.sampled_from(["anna@novak.org", "info@acme.com", "x@y.org"]), max_size=3)),
            "phone": values("+49 30 1234567", "030 1234567", "+49 30 1234576", "000-000"),
            "street": values("Lindenstr. 5", "Lindenstrasse 5", "5 High St"),
            "city": values("Bonn", "Leeds"),
            "postcode": values("53111", "LS1 4AP"),
            "country": values("DE", "Germany", "UK"),
            "website": values("acme.com", "www.acme.de", "novak.org"),
            "tax_id": values("DE123456789", "DE123456798"),
            "employer_name": values("Acme Pumps", "Acme Pumps GmbH", "Novak Ltd"),
            "birth_date": st.one_of(st.none(), st.sampled_from([dt.date(1980, 5, 3), dt.date(1980, 3, 5), dt.date(1951, 7, 9)])),
        }
    ),
    max_size=14,
)  # fmt: skip


@cache
def model_of(spec: MatchSpec) -> Model:
    rows = (persons if spec is PERSON else organizations)()[0]
    return train(table(rows), spec)


def scored(given: pa.Table, model: Model, **options: Any) -> list[dict[str, Any]]:
    return match(given, model, thresholds=EVERYTHING, **options).pairs.to_pylist()


@BOTH
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS, order=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(spec: MatchSpec, rows, order) -> None:
    numbered = [dict(row, party_id=at * 3) for at, row in enumerate(rows)]
    shuffled = list(numbered)
    order.shuffle(shuffled)
    assert scored(table(shuffled), model_of(spec)) == scored(table(numbered), model_of(spec))


@BOTH
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS, data=st.data())
def test_changed_records_get_the_scores_of_a_full_run(spec: MatchSpec, rows, data) -> None:
    changed = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), dtype=bool)
    full = scored(table(rows), model_of(spec))
    expected = [pair for pair in full if changed[pair["a"] - 1] or changed[pair["b"] - 1]]
    assert scored(table(rows), model_of(spec), changed=changed) == expected


@BOTH
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS)
def test_explanations_show_the_numbers_of_matching(spec: MatchSpec, rows) -> None:
    model = model_of(spec)
    for pair in scored(table(rows), model)[:12]:
        for a, b in ((pair["a"], pair["b"]), (pair["b"], pair["a"])):
            told = explain(rows[a - 1], rows[b - 1], model, EVERYTHING)
            assert told["total"] == pytest.approx(pair["weight"], abs=1e-9)
            assert told["probability"] == pytest.approx(pair["probability"], abs=1e-12)
            assert told["band"] == pair["band"]
            assert told["prior"] + sum(field["weight"] for field in told["fields"]) == pytest.approx(told["total"])


@BOTH
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS)
def test_a_pair_is_made_once_by_rules_that_it_fits(spec: MatchSpec, rows) -> None:
    result = match(table(rows), model_of(spec), thresholds=EVERYTHING)
    pairs = list(zip(result.pairs.column("a").to_pylist(), result.pairs.column("b").to_pylist(), strict=True))
    assert len(set(pairs)) == len(pairs) == result.report.candidates
    assert all(a < b for a, b in pairs)


@BOTH
@settings(max_examples=20, deadline=None)
@given(rows=RECORDS)
def test_anything_can_be_trained_on(spec: MatchSpec, rows) -> None:
    model = train(table(rows), spec)
    assert Model.from_dict(model.to_dict()) == model
    assert all(0 <= pair["probability"] <= 1 for pair in scored(table(rows), model))
