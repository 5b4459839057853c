"""The index of matching: increments give what a run over everything gives, whatever happened in between."""

import dataclasses
import datetime as dt
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

import dedup
from hub.identity import forms, index, matching, models, neighbours, parties
from hub.identity.matching import MatchReport, match_parties
from hub.model.kinds import PartyKind
from hub.progress import silent
from hub.settings import MatchSettings
from tests.properties.test_match_forms import told
from tests.support import add_parties

GIVEN = ("Anna", "Ana", "Bill", "William", "Carla", "A.", "Elena")
FAMILY = ("Novak", "Nowak", "Smith", "Smyth", "Garcia", "Berg")
COMPANIES = ("Acme Pumps GmbH", "Acme Pump", "Berg Optics Ltd", "Berg Optic", "Novak & Sons", "Garcia Foods")
MAILS = ("a.novak@mail.example.org", "bill@smith.example.com", "c@garcia.example.net", "info@acme.example.com")
PHONES = ("+49 30 1234567", "+49 30 7654321", "+44 20 7946 0000", "030 1234567")
PARTIES = 60
MOST = 4


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So few may share a key that small worlds cross the limit all the time, and so few are asked for at a time."""
    monkeypatch.setattr(neighbours, "_PIECE", 7)
    monkeypatch.setattr(index, "_PIECE", 5)
    for kind, spec in (("person", dedup.PERSON), ("organization", dedup.ORGANIZATION)):
        small = dataclasses.replace(spec, max_block=MOST)
        monkeypatch.setitem(dedup.model.SPECS, kind, small)
        monkeypatch.setitem(models.SPECS, PartyKind(kind), small)


def some_party(random: Random, number: int, kind: str | None = None) -> dict[str, Any]:
    kind = kind or random.choice(("person", "person", "organization"))
    given, family = random.choice(GIVEN), random.choice(FAMILY)
    person = {
        "name": f"{given} {family}", "given_name": given, "family_name": family,
        "birth_date": random.choice((None, dt.date(1980, 5, 3), dt.date(1980, 3, 5), dt.date(1951, 7, 9))),
    }  # fmt: skip
    return {
        "ref": f"crm:Contact:{number}", "kind": kind,
        **(person if kind == "person" else {"name": random.choice(COMPANIES)}),
        "email": random.choice((None, *MAILS)), "phone": random.choice((None, *PHONES)),
        "street": random.choice((None, "Lindenstr. 5", "5 High St")), "city": random.choice((None, "Bonn", "Leeds")),
        "employer_ref": f"crm:Contact:{random.randrange(PARTIES)}" if random.random() < 0.3 else None,
    }  # fmt: skip


def something_happens(connection: Connection, random: Random, number: int) -> None:
    """Parties arrive, change in everything, are deleted at their source, or become of the other kind."""
    for _ in range(random.randrange(1, 5)):
        changed = some_party(random, random.randrange(PARTIES))
        match random.randrange(6):
            case 0:
                add_parties(connection, some_party(random, PARTIES + number))
            case 1:
                add_parties(connection, {**changed, "deleted_at": dt.datetime.now(dt.UTC)})
            case _:
                add_parties(connection, changed)


def matched(engine: Engine, kind: PartyKind = PartyKind.PERSON) -> MatchReport:
    return match_parties(engine, kind, MatchSettings(), progress=silent)


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(query))]


def stored(connection: Connection, kind: PartyKind) -> list[tuple[Any, ...]]:
    columns = "party_a, party_b, blocking_rule, weight, probability, band, model_version"
    return rows(connection, f"SELECT {columns} FROM identity.pair WHERE kind = '{kind.value}' ORDER BY 1, 2")


def of_a_full_run(connection: Connection, kind: PartyKind) -> list[tuple[Any, ...]]:
    """The pairs that the engine finds in all parties as they are now, under the model in use, without any index."""
    newest = "SELECT parameters FROM identity.match_model WHERE kind = '{}' ORDER BY trained_at DESC LIMIT 1"
    ((parameters,),) = rows(connection, newest.format(kind.value))
    model = dedup.Model.from_dict(parameters)
    return [
        (*row.values(), model.version) for row in dedup.match(parties.load(connection, kind), model).pairs.to_pylist()
    ]


def keys(connection: Connection, kind: PartyKind) -> list[tuple[Any, ...]]:
    return rows(connection, f"SELECT key, party_id FROM identity.blocking_key_{kind.value} ORDER BY 1, 2")


def of_all_parties(connection: Connection, kind: PartyKind) -> list[tuple[Any, ...]]:
    """The keys that the parties of a kind have now."""
    found = index.key_table(kind, models.SPECS[kind].standardise(parties.load(connection, kind)))
    return list(zip(found["key"].to_pylist(), found["party_id"].to_pylist(), strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_increments_store_what_a_run_over_everything_would(db: Engine, seed: int) -> None:
    random, little = Random(seed), 0
    with db.begin() as connection:
        add_parties(connection, *(some_party(random, number) for number in range(PARTIES)))
    for kind in PartyKind:
        matched(db, kind)
    for number in range(10):
        with db.begin() as connection:
            something_happens(connection, random, number)
        kinds = random.sample(list(PartyKind), 2)
        # Who became of the other kind waits until the former has let it go, and so do people for their employers.
        for kind in kinds * 3:
            report = matched(db, kind)
            little += 0 < report.changed < report.parties
        with db.connect() as connection:
            for kind in PartyKind:
                assert stored(connection, kind) == of_a_full_run(connection, kind), (number, kind)
                assert keys(connection, kind) == of_all_parties(connection, kind), (number, kind)
            assert rows(connection, "SELECT * FROM canonical.to_match") == []
    assert little > 15, "most runs were increments"


def anna(number: int, **more: Any) -> dict[str, Any]:
    """One more of the namesakes."""
    return {"ref": f"crm:Contact:{number}", "name": "Anna Novak", "given_name": "Anna", "family_name": "Novak", **more}


@pytest.fixture
def namesakes(db: Engine) -> Engine:
    """As many persons of one name as may share a key, and others, matched."""
    random = Random(5)
    with db.begin() as connection:
        for number in range(MOST):
            add_parties(connection, anna(number))
        others = ({**some_party(random, number, "person"), "given_name": f"Q{number}", "family_name": f"Z{number}"}
                  for number in range(MOST, 40))  # fmt: skip
        add_parties(connection, *({**other, "name": None or other["ref"]} for other in others))
    matched(db)
    return db


def test_one_namesake_too_many_makes_the_name_no_key_and_is_reported(namesakes: Engine) -> None:
    found = "SELECT count(*) FROM identity.pair WHERE blocking_rule = 'same name'"
    with namesakes.connect() as connection:
        assert rows(connection, found) == [(MOST * (MOST - 1) // 2,)]
    fifth = anna(39)
    with namesakes.begin() as connection:
        add_parties(connection, fifth)
    report = matched(namesakes)
    assert ("same name", MOST + 1) in report.dropped_blocks
    with namesakes.begin() as connection:
        assert rows(connection, found) == [(0,)]
        add_parties(connection, {**fifth, "name": "Eva Berg", "given_name": "Eva", "family_name": "Berg"})
    assert "same name" not in dict(matched(namesakes).dropped_blocks)
    with namesakes.connect() as connection:
        assert rows(connection, found) == [(MOST * (MOST - 1) // 2,)]


def test_records_that_come_in_pieces_are_those_that_come_at_once(
    namesakes: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with namesakes.connect() as connection:
        whole = index.everybody(connection, PartyKind.PERSON)
        monkeypatch.setattr(index, "_PIECE", 3)
        again = index.everybody(connection, PartyKind.PERSON)
        wanted = whole.ids[::-2]
        some = index.some(connection, PartyKind.PERSON, wanted)
        nobody = index.some(connection, PartyKind.PERSON, wanted[:0])
    assert len(whole) > 2 * 3
    assert again.ids.tolist() == whole.ids.tolist() == sorted(whole.ids.tolist())
    assert told(again) == told(whole)
    assert some.ids.tolist() == sorted(wanted.tolist())
    at = [whole.ids.tolist().index(party_id) for party_id in some.ids.tolist()]
    assert told(some) == {name: [values[row] for row in at] for name, values in told(whole).items()}
    assert len(nobody) == 0
    assert set(nobody.columns) == set(whole.columns)


def berg(number: int) -> dict[str, Any]:
    """One of a few families of many."""
    family = f"Berg{number % 5}"
    return {"ref": f"crm:Contact:{number}", "name": f"Eva {family}", "given_name": "Eva", "family_name": family}


def changed(engine: Engine, *now: dict[str, Any]) -> MatchReport:
    """What a run over this change did, after which all is as a run over everything would leave it."""
    with engine.begin() as connection:
        add_parties(connection, *now)
    report = matched(engine)
    with engine.connect() as connection:
        assert stored(connection, PartyKind.PERSON) == of_a_full_run(connection, PartyKind.PERSON)
        assert keys(connection, PartyKind.PERSON) == of_all_parties(connection, PartyKind.PERSON)
    return report


def test_a_change_of_many_compares_everybody_on_an_index_that_follows(namesakes: Engine) -> None:
    report = changed(namesakes, *(berg(number) for number in range(5, 35)))
    assert report.changed == report.parties


def test_who_leaves_the_kind_takes_the_pairs_along_at_once(namesakes: Engine) -> None:
    with namesakes.connect() as connection:
        (left,) = rows(connection, "SELECT party_id FROM canonical.party WHERE ref = 'crm:Contact:0'")[0]
    changed(namesakes, {"ref": "crm:Contact:0", "kind": "organization", "name": "Acme"})
    with namesakes.connect() as connection:
        assert left not in {party for pair in stored(connection, PartyKind.PERSON) for party in pair[:2]}


def test_addresses_of_any_script_are_compared(namesakes: Engine) -> None:
    changed(namesakes, anna(38, email="jürgen@日本.jp"))
    changed(namesakes, anna(37, email="jürgen@日本.jp"))
    with namesakes.connect() as connection:
        pair = """SELECT count(*) FROM identity.pair
                  JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b
                  WHERE a.ref IN ('crm:Contact:37', 'crm:Contact:38') AND b.ref IN ('crm:Contact:37', 'crm:Contact:38')"""
        assert rows(connection, pair) == [(1,)]


def test_a_block_that_grows_by_many_makes_others_be_read_no_further(
    namesakes: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed(namesakes, *(anna(number) for number in range(MOST, 12)))
    sizes = []
    held = neighbours._held

    def seen(*asked: Any) -> Any:
        found = held(*asked)
        sizes.extend(found["size"].to_list())
        return found

    monkeypatch.setattr(neighbours, "_held", seen)
    # Six win one key together, while another gives up "Anna Novak", whose block is and stays too large.
    changed(namesakes, *(berg(5 * number) for number in range(3, 8)), {**berg(5), "ref": "crm:Contact:6"})
    assert MOST + 1 < max(sizes) <= 6


def test_records_that_employ_each_other_across_kinds_come_to_rest(db: Engine) -> None:
    with db.begin() as connection:
        add_parties(
            connection,
            anna(1, employer_ref="crm:Contact:2"),
            {"ref": "crm:Contact:2", "kind": "organization", "name": "Acme", "employer_ref": "crm:Contact:1"},
        )
    for kind in (PartyKind.PERSON, PartyKind.ORGANIZATION, PartyKind.PERSON):
        matched(db, kind)
    with db.connect() as connection:
        assert rows(connection, "SELECT * FROM canonical.to_match") == []


def test_forms_that_were_written_another_way_are_of_no_use(
    namesakes: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "forms.py"
    other.write_text("another way")
    monkeypatch.setattr(index, "code", index.code.__wrapped__)
    with namesakes.connect() as connection:
        assert index.basis(connection, PartyKind.PERSON) is not None
        monkeypatch.setattr(forms, "__file__", str(other))
        assert index.basis(connection, PartyKind.PERSON) is None


@pytest.mark.parametrize(
    ("module", "name"), [(index, "standardised"), (neighbours, "_held"), (matching, "_leave_queue")]
)
def test_a_run_that_fails_leaves_index_pairs_and_queue_as_they_were(
    namesakes: Engine, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    with namesakes.begin() as connection:
        add_parties(connection, {"ref": "crm:Contact:39", "name": "Anna Novak"})
        before = keys(connection, PartyKind.PERSON), stored(connection, PartyKind.PERSON)

    def fail(*_given: object) -> None:
        raise RuntimeError("the power is gone")

    with monkeypatch.context() as patched:
        patched.setattr(module, name, fail)
        with pytest.raises(RuntimeError):
            matched(namesakes)
    with namesakes.connect() as connection:
        assert (keys(connection, PartyKind.PERSON), stored(connection, PartyKind.PERSON)) == before
        assert rows(connection, "SELECT count(*) FROM canonical.to_match") == [(1,)]
    assert changed(namesakes).changed > 0


def test_another_version_of_the_code_matches_everybody_again(
    namesakes: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert matched(namesakes).changed == 0
    monkeypatch.setattr(index, "code", lambda: "another version")
    with namesakes.begin() as connection:
        connection.execute(text("DELETE FROM identity.blocking_key_person"))
    report = matched(namesakes)
    assert report.changed == report.parties == 40
    assert not report.retrained
    with namesakes.connect() as connection:
        assert keys(connection, PartyKind.PERSON) == of_all_parties(connection, PartyKind.PERSON)
    assert matched(namesakes).changed == 0


def test_a_party_that_is_erased_takes_its_keys_with_it(namesakes: Engine) -> None:
    with namesakes.begin() as connection:
        erased = "SELECT party_id FROM canonical.party WHERE ref = 'crm:Contact:0'"
        for table, column in (
            ("identity.pair", "party_a"),
            ("identity.pair", "party_b"),
            ("identity.to_resolve", "party_id"),
        ):
            connection.execute(text(f"DELETE FROM {table} WHERE {column} IN ({erased})"))
        connection.execute(text("DELETE FROM canonical.party WHERE ref = 'crm:Contact:0'"))
        assert keys(connection, PartyKind.PERSON) == of_all_parties(connection, PartyKind.PERSON)
        assert rows(connection, "SELECT count(*) FROM identity.standardised_person") == [(39,)]
