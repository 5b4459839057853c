"""Who is one customer: judgements, clusters, golden ids and their lineage, on a real database."""

import threading

import pytest
from sqlalchemy import Engine, text

from hub.db.engine import make_engine
from hub.errors import ConflictError, NotFoundError, OneRecordError
from hub.identity import ledger
from hub.identity.resolve import ResolveReport, resolve
from hub.model.kinds import AuthorKind, Verdict
from hub.progress import silent
from tests.conftest import cloned
from tests.support import add_parties, add_same_pairs, customers, queue_all
from tests.waiting import PATIENCE

A, B, C = "crm:Contact:1", "desk:users:1", "bill:customers:1"


def settle(engine: Engine) -> ResolveReport:
    return resolve(engine, run_id="test", progress=silent)


def say(engine: Engine, a: str, b: str, verdict: Verdict, author: str = "ann") -> int:
    with engine.begin() as connection:
        return ledger.judge(connection, a, b, verdict, author=author, reason="met them")


@pytest.fixture
def three(db: Engine) -> Engine:
    """Three persons, each a customer of their own."""
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": B}, {"ref": C})
        queue_all(connection)
    settle(db)
    assert len(set(customers(db).values())) == 3
    return db


def lineage(engine: Engine) -> list[tuple[str, str, str | None]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT event, golden_id::text, other_golden_id::text FROM identity.lineage WHERE event <> 'created'")
        )
        return [tuple(row) for row in rows]


def test_same_merges_into_the_oldest_id_and_the_other_still_resolves(three):
    before = customers(three)
    say(three, B, C, Verdict.SAME)
    report = settle(three)
    after = customers(three)
    oldest, other = sorted([before[B], before[C]], key=lambda golden: _number(three, golden))
    assert report.merged == 1
    assert after[B] == after[C] == oldest
    assert after[A] == before[A]
    assert lineage(three) == [("merged", other, oldest)]
    with three.connect() as connection:
        row = connection.execute(
            text("SELECT status, survivor::text FROM identity.golden_id WHERE golden_id = :id"), {"id": other}
        ).one()
    assert tuple(row) == ("merged", oldest)


def _number(engine: Engine, golden: str) -> int:
    with engine.connect() as connection:
        return connection.execute(
            text("SELECT number FROM identity.golden_id WHERE golden_id = :id"), {"id": golden}
        ).scalar_one()


def test_different_takes_apart_what_the_model_put_together(three):
    with three.begin() as connection:
        add_same_pairs(connection, (A, B))
    settle(three)
    together = customers(three)
    assert together[A] == together[B]
    say(three, A, B, Verdict.DIFFERENT)
    assert settle(three).split == 1
    apart = customers(three)
    assert apart[A] != apart[B]
    assert together[A] in {apart[A], apart[B]}, "one part keeps the id"


def test_a_different_judgement_is_not_bridged_by_a_third_party(three):
    say(three, A, B, Verdict.DIFFERENT)
    with three.begin() as connection:
        add_same_pairs(connection, (A, C), (B, C))
    settle(three)
    found = customers(three)
    assert found[A] != found[B]


def test_judgements_that_cannot_all_hold_are_reported_and_different_wins(three):
    first = say(three, A, B, Verdict.SAME)
    second = say(three, B, C, Verdict.SAME)
    say(three, A, C, Verdict.DIFFERENT)
    report = settle(three)
    found = customers(three)
    assert found[A] != found[C]
    assert set(report.contradictions) <= {first, second}
    assert report.contradictions


def test_undo_brings_back_what_was_before_and_leaves_both_rows(three):
    judgement = say(three, A, B, Verdict.SAME)
    settle(three)
    with three.begin() as connection:
        ledger.undo(connection, judgement, author="bob", reason="mistaken")
    settle(three)
    found = customers(three)
    assert found[A] != found[B]
    with three.connect() as connection:
        rows = connection.execute(text("SELECT verdict, ended_by FROM identity.judgement")).all()
        acts = connection.execute(text("SELECT actor, act, reason FROM ops.audit ORDER BY audit_id")).all()
    assert [tuple(row) for row in rows] == [("same", "bob")]
    assert [tuple(row) for row in acts] == [("ann", "judge same", "met them"), ("bob", "undo judgement", "mistaken")]


def test_undoing_twice_says_who_was_first(three):
    judgement = say(three, A, B, Verdict.SAME)
    with three.begin() as connection:
        ledger.undo(connection, judgement, author="bob", reason="mistaken")
    with pytest.raises(ConflictError, match="by bob"), three.begin() as connection:
        ledger.undo(connection, judgement, author="ann", reason="again")


def test_a_new_judgement_of_a_pair_ends_the_earlier_one(three):
    say(three, A, B, Verdict.SAME)
    say(three, B, A, Verdict.DIFFERENT, author="bob")
    with three.connect() as connection:
        live = ledger.live(connection)
    assert [(link.verdict, link.author) for link in live] == [(Verdict.DIFFERENT, "bob")]


