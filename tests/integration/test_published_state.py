"""What readers are told about identity is what is published, and a source can be read again."""

import datetime as dt
import uuid

import pytest
from sqlalchemy import Engine, text

from hub import watermarks
from hub.errors import NotFoundError
from hub.golden import read
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity import ledger
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from hub.settings import Settings
from tests.support import add_parties, add_same_pairs, customers, queue_all

NOW = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
A, B = "crm:Contact:1", "desk:users:1"


def advance(engine: Engine, *, published: bool) -> None:
    resolve(engine, run_id="test", progress=silent)
    compose(engine, Settings(), run_id="test", as_of=NOW, progress=silent)
    if published:
        publish(engine, run_id="test", as_of=NOW)


def crosswalk(engine: Engine) -> dict[str, str]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT ref, golden_id::text FROM golden.crosswalk WHERE until IS NULL"))
        return {row.ref: row.golden_id for row in rows}


def merges(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT event FROM golden.merge_log ORDER BY lineage_id")).scalars())


@pytest.fixture
def two(db: Engine) -> Engine:
    with db.begin() as connection:
        add_parties(connection, {"ref": A, "name": "Ada"}, {"ref": B, "name": "Ada L", "department": "support"})
        queue_all(connection)
    advance(db, published=True)
    return db


def test_a_merge_shows_in_crosswalk_and_merge_log_when_it_is_published_not_before(two: Engine) -> None:
    before = crosswalk(two)
    assert len(set(before.values())) == 2
    with two.begin() as connection:
        ledger.judge(connection, A, B, Verdict.SAME, author="ann", reason="known")
    advance(two, published=False)
    assert crosswalk(two) == before
    assert merges(two) == []
    publish(two, run_id="test", as_of=NOW)
    after = crosswalk(two)
    assert after[A] == after[B]
    assert merges(two) == ["merged"]
    with two.connect() as connection:
        ended = connection.execute(
            text("SELECT ref, golden_id::text FROM golden.crosswalk WHERE until IS NOT NULL")
        ).one()
    assert before[ended.ref] == ended.golden_id


def test_the_crosswalk_lists_each_member_of_each_published_customer_once(two: Engine) -> None:
    with two.connect() as connection:
        members = connection.execute(text("SELECT unnest(members), golden_id::text FROM golden.customer")).all()
    assert sorted(crosswalk(two).items()) == sorted((ref, golden) for ref, golden in members)


def test_a_source_is_read_from_the_beginning_again(db: Engine) -> None:
    with db.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO landing.watermark (source, stream, cursor) VALUES
                       ('crm', 'Contact', '{"at": 1}'), ('crm', 'Lead', '{"at": 1}'), ('desk', 'users', '{"at": 1}')"""
            )
        )
        assert watermarks.forget(connection, "crm", None, actor="ann", reason="fixed") == ["Contact", "Lead"]
        left = connection.execute(text("SELECT source FROM landing.watermark")).scalars().all()
        acts = connection.execute(text("SELECT actor, act, subject, reason FROM ops.audit")).all()
        with pytest.raises(NotFoundError, match="crm/Nothing"):
            watermarks.forget(connection, "crm", "Nothing", actor="ann", reason="")
    assert left == ["desk"]
    assert [tuple(act) for act in acts] == [("ann", "resync", "crm", "fixed")]


def judged(engine: Engine, verdict: Verdict) -> None:
    with engine.begin() as connection:
        ledger.judge(connection, A, B, verdict, author="ann", reason="known")
    resolve(engine, run_id="test", progress=silent)


def feed(engine: Engine) -> list[tuple[str, str, str | None]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("SELECT op, golden_id::text, survivor::text FROM golden.change ORDER BY sequence OFFSET 2")
        )
        return [tuple(row) for row in rows]


def test_every_id_leads_to_who_shows_its_records_until_a_split_is_published(two: Engine) -> None:
    before = crosswalk(two)
    judged(two, Verdict.SAME)
    advance(two, published=True)
    (kept,) = set(crosswalk(two).values())
    (gone,) = set(before.values()) - {kept}
    judged(two, Verdict.DIFFERENT)
    with two.connect() as connection:
        for golden_id in (kept, gone):
            assert str(read.resolve_id(connection, uuid.UUID(golden_id)).golden_id) == kept
    advance(two, published=True)
    with two.connect() as connection:
        for golden_id in (kept, gone):
            assert str(read.resolve_id(connection, uuid.UUID(golden_id)).golden_id) == golden_id


def test_an_id_that_was_never_published_leads_to_who_shows_its_records(two: Engine) -> None:
    """A customer of the model alone, taken apart: the part has a new id, which its author knows before all others."""
    with two.begin() as connection:
        connection.execute(text("UPDATE identity.golden_id SET number = number + 10"))
        add_parties(connection, {"ref": "mail:contacts:1"}, {"ref": "mail:contacts:2"})
        add_same_pairs(connection, ("mail:contacts:1", "mail:contacts:2"))
    advance(two, published=True)
    shown = crosswalk(two)["mail:contacts:1"]
    with two.begin() as connection:
        ledger.judge(
            connection, "mail:contacts:1", "mail:contacts:2", Verdict.DIFFERENT, author="ann", reason="brothers"
        )
    resolve(two, run_id="test", progress=silent)
    ids = set(customers(two).values()) - set(crosswalk(two).values())
    with two.connect() as connection:
        assert [str(read.resolve_id(connection, uuid.UUID(one)).golden_id) for one in ids] == [shown]


def test_what_is_taken_apart_between_composing_and_publishing_is_told_as_what_was_composed(two: Engine) -> None:
    before = crosswalk(two)
    judged(two, Verdict.SAME)
    advance(two, published=False)
    judged(two, Verdict.DIFFERENT)
    publish(two, run_id="test", as_of=NOW)
    (kept,) = set(crosswalk(two).values())
    (gone,) = set(before.values()) - {kept}
    assert sorted(feed(two)) == sorted([("changed", kept, None), ("merged", gone, kept)])
    assert merges(two) == ["merged"], "the split is not published yet"
    advance(two, published=True)
    assert sorted(feed(two)[2:]) == sorted([("changed", kept, None), ("split", gone, None)])
    assert merges(two) == ["merged", "split"]
    assert crosswalk(two) == before
