"""What someone expects who gives a file of people or companies to the engine, with columns of their own."""

import json
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dedup import Deduped, Kind, Model, dedupe, evaluate, explain, guess
from dedup.spec import Thresholds
from tests.unit.test_dedup_world import organizations, persons

ANNA = {"name": "Anna Novak", "email": "anna@novak.org", "phone": "+49 30 1234567"}
BOB = {"name": "Bob Smith", "email": "bob@smith.com", "phone": "+1 415 555 0101"}


def found(rows: list[dict[str, Any]], **kinds: Kind) -> Deduped:
    table = pa.Table.from_pylist(rows)
    return dedupe(table, {name: each.kind for name, each in guess(table, given=kinds).items()})


def f1(rows: list[dict[str, Any]], truth: list[Any], **kinds: Kind) -> float:
    result = found(rows, **kinds)
    labels = dict(enumerate(result.clusters.tolist()))
    return float(evaluate(result.pairs, labels, (np.arange(len(rows)), [str(one) for one in truth]))["cluster_f1"])


def mistyped(random: Random, text: str) -> str:
    """The text with one letter changed, dropped, doubled or exchanged with its neighbour."""
    at = random.randrange(max(len(text) - 1, 1))
    return random.choice(
        (text[:at] + random.choice("aeinrst") + text[at + 1 :], text[:at] + text[at + 1 :], text[:at] + text[at] + text[at:],
         text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :])
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "clusters"),
    [
        ([ANNA, ANNA], [0, 0]),
        ([ANNA, BOB], [0, 1]),
        ([BOB, ANNA, {**ANNA, "name": "Novak, Anna"}], [0, 1, 1]),
        ([ANNA, {**ANNA, "name": "Ana Novak", "phone": "030/1234567"}, BOB], [0, 0, 2]),
        ([{"name": "Anna Novak"}, {"name": "Anna Novak"}, {"name": "Carl Berg"}], [0, 0, 2]),
    ],
    ids=["twice the same", "two people", "turned name", "mistyped", "names only"],
)
def test_a_file_of_a_few_rows_is_answered_by_common_sense(rows: list[dict[str, Any]], clusters: list[int]) -> None:
    assert found(rows).clusters.tolist() == clusters


def test_people_with_birth_dates_and_addresses() -> None:
    rows, truth = persons()
    assert f1(rows, truth) >= 0.97


def test_companies_only() -> None:
    rows, truth = organizations()
    assert f1(rows, truth) >= 0.97


def test_people_of_other_languages_under_german_headers() -> None:
    random = Random(5)
    given = ["José", "Łukasz", "Jürgen", "Zoë", "Ольга", "Γιώργος", "François", "Åsa", "Nguyễn", "Iñigo"]
    family = [
        "Núñez",
        "Wiśniewski",
        "Müller",
        "Østergård",
        "Иванова",
        "Παπαδόπουλος",
        "Lefèvre",
        "Öztürk",
        "Trần",
        "Etxeberria",
    ]
    rows, truth = [], []
    for number in range(150):
        one = {
            "Vorname": random.choice(given), "Nachname": random.choice(family),
            "Geburtsdatum": f"{random.randrange(1, 29):02}.{random.randrange(1, 13):02}.{random.randrange(1940, 2005)}",
            "Ort": random.choice(("Köln", "Graz", "Zürich", "Wien")), "Straße": f"Hauptstr. {random.randrange(1, 200)}",
        }  # fmt: skip
        field = random.choice(list(one))
        rows += [one, {**one, field: mistyped(random, one[field])}]
        truth += [number, number]
    assert f1(rows, truth) >= 0.95


def test_two_sources_that_hold_each_customer_once_are_linked_one_to_one() -> None:
    rows, truth = persons(seed=3, size=200)
    rows = [{**row, "source": "ab"[at % 2]} for at, row in enumerate(rows)]
    result = found(rows)
    labels = result.clusters
    assert f1(rows, truth) >= 0.97
    for source in (0, 1):
        assert len(np.unique(labels[source::2])) == 200


def test_columns_of_no_use_do_no_harm() -> None:
    random = Random(9)
    rows, truth = persons(seed=4)
    noise = [{f"extra_{at}": random.choice("abcdef") for at in range(18)} for _ in rows]
    assert f1([{**row, **more} for row, more in zip(rows, noise, strict=True)], truth) >= 0.9


def test_shops_in_one_building_stay_apart() -> None:
    rows, _ = organizations()
    shared = {"street": "Domplatz 1", "city": "Bonn", "phone": "+49 228 5550000"}
    rows += [{"name": "Weber Optics", **shared}, {"name": "Silva Logistics", **shared}]
    labels = found(rows).clusters
    assert labels[-1] != labels[-2]