def test_a_person_goes_before_a_rule(db):
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": "crm:Contact:2", "merged_into_ref": A})
        queue_all(connection)
    settle(db)
    found = customers(db)
    assert found[A] == found["crm:Contact:2"], "the source said that one became the other"
    say(db, A, "crm:Contact:2", Verdict.DIFFERENT)
    settle(db)
    assert len(set(customers(db).values())) == 2
    with db.connect() as connection:
        kinds = connection.execute(
            text("SELECT author_kind FROM identity.judgement WHERE ended_at IS NULL ORDER BY 1")
        ).scalars()
        assert list(kinds) == [AuthorKind.PERSON, AuthorKind.RULE]


@pytest.fixture
def merged_at_the_source(db: Engine) -> Engine:
    """Two records of one source, one of which became the other there."""
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": "crm:Contact:2", "merged_into_ref": A})
        queue_all(connection)
    settle(db)
    assert len(set(customers(db).values())) == 1
    return db


def test_what_a_source_takes_back_is_taken_back_here(merged_at_the_source):
    with merged_at_the_source.begin() as connection:
        add_parties(connection, {"ref": "crm:Contact:2", "merged_into_ref": None})
    assert settle(merged_at_the_source).split == 1
    assert len(set(customers(merged_at_the_source).values())) == 2
    with merged_at_the_source.begin() as connection:
        add_parties(connection, {"ref": "crm:Contact:2", "merged_into_ref": A})
    settle(merged_at_the_source)
    assert len(set(customers(merged_at_the_source).values())) == 1, "and comes again when the source says it again"


def test_a_merge_of_the_source_that_a_person_ended_stays_ended(merged_at_the_source):
    with merged_at_the_source.begin() as connection:
        rule = connection.execute(text("SELECT judgement_id FROM identity.judgement")).scalar_one()
        ledger.undo(connection, rule, author="ann", reason="they are two")
    for _ in range(2):
        settle(merged_at_the_source)
        assert len(set(customers(merged_at_the_source).values())) == 2


def test_resolving_again_changes_nothing(three):
    say(three, A, B, Verdict.SAME)
    settle(three)
    before = customers(three)
    with three.begin() as connection:
        queue_all(connection)
    report = settle(three)
    assert (report.created, report.merged, report.split, report.moved) == (0, 0, 0, 0)
    assert customers(three) == before


def test_bad_judgements_are_refused_with_the_reason(three):
    with three.begin() as connection:
        add_parties(connection, {"ref": "crm:Account:1", "kind": "organization"})
    for a, b, error, words in (
        (A, "crm:Contact:404", NotFoundError, "crm:Contact:404"),
        (A, A, OneRecordError, "itself"),
        (A, "crm:Account:1", OneRecordError, "person"),
    ):
        with pytest.raises(error, match=words):
            say(three, a, b, Verdict.SAME)


def test_two_people_on_one_pair_at_once_leave_one_live_judgement(three):
    """Both judge in open transactions; the second waits for the first and either replaces it or is told."""
    outcomes: list[str] = []
    with three.connect() as first, first.begin() as transaction:
        ledger.judge(first, A, B, Verdict.SAME, author="ann", reason="x")

        def second() -> None:
            try:
                say(three, A, B, Verdict.DIFFERENT, author="bob")
                outcomes.append("replaced")
            except ConflictError:
                outcomes.append("told")

        other = threading.Thread(target=second)
        other.start()
        transaction.commit()
        other.join(timeout=PATIENCE)
    assert outcomes
    with three.connect() as connection:
        live = connection.execute(
            text("SELECT count(*) FROM identity.judgement WHERE ended_at IS NULL AND author_kind = 'person'")
        ).scalar_one()
    assert live == 1


def test_a_few_at_a_time_gives_the_ids_and_numbers_of_one_go(server, template):
    """Whoever judges waits for a part only; it must not show in what comes out, nor in what a second run changes."""
    refs = [f"crm:Contact:{number:02}" for number in range(30)]
    pairs = [(refs[a], refs[b]) for a, b in [(0, 29), (29, 14), (3, 4), (4, 5), (7, 22), (22, 8), (19, 20), (2, 28)]]
    told = []
    for chunk in (3, 1_000):
        with cloned(server, template) as url:
            engine = make_engine(url)
            with engine.begin() as connection:
                add_parties(connection, *({"ref": ref} for ref in reversed(refs)))
                add_same_pairs(connection, *pairs)
                queue_all(connection)
            first = resolve(engine, run_id="first", progress=silent, chunk=chunk)
            say(engine, refs[29], refs[14], Verdict.DIFFERENT)
            say(engine, refs[10], refs[11], Verdict.SAME)
            second = resolve(engine, run_id="second", progress=silent, chunk=chunk)
            numbers = {ref: (golden, _number(engine, golden)) for ref, golden in customers(engine).items()}
            told.append((numbers, first, second, sorted(event for event, *_ in lineage(engine))))
            engine.dispose()
    assert told[0] == told[1]
    assert len({golden for golden, _ in told[0][0].values()}) == 30 - len(pairs)
