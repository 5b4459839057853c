"""The store: migrations tell the models' story, the ledger guards itself, bulk writes count what they did."""

import pytest
from sqlalchemy import Engine, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from hub.db import bulk, migrate
from hub.db.tables import identity, landing

RECORD = landing.SourceRecord.__table__
QUEUE = landing.ToConform.__table__
COLUMNS = ["source", "stream", "source_id", "payload", "content_hash"]
KEY = ["source", "stream", "source_id"]


def test_models_and_migrations_agree(db: Engine) -> None:
    migrate.check(db)
    assert migrate.current(db) == migrate.head()


def test_upsert_counts_and_queues_only_what_it_wrote(db: Engine) -> None:
    rows = [("crm", "Contact", str(n), {"n": n}, f"hash{n}") for n in range(3)]
    with db.begin() as connection:
        first = bulk.upsert(connection, RECORD, COLUMNS, rows, key=KEY, queue=QUEUE)
        connection.execute(text("DELETE FROM landing.to_conform"))
        changed = [*rows[:2], ("crm", "Contact", "2", {"n": "new"}, "other"), ("crm", "Contact", "3", {}, "h3")]
        second = bulk.upsert(connection, RECORD, COLUMNS, changed, key=KEY, queue=QUEUE)
        queued = connection.execute(select(QUEUE.c.source_id).order_by(QUEUE.c.source_id)).scalars().all()
    assert first == bulk.Upserted(inserted=3)
    assert second == bulk.Upserted(inserted=1, updated=1, unchanged=2)
    assert queued == ["2", "3"]


def test_of_two_rows_with_one_key_the_last_wins(db: Engine) -> None:
    rows = [("crm", "Contact", "1", {"v": "old"}, "a"), ("crm", "Contact", "1", {"v": "new"}, "b")]
    with db.begin() as connection:
        counts = bulk.upsert(connection, RECORD, COLUMNS, rows, key=KEY)
        payload = connection.execute(select(RECORD.c.payload)).scalar_one()
    assert counts == bulk.Upserted(inserted=1)
    assert payload == {"v": "new"}


@pytest.fixture
def judgement_id(db: Engine) -> int:
    with db.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO canonical.party (ref, source, stream, source_id, kind, department, name)"
                " VALUES ('a:S:1', 'a', 'S', '1', 'person', 'sales', 'A'), ('a:S:2', 'a', 'S', '2', 'person', 'sales', 'B')"
            )
        )
        values = {
            "party_a": 1, "party_b": 2, "verdict": "same", "author_kind": "person", "author": "ann", "reason": "known",
        }  # fmt: skip
        return connection.execute(
            insert(identity.Judgement).values(**values).returning(identity.Judgement.judgement_id)
        ).scalar_one()


def test_a_judgement_cannot_be_changed_or_removed(db: Engine, judgement_id: int) -> None:
    for statement in (
        update(identity.Judgement).values(verdict="different"),
        text("DELETE FROM identity.judgement"),
    ):
        with pytest.raises(DBAPIError, match="append-only"), db.begin() as connection:
            connection.execute(statement)


def test_a_judgement_is_ended_once(db: Engine, judgement_id: int) -> None:
    end = update(identity.Judgement).values(ended_at=text("now()"), ended_by="ann")
    with db.begin() as connection:
        connection.execute(end)
    with pytest.raises(DBAPIError, match="append-only"), db.begin() as connection:
        connection.execute(end)
