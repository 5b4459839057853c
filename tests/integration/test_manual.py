"""Manual values: a person goes before all sources, for as long as it holds, and wherever the record goes."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine

from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.golden import manual
from tests.integration.golden_world import NOW, World, day, golden

A, B = "crm:Contact:1", "desk:users:1"


@pytest.fixture
def world(db: Engine) -> World:
    world = World(db)
    address = {"street": "Main St 1", "city": "Bonn", "postcode": "53111", "country": "DE"}
    world.party(A, kind="person", name="Ann Lee", given_name="Ann", family_name="Lee", phone="+49 228 111", **address)
    world.party(B, kind="person", name="Ann Lee", given_name="Ann", family_name="Lee", phone="+49 228 222")
    world.customer(1, [A, B], kind="person")
    world.compose()
    return world


def say(world: World, values: dict[str, str | None], ref: str = A, until: dt.datetime | None = None) -> int:
    with world.engine.begin() as connection:
        return manual.say(connection, ref, values, author="ann", reason="phoned", until=until)


def composed(world: World, number: int = 1, as_of: dt.datetime = NOW) -> dict[str, Any]:
    world.compose(as_of)
    return world.composed(number)


def test_a_manual_value_goes_before_all_sources_and_says_what_it_overruled(world):
    says = world.composed(1)["phone"]
    say(world, {"phone": "+49 228 999"})
    row = composed(world)
    assert row["phone"] == "+49 228 999"
    told = row["provenance"]["phone"]
    assert (told["ref"], told["rule"]) == (A, "manual")
    assert (told["sources_say"], told["sources_changed"]) == (says, False)
    assert {loser["ref"] for loser in told["losers"]} == {A, B}


def test_it_survives_runs_and_tells_when_the_sources_say_something_else(world):
    say(world, {"phone": "+49 228 999"})
    world.party(A, kind="person", name="Ann Lee", phone="+49 228 333", source_updated_at=day(1))
    world.party(B, kind="person", name="Ann Lee", phone="+49 228 333", source_updated_at=day(1))
    world.changed([A, B])
    row = composed(world)
    assert row["phone"] == "+49 228 999"
    told = row["provenance"]["phone"]
    assert (told["sources_say"], told["sources_changed"]) == ("+49 228 333", True)


def test_an_address_is_said_as_a_whole(world):
    say(world, {"street": "Side St 2", "postcode": None})
    row = composed(world)
    assert [row[name] for name in ("street", "city", "postcode", "country")] == ["Side St 2", "Bonn", None, "DE"]
    rules = {row["provenance"][name]["rule"] for name in ("street", "city", "postcode", "country")}
    assert rules == {"manual"}
    world.party(A, kind="person", name="Ann Lee", street="New St 3", city="Berlin", postcode="10115", country="DE")
    world.changed([A])
    assert composed(world)["city"] == "Bonn", "half a person's and half a source's address is none"


def test_it_is_over_at_its_end_without_anything_else_changing(world):
    before = world.composed(1)["phone"]
    say(world, {"phone": "+49 228 999"}, until=day(10))
    assert composed(world, as_of=day(9))["phone"] == "+49 228 999"
    assert composed(world, as_of=day(10))["phone"] == before


def test_an_ended_value_gives_the_word_back_to_the_sources(world):
    before = world.composed(1)
    number = say(world, {"phone": "+49 228 999"})
    composed(world)
    with world.engine.begin() as connection:
        manual.end(connection, number, author="bob", reason="wrong number")
    assert composed(world)["content_hash"] == before["content_hash"]
    with world.engine.begin() as connection, pytest.raises(ConflictError, match="by bob"):
        manual.end(connection, number, author="ann", reason="again")


def test_it_goes_with_its_record_through_split_and_merge(world):
    say(world, {"phone": "+49 228 999"}, ref=B)
    assert composed(world)["phone"] == "+49 228 999"
    world.customer(2, [B], kind="person")
    assert composed(world, 1)["phone"] == "+49 228 111"
    assert world.composed(2)["phone"] == "+49 228 999"
    world.merge(2, 1, [B])
    assert composed(world, 1)["phone"] == "+49 228 999"


def test_the_last_word_on_the_same_attribute_counts(world):
    say(world, {"phone": "+49 228 999"}, ref=A)
    say(world, {"phone": "+49 228 888"}, ref=B)
    assert composed(world)["phone"] == "+49 228 888"
    say(world, {"phone": "+49 228 777"}, ref=A)
    assert composed(world)["phone"] == "+49 228 777"
    assert len(world.rows("SELECT 1 FROM golden.manual_value WHERE ended_at IS NULL")) == 2


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"shoe_size": "44"}, "no attribute"),
        ({}, "no attribute"),
        ({"phone": "+49 228 1", "city": "Bonn"}, "do not belong together"),
        ({"phone": "n/a"}, "placeholder"),
        ({"birth_date": "yesterday"}, "birth_date"),
        ({"name": None}, "cannot be without"),
        ({"employer_ref": "crm:Account:1"}, "no attribute"),
    ],
)
def test_what_makes_no_sense_is_refused(world, values, problem):
    with pytest.raises(OneRecordError, match=problem):
        say(world, values)
    assert world.rows("SELECT 1 FROM golden.manual_value") == []


def test_an_unknown_record_is_told(world):
    with pytest.raises(NotFoundError, match="crm:Contact:77"):
        say(world, {"phone": "+49 228 999"}, ref="crm:Contact:77")


def test_a_date_of_birth_is_a_date(world):
    say(world, {"birth_date": "1980-05-17"})
    assert composed(world)["birth_date"] == dt.date(1980, 5, 17)


def test_the_act_is_in_the_audit_log_without_the_value(world):
    say(world, {"phone": "+49 228 999"})
    (entry,) = world.rows("SELECT actor, act, subject, reason, details::text AS details FROM ops.audit")
    assert (entry["actor"], entry["act"], entry["subject"], entry["reason"]) == ("ann", "say value", A, "phoned")
    assert "999" not in entry["details"]


def test_other_rules_of_survivorship_compose_everybody_anew(world):
    from hub.sections.survivorship import SurvivorshipSettings
    from hub.settings import Settings

    world.party(A, kind="person", name="Ann Lee", phone="+49 228 111", source_updated_at=day(-9))
    world.party(B, kind="person", name="Ann Lee", phone="+49 228 22", source_updated_at=day(-1))
    world.changed([A, B])
    assert composed(world)["phone"] == "+49 228 22"
    choice = SurvivorshipSettings.model_validate({"person": {"phone": {"rules": ["longest"]}}})
    from hub.golden.compose import compose
    from hub.progress import silent

    settings = Settings(survivorship=choice)
    report = compose(world.engine, settings, run_id="run", as_of=NOW, progress=silent)
    assert (report.composed, report.changed) == (1, 1)
    assert world.composed(1)["phone"] == "+49 228 111"
    assert world.composed(1)["provenance"]["phone"]["rule"] == "longest"
    assert compose(world.engine, settings, run_id="run", as_of=NOW, progress=silent).composed == 0
    assert golden(1) == world.composed(1)["golden_id"]


def test_a_second_word_on_the_same_group_keeps_what_the_first_said_and_ends_it_with_its_history(world):
    first = say(world, {"street": "Side St 2"})
    second = say(world, {"postcode": "53113"})
    row = composed(world)
    assert (row["street"], row["postcode"], row["city"]) == ("Side St 2", "53113", "Bonn")
    assert row["provenance"]["street"]["sources_say"] == "Main St 1"
    history = world.rows("SELECT manual_id, ended_by FROM golden.manual_value ORDER BY manual_id")
    assert history == [{"manual_id": first, "ended_by": "ann"}, {"manual_id": second, "ended_by": None}]
    told = world.rows("SELECT details FROM ops.audit WHERE act = 'say value' ORDER BY audit_id")
    assert [one["details"]["ended"] for one in told] == [[], [first]]


def test_a_word_on_another_record_of_the_customer_keeps_what_was_said_before(world):
    say(world, {"street": "Side St 2"}, ref=A)
    say(world, {"postcode": "53113"}, ref=B)
    row = composed(world)
    assert (row["street"], row["postcode"]) == ("Side St 2", "53113")


def test_a_word_that_is_over_is_not_repeated(world):
    say(world, {"street": "Side St 2"}, until=day(-1))
    say(world, {"postcode": "53113"})
    assert composed(world)["street"] == "Main St 1"


def test_a_second_word_waits_for_the_first(world):
    with ThreadPoolExecutor(1) as other, world.engine.connect() as connection:
        manual.say(connection, A, {"street": "Side St 2"}, author="ann", reason="phoned")
        waiting = other.submit(say, world, {"postcode": "53113"})
        world.waiting()
        connection.commit()
        waiting.result(30)
    row = composed(world)
    assert (row["street"], row["postcode"]) == ("Side St 2", "53113")
