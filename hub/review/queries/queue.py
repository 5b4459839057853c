"""The queue: which waiting pairs are somebody's work, filtered, sorted, counted. Pages are read by keyset."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.api import paging
from hub.review.queries.filters import SORTS, QueueFilter, Seat, conditions, narrowed

PAGE = 25


@dataclass(frozen=True)
class Counts:
    """How many pairs each view has, and of the chosen view how many match, as how many pieces of work."""

    open: int
    later: int
    asked: int
    matching: int
    pieces: int


_LISTED = """
    w.party_a, w.party_b, w.kind, w.probability, w.waiting_since, w.departments, w.open_opportunities, w.open_balance,
    w.later_until, w.asked, w.records, w.cluster_id"""
# What a line of the queue compares in words.
COMPARED = (
    "name", "given_name", "family_name", "email", "mobile", "phone", "tax_id", "birth_date", "street", "postcode",
    "city", "website", "source", "department",
)  # fmt: skip
_RECORDS = ", ".join(f"{side}.{name} AS {side}_{name}" for side in ("a", "b") for name in COMPARED)


def waiting(
    connection: Connection,
    seat: Seat,
    wanted: QueueFilter,
    cursor: str | None = None,
    limit: int = PAGE,
    *,
    unclaimed: bool = False,
) -> paging.Page[Row[Any]]:
    """One page of somebody's queue: a row per pair, or per cluster of some records that wait; `pairs` names all.

    With `unclaimed`, without what others look at now. Raises paging.CursorError: the cursor belongs to another list.
    """
    sort = SORTS[wanted.sort]
    clauses, parameters = _clauses(seat, wanted, cursor, unclaimed=unclaimed)
    order = f"w.{sort.key} {sort.direction}, w.party_a {sort.direction}, w.party_b {sort.direction}"
    rows = connection.execute(
        text(
            f"""SELECT w.*, {_RECORDS}, CURRENT_DATE - CAST(w.waiting_since AS date) AS days,
                    CASE WHEN w.together THEN
                        ARRAY(SELECT c.party_a || '-' || c.party_b FROM identity.waiting_pair c
                              WHERE c.cluster_id = w.cluster_id ORDER BY 1)
                    ELSE ARRAY[w.party_a || '-' || w.party_b] END AS pairs,
                    c.claimed_by, c.claimed_until
                FROM (SELECT {_LISTED}, w.{sort.key} AS at, {seat.together.format(w="w")} AS together
                      FROM identity.waiting_pair w WHERE {" AND ".join(clauses)}
                      ORDER BY {order} LIMIT :limit) w
                JOIN canonical.party a ON a.party_id = w.party_a JOIN canonical.party b ON b.party_id = w.party_b
                LEFT JOIN identity.claim c ON c.party_a = w.party_a AND c.party_b = w.party_b
                    AND c.claimed_until > now()
                ORDER BY w.at {sort.direction}, w.party_a {sort.direction}, w.party_b {sort.direction}"""
        ),
        parameters | {"limit": limit + 1},
    ).all()
    return paging.cut(rows, limit, lambda row: paging.encode([row.at, row.party_a, row.party_b], _filters(wanted)))


def _clauses(
    seat: Seat, wanted: QueueFilter, cursor: str | None, *, unclaimed: bool
) -> tuple[list[str], dict[str, Any]]:
    """What a row `w` must fulfil to be a line of the list behind a cursor, and the parameters."""
    sort = SORTS[wanted.sort]
    selected, parameters = conditions(seat, wanted)
    key = f"{{w}}.{sort.key}, {{w}}.party_a, {{w}}.party_b"
    first = _FIRST_OF_CLUSTER.format(
        together=seat.together.format(w="w"),
        selected=selected.format(w="o"),
        other=key.format(w="o"),
        before=sort.before,
        this=key.format(w="w"),
    )
    clauses = [selected.format(w="w"), first]
    if unclaimed:
        clauses.append(_UNCLAIMED)
        parameters["who"] = seat.who.name
    if cursor is not None:
        position = paging.decode(cursor, [sort.read, int, int], _filters(wanted))
        clauses.append(f"({key.format(w='w')}) {sort.beyond} (:at, :at_a, :at_b)")
        parameters |= dict(zip(("at", "at_a", "at_b"), position, strict=True))
    return clauses, parameters


# Of the pairs of a cluster that are selected, the first in the order of the list stands for all.
_FIRST_OF_CLUSTER = """
    (({together}) IS NOT TRUE OR NOT EXISTS (
        SELECT 1 FROM identity.waiting_pair o
        WHERE o.cluster_id = w.cluster_id AND {selected} AND ({other}) {before} ({this})))"""
_UNCLAIMED = """
    NOT EXISTS (SELECT 1 FROM identity.claim c WHERE c.party_a = w.party_a AND c.party_b = w.party_b
                AND c.claimed_until > now() AND c.claimed_by <> :who)"""


def position(connection: Connection, wanted: QueueFilter, pair: tuple[int, int]) -> str | None:
    """The cursor that continues behind this pair; None if it does not wait."""
    at = connection.execute(
        text(
            f"""SELECT {SORTS[wanted.sort].key} FROM identity.waiting_pair
                WHERE party_a = :a AND party_b = :b"""
        ),
        {"a": pair[0], "b": pair[1]},
    ).scalar_one_or_none()
    return None if at is None else paging.encode([at, *pair], _filters(wanted))


def following(
    connection: Connection, seat: Seat, wanted: QueueFilter, behind: str | None, pair: tuple[int, int]
) -> Row[Any] | None:
    """The next work behind a cursor that nobody else has, else the first; None if there is no other than this pair."""
    for cursor in [behind, None] if behind else [None]:
        rows = waiting(connection, seat, wanted, cursor, limit=2, unclaimed=True).items
        others = [row for row in rows if (row.party_a, row.party_b) != pair]
        if others:
            return others[0]
    return None


def counts(connection: Connection, seat: Seat, wanted: QueueFilter) -> Counts:
    """Counts of all views, and of what matches, in one look at the table."""
    views, parameters = seat.views()
    filters, values = narrowed(wanted)
    each = ", ".join(f"{condition.format(w='w')} AS in_{name}" for name, condition in views.items())
    chosen = " AND ".join([f"in_{wanted.view}", *(f"({clause.format(w='w')})" for clause in filters)])
    # In inner queries, so that each condition is looked at once per row.
    row = connection.execute(
        text(
            f"""SELECT count(*) FILTER (WHERE in_open) AS open, count(*) FILTER (WHERE in_later) AS later,
                    count(*) FILTER (WHERE in_asked) AS asked, count(*) FILTER (WHERE chosen) AS matching,
                    count(*) FILTER (WHERE chosen AND NOT together)
                    + count(DISTINCT cluster_id) FILTER (WHERE chosen AND together) AS pieces
                FROM (SELECT *, {chosen} AS chosen, {seat.together.format(w="w")} AS together
                      FROM (SELECT *, {each} FROM identity.waiting_pair w OFFSET 0) w OFFSET 0) w"""
        ),
        parameters | values,
    ).one()
    return Counts(row.open, row.later, row.asked, row.matching, row.pieces)


def count(connection: Connection, seat: Seat, wanted: QueueFilter) -> int:
    """How many pairs match."""
    selected, parameters = conditions(seat, wanted)
    query = f"SELECT count(*) FROM identity.waiting_pair w WHERE {selected.format(w='w')}"
    return int(connection.execute(text(query), parameters).scalar_one())


def is_theirs(connection: Connection, seat: Seat, pair: tuple[int, int]) -> bool:
    """Whether a pair is somebody's to decide, now or later; not while it waits for others, or for nobody."""
    views, parameters = seat.views()
    query = f"""SELECT EXISTS (SELECT 1 FROM identity.waiting_pair w WHERE w.party_a = :a AND w.party_b = :b
                               AND ({views["open"].format(w="w")} OR {views["later"].format(w="w")}))"""
    return bool(connection.execute(text(query), {**parameters, "a": pair[0], "b": pair[1]}).scalar_one())


def in_all(connection: Connection) -> int:
    """How many pairs wait for people, whoever they are."""
    return int(connection.execute(text("SELECT count(*) FROM identity.waiting_pair")).scalar_one())


def all_of(connection: Connection, seat: Seat, wanted: QueueFilter, limit: int) -> list[tuple[int, int]]:
    """Up to `limit` pairs that match, first in the order of the list."""
    sort = SORTS[wanted.sort]
    selected, parameters = conditions(seat, wanted)
    rows = connection.execute(
        text(
            f"""SELECT w.party_a, w.party_b FROM identity.waiting_pair w WHERE {selected.format(w="w")}
                ORDER BY w.{sort.key} {sort.direction}, 1 {sort.direction}, 2 {sort.direction} LIMIT :limit"""
        ),
        parameters | {"limit": limit},
    )
    return [(row.party_a, row.party_b) for row in rows]


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


def _filters(wanted: QueueFilter) -> list[Any]:
    return list(asdict(wanted).values())
