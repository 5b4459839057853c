"""What is done another way for a few records gives what it gives for many."""

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dedup
from dedup import blocking, columns, hashing
from dedup.compare import values
from dedup.explain import explained_pairs
from dedup.matching import evidence
from dedup.weigh import compare, pattern_weights
from tests.unit.test_dedup_world import organizations, persons, table

TEXTS = st.lists(
    st.one_of(st.none(), st.text(max_size=40), st.sampled_from(["a", "a\0", "12345678", "123456789"])), max_size=30
)


@settings(deadline=None)
@given(texts=TEXTS)
def test_a_few_texts_have_the_hashes_that_they_have_among_many(texts: list[str | None]) -> None:
    others = [str(number) for number in range(hashing._FEW + 1)]
    among_many = hashing.of_texts(pl.Series([*texts, *others], dtype=pl.String))[: len(texts)]
    assert hashing.of_texts(pl.Series(texts, dtype=pl.String)).tolist() == among_many.tolist()


def test_long_texts_have_the_hashes_that_they_have_alone() -> None:
    long, short = "x" * 10_000, ["y", "z" * 255]
    together = hashing.of_texts(pl.Series([*short, long]))
    assert together.tolist() == [hashing.of_texts(pl.Series([text]))[0] for text in (*short, long)]
    assert len(set(together.tolist())) == 3


@settings(deadline=None)
@given(rows=st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["1", "2", ""])), max_size=12))
def test_a_few_rows_are_told_apart_as_many_are(rows: list[tuple[str | None, str]]) -> None:
    filled = [*rows, *[("a", "1")] * columns._FEW]
    for several in (rows, filled):
        first, second = ([row[at] for row in several] for at in (0, 1))
        given = pa.table({"x": pa.array(first, pa.string()), "y": pa.array(second, pa.string())})
        distinct, inverse = columns.distinct_rows(given, ("x", "y"))
        assert len(set(distinct)) == len(distinct)
        assert [distinct[at] for at in inverse] == several


def test_pairs_explained_together_are_explained_as_each_alone() -> None:
    rows = persons(size=20)[0]
    model = dedup.train(table(rows), dedup.PERSON)
    prepared = model.terms.apply(dedup.PERSON.standardise(table(rows)))
    given, limits = prepared.raw.to_pylist(), dedup.Thresholds()
    left, right = np.array([0, 2, 0, 7]), np.array([1, 5, 9, 6])
    known = evidence(prepared, left, right, model)
    records = [(given[a], given[b]) for a, b in zip(left, right, strict=True)]
    together = explained_pairs(prepared, known, records, model, limits)
    alone = [dedup.explain(rows[a], rows[b], model, limits) for a, b in zip(left, right, strict=True)]
    for one, other in zip(together, alone, strict=True):
        assert one["total"] == pytest.approx(other["total"])
        assert [field["label"] for field in one["fields"]] == [field["label"] for field in other["fields"]]
        assert [(field["a"], field["b"]) for field in one["fields"]] == [
            (field["a"], field["b"]) for field in other["fields"]
        ]


def test_the_keys_of_all_rules_at_once_are_those_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the number of records that are taken together: the index holds what a search asks for."""
    spec = dedup.PERSON
    prepared = spec.standardise(table(persons(size=30)[0]))
    each = {
        (key, row, place)
        for place, rule in enumerate(spec.blocking)
        for row, keys in enumerate(blocking.hashes_of(prepared, rule, place).tolist())
        for key in keys
        if key
    }
    for together in (1, 7, 1_000):
        monkeypatch.setattr(blocking, "_TOGETHER", together)
        assert set(zip(*(found.tolist() for found in blocking.keys_of(prepared, spec)), strict=True)) == each


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(*[st.lists(st.integers(-1, 3), min_size=width, max_size=width) for width in (2, 3)]), max_size=12
    )
)
def test_a_few_records_share_the_values_that_they_share_among_many(rows: list[tuple[list[int], list[int]]]) -> None:
    expected = [bool(set(left) & set(right) - {columns.MISSING}) for left, right in rows]
    left, right = (
        np.array([row[side] for row in rows], dtype=np.int32).reshape(len(rows), width)
        for side, width in ((0, 2), (1, 3))
    )
    assert columns.overlap(left, right).tolist() == expected
    times = columns._FEW_PAIRS + 1
    assert columns.overlap(np.tile(left, (times, 1)), np.tile(right, (times, 1))).tolist() == expected * times


def test_a_few_pairs_are_compared_as_many_are(monkeypatch: pytest.MonkeyPatch) -> None:
    for spec, rows in ((dedup.PERSON, persons(size=30)[0]), (dedup.ORGANIZATION, organizations(size=30)[0])):
        model = dedup.train(table(rows), spec)
        prepared = model.terms.apply(spec.standardise(table(rows)))
        left, right = (side[:150] for side in np.triu_indices(len(rows), k=1))
        few = compare(prepared, left, right, spec)
        with monkeypatch.context() as patched:
            patched.setattr(values, "_FEW", 0)
            patched.setattr(columns, "_FEW_PAIRS", 0)
            assert np.array_equal(compare(prepared, left, right, spec), few)
        assert len(np.unique(few)) > 10


def test_weights_that_were_kept_are_those_of_the_model() -> None:
    rows = persons(size=20)[0]
    model = dedup.train(table(rows), dedup.PERSON)
    prepared = model.terms.apply(dedup.PERSON.standardise(table(rows)))
    found = evidence(prepared, *np.triu_indices(len(rows), k=1), model)
    patterns = np.unique(found.patterns)[:12]
    fresh = pattern_weights(patterns, model.spec, model.learned)
    for asked in (np.arange(3), np.arange(len(patterns)), np.arange(0)):
        kept = model.weights(patterns[asked])
        assert np.array_equal(kept.fields, fresh.fields[asked])
        assert np.array_equal(kept.ceiling, fresh.ceiling[asked])
