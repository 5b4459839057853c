"""What one page writes, and that it does so wholly or not at all."""

import datetime as dt

import pytest
from sqlalchemy import Engine, text

from connectors import landing
from connectors.base import Page, Row, page
from connectors.landing import Landed

AS_OF = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
LATER = AS_OF + dt.timedelta(days=1)


def write(db: Engine, made: Page, as_of: dt.datetime = AS_OF) -> Landed:
    with db.begin() as connection:
        landing.save_watermark(connection, "crm", "people", made.cursor)
        return landing.write_page(connection, "crm", "people", made, as_of)


def stored(db: Engine) -> dict[str, tuple]:
    with db.connect() as connection:
        rows = connection.execute(text("SELECT source_id, payload, deleted_at FROM landing.source_record"))
        return {row.source_id: (row.payload, row.deleted_at) for row in rows}


def queued(db: Engine) -> list[str]:
    with db.begin() as connection:
        return sorted(connection.execute(text("DELETE FROM landing.to_conform RETURNING source_id")).scalars())


def test_only_rows_that_differ_are_written_and_queued(db: Engine):
    first = write(db, page([{"id": 1, "a": 1, "b": 2}, {"id": 2}], {"at": 1}))
    assert first == Landed(fetched=2, inserted=2)
    assert queued(db) == ["1", "2"]
    again = write(db, page([{"b": 2, "a": 1, "id": 1}, {"id": 2, "new": None}], {"at": 2}))
    assert again == Landed(fetched=2, updated=1, unchanged=1), "the order of keys is no change, a new key is"
    assert queued(db) == ["2"]


def test_a_tombstone_is_laid_over_the_last_payload_once(db: Engine):
    write(db, page([{"id": "1", "name": "Ann"}], {}))
    queued(db)
    tombstone = Page([Row("1", {"id": "1", "mergedInto": "2"}, deleted=True)], {})
    assert write(db, tombstone) == Landed(fetched=1, deleted=1)
    assert stored(db) == {"1": ({"id": "1", "name": "Ann", "mergedInto": "2"}, AS_OF)}
    assert queued(db) == ["1"]
    assert write(db, tombstone, LATER) == Landed(fetched=1, unchanged=1)
    assert stored(db)["1"][1] == AS_OF
    assert queued(db) == []


def test_a_row_that_comes_back_is_alive_again(db: Engine):
    write(db, page([{"id": "1"}], {}))
    write(db, Page([Row("1", {"id": "1"}, deleted=True)], {}))
    assert write(db, page([{"id": "1"}], {})).updated == 1
    assert stored(db) == {"1": ({"id": "1"}, None)}


def test_rows_without_a_key_wait_in_quarantine_once(db: Engine):
    mixed = page([{"id": "1"}, {"name": "no id"}, "text", None, {"id": True}, {"id": ""}], {})
    assert write(db, mixed) == Landed(fetched=6, inserted=1, quarantined=5)
    write(db, mixed)
    with db.connect() as connection:
        entries = connection.execute(text("SELECT stage, reason, payload FROM landing.quarantine")).all()
    assert len(entries) == 5
    assert {entry.stage for entry in entries} == {"land"}
    assert {"name": "no id"} in [entry.payload for entry in entries]


def test_what_postgres_cannot_keep_is_taken_out_and_stays_unchanged(db: Engine):
    odd = page([{"id": "1", "a\x00": "x\x00y", "half": "\ud800!", "deep": [{"z": "\x00"}]}], {})
    assert write(db, odd).inserted == 1
    assert stored(db)["1"][0] == {"id": "1", "a": "xy", "half": "?!", "deep": [{"z": ""}]}
    assert write(db, odd).unchanged == 1


def test_a_page_that_fails_leaves_neither_rows_nor_watermark(db: Engine):
    write(db, page([{"id": "1"}], {"at": 1}))
    broken = Page([Row("2", {"id": "2"}), Row("3", {"id": object()})], {"at": 2})
    with pytest.raises(TypeError):
        write(db, broken)
    assert set(stored(db)) == {"1"}
    with db.connect() as connection:
        assert landing.watermark(connection, "crm", "people") == {"at": 1}
