"""Matching through the database: what is stored, what a change costs, and what a setting changes."""

import pytest
from sqlalchemy import Engine, text

from hub.identity.explain import explain_pair
from hub.identity.matching import MatchReport, match_parties
from hub.model.kinds import PartyKind
from hub.progress import silent
from hub.settings import MatchSettings
from tests.support import add_parties

NAMES = [
    ("Ada", "Lovelace"),
    ("Grace", "Hopper"),
    ("Mary", "Somerville"),
    ("Emmy", "Noether"),
    ("Sofia", "Kovalevskaya"),
]


@pytest.fixture
def two_departments(db: Engine) -> Engine:
    """Five persons, each known to sales and to support under one address of their own."""
    people = [
        {"ref": f"{source}:{stream}:{n}", "department": department, "name": f"{given} {family}", "given_name": given,
         "family_name": family, "email": f"{given}.{family}@example.org".lower(), "phone": f"+44 20 7946 0{n}{n}{n}"}
        for n, (given, family) in enumerate(NAMES)
        for source, stream, department in (("crm", "Contact", "sales"), ("desk", "users", "support"))
    ]  # fmt: skip
    with db.begin() as connection:
        add_parties(connection, *people)
    return db


def match(engine: Engine, **settings: float) -> MatchReport:
    return match_parties(engine, PartyKind.PERSON, MatchSettings(**settings), progress=silent)


def pairs(engine: Engine) -> set[tuple[str, str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """SELECT a.ref, b.ref, band FROM identity.pair p
                   JOIN canonical.party a ON a.party_id = p.party_a JOIN canonical.party b ON b.party_id = p.party_b"""
            )
        )
        return {(min(a, b), max(a, b), band) for a, b, band in rows}


def test_the_same_person_in_two_departments_is_found_and_nobody_else(two_departments):
    report = match(two_departments)
    assert pairs(two_departments) == {(f"crm:Contact:{n}", f"desk:users:{n}", "same") for n in range(len(NAMES))}
    assert (report.same, report.review) == (len(NAMES), 0)
    assert report.retrained


def test_matching_again_costs_nothing_and_one_change_costs_one_party(two_departments):
    first = match(two_departments)
    again = match(two_departments)
    assert (again.changed, again.compared, again.written, again.removed) == (0, 0, 0, 0)
    assert again.model_version == first.model_version
    with two_departments.begin() as connection:
        other = {"ref": "desk:users:0", "department": "support", "name": "Ada King", "given_name": "Ada",
                 "family_name": "King", "email": "ada.lovelace@example.org", "phone": "+44 20 7946 0000"}  # fmt: skip
        add_parties(connection, other)
    delta = match(two_departments)
    assert delta.changed == 1
    assert 0 < delta.compared < first.compared
    assert not delta.retrained


def test_other_thresholds_take_effect_on_pairs_that_were_matched_before(two_departments):
    match(two_departments)
    before = pairs(two_departments)
    with two_departments.connect() as connection:
        highest = connection.execute(text("SELECT max(probability) FROM identity.pair")).scalar_one()
    stricter = match(two_departments, same=(highest + 1) / 2 if highest < 1 else 0.999_999_999)
    assert stricter.same < len(NAMES)
    assert {pair[:2] for pair in pairs(two_departments)} == {pair[:2] for pair in before}
    match(two_departments)
    assert pairs(two_departments) == before


def test_a_new_name_of_the_employer_is_evidence_for_its_people(db):
    with db.begin() as connection:
        add_parties(
            connection,
            {"ref": "crm:Account:1", "kind": "organization", "name": "Analytical Engines"},
            {"ref": "crm:Contact:1", "name": "Ada Lovelace", "employer_ref": "crm:Account:1"},
        )
    match(db)
    with db.begin() as connection:
        add_parties(connection, {"ref": "crm:Account:1", "kind": "organization", "name": "Difference Engines"})
    assert match(db).changed == 1


def test_the_explanation_adds_up_to_what_was_stored(two_departments):
    match(two_departments)
    with two_departments.connect() as connection:
        explained = explain_pair(connection, "desk:users:1", "crm:Contact:1", MatchSettings())
        stored = connection.execute(
            text(
                """SELECT weight, probability, model_version FROM identity.pair p
                   JOIN canonical.party a ON a.party_id = p.party_a WHERE a.ref = 'crm:Contact:1'"""
            )
        ).one()
    total = explained["prior"] + sum(field["weight"] for field in explained["fields"])
    assert total == pytest.approx(stored.weight) == pytest.approx(explained["total"])
    assert explained["probability"] == pytest.approx(stored.probability)
    assert (explained["model_version"], explained["band"]) == (stored.model_version, "same")
