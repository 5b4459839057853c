"""The table of waiting pairs follows what happens to pairs, judgements, records, facts and customers."""

import datetime as dt

import pytest
from sqlalchemy import Connection, Engine, text

from hub.access import Principal
from hub.golden import dirty
from hub.identity import ledger, waiting
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from hub.review.queries import queue, routing
from hub.review.queries.filters import QueueFilter, Seat
from hub.sections.review import ReviewSettings, Route
from tests.support import add_parties, add_same_pairs, party_ids

NOW = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)
A, B, C, D, E = "crm:Contact:1", "desk:users:1", "bill:customers:1", "crm:Contact:4", "news:contacts:5"
ADMIN = Principal("root", frozenset({"admin"}))


@pytest.fixture
def small(db: Engine) -> Engine:
    """Five records of four departments: A-B, B-C and D-E wait for people."""
    with db.begin() as connection:
        add_parties(
            connection,
            {"ref": A, "name": "Ünal O'Neil", "department": "sales", "email": "unal@mail.example"},
            {"ref": B, "name": "Unal Oneil", "department": "support"},
            {"ref": C, "name": "U. O'Neil", "department": "finance"},
            {"ref": D, "name": "Berta Ruiz", "department": "sales"},
            {"ref": E, "name": "Bertha Ruiz", "department": "marketing"},
        )
        add_same_pairs(connection)
        for a, b, probability in ((A, B, 0.8), (B, C, 0.6), (D, E, 0.4)):
            review(connection, a, b, probability)
    resolve(db, run_id="first", progress=silent)
    return db


def review(connection: Connection, a: str, b: str, probability: float) -> None:
    ids = party_ids(connection)
    connection.execute(
        text(
            """INSERT INTO identity.pair (party_a, party_b, kind, band, weight, probability, blocking_rule, model_version)
               VALUES (:a, :b, 'person', 'review', 3, :probability, 'name', 'test')"""
        ),
        {"a": min(ids[a], ids[b]), "b": max(ids[a], ids[b]), "probability": probability},
    )


def queued(engine: Engine, who: Principal = ADMIN, routes: tuple[Route, ...] = (), **wanted) -> list[set[str]]:
    """The refs of each line of somebody's queue, in order."""
    with engine.connect() as connection:
        names = {number: ref for ref, number in party_ids(connection).items()}
        rows = queue.waiting(connection, Seat(who, routes), QueueFilter(**wanted)).items
        return [{names[row.party_a], names[row.party_b]} for row in rows]


def table(engine: Engine) -> dict[frozenset[str], object]:
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                """SELECT a.ref AS a, b.ref AS b, w.* FROM identity.waiting_pair w
                   JOIN canonical.party a ON a.party_id = party_a JOIN canonical.party b ON b.party_id = party_b"""
            )
        )
        return {frozenset({row.a, row.b}): row for row in rows}


def pair(a: str, b: str) -> frozenset[str]:
    return frozenset({a, b})


def test_some_records_that_wait_together_are_one_line_wherever_a_filter_finds_them(small):
    assert queued(small) == [{A, B}, {D, E}]
    assert queued(small, sort="unlikely") == [{D, E}, {B, C}]
    assert queued(small, source="bill") == [{B, C}], "the pair that the filter finds stands for all"
    with small.connect() as connection:
        counts = queue.counts(connection, Seat(ADMIN, ()), QueueFilter())
    assert (counts.open, counts.matching, counts.pieces) == (3, 3, 2)
    assert {row.records for row in table(small).values()} == {3, 2}


def test_a_judgement_takes_its_pair_out_and_parts_what_it_held_together(small):
    with small.begin() as connection:
        number = ledger.judge(connection, A, B, Verdict.DIFFERENT, author="ann", reason="met both")
    assert set(table(small)) == {pair(B, C), pair(D, E)}
    assert table(small)[pair(B, C)].records == 2
    resolve(small, run_id="second", progress=silent)
    assert set(table(small)) == {pair(B, C), pair(D, E)}, "a run does not bring it back"
    with small.begin() as connection:
        ledger.undo(connection, number, author="ann", reason="mistaken")
    assert table(small)[pair(A, B)].records == table(small)[pair(B, C)].records == 3


