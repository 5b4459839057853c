"""Who writes takes turns: Postgres advisory locks, which a killed process gives back by itself."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, text

# Arbitrary, distinct numbers; they only have to differ from those of other programs on the same server.
IDENTITY = 4_201_338
PUBLICATION = 4_201_339


def hold(connection: Connection, lock: int) -> None:
    """Wait for the lock and keep it until commit or rollback."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})


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
