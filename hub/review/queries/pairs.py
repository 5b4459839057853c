"""The records of a pair or of a cluster, what hangs on them, and what holds of them now."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.errors import ConflictError

DOUBLE = dt.timedelta(seconds=30)  # a form that is sent again within them was sent twice by one hand


def parties(connection: Connection, *party_ids: int) -> dict[int, Row[Any]]:
    """The records with these party ids, with the golden id each belongs to now."""
    rows = connection.execute(
        text(
            """SELECT p.*, m.golden_id FROM canonical.party p
               LEFT JOIN identity.membership m ON m.party_id = p.party_id AND m.until IS NULL
               WHERE p.party_id = ANY(:ids)"""
        ),
        {"ids": list(party_ids)},
    )
    return {row.party_id: row for row in rows}


def pair(connection: Connection, party_a: int, party_b: int) -> Row[Any] | None:
    return connection.execute(
        text("SELECT * FROM identity.pair WHERE party_a = :a AND party_b = :b"), {"a": party_a, "b": party_b}
    ).one_or_none()


def waiting_row(connection: Connection, party_a: int, party_b: int) -> Row[Any] | None:
    """The pair's row in the queue; None if it does not wait."""
    return connection.execute(
        text(
            """SELECT cluster_id, records, later_until, asked, open_opportunities, open_balance,
                   later_until > CURRENT_DATE AS put_off
               FROM identity.waiting_pair WHERE party_a = :a AND party_b = :b"""
        ),
        {"a": party_a, "b": party_b},
    ).one_or_none()


def cluster_of(connection: Connection, party_id: int) -> Sequence[Row[Any]]:
    """The waiting pairs that tie a party to others, over whatever others: party_a, party_b, probability."""
    return connection.execute(
        text(
            """SELECT party_a, party_b, probability FROM identity.waiting_pair WHERE cluster_id = (
                   SELECT cluster_id FROM identity.waiting_pair WHERE party_a = :id OR party_b = :id LIMIT 1)
               ORDER BY probability DESC, party_a, party_b"""
        ),
        {"id": party_id},
    ).all()


def attached(connection: Connection, *refs: str) -> dict[str, dict[str, int]]:
    """What hangs on each record: how many opportunities, tickets, invoices and so on."""
    counts = " UNION ALL ".join(
        f"SELECT party_ref, '{table}' AS what, count(*) AS many FROM canonical.{table} "
        "WHERE party_ref = ANY(:refs) AND deleted_at IS NULL GROUP BY party_ref"
        for table in ("opportunity", "ticket", "invoice", "payment", "subscription", "touch", "consent")
    )
    found: dict[str, dict[str, int]] = {ref: {} for ref in refs}
    for row in connection.execute(text(counts), {"refs": list(refs)}):
        found[row.party_ref][row.what] = row.many
    return found


def live_judgement(connection: Connection, party_a: int, party_b: int) -> Row[Any] | None:
    """What a person holds of this pair now."""
    return connection.execute(
        text(
            """SELECT judgement_id, verdict, author, made_at FROM identity.judgement
               WHERE party_a = :a AND party_b = :b AND author_kind = 'person' AND ended_at IS NULL"""
        ),
        {"a": party_a, "b": party_b},
    ).one_or_none()


def take_turn(connection: Connection, party_a: int, party_b: int) -> None:
    """Let nobody else judge this pair until commit."""
    # A bulk act or a resolve that is under way comes first, and what it did is seen.
    connection.execute(text("LOCK TABLE identity.to_resolve IN ROW EXCLUSIVE MODE"))
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": f"judge {party_a} {party_b}"}
    )


def said_just_now(
    connection: Connection, party_a: int, party_b: int, *, verdict: str, who: str, seen: int | None
) -> int | None:
    """The judgement that the same form made a moment ago: a double click is one answer. The turn is taken before."""
    now = live_judgement(connection, party_a, party_b)
    if now is None or (now.author, now.verdict) != (who, verdict) or now.judgement_id == seen:
        return None
    return now.judgement_id if dt.datetime.now(dt.UTC) - now.made_at < DOUBLE else None


def still_as_seen(connection: Connection, party_a: int, party_b: int, seen: int | None) -> None:
    """Make sure that nobody judged the pair since the page was shown. The turn is taken before.

    Raises:
        ConflictError: somebody did; says who, what and when.
    """
    now = live_judgement(connection, party_a, party_b)
    if (now.judgement_id if now else None) == seen:
        return
    if now is None:
        raise ConflictError("the judgement that you saw on this pair was taken back in between; look again")
    raise ConflictError(f"this pair was judged {now.verdict} by {now.author} in between; look again before you decide")
