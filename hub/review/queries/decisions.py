"""What people decided: single judgements and bulk acts, whose they are, and how many there are."""

from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging
from hub.identity.bulk import Picture
from hub.review.queries import customers, routing
from hub.review.queries.filters import Seat

PAGE = 25


def judgement(connection: Connection, judgement_id: int) -> Row[Any] | None:
    """A person's judgement with the names of both records."""
    return connection.execute(
        text(
            """SELECT j.*, a.name AS a_name, b.name AS b_name FROM identity.judgement j
               JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
               WHERE j.judgement_id = :id AND j.author_kind = 'person'"""
        ),
        {"id": judgement_id},
    ).one_or_none()


def bulk(connection: Connection, bulk_id: int) -> Row[Any] | None:
    """An act of many judgements, and how many of them hold still (`live`)."""
    return connection.execute(
        text(
            """SELECT b.*, (SELECT count(*) FROM identity.judgement j
                            WHERE j.bulk_id = b.bulk_id AND j.ended_at IS NULL) AS live
               FROM identity.bulk b WHERE b.bulk_id = :id"""
        ),
        {"id": bulk_id},
    ).one_or_none()


def of_bulk(connection: Connection, bulk_id: int) -> tuple[int, ...]:
    """The judgements of an act that hold still."""
    rows = connection.execute(
        text(
            """SELECT judgement_id FROM identity.judgement WHERE bulk_id = :id AND ended_at IS NULL
               ORDER BY judgement_id"""
        ),
        {"id": bulk_id},
    )
    return tuple(rows.scalars())


def history(
    connection: Connection, seat: Seat, author: str | None, cursor: str | None, limit: int = PAGE
) -> paging.Page[Row[Any]]:
    """What people decided, newest first; by one author, or by all as far as it is routed to who asks.

    A bulk act is one entry, at its last judgement; its `many` tells how many judgements it had.
    """
    before = paging.decode(cursor, [int], [author])[0] if cursor else None
    routed, parameters = routing.departments(seat.routes, "r")
    mine = seat.who.departments
    rows = connection.execute(
        text(
            f"""SELECT r.* FROM (
                    SELECT j.*, a.name AS a_name, b.name AS b_name, a.source AS a_source, b.source AS b_source, a.kind,
                        ARRAY[a.source, b.source] AS sources, ARRAY[a.department, b.department] AS departments,
                        k.pairs AS many,
                        (SELECT count(*) FROM identity.judgement o
                         WHERE o.bulk_id = j.bulk_id AND o.ended_at IS NULL) AS live
                    FROM identity.judgement j
                    JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
                    LEFT JOIN identity.bulk k ON k.bulk_id = j.bulk_id
                    WHERE j.author_kind = 'person'
                      AND (j.bulk_id IS NULL OR NOT EXISTS (SELECT 1 FROM identity.judgement o
                           WHERE o.bulk_id = j.bulk_id AND o.judgement_id > j.judgement_id))
                ) r
                WHERE true {"AND r.author = :author" if author else ""}
                {"AND r.judgement_id < :before" if before else ""}
                {f"AND ({routed}) && CAST(:mine AS text[])" if mine is not None and author is None else ""}
                ORDER BY r.judgement_id DESC LIMIT :limit"""
        ),
        {**parameters, "author": author, "before": before, "limit": limit + 1, "mine": sorted(mine or ())},
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


def decided_this_week(connection: Connection, author: str) -> int:
    """How many pairs a person decided since Monday, those that were taken back left out."""
    return int(
        connection.execute(
            text(
                """SELECT count(*) FROM identity.judgement WHERE author = :author AND author_kind = 'person'
                   AND ended_at IS NULL AND made_at >= date_trunc('week', now())"""
            ),
            {"author": author},
        ).scalar_one()
    )


def names(connection: Connection, picture: Picture) -> dict[str, str]:
    """The name of each record of a picture by ref, and of each published customer by golden id."""
    rows = connection.execute(
        text("SELECT ref, name FROM canonical.party WHERE ref = ANY(:refs)"), {"refs": picture.refs}
    )
    homes = {home for one in picture.consequences.moved for home in (one.before, one.after) if home}
    return {row.ref: row.name for row in rows} | customers.names_of(connection, homes)
