"""Search before create: who is found, with what evidence, and that nothing is written."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.errors import NotFoundError, OneRecordError
from hub.identity.explain import explain_pair
from hub.identity.matching import match_parties
from hub.identity.resolve import resolve
from hub.identity.search import candidates
from hub.model.kinds import PartyKind
from hub.progress import silent
from hub.settings import MatchSettings
from tests.support import add_parties, customers

PEOPLE = (("Ada", "Lovelace"), ("Grace", "Hopper"), ("Mary", "Somerville"), ("Emmy", "Noether"), ("Sofia", "Kovalevskaya"),
          ("Lise", "Meitner"), ("Rosalind", "Franklin"), ("Irene", "Curie"))  # fmt: skip
COMPANIES = ("Analytical Engines Ltd", "Difference Works GmbH", "Loom & Sons", "Punchcard Optics")


def person(number: int) -> dict[str, Any]:
    given, family = PEOPLE[number]
    return {
        "name": f"{given} {family}", "given_name": given, "family_name": family, "city": "Leeds",
        "email": f"{given}.{family}@example{number}.org".lower(), "phone": f"+44 20 7946 0{number}{number}{number}",
    }  # fmt: skip


@pytest.fixture
def known(db: Engine) -> Engine:
    """Two records of each person and of each company, matched and resolved."""
    with db.begin() as connection:
        for source, stream in (("crm", "Contact"), ("desk", "users")):
            add_parties(connection, *({"ref": f"{source}:{stream}:{n}", **person(n)} for n in range(len(PEOPLE))))
            add_parties(connection, *(
                {"ref": f"{source}:Firm:{n}", "kind": "organization", "name": name, "website": f"www.firm{n}.example.com",
                 "phone": f"+44 20 7946 1{n}{n}{n}"} for n, name in enumerate(COMPANIES)
            ))  # fmt: skip
    for kind in PartyKind:
        match_parties(db, kind, MatchSettings(), progress=silent)
    resolve(db, run_id="test", progress=silent)
    return db


def search(engine: Engine, kind: PartyKind = PartyKind.PERSON, **record: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return candidates(connection, record, kind, MatchSettings())


def test_both_records_of_a_person_are_found_with_their_customer(known: Engine) -> None:
    found = search(known, **person(1))
    assert [one["ref"] for one in found] == ["crm:Contact:1", "desk:users:1"]
    assert {one["golden_id"] for one in found} == {customers(known)["crm:Contact:1"]}
    assert {one["band"] for one in found} == {"same"}


def test_the_best_comes_first_and_what_is_apart_is_left_out(known: Engine) -> None:
    with known.begin() as connection:
        add_parties(connection, {"ref": "crm:Contact:99", "name": "Grace Hopper", "given_name": "Grace",
                                 "family_name": "Hopper", "city": "Leeds"})  # fmt: skip
    match_parties(known, PartyKind.PERSON, MatchSettings(), progress=silent)
    found = search(known, **person(1))
    assert [one["ref"] for one in found] == ["crm:Contact:1", "desk:users:1", "crm:Contact:99"]
    assert [one["probability"] for one in found] == sorted((one["probability"] for one in found), reverse=True)
    with known.connect() as connection:
        assert len(candidates(connection, person(1), PartyKind.PERSON, MatchSettings(), limit=1)) == 1
    assert search(known, name="Hedy Lamarr", email="hedy@example.net") == []


def test_a_candidate_is_told_as_the_pair_would_be_once_it_is_there(known: Engine) -> None:
    record = {**person(2), "phone": None, "email": "mary@elsewhere.example.net", "given_name": "M."}
    before = {one["ref"]: one["explanation"] for one in search(known, **record)}
    assert before
    with known.begin() as connection:
        add_parties(connection, {"ref": "shop:customer:1", **record})
    match_parties(known, PartyKind.PERSON, MatchSettings(), progress=silent)
    with known.connect() as connection:
        stored = connection.execute(
            text(
                """SELECT p.ref, weight FROM identity.pair JOIN canonical.party p ON p.party_id = party_a
                   JOIN canonical.party new ON new.party_id = party_b WHERE new.ref = 'shop:customer:1'"""
            )
        ).all()
        assert {row.ref: row.weight for row in stored} == {ref: told["total"] for ref, told in before.items()}
        for ref, told in before.items():
            later = explain_pair(connection, "shop:customer:1", ref, MatchSettings())
            assert {name: later[name] for name in told} == told


def test_companies_are_searched_among_companies(known: Engine) -> None:
    found = search(known, PartyKind.ORGANIZATION, name="Analytical Engines", website="https://firm0.example.com/about")
    assert [one["ref"] for one in found] == ["crm:Firm:0", "desk:Firm:0"]
    assert search(known, PartyKind.PERSON, name="Analytical Engines", website="https://firm0.example.com") == []


def test_searching_writes_nothing(known: Engine) -> None:
    with known.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        assert candidates(connection, person(3), PartyKind.PERSON, MatchSettings())


def test_a_text_may_stand_for_a_date_and_for_a_list_of_addresses(known: Engine) -> None:
    assert search(known, name="E. Noether", other_emails="emmy.noether@example3.org")
    found = search(
        known, name="E. Noether", birth_date="1882-03-23", other_emails=["x@y.example", "emmy.noether@example3.org"]
    )
    assert {one["ref"] for one in found} == {"crm:Contact:3", "desk:users:3"}


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"nickname": "Ada"}, "no field 'nickname' to search by; known are name, given_name"),
        ({"birth_date": "yesterday"}, "birth_date cannot be read"),
        ({"name": 7}, "name cannot be read"),
        ({"other_emails": 7}, "other_emails cannot be read"),
    ],
)
def test_what_cannot_be_searched_for_is_named(known: Engine, record: dict[str, Any], said: str) -> None:
    with pytest.raises(OneRecordError, match=said):
        search(known, **record)


def test_before_the_first_run_there_is_nothing_to_search(db: Engine) -> None:
    with pytest.raises(NotFoundError, match="run the pipeline once"):
        search(db, name="Ada Lovelace")
