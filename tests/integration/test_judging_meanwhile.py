"""Judging while a resolve runs."""

import threading

from sqlalchemy import Engine, text

from hub.identity import ledger, register
from hub.identity.resolve import resolve
from hub.model.kinds import Verdict
from hub.progress import silent
from tests.support import add_parties, add_same_pairs, customers, queue_all

A, B = "crm:Contact:1", "desk:users:1"


def test_a_judgement_in_the_middle_of_a_resolve_takes_effect_with_the_next(db, monkeypatch):
    with db.begin() as connection:
        add_parties(connection, {"ref": A}, {"ref": B})
        add_same_pairs(connection, (A, B))
        queue_all(connection)
    judging = threading.Thread(target=_judge, args=(db,))
    apply = register.apply

    def apply_once_somebody_judges(*args, **kwargs):
        judging.start()
        while judging.is_alive() and not _somebody_waits(db):
            judging.join(0.05)
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


def _judge(engine: Engine) -> None:
    with engine.begin() as connection:
        ledger.judge(connection, A, B, Verdict.DIFFERENT, author="ann", reason="met them")


def _somebody_waits(engine: Engine) -> bool:
    """Whether a lock on the queue of resolve is waited for."""
    query = "SELECT 1 FROM pg_locks WHERE relation = CAST('identity.to_resolve' AS regclass) AND NOT granted"
    with engine.connect() as connection:
        return connection.execute(text(query)).first() is not None
