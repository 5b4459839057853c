"""Decisions of people: carried out as they were seen, taken back hours later, and confirmed by a second person."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine

from hub.access import Principal, Scope
from hub.decide import carrying, decision, judging, kept, proposals
from hub.decide.carrying import StaleError
from hub.errors import ConflictError, NotAllowedError, OneRecordError
from hub.golden import manual
from hub.identity import ledger
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from hub.sections.review import ReviewSettings, TwoPeopleSettings
from hub.settings import Settings
from tests.integration.golden_world import World, day
from tests.integration.test_acts import state
from tests.support import customers, queue_all

A, B, C, D = "crm:Contact:1", "desk:users:1", "bank:customers:1", "mail:contacts:1"
ANN = Principal("ann", frozenset({Scope.REVIEW}))
BOB = Principal("bob", frozenset({Scope.REVIEW}))
WHY: dict[str, Any] = {"author": "ann", "reason": "met them"}


@pytest.fixture
def world(db: Engine) -> World:
    world = World(db)
    for number, ref in enumerate((A, B, C, D)):
        world.party(
            ref, kind="person", name=f"Person {number}", email=f"p{number}@x.example", phone=f"+4930{number}000000",
            owner_name=f"Owner {number}",
        )  # fmt: skip
    world.opportunity("crm:Opportunity:1", A)
    world.invoice("bank:invoices:1", C, "70.00")
    world.consent("mail:subscriptions:1", D, "granted", day(-20))
    world.consent("desk:consents:1", B, "withdrawn", day(-5))
    with db.begin() as connection:
        queue_all(connection)
    resolve(db, run_id="test", progress=silent)
    world.release()
    return world


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(data_dir=tmp_path)


def careful(settings: Settings, **limits: Any) -> Settings:
    return settings.model_copy(update={"review": ReviewSettings(two_people_above=TwoPeopleSettings(**limits))})


def merging(world: World, *refs: str, **more: Any) -> decision.Decision:
    with world.engine.connect() as connection:
        return decision.merge(connection, refs, **WHY, **more)


def splitting(world: World, ref: str, *parts: list[str]) -> decision.Decision:
    with world.engine.connect() as connection:
        return decision.split(connection, customers(world.engine)[ref], parts, **WHY)


def do(world: World, settings: Settings, wanted: decision.Decision, who: Principal = ANN) -> carrying.Done:
    seen = carrying.preview(world.engine, settings, who, wanted)
    with world.engine.begin() as connection:
        return carrying.decide(connection, settings, who, wanted, digest=seen.digest, shown=seen.shown())


def undoing(done: carrying.Done) -> decision.Decision:
    assert done.act_id is not None
    return decision.undo(done.act_id, **WHY)


def test_a_preview_changes_nothing_and_is_what_is_published(world, settings):
    before = state(world.engine)
    seen = carrying.preview(world.engine, settings, ANN, merging(world, A, B, C))
    world.release()
    assert state(world.engine) == before
    (customer,) = seen.customers
    assert {record.ref for record in customer.records} == {A, B, C}
    do(world, settings, merging(world, A, B, C))
    world.release()
    published = state(world.engine)[A]
    assert published["golden_id"] == customer.golden_id
    assert published["phone"] == customer.golden["phone"]
    assert published["consents"] == customer.golden["consents"]
    assert published["provenance"] == customer.golden["provenance"]


def test_what_is_chosen_becomes_the_value_and_goes_with_its_record(world, settings):
    rules_choose = carrying.preview(world.engine, settings, ANN, merging(world, A, C)).customers[0].golden["phone"]
    chosen, phone = next((ref, f"+4930{n}000000") for n, ref in ((0, A), (2, C)) if f"+4930{n}000000" != rules_choose)
    done = do(world, settings, merging(world, A, C, choices={"phone": chosen}))
    world.release()
    row = state(world.engine)[A]
    assert row["phone"] == phone
    assert row["provenance"]["phone"]["rule"] == "manual"
    assert row["provenance"]["phone"]["sources_say"] == rules_choose
    assert row["provenance"]["phone"]["sources_changed"] is False
    do(world, settings, undoing(done))
    world.release()
    assert state(world.engine)[chosen]["provenance"]["phone"]["rule"] != "manual"


def test_a_choice_of_a_foreign_record_is_refused(world, settings):
    for choices in ({"phone": D}, {"shoe_size": A}):
        with pytest.raises(OneRecordError, match="cannot be chosen"):
            do(world, settings, merging(world, A, C, choices=choices))
    assert world.rows("SELECT 1 FROM identity.act") == []


def test_undo_gives_everything_back_and_undo_of_undo_does_it_again(world, settings):
    before = state(world.engine)
    done = do(world, settings, merging(world, A, B, C))
    world.release()
    merged = state(world.engine)
    taken_back = do(world, settings, undoing(done))
    world.release()
    assert state(world.engine) == before
    again = do(world, settings, undoing(taken_back))
    world.release()
    assert state(world.engine) == merged
    do(world, settings, undoing(again))
    world.release()
    assert state(world.engine) == before


def test_undo_of_a_split_puts_the_customer_together_again(world, settings):
    do(world, settings, merging(world, A, B, C))
    world.release()
    whole = state(world.engine)
    done = do(world, settings, splitting(world, A, [A], [B, C]))
    world.release()
    assert len({row["golden_id"] for row in state(world.engine).values()}) == 3
    do(world, settings, undoing(done))
    world.release()
    assert state(world.engine) == whole


def test_undo_gives_back_the_value_that_a_person_said_before(world, settings):
    with world.engine.begin() as connection:
        manual.say(connection, A, {"phone": "+49 30 7654321"}, author="bob", reason="called")
    world.release()
    before = state(world.engine)
    done = do(world, settings, merging(world, A, C, choices={"phone": A}))
    do(world, settings, undoing(done))
    world.release()
    assert state(world.engine)[A]["phone"] == before[A]["phone"]
    assert state(world.engine)[A]["provenance"]["phone"]["rule"] == "manual"


def test_an_act_is_undone_once_and_what_others_decided_since_then_stays(world, settings):
    done = do(world, settings, merging(world, A, B))
    with world.engine.begin() as connection:
        ledger.judge(connection, A, B, Verdict.DIFFERENT, author="bob", reason="twins")
    with pytest.raises(ConflictError, match="nothing of act"):
        do(world, settings, undoing(done))
    other = do(world, settings, merging(world, C, D))
    do(world, settings, undoing(other))
    with pytest.raises(ConflictError, match="undone before, by ann"):
        do(world, settings, undoing(other))


def test_what_changed_since_the_preview_is_refused_and_told(world, settings):
    wanted = merging(world, A, B)
    seen = carrying.preview(world.engine, settings, ANN, wanted)
    world.opportunity("crm:Opportunity:2", A)
    world.party(B, kind="person", name="Person 1", email="p1@x.example", phone="+49301999999", owner_name="Owner 1")
    with world.engine.begin() as connection, pytest.raises(StaleError) as caught:
        carrying.decide(connection, settings, ANN, wanted, digest=seen.digest, shown=seen.shown())
    assert f"{A} carries other facts now" in caught.value.told
    assert customers(world.engine)[A] != customers(world.engine)[B]


def test_only_who_answers_for_a_record_of_every_customer_decides(world, settings):
    def lead(*departments: str) -> Principal:
        return Principal("lead", frozenset({Scope.REVIEW}), frozenset(departments))

    wanted = merging(world, A, B)
    for who in (lead("sales"), lead("support"), lead("finance"), lead()):
        with pytest.raises(NotAllowedError):
            carrying.preview(world.engine, settings, who, wanted)
        with pytest.raises(NotAllowedError):
            do_unseen(world, settings, who, wanted)
    done = do(world, settings, wanted, lead("sales", "support"))
    with pytest.raises(NotAllowedError):
        carrying.preview(world.engine, settings, lead("finance"), undoing(done))
    do(world, settings, undoing(done), lead("support"))


def do_unseen(world: World, settings: Settings, who: Principal, wanted: decision.Decision) -> None:
    with world.engine.begin() as connection:
        carrying.decide(connection, settings, who, wanted, digest="")


@pytest.mark.parametrize("limits", [{"records": 1}, {"money": {"EUR": Decimal(169)}}])
def test_above_the_limit_a_merge_waits_for_a_second_person(world, settings, limits):
    strict = careful(settings, **limits)
    before = customers(world.engine)
    done = do(world, strict, merging(world, A, C))
    assert done.act_id is None
    assert customers(world.engine) == before
    assert world.rows("SELECT 1 FROM identity.judgement") == []
    with pytest.raises(ConflictError, match="proposed already"):
        do(world, strict, merging(world, A, C))
    with world.engine.begin() as connection:
        proposal = proposals.waiting(connection, done.proposal_id, lock=True)
        with pytest.raises(NotAllowedError):
            proposals.not_ones_own(proposal, "ann")
        act_id = carrying.confirmed(connection, strict, BOB, proposal)
        proposals.close(connection, proposal, "confirmed", by="bob", act_id=act_id)
    assert customers(world.engine)[A] == customers(world.engine)[C]
    acts = [(row["actor"], row["act"]) for row in world.rows("SELECT * FROM ops.audit ORDER BY audit_id")]
    assert acts == [("ann", "propose merge"), ("ann", "merge"), ("bob", "confirm proposal")]
    with world.engine.connect() as connection:
        assert kept.act(connection, act_id).confirmed_by == "bob"


@pytest.mark.parametrize("limits", [{"records": 2}, {"money": {"EUR": Decimal(170)}}, {"money": {"USD": Decimal(0)}}])
def test_up_to_the_limit_one_person_is_enough(world, settings, limits):
    assert do(world, careful(settings, **limits), merging(world, A, C)).act_id is not None


def test_undoing_a_split_above_the_limit_needs_two_people_and_splitting_does_not(world, settings):
    do(world, settings, merging(world, A, C))
    strict = careful(settings, records=1)
    done = do(world, strict, splitting(world, A, [A]))
    assert done.act_id is not None
    assert do(world, strict, undoing(done)).proposal_id is not None


def test_a_proposal_whose_picture_changed_cannot_be_confirmed(world, settings):
    strict = careful(settings, records=1)
    done = do(world, strict, merging(world, A, C))
    do(world, settings, merging(world, C, D))
    with world.engine.begin() as connection, pytest.raises(StaleError, match=f"{D} would come along now"):
        carrying.confirmed(connection, strict, BOB, proposals.waiting(connection, done.proposal_id, lock=True))


def test_many_small_judgements_that_make_one_large_customer_wait_together(world, settings):
    said = [(A, B, Verdict.SAME), (B, C, Verdict.SAME), (C, D, Verdict.DIFFERENT)]
    with world.engine.begin() as connection:
        passed, held = judging.hold_back(connection, careful(settings, records=2), said, author="ann", reason="bulk")
        assert passed == [said[2]]
        proposal = proposals.waiting(connection, held[0])
        assert proposal.decision.said == tuple(said[:2])
    with world.engine.begin() as connection:
        assert judging.hold_back(connection, settings, said, author="ann", reason="bulk") == (said, [])
        limits = careful(settings, records=3)
        assert judging.hold_back(connection, limits, said, author="ann", reason="bulk") == (said, [])


def test_one_small_judgement_after_the_other_makes_no_large_customer_unseen(world, settings):
    limits = careful(settings, records=2)
    for said, passes in (((A, B, Verdict.SAME), True), ((B, C, Verdict.SAME), False), ((C, D, Verdict.SAME), True)):
        with world.engine.begin() as connection:
            judged = judging.judge(connection, limits, said, author="ann", reason="one desk")
        assert (judged.judgement_id is not None) is passes, said


def test_a_judgement_with_values_is_one_act(world, settings):
    with world.engine.begin() as connection:
        judged = judging.judge(
            connection, settings, (A, C, Verdict.SAME), author="ann", reason="one desk", choices={"phone": C}
        )
        act_id = kept.of_judgement(connection, judged.judgement_id)
    resolve(world.engine, run_id="test", progress=silent)
    world.release()
    assert state(world.engine)[A]["phone"] == "+49302000000"
    assert state(world.engine)[A]["provenance"]["phone"]["rule"] == "manual"
    do(world, settings, decision.undo(act_id, **WHY))
    world.release()
    assert customers(world.engine)[A] != customers(world.engine)[C]
    assert state(world.engine)[C]["provenance"]["phone"]["rule"] == "only"


def test_a_judgement_without_values_is_no_act_and_different_takes_none(world, settings):
    with world.engine.begin() as connection:
        judged = judging.judge(
            connection, settings, (A, C, Verdict.DIFFERENT), author="ann", reason="twins", choices={"phone": C}
        )
        assert kept.of_judgement(connection, judged.judgement_id) is None
    assert world.rows("SELECT 1 FROM golden.manual_value") == []
