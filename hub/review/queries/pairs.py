"""Pairs that wait for a person, the two records of a pair, and what people decided."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging
from hub.errors import ConflictError

PAGE = 25

# A pair waits while its band is review, nobody judged it, and nothing else made one customer of the two.
WAITING = """
    FROM identity.pair p
    JOIN canonical.party a ON a.party_id = p.party_a
    JOIN canonical.party b ON b.party_id = p.party_b
    WHERE p.band = 'review' AND a.deleted_at IS NULL AND b.deleted_at IS NULL
      AND NOT EXISTS (SELECT 1 FROM identity.judgement j WHERE j.party_a = p.party_a AND j.party_b = p.party_b
                      AND j.author_kind = 'person' AND j.ended_at IS NULL)
      AND NOT EXISTS (SELECT 1 FROM identity.membership ma JOIN identity.membership mb USING (golden_id)
                      WHERE ma.party_id = p.party_a AND ma.until IS NULL
                        AND mb.party_id = p.party_b AND mb.until IS NULL)"""

FILTERS = {
    "kind": "p.kind = :kind",
    "source": ":source IN (a.source, b.source)",
    "q": """(a.name ILIKE :q OR b.name ILIKE :q OR a.email ILIKE :q OR b.email ILIKE :q
             OR a.ref ILIKE :q OR b.ref ILIKE :q)""",
}

# Key, direction, and the comparison that continues behind a row.
SORTS: dict[str, tuple[str, str, str, type]] = {
    "likely": ("p.probability", "DESC", "<", float),
    "unlikely": ("p.probability", "ASC", ">", float),
    # At even odds an answer teaches the model most.
    "teaching": ("abs(p.probability - 0.5)", "ASC", ">", float),
    "oldest": ("p.first_seen_at", "ASC", ">", dt.datetime.fromisoformat),  # type: ignore[dict-item]
}


@dataclass(frozen=True)
class QueueFilter:
    """What of the queue is shown, and in which order. Empty text selects everything."""

    kind: str = ""
    source: str = ""
    q: str = ""
    sort: str = "likely"

    def chosen(self) -> dict[str, str]:
        """What differs from the default, as query parameters."""
        return {name: value for name, value in asdict(self).items() if value and (name, value) != ("sort", "likely")}

    def narrows(self) -> bool:
        return bool(self.kind or self.source or self.q)


def waiting(
    connection: Connection, wanted: QueueFilter, cursor: str | None = None, limit: int = PAGE
) -> paging.Page[Row[Any]]:
    """One page of the queue.

    Raises:
        paging.CursorError: the cursor belongs to another list.
    """
    key, direction, beyond, kind = SORTS[wanted.sort]
    clauses, parameters = _conditions(wanted)
    if cursor is not None:
        position = paging.decode(cursor, [kind, int, int], list(asdict(wanted).values()))
        clauses.append(f"({key}, p.party_a, p.party_b) {beyond} (:at, :at_a, :at_b)")
        parameters |= dict(zip(("at", "at_a", "at_b"), position, strict=True))
    rows = connection.execute(
        text(
            f"""SELECT p.party_a, p.party_b, p.kind, p.probability, p.first_seen_at, {key} AS at,
                    a.name AS a_name, a.email AS a_email, a.city AS a_city, a.source AS a_source,
                    a.department AS a_department,
                    b.name AS b_name, b.email AS b_email, b.city AS b_city, b.source AS b_source,
                    b.department AS b_department
                {WAITING} {"".join(f" AND {clause}" for clause in clauses)}
                ORDER BY {key} {direction}, p.party_a {direction}, p.party_b {direction} LIMIT :limit"""
        ),
        parameters | {"limit": limit + 1},
    ).all()
    return paging.cut(rows, limit, lambda row: position_of(wanted, row.at, row.party_a, row.party_b))


def position_of(wanted: QueueFilter, at: Any, party_a: int, party_b: int) -> str:
    """The cursor that continues behind this pair."""
    return paging.encode([at, party_a, party_b], list(asdict(wanted).values()))


def count_waiting(connection: Connection, wanted: QueueFilter) -> int:
    clauses, parameters = _conditions(wanted)
    conditions = "".join(f" AND {clause}" for clause in clauses)
    return int(connection.execute(text(f"SELECT count(*) {WAITING}{conditions}"), parameters).scalar_one())


def following(connection: Connection, wanted: QueueFilter, party_a: int, party_b: int) -> Row[Any] | None:
    """The waiting pair behind this one, else the first of the queue; None if no other waits."""
    key = SORTS[wanted.sort][0]
    at = connection.execute(
        text(f"SELECT {key} FROM identity.pair p WHERE p.party_a = :a AND p.party_b = :b"), {"a": party_a, "b": party_b}
    ).scalar_one_or_none()
    if at is not None:
        behind = waiting(connection, wanted, position_of(wanted, at, party_a, party_b), limit=1).items
        if behind:
            return behind[0]
    first = waiting(connection, wanted, limit=1).items
    return first[0] if first and (first[0].party_a, first[0].party_b) != (party_a, party_b) else None


def _conditions(wanted: QueueFilter) -> tuple[list[str], dict[str, Any]]:
    values = {"kind": wanted.kind, "source": wanted.source, "q": like(wanted.q) if wanted.q else ""}
    chosen = {name: value for name, value in values.items() if value}
    return [FILTERS[name] for name in chosen], chosen


def like(words: str) -> str:
    """A pattern that finds `words` anywhere; what the visitor typed is never a wildcard."""
    escaped = words.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def sources(connection: Connection) -> Sequence[str]:
    """The sources that parties came from; hops from one to the next in the index, whatever the number of parties."""
    return (
        connection.execute(
            text(
                """WITH RECURSIVE hop AS (
                       (SELECT source FROM canonical.party ORDER BY source LIMIT 1)
                       UNION ALL
                       SELECT (SELECT p.source FROM canonical.party p WHERE p.source > hop.source
                               ORDER BY p.source LIMIT 1)
                       FROM hop WHERE hop.source IS NOT NULL)
                   SELECT source FROM hop WHERE source IS NOT NULL"""
            )
        )
        .scalars()
        .all()
    )


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


def still_as_seen(connection: Connection, party_a: int, party_b: int, seen: int | None) -> None:
    """Take the turn on this pair until commit, and make sure that nobody judged it since the page was shown.

    Raises:
        ConflictError: somebody did; says who, what and when.
    """
    connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:pair, 0))"), {"pair": f"judge {party_a} {party_b}"}
    )
    now = live_judgement(connection, party_a, party_b)
    if (now.judgement_id if now else None) == seen:
        return
    if now is None:
        raise ConflictError("the judgement that you saw on this pair was taken back in between; look again")
    raise ConflictError(f"this pair was judged {now.verdict} by {now.author} in between; look again before you decide")


def judgement(connection: Connection, judgement_id: int) -> Row[Any] | None:
    return connection.execute(
        text("SELECT * FROM identity.judgement WHERE judgement_id = :id AND author_kind = 'person'"),
        {"id": judgement_id},
    ).one_or_none()


def decisions(
    connection: Connection, author: str | None, cursor: str | None, limit: int = PAGE
) -> paging.Page[Row[Any]]:
    """What people decided, newest first; by one author or by all."""
    before = paging.decode(cursor, [int], [author])[0] if cursor else None
    rows = connection.execute(
        text(
            f"""SELECT j.*, a.name AS a_name, b.name AS b_name, a.source AS a_source, b.source AS b_source, a.kind
                FROM identity.judgement j
                JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
                WHERE j.author_kind = 'person'
                {"AND j.author = :author" if author else ""} {"AND j.judgement_id < :before" if before else ""}
                ORDER BY j.judgement_id DESC LIMIT :limit"""
        ),
        {"author": author, "before": before, "limit": limit + 1},
    ).all()
    return paging.cut(rows, limit, lambda row: paging.encode([row.judgement_id], [author]))


def decided_since(connection: Connection, days: int) -> int:
    """How many live judgements people made in the last `days` days."""
    return int(
        connection.execute(
            text(
                """SELECT count(*) FROM identity.judgement WHERE author_kind = 'person' AND ended_at IS NULL
                   AND made_at > now() - make_interval(days => :days)"""
            ),
            {"days": days},
        ).scalar_one()
    )