def test_what_became_one_customer_does_not_wait(small):
    with small.begin() as connection:
        ledger.judge(connection, A, C, Verdict.SAME, author="ann", reason="one person")
        ledger.judge(connection, A, B, Verdict.SAME, author="ann", reason="one person")
    resolve(small, run_id="second", progress=silent)
    assert set(table(small)) == {pair(D, E)}, "B and C are one customer over A"


def test_value_at_stake_is_that_of_both_customers_and_currencies_are_not_added_up(small):
    with small.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO canonical.opportunity (ref, source, stream, source_id, party_ref, name, stage, status,
                       amount, currency, source_created_at)
                   VALUES ('crm:Opportunity:1', 'crm', 'Opportunity', '1', :d, 'x', 'x', 'open', 900, 'EUR', :now),
                          ('crm:Opportunity:2', 'crm', 'Opportunity', '2', :d, 'x', 'x', 'won', 5000, 'EUR', :now),
                          ('crm:Opportunity:3', 'crm', 'Opportunity', '3', :d, 'x', 'x', 'open', NULL, 'EUR', :now)"""
            ),
            {"d": D, "now": NOW},
        )
        connection.execute(
            text(
                """INSERT INTO canonical.invoice (ref, source, stream, source_id, party_ref, status, currency, total, paid,
                       remaining, issued_at)
                   VALUES ('bill:invoices:1', 'bill', 'invoices', '1', :e, 'open', 'EUR', 300, 200, 100, :now),
                          ('bill:invoices:2', 'bill', 'invoices', '2', :e, 'open', 'USD', 950, 0, 950, :now)"""
            ),
            {"e": E, "now": NOW},
        )
        dirty.mark(connection, [D, E])
    row = table(small)[pair(D, E)]
    assert row.open_opportunities == {"EUR": 900}
    assert row.open_balance == {"EUR": 100, "USD": 950}
    assert row.stake == 1000, "900 and 100 in EUR are more than 950 in USD"
    assert queued(small, sort="impact")[0] == {D, E}
    assert queued(small, value=1000) == [{D, E}]
    assert queued(small, value=1001) == []


def test_a_deleted_record_does_not_wait_and_comes_back_with_the_next_resolve(small):
    with small.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET deleted_at = now() WHERE ref = :e"), {"e": E})
        dirty.mark(connection, [E])
    assert pair(D, E) not in table(small)
    with small.begin() as connection:
        connection.execute(text("UPDATE canonical.party SET deleted_at = NULL WHERE ref = :e"), {"e": E})
        dirty.mark(connection, [E])
    resolve(small, run_id="third", progress=silent)
    assert pair(D, E) in table(small)


def test_words_find_beginnings_of_words_in_both_records_and_nothing_is_an_operator(small):
    assert queued(small, q="ünal") == [{A, B}]
    assert queued(small, q="ÜNAL mail") == [{A, B}]
    assert queued(small, q="berth") == queued(small, q="news:contacts:5") == [{D, E}]
    for typed in ("%", "!", "berth | unal", "berth & !x", "'; DROP TABLE x", "a" * 200, ":*", "<->"):
        assert queued(small, q=typed) == []


def test_a_lead_has_what_is_routed_to_their_departments(small):
    finance, sales = (Principal(name, frozenset({"review"}), frozenset({name})) for name in ("finance", "sales"))
    assert queued(small, finance) == [{B, C}]
    assert queued(small, sales) == [{A, B}, {D, E}]
    routes = ReviewSettings.model_validate(
        {
            "routes": [
                {"source": "news", "to": ["finance"]},
                {"department": "support", "kind": "person", "to": ["support"]},
            ]
        }
    ).routes
    assert queued(small, finance, routes) == [{D, E}]
    assert queued(small, sales, routes) == []
    with small.connect() as connection:
        ids = party_ids(connection)
        de, bc = ((ids[a], ids[b]) for a, b in ((D, E), (B, C)))
        assert routing.may_judge(connection, finance, routes, [de])
        assert not routing.may_judge(connection, finance, routes, [de, bc])
        assert not routing.may_judge(connection, Principal("x", frozenset({"review"}), frozenset()), (), [de])
        assert routing.may_judge(connection, ADMIN, routes, [bc])


def test_refreshing_again_changes_nothing(small):
    before = table(small)
    with small.begin() as connection:
        connection.execute(text("CREATE TEMP TABLE everybody ON COMMIT DROP AS SELECT party_id FROM canonical.party"))
        waiting.refresh(connection, "everybody")
    assert table(small) == before
