"""Who writes takes turns: advisory locks, held until the transaction ends."""

from sqlalchemy import Connection, text

# Arbitrary, distinct numbers; they only have to differ from those of other programs on the same server.
IDENTITY = 4_201_338
PUBLICATION = 4_201_339


def hold(connection: Connection, lock: int) -> None:
    """Wait for the lock and keep it until commit or rollback."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
