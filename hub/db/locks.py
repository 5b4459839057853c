"""Who writes takes turns: locks of Postgres, which a killed process gives back by itself.

Whoever takes several of them takes them in this one order, and each before the rows for whose sake it is taken:

    landing.to_conform, IDENTITY, canonical.to_match, identity.to_resolve, golden.to_compose, PUBLICATION,
    golden.to_publish

A judgement is a row for the sake of which `identity.to_resolve` is taken, a membership one of `golden.to_compose`.
Whoever wrote the row first and then waited for the queue would wait for ever: the one who empties the queue waits for
that row.
"""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

# Arbitrary, distinct numbers; they only have to differ from those of other programs on the same server.
IDENTITY = 4_201_338
PUBLICATION = 4_201_339


def hold(connection: Connection, lock: int) -> None:
    """Wait for the lock and keep it until commit or rollback."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


def beside(connection: Connection, queue: str) -> None:
    """Fill `queue` beside others who do, once its owner is done, until commit. `queue` is `schema.table`.

    It is filled by one statement, in the order of its key: two that fill it in another order wait for each other.
    """
    connection.execute(text(f"LOCK TABLE {queue} IN ROW EXCLUSIVE MODE"))


def alone(connection: Connection, queue: str) -> None:
    """Own `queue` until commit: to empty it, or to fill it by several statements. Waits for all who fill it.

    Without it, one who found a row queued already, and so did not queue it, could commit what it changed just after
    that row was taken without the change.
    """
    connection.execute(text(f"LOCK TABLE {queue} IN SHARE ROW EXCLUSIVE MODE"))


@contextlib.contextmanager
def one_at_a_time(engine: Engine, work: str) -> Iterator[None]:
    """Work of this name runs once at a time, over all processes, across the transactions within."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtextextended(:work, 0))"), {"work": work})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:work, 0))"), {"work": work})


@contextlib.contextmanager
def if_free(connection: Connection, work: str) -> Iterator[bool]:
    """Whether work of this name is ours for the length of a `with`; False, at once, where somebody else does it.

    `connection` is in autocommit and stays open meanwhile: the lock is its session's.
    """
    named = {"work": work}
    ours = connection.execute(text("SELECT pg_try_advisory_lock(hashtextextended(:work, 0))"), named).scalar_one()
    try:
        yield bool(ours)
    finally:
        if ours:
            connection.execute(text("SELECT pg_advisory_unlock(hashtextextended(:work, 0))"), named)
