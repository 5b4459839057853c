"""People of one name whose mailboxes are made of it: two customers, unless something else says that they are one."""

import json
from random import Random
from typing import Any

import pytest

from dedup import Deduped, Model, Thresholds, explain
from tests.unit.test_dedup_strangers import found, people

COLUMNS = ("first_name", "last_name", "email", "phone")


def _known(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: row[name] for name in COLUMNS} for row in rows]


def moved(random: Random, row: dict[str, Any]) -> dict[str, Any]:
    """The same person with another provider, or with another telephone and a slip in the name."""
    if random.random() < 0.5:
        return {**row, "email": row["email"].partition("@")[0] + "@web.de"}
    return {**row, "phone": f"0{random.randrange(10**9, 10**10 - 1)}", "last_name": row["last_name"][:-1]}


@pytest.fixture(scope="module")
def few_twice() -> tuple[list[dict[str, Any]], Deduped]:
    rows = people(6_000, seed=2)
    random = Random(5)
    again = [moved(random, row) for row in rows[:200]]
    return rows + again, found(_known(rows + again))


def test_namesakes_with_mailboxes_of_their_name_are_not_one_where_few_are_double(few_twice) -> None:
    rows, result = few_twice
    labels = result.clusters.tolist()
    # Twenty pairs or so share name and whole address by chance: nothing tells them from one customer.
    assert len(set(labels[:6_000])) >= 5_960
    assert sum(labels[6_000 + at] == labels[at] for at in range(200)) >= 190
    assert len(rows) == len(labels)


def test_a_file_without_duplicates_keeps_its_namesakes() -> None:
    rows = people(6_000, seed=3)
    assert len(set(found(_known(rows)).clusters.tolist())) >= 5_970


def test_what_was_learned_of_namesakes_is_in_the_model_and_in_the_evidence(few_twice) -> None:
    rows, result = few_twice
    text = json.dumps(result.model.to_dict())
    model = Model.from_dict(json.loads(text))
    assert model == result.model
    chances = {(one["given"], one["family"]): one["u"] for one in model.to_dict()["namesakes"][0]["chances"]}
    # Of the mailboxes of namesakes that are not equal, a third is alike.
    assert sum(chances["same first name", "same last name"][1:3]) > 0.1
    pair = result.pairs.slice(0, 1).to_pylist()[0]
    told = explain(rows[pair["a"]], rows[pair["b"]], model, Thresholds())
    assert told["total"] == pytest.approx(pair["weight"], abs=1e-9)
    assert told["prior"] + sum(field["weight"] for field in told["fields"]) == pytest.approx(told["total"])
    anna = {"first_name": rows[0]["first_name"], "last_name": rows[0]["last_name"], "phone": None}
    other = {"first_name": rows[1]["first_name"], "last_name": rows[1]["last_name"], "phone": None}
    similar = [{"email": "anna.meier@web.de"}, {"email": "anna.meier1@gmx.de"}]
    weights = [
        next(field["weight"] for field in told["fields"] if field["field"] == "email")
        for told in (
            explain({**anna, **similar[0]}, {**who, **similar[1]}, model, Thresholds()) for who in (anna, other)
        )
    ]
    assert weights[0] < weights[1] - 5, "a similar mailbox says less about people of one name"