def test_a_model_applied_again_gives_the_same_and_names_nobody() -> None:
    rows, _ = persons()
    result = found(rows)
    text = json.dumps(result.model.to_dict())
    again = Model.from_dict(json.loads(text))
    assert again == result.model
    assert "novak" not in text.lower()
    first = result.pairs.slice(0, 1).to_pylist()[0]
    told = explain(rows[first["a"]], rows[first["b"]], again, Thresholds())
    assert told["total"] == pytest.approx(first["weight"], abs=1e-9)
    assert told["prior"] + sum(field["weight"] for field in told["fields"]) == pytest.approx(told["total"])


def test_the_same_file_gives_the_same_answer() -> None:
    rows, _ = persons()
    one, other = found(rows), found(rows)
    assert one.model.version == other.model.version
    assert one.pairs.equals(other.pairs)
    assert (one.clusters == other.clusters).all()


def test_the_order_of_the_rows_changes_nothing_where_pairs_are_drawn_at_random() -> None:
    rows, _ = persons(size=400)
    order = Random(3).sample(range(len(rows)), len(rows))
    straight, turned = found(rows).clusters, found([rows[at] for at in order]).clusters
    first = {label: order[at] for at, label in reversed(list(enumerate(turned.tolist())))}
    again = {order[at]: first[label] for at, label in enumerate(turned.tolist())}
    pairs = [{at: straight[at] for at in again}, again]
    groups = [
        {frozenset(at for at, label in labels.items() if label == each) for each in set(labels.values())}
        for labels in pairs
    ]
    assert groups[0] == groups[1]


@pytest.mark.parametrize("copies", [150, 400])
def test_rows_that_are_equal_in_everything_are_one_whatever_their_number(copies: int) -> None:
    rows, _ = persons(size=600)
    whole = next(row for row in rows if all(row.values()))
    result = found(rows + [whole] * copies)
    assert len(set(result.clusters[len(rows) :].tolist())) == 1
    assert result.report.records == len(rows) + copies


def test_equal_rows_of_next_to_nothing_may_be_namesakes() -> None:
    rows, _ = persons(size=300)
    given = [{"first_name": row["given_name"]} for row in rows]
    assert len(set(found(given).clusters.tolist())) == len(given)


def test_one_value_for_all_costs_no_pairs() -> None:
    result = dedupe(pa.table({"name": ["Acme Pumps"] * 300_000}), {"name": Kind.ORGANIZATION})
    assert not result.clusters.any()
    assert result.report.candidates < 100


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_next_to_nothing(rows: int) -> None:
    table = pa.table({"name": pa.array([None] * rows, pa.string()), "email": pa.array([None] * rows, pa.string())})
    result = dedupe(table, {"name": Kind.FULL_NAME, "email": Kind.EMAIL})
    assert result.clusters.tolist() == list(range(rows))


def test_strange_text_is_compared_or_taken_for_nothing() -> None:
    strange = [
        "😀 😀",
        "محمد الأحمد",
        "שרה כהן",
        "王小明",
        "\u202eAnna\u202c",
        "x" * 10_000_000,
        "'; DROP TABLE--",
        "\t\n",
        "a\0b",
    ]
    table = pa.table(dict.fromkeys(("name", "city", "phone", "day", "url"), strange * 2))
    kinds = {"name": Kind.FULL_NAME, "city": Kind.CITY, "phone": Kind.PHONE, "day": Kind.DATE, "url": Kind.URL}
    labels = dedupe(table, kinds).clusters.tolist()
    readable = [1, 2, 3, 4, 5, 6, 8]
    assert [labels[len(strange) + at] for at in readable] == readable


def test_numbers_and_booleans_are_compared_as_text() -> None:
    table = pa.table(
        {"id_no": [10045, 10045, 20077, 30012], "paid": [True, True, False, None], "sum": [1.5, 1.5, None, 2.25]}
    )
    assert dedupe(table, {"id_no": Kind.IDENTIFIER, "paid": Kind.CATEGORY, "sum": Kind.NUMBER}).clusters.tolist() == [
        0,
        0,
        2,
        3,
    ]


def test_lists_are_refused_by_the_name_of_their_column() -> None:
    with pytest.raises(ValueError, match="'tags' holds lists"):
        dedupe(pa.table({"tags": [["a"], ["b"]]}), {"tags": Kind.TEXT})


def test_a_threshold_that_is_no_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="thresholds"):
        dedupe(pa.Table.from_pylist([ANNA, BOB]), {"name": Kind.FULL_NAME}, threshold=1.5)


def test_progress_tells_the_stages_in_their_order() -> None:
    stages: list[str] = []
    table = pa.Table.from_pylist(persons()[0])
    kinds = {name: each.kind for name, each in guess(table).items()}
    dedupe(table, kinds, progress=lambda stage, *_: stages.append(stage))
    assert list(dict.fromkeys(stages)) == ["standardise", "train", "score", "cluster"]
