"""What readers are told about identity is what is published, and a source can be read again."""

import datetime as dt

import pytest
from sqlalchemy import Engine, text

from hub import watermarks
from hub.errors import NotFoundError
from hub.golden.compose import compose
from hub.golden.publish import publish
from hub.identity import ledger
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from hub.settings import Settings
from tests.support import add_parties, queue_all

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
