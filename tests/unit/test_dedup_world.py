"""A small, hand-made world of persons and organizations with known duplicates, to train and match on."""

import datetime as dt
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import dedup

GIVEN = (
    "Anna",
    "Bill",
    "Carla",
    "David",
    "Elena",
    "Frank",
    "Grace",
    "Heidi",
    "Ivan",
    "Julia",
    "Karl",
    "Laura",
    "Maria",
    "Nils",
    "Olga",
    "Peter",
)
FAMILY = (
    "Smith",
    "Jones",
    "Garcia",
    "Novak",
    "Rossi",
    "Schmidt",
    "Berg",
    "Dupont",
    "Larsen",
    "Kowalski",
    "Brown",
    "Silva",
    "Moretti",
    "Weber",
    "Costa",
)
TOWNS = ("Bonn", "Lyon", "Leeds", "Turin", "Porto")
TEXTS = ("name", "given_name", "family_name", "email", "phone", "street", "city", "postcode", "country", "website",
         "tax_id", "employer_name")  # fmt: skip


def table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as the input of matching; party_id counts from 1 where it is not given."""
    ids = pa.array([row.get("party_id", at) for at, row in enumerate(rows, start=1)], pa.int64())
    texts = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in TEXTS}
    births = pa.array([row.get("birth_date") for row in rows], pa.date32())
    others = pa.array([row.get("other_emails") for row in rows], pa.list_(pa.string()))
    return pa.table({"party_id": ids, **texts, "birth_date": births, "other_emails": others})


def persons(seed: int = 1, size: int = 150) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows of `size` persons, two of each, the second a little different; and the person of each row."""
    random = Random(seed)
    rows, truth = [], []
    for number in range(size):
        given, family = random.choice(GIVEN), random.choice(FAMILY) + random.choice(("", "son", "mann", "ova"))
        one = {
            "given_name": given, "family_name": family, "name": f"{given} {family}",
            "email": f"{given}.{family}{number}@mail{number % 40}.example.org".lower(),
            "phone": f"+49 30 {random.randrange(10**6, 10**7)}", "street": f"Lindenstr. {random.randrange(1, 90)}",
            "city": random.choice(TOWNS), "birth_date": dt.date(1950, 1, 1) + dt.timedelta(days=random.randrange(18_000)),
        }  # fmt: skip
        other = dict(one)
        other[random.choice(("email", "phone", "street", "birth_date"))] = None
        rows += [one, other]
        truth += [number, number]
    return rows, truth


def organizations(seed: int = 1, size: int = 120) -> tuple[list[dict[str, Any]], list[int]]:
    """Rows of `size` organizations, two of each; and the organization of each row."""
    random = Random(seed)
    rows, truth = [], []
    for number in range(size):
        name = f"{random.choice(FAMILY)}{random.choice(('tec', 'flow', 'lux', 'net'))} {random.choice(GIVEN)}works"
        domain = f"{name.replace(' ', '').lower()}{number}.com"
        one = {
            "name": f"{name} GmbH", "website": f"https://www.{domain}", "phone": f"+49 221 {random.randrange(10**6, 10**7)}",
            "street": f"Hauptstr. {random.randrange(1, 90)}", "city": random.choice(TOWNS),
        }  # fmt: skip
        other = dict(one, name=name)
        other[random.choice(("website", "phone", "street"))] = None
        rows += [one, other]
        truth += [number, number]
    return rows, truth


def test_the_engine_finds_who_is_who() -> None:
    for rows, truth, spec in ((*persons(), dedup.PERSON), (*organizations(), dedup.ORGANIZATION)):
        given = table(rows)
        ids = given.column("party_id").to_numpy()
        model = dedup.train(given, spec)
        pairs = dedup.match(given, model).pairs
        same = pairs.filter(pc.equal(pairs.column("band"), "same"))
        edges = tuple(same.column(name).to_numpy() for name in ("a", "b", "probability"))
        labels = dedup.cluster(ids, edges, conflicts=dedup.contradictions(given, model))
        found = dedup.evaluate(pairs, dict(zip(ids.tolist(), labels.tolist(), strict=True)), (ids, truth))
        assert found["same_precision"] >= 0.99, spec.name
        assert found["same_or_review_recall"] >= 0.95, spec.name
        assert found["cluster_f1"] >= 0.95, spec.name
