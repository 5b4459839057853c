"""What the engine must not put together: people who share a name, a home or nothing in a file with hardly a duplicate."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dedup import Deduped, Index, Thresholds, dedupe, guess, match
from dedup.dedupe import REVIEW, SAME, THRESHOLD, clustered
from dedup.update import State, update

LIMITS = Thresholds(same=SAME, review=REVIEW)


def word(random: Random) -> str:
    """A name that can be spoken."""
    several = random.choice((2, 2, 3))
    return "".join(random.choice("bdfghklmnprstvw") + random.choice("aeiou") for _ in range(several)).title() + "n"


def people(rows: int, seed: int) -> list[dict[str, Any]]:
    """So many people, each with a mailbox made of the name, as most have."""
    random = Random(seed)
    first, last, town = (sorted({word(random) for _ in range(size)}) for size in (400, 900, 3_000))
    found = []
    for _ in range(rows):
        # Some names are much commoner than others.
        given, family = (names[int(len(names) * random.random() ** 2)] for names in (first, last))
        number = str(random.randrange(100)) if random.random() < 0.6 else ""
        found.append(
            {
                "first_name": given, "last_name": family,
                "birth_date": f"{random.randrange(1935, 2005)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}",
                "street": f"{random.choice(town)} Street {random.randrange(1, 150)}",
                "zip": f"{random.randrange(10_000, 99_999)}", "city": random.choice(town),
                "phone": f"0{random.randrange(10**9, 10**10 - 1)}",
                "email": f"{given}.{family}{number}@{random.choice(('gmail.com', 'yahoo.com', 'outlook.com'))}".lower(),
            }
        )  # fmt: skip
    return found


def found(rows: list[dict[str, Any]]) -> Deduped:
    table = pa.Table.from_pylist(rows)
    return dedupe(table, {name: each.kind for name, each in guess(table).items()})


def clusters(rows: list[dict[str, Any]]) -> list[int]:
    labels: list[int] = found(rows).clusters.tolist()
    return labels


@pytest.mark.parametrize("twice", [0, 25])
def test_namesakes_are_not_taken_for_the_duplicates_of_a_file_that_has_few(twice: int) -> None:
    rows = people(5_000, seed=1)
    again = [{**row, "birth_date": None, "street": row["street"].upper()} for row in rows[:twice]]
    labels = clusters(rows + again)
    assert labels[5_000:] == list(range(twice))
    assert len(np.unique(labels[:5_000])) >= 4_995


def homes(size: int) -> tuple[list[dict[str, Any]], list[int]]:
    """People, each with another of the same family at the same address and telephone; and every fifth a second time."""
    rows = people(2 * size, seed=4)
    for one, other in zip(rows[:size], rows[size:], strict=True):
        other.update({name: one[name] for name in ("last_name", "street", "zip", "city", "phone")})
    again = [{**row, "street": row["street"].upper(), "email": None} for row in rows[: 2 * size : 5]]
    return rows + again, [*range(2 * size), *range(0, 2 * size, 5)]


def test_people_of_one_home_stay_apart() -> None:
    rows, truth = homes(600)
    labels = clusters(rows)
    together = len(set(zip(labels, truth, strict=True)))
    # Two of a hundred homes hold two first names that are much alike.
    assert together - len(set(labels)) <= 12, "another person of the same home"
    assert together - len(set(truth)) <= 6, "one person twice"


@pytest.mark.parametrize(
    "change",
    [
        lambda row: {"first_name": row["last_name"], "last_name": row["first_name"] + row["first_name"][-1]},
        lambda row: {"first_name": f"{row['first_name'][0]}.", "birth_date": None, "email": None},
        lambda _: {"first_name": "Xyxyx", "birth_date": None},
    ],
    ids=["exchanged with a slip", "initial", "another first name, the same mailbox"],
)
def test_one_person_of_a_home_written_in_two_ways_is_one(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    rows, _ = homes(600)
    row = rows[1]
    assert clusters([*rows, {**row, **change(row)}])[-1] == 1


def test_a_record_without_a_first_name_joins_nobody_of_its_home_neither_at_once_nor_when_it_comes_later() -> None:
    rows, _ = homes(600)
    families = [{**row, "first_name": None, "birth_date": None, "email": None} for row in rows[:200]]
    at_once = np.array(clusters(rows + families))
    assert (at_once[:200] == at_once[600:800]).sum() <= 8
    assert np.isin(at_once[-200:], at_once[: len(rows)]).all(), "it is with somebody of its home"
    before = found(rows)
    everything = pa.Table.from_pylist([{**row, "party_id": at} for at, row in enumerate(rows + families)])
    known = State(before.pairs, np.arange(len(rows)), before.clusters)
    index = Index.build(everything.slice(0, len(rows)), before.model)
    later = update(known, index, everything.slice(len(rows)), threshold=THRESHOLD, thresholds=LIMITS).labels
    assert (later[:200] == later[600:800]).sum() <= 8
    pairs = match(everything, before.model, thresholds=LIMITS).pairs
    prepared = before.model.terms.apply(before.model.spec.standardise(everything))
    assert later.tolist() == clustered(prepared, before.model, pairs, THRESHOLD).tolist()
