"""Merging and unmerging by people: what is shown beforehand is what happens, and taking apart gives everything back."""

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text

import dedup
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.identity import acts, ledger, models
from hub.identity.resolve import resolve
from hub.model.kinds import PartyKind, Severity, Verdict
from hub.progress import silent
from hub.settings import MatchSettings, Settings
from quality_checks import runner
from tests.integration.golden_world import NOW, World, day
from tests.support import add_same_pairs, customers, queue_all

A, B, C, D = "crm:Contact:1", "desk:users:1", "bank:customers:1", "mail:contacts:1"
ME: dict[str, Any] = {"author": "ann", "reason": "met them"}


def settle(engine: Engine) -> None:
    with engine.begin() as connection:
        queue_all(connection)
    resolve(engine, run_id="test", progress=silent)


@pytest.fixture
def world(db: Engine) -> World:
    """Four persons with what hangs on them, each a customer of their own, published."""
    world = World(db)
    for number, ref in enumerate((A, B, C, D)):
        world.party(
            ref, kind="person", name=f"Person {number}", email=f"p{number}@x.example", owner_name=f"Owner {number}"
        )
    world.opportunity("crm:Opportunity:1", A)
    world.invoice("bank:invoices:1", C, "70.00")
    world.consent("mail:subscriptions:1", D, "granted", day(-20))
    world.consent("desk:consents:1", B, "withdrawn", day(-5))
    settle(db)
    world.release()
    return world


