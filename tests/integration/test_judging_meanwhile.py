"""Judging while others judge, merge or resolve."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, text

from hub.identity import acts, ledger, register
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from tests.support import add_parties, add_same_pairs, customers, queue_all
from tests.waiting import PATIENCE

A, B = "crm:Contact:1", "desk:users:1"
ME: dict[str, Any] = {"author": "ann", "reason": "met them"}


def test_a_judgement_in_the_middle_of_a_resolve_takes_effect_with_the_next(db, monkeypatch):
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": B})
        add_same_pairs(connection, (A, B))
        queue_all(connection)
    judging = threading.Thread(target=_judge, args=(db,))
    apply = register.apply

    def apply_once_somebody_judges(*args, **kwargs):
        judging.start()
        _until_somebody_waits(db, judging)
        return apply(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(register, "apply", apply_once_somebody_judges)
        resolve(db, run_id="first", progress=silent)
    judging.join()
    together = customers(db)
    assert together[A] == together[B], "the first resolve did not know of the judgement yet"
    resolve(db, run_id="second", progress=silent)
    apart = customers(db)
    assert apart[A] != apart[B]


@pytest.mark.parametrize("what", ["judge", "undo"])
def test_judging_and_merging_at_once_wait_for_each_other_but_not_for_ever(db, monkeypatch, what):
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": B})
        queue_all(connection)
    resolve(db, run_id="first", progress=silent)
    with db.begin() as connection:
        number = ledger.judge(connection, A, B, Verdict.UNSURE, **ME)
    failed: list[Exception] = []
    merging = threading.Thread(target=_collecting, args=(failed, lambda: _merge(db)))
    queue = ledger._queue

    def queue_once_somebody_merges(*args):
        if not merging.ident:
            merging.start()
            _until_somebody_waits(db, merging)
        queue(*args)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_queue", queue_once_somebody_merges)
        with db.begin() as connection:
            if what == "judge":
                ledger.judge(connection, A, B, Verdict.SAME, author="bob", reason="same number")
            else:
                ledger.undo(connection, number, author="bob", reason="do not know")
        merging.join(PATIENCE)
    assert failed == []
    homes = customers(db)
    assert homes[A] == homes[B]


def test_who_queues_parties_for_resolve_queues_them_in_one_order(db):
    """Two that hold a row each and want that of the other would wait for ever."""
    with db.begin() as connection:
        ids = add_parties(connection, *({"ref": f"crm:Contact:{n}"} for n in range(20)))
        ledger._queue(connection, *sorted(ids.values(), reverse=True))
        queued = connection.execute(text("SELECT party_id FROM identity.to_resolve ORDER BY ctid")).scalars().all()
    assert queued == sorted(ids.values())


def _judge(engine: Engine) -> None:
    with engine.begin() as connection:
        ledger.judge(connection, A, B, Verdict.DIFFERENT, **ME)


def _merge(engine: Engine) -> None:
    with engine.connect() as connection:
        act = acts.merge(connection, A, B, **ME)
    acts.perform(engine, act)


def _collecting(failed: list[Exception], work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001  # the test shows whatever it was
        failed.append(error)


def _until_somebody_waits(engine: Engine, thread: threading.Thread) -> None:
    query = """SELECT 1 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
               WHERE a.datname = current_database() AND NOT granted"""
    while thread.is_alive():
        with engine.connect() as connection:
            if connection.execute(text(query)).first() is not None:
                return
        thread.join(0.05)
