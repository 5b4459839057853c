"""Laws of the engine on any table: shortcuts change nothing, and increments equal a run over everything."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, Jaro

from dedup import Index, Kind, Model, Thresholds, dedupe, keys, match
from dedup.blocking import derive, pairs_of
from dedup.dedupe import clustered
from dedup.early import weighed
from dedup.hashing import of_texts
from dedup.letters import letters_of, shared
from dedup.matching import score
from dedup.standardise import series
from dedup.standardise.text import fold
from dedup.update import State, update
from tests.unit.test_dedup_world import persons

KINDS = {
    "given_name": Kind.GIVEN_NAME, "family_name": Kind.FAMILY_NAME, "email": Kind.EMAIL, "phone": Kind.PHONE,
    "street": Kind.STREET, "city": Kind.CITY, "birth_date": Kind.DATE, "employer_name": Kind.ORGANIZATION,
}  # fmt: skip
LIMITS = Thresholds(same=0.99, review=0.05)
WORDS = st.text(alphabet="abcdeéß 1", max_size=9)


def values(*several: str) -> st.SearchStrategy[str | None]:
    return st.one_of(st.none(), st.sampled_from(several), st.text(max_size=8))


# Few values, so that records meet in blocks; and any text, so that nothing breaks.
RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "given_name": values("Anna", "Ana", "Novak", "Bill", "William", "W."),
            "family_name": values("Novak", "Nowak", "Anna", "Smith"),
            "email": values("anna@novak.org", "anna+x@novak.org", "ana@novak.org", "anna@gmx.de", "bill@gmail.com"),
            "phone": values("+49 30 1234567", "030 1234567", "+49 30 1234576", "+1 415 555 0101 x12", "000-000"),
            "street": values("Lindenstr. 5", "Lindenstrasse 5", "5 High St", "High Street 5"),
            "city": values("Bonn", "Leeds", "Bon"),
            "birth_date": values("1980-05-03", "1980-03-05", "03.05.1980", "1951-07-09"),
            "employer_name": values("Acme Pumps", "Acme Pumps GmbH", "Pumps Acme", "Novak Ltd"),
        }
    ),
    min_size=1,
    max_size=14,
)  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in KINDS}
    ids = pa.array([row.get("party_id", at) for at, row in enumerate(rows)], pa.int64())
    return pa.table({"party_id": ids, **columns})


@cache
def model() -> Model:
    rows = [{name: value and str(value) for name, value in row.items()} for row in persons(size=700)[0]]
    return dedupe(table(rows), KINDS).model


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=12), min_size=1, max_size=8))
def test_folding_a_column_is_folding_its_values(texts: list[str]) -> None:
    assert series.fold(pl.Series(texts, dtype=pl.String)).to_list() == [fold(text) or None for text in texts]


@settings(max_examples=50, deadline=None)
@given(texts=st.lists(st.text(max_size=40), min_size=1, max_size=12))
def test_hashes_tell_texts_apart_and_do_not_depend_on_their_company(texts: list[str]) -> None:
    hashes = of_texts(pl.Series(texts, dtype=pl.String)).tolist()
    assert (np.array(hashes) == 0).tolist() == [not text for text in texts]
    assert len(set(hashes)) == len(set(texts))
    assert [of_texts(pl.Series([text], dtype=pl.String))[0] for text in texts] == hashes


@settings(max_examples=150, deadline=None)
@given(a=WORDS, b=WORDS)
def test_letters_never_rule_out_what_is_alike(a: str, b: str) -> None:
    possible = shared(letters_of(pl.Series([a, b], dtype=pl.String)), np.array([0], np.int32), np.array([1], np.int32))
    assert possible.edits()[0] <= OSA.distance(a, b)
    if a and b:
        assert possible.jaro()[0] >= Jaro.similarity(a, b) - 1e-6
        assert possible.ratio()[0] * 100 >= fuzz.ratio(a, b) - 1e-4


@settings(max_examples=12, deadline=None)
@given(rows=RECORDS, floor=st.floats(-30, 30))
def test_early_exit_loses_no_pair_and_changes_no_score(rows: list[dict[str, Any]], floor: float) -> None:
    prepared = model().terms.apply(model().spec.standardise(table(rows)))
    pairs = pairs_of(derive(prepared, model().spec))
    everything = score(prepared, pairs.left, pairs.right, model())
    kept, bits, _ = weighed(prepared, pairs, model(), floor)
    expected = {
        pair: bit
        for pair, bit in zip(
            zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), everything.tolist(), strict=True
        )
        if bit >= floor + 1e-6
    }
    told = dict(zip(zip(kept.left.tolist(), kept.right.tolist(), strict=True), bits.tolist(), strict=True))
    assert expected.keys() <= told.keys()
    for pair, bit in expected.items():
        assert abs(told[pair] - bit) < 1e-9


@settings(max_examples=12, deadline=None)
@given(rows=RECORDS)
def test_candidates_are_the_records_that_share_a_key(rows: list[dict[str, Any]]) -> None:
    held = keys(table(rows), model()).to_pylist()
    expected = {
        (one["row"], other["row"])
        for one in held
        for other in held
        if one["row"] < other["row"] and (one["rule"], one["key"]) == (other["rule"], other["key"])
    }
    pairs = pairs_of(derive(model().spec.standardise(table(rows)), model().spec))
    found = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


@settings(max_examples=6, deadline=None)
@given(rows=RECORDS, order=st.randoms(use_true_random=False))
def test_the_order_of_records_changes_no_score(rows: list[dict[str, Any]], order) -> None:
    numbered = [{**row, "party_id": at * 3} for at, row in enumerate(rows)]
    shuffled = list(numbered)
    order.shuffle(shuffled)
    assert match(table(shuffled), model(), thresholds=LIMITS).pairs.equals(
        match(table(numbered), model(), thresholds=LIMITS).pairs
    )


@settings(max_examples=8, deadline=None)
@given(rows=RECORDS, changed=RECORDS, data=st.data())
def test_a_change_gives_the_pairs_and_clusters_of_a_run_over_everything(
    rows: list[dict[str, Any]], changed: list[dict[str, Any]], data
) -> None:
    ids = data.draw(st.lists(st.integers(0, 20), min_size=len(changed), max_size=len(changed), unique=True))
    changed = [{**row, "party_id": party_id} for row, party_id in zip(changed, ids, strict=True)]
    now = {at: {**row, "party_id": at} for at, row in enumerate(rows)} | {row["party_id"]: row for row in changed}
    everything = table([now[party_id] for party_id in sorted(now)])
    full = match(everything, model(), thresholds=LIMITS).pairs
    before = table(rows)
    index = Index.build(before, model())
    known = match(before, model(), thresholds=LIMITS).pairs
    labels = clustered(model().terms.apply(index.records), model(), known, 0.7)
    after = update(State(known, np.arange(len(rows)), labels), index, table(changed), threshold=0.7, thresholds=LIMITS)
    order = [("a", "ascending"), ("b", "ascending")]
    assert after.pairs.sort_by(order).equals(full)
    touched = {row["party_id"] for row in changed}
    expected = [pair for pair in full.to_pylist() if pair["a"] in touched or pair["b"] in touched]
    assert index.match(table(changed), thresholds=LIMITS).pairs.to_pylist() == expected
    prepared = model().terms.apply(model().spec.standardise(everything))
    assert after.labels.tolist() == clustered(prepared, model(), full, 0.7).tolist()


@settings(max_examples=5, deadline=None)
@given(rows=RECORDS)
def test_search_before_create_finds_what_matching_would(rows: list[dict[str, Any]]) -> None:
    *known, asked = [{**row, "party_id": at} for at, row in enumerate(rows)]
    if not known:
        return
    full = match(table([*known, asked]), model()).pairs.to_pylist()
    expected = {pair["a"]: pair["probability"] for pair in full if pair["b"] == asked["party_id"]}
    found = Index.build(table(known), model()).candidates(asked, limit=100)
    assert {one["party_id"] for one in found} == set(expected)
    for one in found:
        told = one["explanation"]
        assert abs(told["probability"] - expected[one["party_id"]]) < 1e-9
        assert abs(told["prior"] + sum(field["weight"] for field in told["fields"]) - told["total"]) < 1e-9
    weights = [one["explanation"]["total"] for one in found]
    assert weights == sorted(weights, reverse=True)


@settings(max_examples=5, deadline=None)
@given(rows=RECORDS)
def test_any_table_can_be_deduplicated(rows: list[dict[str, Any]]) -> None:
    result = dedupe(table(rows).drop_columns(["party_id"]), KINDS)
    assert Model.from_dict(result.model.to_dict()) == result.model
    first = result.clusters
    assert (first <= np.arange(len(rows))).all()
    assert (first[first] == first).all()


@settings(max_examples=12, deadline=None)
@given(RECORDS, st.integers(1, 14), st.permutations(list(KINDS)), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_and_copies_of_a_row_change_no_cluster_and_no_version_of_the_model(
    rows: list[dict[str, Any]], copies: int, names: list[str], random
) -> None:
    several = rows + rows[:1] * copies
    order = random.sample(range(len(several)), len(several))
    straight = dedupe(table(several), KINDS)
    turned = dedupe(table(several).select(names).take(pa.array(order)), {name: KINDS[name] for name in names})
    assert turned.model.version == straight.model.version
    assert _groups(turned.clusters, order) == _groups(straight.clusters, range(len(several)))
    assert len(set(straight.clusters[len(rows) :].tolist())) in {1, copies}


def test_the_order_of_a_table_in_which_pairs_are_drawn_at_random_does_not_change_the_version_of_its_model() -> None:
    given = table([{name: value and str(value) for name, value in row.items()} for row in persons(size=700)[0]])
    straight = dedupe(given, KINDS)
    order = range(len(given) - 1, -1, -1)
    turned = dedupe(given.take(pa.array(order)), dict(reversed(KINDS.items())))
    assert turned.model.version == straight.model.version
    assert _groups(turned.clusters, order) == _groups(straight.clusters, range(len(given)))


def _groups(labels: Any, rows: Sequence[int]) -> set[frozenset[int]]:
    """The clusters as sets of the numbers that `rows` gives to the places."""
    together: dict[int, set[int]] = {}
    for row, label in zip(rows, labels.tolist(), strict=True):
        together.setdefault(label, set()).add(row)
    return {frozenset(one) for one in together.values()}
