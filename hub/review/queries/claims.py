"""Claims: who opened a pair has it for some minutes, so that nobody does the same work beside them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.audit import record
from hub.errors import ConflictError

Pair = tuple[int, int]


def claim(connection: Connection, pairs: Sequence[Pair], who: str, minutes: int) -> None:
    """Claim those of the waiting pairs that nobody else has, or go on having them."""
    connection.execute(
        text(
            """INSERT INTO identity.claim AS c (party_a, party_b, claimed_by, claimed_until)
               SELECT w.party_a, w.party_b, :who, now() + make_interval(mins => :minutes)
               FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS p(party_a, party_b)
               JOIN identity.waiting_pair w USING (party_a, party_b) ORDER BY 1, 2
               ON CONFLICT (party_a, party_b) DO UPDATE
               SET claimed_by = excluded.claimed_by, claimed_until = excluded.claimed_until
               WHERE c.claimed_until <= now() OR c.claimed_by = excluded.claimed_by"""
        ),
        {**_sides(pairs), "who": who, "minutes": minutes},
    )


def of_others(connection: Connection, pairs: Sequence[Pair], who: str) -> Row[Any] | None:
    """The claim that somebody else has on one of the pairs now: claimed_by, claimed_until."""
    return connection.execute(
        text(
            """SELECT c.claimed_by, c.claimed_until
               FROM unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS p(party_a, party_b)
               JOIN identity.claim c USING (party_a, party_b)
               WHERE c.claimed_until > now() AND c.claimed_by <> :who ORDER BY c.claimed_until DESC LIMIT 1"""
        ),
        {**_sides(pairs), "who": who},
    ).one_or_none()


def hold(connection: Connection, pairs: Sequence[Pair], who: str) -> None:
    """Make sure that nobody else has the pairs, and that nobody takes them until commit.

    Raises:
        ConflictError: somebody has; says who.
    """
    connection.execute(
        text(
            """SELECT 1 FROM identity.claim
               JOIN unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS p(party_a, party_b) USING (party_a, party_b)
               ORDER BY party_a, party_b FOR UPDATE OF claim"""
        ),
        _sides(pairs),
    )
    other = of_others(connection, pairs, who)
    if other is not None:
        until = f"{other.claimed_until:%H:%M} UTC"
        raise ConflictError(f"this is open with {other.claimed_by} until {until}; open it again to take it over")


def release(connection: Connection, pairs: Sequence[Pair]) -> None:
    connection.execute(
        text(
            """DELETE FROM identity.claim c
               USING unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[])) AS p(party_a, party_b)
               WHERE (c.party_a, c.party_b) = (p.party_a, p.party_b)"""
        ),
        _sides(pairs),
    )


def take_over(connection: Connection, pairs: Sequence[Pair], who: str, minutes: int) -> None:
    """Claim the pairs whoever has them; that is in the audit log."""
    other = of_others(connection, pairs, who)
    if other is not None:
        release(connection, pairs)
        subject = " ".join(f"{a}/{b}" for a, b in pairs)
        record(connection, who, "take over claim", subject, details={"from": other.claimed_by})
    claim(connection, pairs, who, minutes)


def _sides(pairs: Sequence[Pair]) -> dict[str, list[int]]:
    return {"a": [a for a, _ in pairs], "b": [b for _, b in pairs]}
