"""Tables that nobody meant to give: a clear error or a correct result, and soon."""

import time

import pyarrow as pa
import pytest

from dedup import ORGANIZATION, PERSON, MatchSpec, explain, match, train
from dedup.spec import Thresholds
from tests.unit.test_dedup_world import table

SPECS = pytest.mark.parametrize("spec", [PERSON, ORGANIZATION], ids=lambda spec: spec.name)


@SPECS
@pytest.mark.parametrize("rows", [0, 1, 2])
def test_next_to_nothing(spec: MatchSpec, rows: int) -> None:
    given = table([{}] * rows)
    model = train(given, spec)
    result = match(given, model)
    assert result.pairs.num_rows == 0
    assert result.report.records == rows
    assert 0 < model.prior < 1


@SPECS
def test_two_equal_rows_are_found_without_anything_to_learn_from(spec: MatchSpec) -> None:
    row = {
        "name": "Zebulon Quatermain",
        "email": "zq@quatermain.org",
        "phone": "+44 113 496 0000",
        "website": "quatermain.org",
    }
    given = table([row, row])
    assert match(given, train(given, spec)).pairs.column("band").to_pylist() == ["same"]


@SPECS
def test_all_nulls(spec: MatchSpec) -> None:
    given = table([{}] * 500)
    assert match(given, train(given, spec)).report.candidates == 0


@SPECS
def test_one_value_a_hundred_thousand_times_is_reported_and_not_quadratic(spec: MatchSpec) -> None:
    given = table([{"name": "Acme Pumps", "email": "office.acme@pumps.org"}] * 100_000)
    started = time.monotonic()
    result = match(given, train(given, spec))
    assert time.monotonic() - started < 60
    assert result.report.candidates == 0
    assert {block.size for block in result.report.dropped_blocks} == {100_000}
    assert all(block.records == 100_000 for block in result.report.dropped_blocks)
    assert "acme" not in repr(result.report.dropped_blocks).lower()


@SPECS
def test_strange_text(spec: MatchSpec) -> None:
    strange = [
        "😀 😀",
        "محمد الأحمد",
        "שרה כהן",
        "王小明",
        "\u202eAnna\u202c",
        "x" * 1_000_000,
        "'; DROP TABLE--",
        "\t\n",
        "a\ud7ffb",
        "Z̸̧a̶l̷g̴o̶",
    ]
    rows = [
        {"name": text, "email": text, "phone": text, "street": text, "country": text, "website": text}
        for text in strange * 2
    ]
    given = table(rows)
    model = train(given, spec)
    found = match(given, model, thresholds=Thresholds(review=0.0)).pairs
    assert {(row["a"], row["b"]) for row in found.to_pylist()} >= {(2, 12), (3, 13), (4, 14)}
    for row in rows:
        assert explain(row, rows[0], model, Thresholds())["probability"] <= 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"name": ["a"]}, "party_id"),
        ({"party_id": [1, 1], "name": ["a", "b"]}, "unique"),
        ({"party_id": [1, None], "name": ["a", "b"]}, "unique"),
        ({"party_id": [1], "name": [["a"]]}, "name"),
        ({"party_id": [1], "birth_date": ["yesterday"]}, "birth_date"),
        ({"party_id": [1], "other_emails": [5]}, "other_emails"),
    ],
)
def test_a_table_that_breaks_the_contract_is_refused_by_name(columns, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(pa.table(columns), PERSON)


def test_values_of_other_types_are_read_as_text() -> None:
    given = pa.table(
        {
            "party_id": [1, 2],
            "name": ["Anna Novak"] * 2,
            "phone": [49228123456, 49228123456],
            "postcode": [53111, 53111],
        }
    )
    assert match(given, train(given, PERSON)).pairs.num_rows == 1