def state(engine: Engine) -> dict[str, Any]:
    """Everything published of each source record's customer, ids included."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """SELECT m AS ref, to_jsonb(c) - CAST('{version,publication,updated_at}' AS text[])
                   FROM golden.customer c, unnest(members) m"""
            )
        )
        return {row[0]: row[1] for row in rows}


def merging(world: World, a: str, b: str) -> acts.Act:
    with world.engine.connect() as connection:
        return acts.merge(connection, a, b, **ME)


def together(world: World, *refs: str) -> None:
    for one, other in pairwise(refs):
        acts.perform(world.engine, merging(world, one, other))
    world.release()


def apart(world: World, ref: str, *parts: list[str]) -> acts.Consequences:
    with world.engine.connect() as connection:
        act = acts.unmerge(connection, customers(world.engine)[ref], parts, **ME)
    return acts.perform(world.engine, act)


def test_a_dry_run_changes_nothing_and_tells_what_the_act_then_does(world):
    before, act = state(world.engine), merging(world, A, C)
    foreseen = acts.dry_run(world.engine, act)
    assert customers(world.engine)[A] != customers(world.engine)[C]
    assert world.rows("SELECT 1 FROM identity.judgement") == []
    world.release()
    assert state(world.engine) == before
    assert acts.perform(world.engine, act, seen=foreseen.digest) == foreseen
    assert customers(world.engine)[A] == customers(world.engine)[C]


def test_the_consequences_name_records_facts_owners_and_ids(world):
    ids = customers(world.engine)
    found = acts.perform(world.engine, merging(world, A, C))
    (moved,) = found.moved
    kept, gone = ids[A], ids[C]
    if moved.ref == A:
        kept, gone = gone, kept
    assert (moved.before, moved.after) == (gone, kept)
    assert found.merged == {gone: kept}
    expected = {
        A: ({"opportunity": ["crm:Opportunity:1"]}, "Owner 0"),
        C: ({"invoice": ["bank:invoices:1"]}, "Owner 2"),
    }
    assert (moved.facts, moved.owner) == expected[moved.ref]
    assert sum(found.facts().values()) == 1


def test_what_was_foreseen_is_what_is_published(world):
    acts.perform(world.engine, merging(world, A, C))
    world.release()
    row = state(world.engine)[A]
    assert row["members"] == sorted([A, C])
    assert row["finance"] == state(world.engine)[C]["finance"]
    assert row["sales"]["open_opportunities"] == 1


def test_merging_and_unmerging_gives_back_every_value_fact_consent_and_id(world):
    before = state(world.engine)
    together(world, A, B, C, D)
    assert len({row["golden_id"] for row in state(world.engine).values()}) == 1
    assert [one["status"] for one in state(world.engine)[A]["consents"]] == ["withdrawn"]
    apart(world, A, [A], [B], [C])
    world.release()
    assert state(world.engine) == before


def test_parts_that_were_never_apart_get_new_ids_and_the_largest_keeps_the_old_one(db):
    world = World(db)
    for ref in (A, B, C):
        world.party(ref, kind="person")
    with db.begin() as connection:
        add_same_pairs(connection, (A, B), (B, C))
    settle(db)
    before = customers(db)[A]
    found = apart(world, A, [C])
    after = customers(db)
    assert after[A] == after[B] == before
    assert found.split == {after[C]: before}


def test_what_was_taken_apart_stays_apart_whatever_ties_it_later(world):
    together(world, A, B)
    apart(world, A, [A], [B])
    with world.engine.begin() as connection:
        add_same_pairs(connection, (A, B), (A, C), (B, C))
    settle(world.engine)
    ids = customers(world.engine)
    assert ids[A] != ids[B]
    assert ids[C] in {ids[A], ids[B]}


def test_a_part_holds_together_though_only_the_record_that_left_tied_it(db):
    world = World(db)
    for ref in (A, B, C):
        world.party(ref, kind="person")
    with db.begin() as connection:
        add_same_pairs(connection, (A, B), (B, C))
    settle(db)
    apart(world, A, [B])
    ids = customers(db)
    assert ids[A] == ids[C] != ids[B]


def test_an_act_is_refused_where_it_would_move_something_else_by_now(world):
    act = merging(world, A, B)
    seen = acts.dry_run(world.engine, act).digest
    acts.perform(world.engine, merging(world, B, C))
    before = customers(world.engine)
    with pytest.raises(ConflictError, match="look again"):
        acts.perform(world.engine, act, seen=seen)
    assert customers(world.engine) == before


def test_parts_that_make_no_sense_are_refused(world):
    together(world, A, B)
    golden = customers(world.engine)[A]

    def refused(parts: list[list[str]], of: str = golden) -> str:
        with world.engine.connect() as connection, pytest.raises(OneRecordError) as caught:
            acts.unmerge(connection, of, parts, **ME)
        return str(caught.value)

    assert "does not belong" in refused([[C]])
    assert "named twice" in refused([[A], [A, B]])
    assert "nothing to take apart" in refused([[A, B]])
    assert "nothing to take apart" in refused([[]])
    with world.engine.connect() as connection, pytest.raises(NotFoundError):
        acts.unmerge(connection, "00000000-0000-0000-0000-000000000001", [[A]], **ME)


def test_acts_are_in_the_audit_log_with_who_why_and_what(world):
    acts.perform(world.engine, merging(world, A, B))
    (entry,) = world.rows("SELECT actor, act, subject, reason, details FROM ops.audit")
    assert (entry["actor"], entry["act"], entry["subject"], entry["reason"]) == ("ann", "merge", f"{A} {B}", "met them")
    assert entry["details"]["moved"] == 1


def test_whole_customers_are_merged_though_some_of_their_records_contradict_each_other(db):
    world = World(db)
    for ref, born in ((A, "1980-01-01"), (B, "1980-01-01"), (C, "1955-05-05"), (D, "1955-05-05")):
        world.party(ref, kind="person", name="Ann Lee", given_name="Ann", family_name="Lee", birth_date=born)
    with db.begin() as connection:
        add_same_pairs(connection, (A, B), (C, D))
    settle(db)
    assert len(set(customers(db).values())) == 2
    acts.perform(db, merging(world, A, C))
    assert len(set(customers(db).values())) == 1


def test_a_merge_that_an_older_judgement_forbids_is_refused_and_names_it(world):
    together(world, A, B)
    with world.engine.begin() as connection:
        number = ledger.judge(connection, B, C, Verdict.DIFFERENT, author="bob", reason="twins")
    before = customers(world.engine)
    for attempt in (acts.dry_run, acts.perform):
        with pytest.raises(ConflictError, match=f"judgement {number} by bob"):
            attempt(world.engine, merging(world, A, C))
    settle(world.engine)
    assert customers(world.engine) == before


def test_customers_are_merged_on_peoples_word_alone_though_a_model_is_in_use(world):
    """The model ties none of their records to another one."""
    untrained = dedup.train(pa.table({"party_id": pa.array([], pa.int64())}), dedup.PERSON)
    with world.engine.begin() as connection:
        models.save(connection, PartyKind.PERSON, untrained, MatchSettings())
    together(world, A, B, C)
    assert len(set(customers(world.engine).values())) == 2


def test_one_customer_cannot_be_merged_with_itself(world):
    together(world, A, B)
    with pytest.raises(OneRecordError, match="already"):
        merging(world, B, A)


def test_a_merge_takes_an_earlier_unmerge_back_and_says_so(world):
    together(world, A, B, C)
    before = state(world.engine)
    apart(world, A, [A])
    world.release()
    act = merging(world, A, B)
    foreseen = acts.dry_run(world.engine, act)
    pins = {row["judgement_id"] for row in world.rows(
        "SELECT judgement_id FROM identity.judgement WHERE verdict = 'different' AND ended_at IS NULL"
    )}  # fmt: skip
    assert set(foreseen.ended) == pins != set()
    acts.perform(world.engine, act, seen=foreseen.digest)
    world.release()
    assert state(world.engine) == before
    assert world.rows("SELECT 1 FROM identity.judgement WHERE verdict = 'different' AND ended_at IS NULL") == []
    (told,) = world.rows("SELECT details FROM ops.audit ORDER BY audit_id DESC LIMIT 1")
    assert set(told["details"]["ended"]) == pins


def test_a_merge_takes_back_no_pin_to_a_third_part(world):
    together(world, A, B, C)
    apart(world, A, [A], [B], [C])
    acts.perform(world.engine, merging(world, A, B))
    ids = customers(world.engine)
    assert ids[A] == ids[B] != ids[C]
    left = world.rows("SELECT count(*) AS n FROM identity.judgement WHERE verdict = 'different' AND ended_at IS NULL")
    assert left == [{"n": 2}]


def failures(engine: Engine) -> list[str]:
    """The critical checks of the golden suite that would hold a publication back now."""
    outcomes = runner.run_suite(engine, "golden", Settings(), run_id="run", as_of=NOW)
    return [one.name for one in outcomes if not one.passed and one.severity is Severity.CRITICAL]


def test_what_people_decide_after_composing_holds_no_publication_back(world):
    acts.perform(world.engine, merging(world, A, B))
    acts.perform(world.engine, merging(world, C, D))
    assert failures(world.engine) == []
    world.publish()
    world.compose()
    apart(world, A, [A])
    with world.engine.begin() as connection:
        ledger.judge(connection, C, D, Verdict.DIFFERENT, author="bob", reason="twins")
    assert failures(world.engine) == []
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM golden.to_compose"))
        connection.execute(text("DELETE FROM identity.to_resolve"))
    assert {"members_belong", "every_customer_composed", "different_not_bridged"} <= set(failures(world.engine))
