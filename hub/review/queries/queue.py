"""The queue: which waiting pairs are somebody's work, filtered, sorted, counted. Pages are read by keyset."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Connection, Row, text

from hub.access import Principal
from hub.api import paging
from hub.review.queries import routing
from hub.settings import Route

PAGE = 25
# From this many records on they are shown one pair at a time: nobody compares more of them at one look.
MOST_TOGETHER = 8
TOGETHER = f"{{w}}.records BETWEEN 3 AND {MOST_TOGETHER}"
# What a word of a search is made of; the rest separates, here as in `hub.identity.waiting`.
WORD = re.compile(r"[^\W_]+")

FILTERS = {
    "kind": "{w}.kind = :kind",
    "source": ":source = ANY({w}.sources)",
    "department": ":department = ANY({w}.departments)",
    "q": "{w}.words @@ to_tsquery('simple', :q)",
    "least": "{w}.probability >= :least",
    "most": "{w}.probability <= :most",
    "age": "{w}.waiting_since <= now() - make_interval(days => :age)",
    "value": "{w}.stake >= :value",
}

# Put off until a later day.
LATER = "{w}.later_until > CURRENT_DATE"


def _money(value: str) -> Decimal:
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise ValueError(value) from error


@dataclass(frozen=True)
class Sort:
    """By which column, in which direction, and how a cursor's value is read back."""

    key: str
    descending: bool
    read: Callable[[Any], Any]

    @property
    def direction(self) -> str:
        return "DESC" if self.descending else "ASC"

    @property
    def beyond(self) -> str:
        return "<" if self.descending else ">"

    @property
    def before(self) -> str:
        return ">" if self.descending else "<"


SORTS = {
    "impact": Sort("stake", descending=True, read=_money),
    "likely": Sort("probability", descending=True, read=float),
    "unlikely": Sort("probability", descending=False, read=float),
    # At even odds an answer teaches the model most.
    "teaching": Sort("doubt", descending=False, read=float),
    "oldest": Sort("waiting_since", descending=False, read=dt.datetime.fromisoformat),
}


@dataclass(frozen=True)
class QueueFilter:
    """What of the queue is shown, and in which order. Empty text and 0 select everything.

    `least` and `most` are probabilities in percent, `age` is in days, `value` in whatever currency; `view` is what is
    to be done (open), what was put off (later), or what waits for another department's answer (asked).
    """

    kind: str = ""
    source: str = ""
    department: str = ""
    q: str = ""
    least: int = 0
    most: int = 100
    age: int = 0
    value: int = 0
    view: str = "open"
    sort: str = "likely"

    def chosen(self) -> dict[str, Any]:
        """What differs from the default, as query parameters."""
        return {name: value for name, value in asdict(self).items() if value != getattr(EVERYTHING, name)}

    def narrows(self) -> bool:
        return bool(set(self.chosen()) - {"sort", "view"})


EVERYTHING = QueueFilter()


@dataclass(frozen=True)
class Seat:
    """Whose queue it is: a person, and the routes that say what is theirs."""

    who: Principal
    routes: Sequence[Route]

    def views(self) -> tuple[dict[str, str], dict[str, Any]]:
        """Per view the condition on a row `{w}`, and the parameters of all."""
        if self.who.departments is None:
            waits = "{w}.asked IS NULL"
            asked, parameters = "{w}.asked IS NOT NULL", dict[str, Any]()
        else:
            routed, parameters = routing.departments(self.routes, "{w}")
            parameters |= {"mine": sorted(self.who.departments)}
            mine = f"({routed}) && CAST(:mine AS text[])"
            asked_me = "{w}.asked = ANY(CAST(:mine AS text[]))"
            waits = f"CASE WHEN {{w}}.asked IS NULL THEN {mine} ELSE {asked_me} END"
            asked = f"{{w}}.asked IS NOT NULL AND NOT ({asked_me}) AND {mine}"
        views = {"open": f"({LATER}) IS NOT TRUE AND {waits}", "later": f"{LATER} AND {waits}", "asked": asked}
        return views, parameters


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
    """One page of somebody's queue: a row per pair, or per cluster of some records that wait together.

    With `unclaimed`, without what others look at now. Raises paging.CursorError: the cursor belongs to another list.
    """
    sort = SORTS[wanted.sort]
    selected, parameters = conditions(seat, wanted)
    key = f"{{w}}.{sort.key}, {{w}}.party_a, {{w}}.party_b"
    clauses = [selected.format(w="w"), _FIRST_OF_CLUSTER.format(
        together=TOGETHER.format(w="w"), selected=selected.format(w="o"),
        other=key.format(w="o"), before=sort.before, this=key.format(w="w"),
    )]  # fmt: skip
    if unclaimed:
        clauses.append(_UNCLAIMED)
        parameters["who"] = seat.who.name
    if cursor is not None:
        position = paging.decode(cursor, [sort.read, int, int], _filters(wanted))  # type: ignore[list-item]
        clauses.append(f"({key.format(w='w')}) {sort.beyond} (:at, :at_a, :at_b)")
        parameters |= dict(zip(("at", "at_a", "at_b"), position, strict=True))
    order = f"w.{sort.key} {sort.direction}, w.party_a {sort.direction}, w.party_b {sort.direction}"
    rows = connection.execute(
        text(
            f"""SELECT w.*, {_RECORDS}, CURRENT_DATE - CAST(w.waiting_since AS date) AS days,
                    {TOGETHER.format(w="w")} AS together,
                    CASE WHEN w.records > 2 THEN (SELECT count(*) FROM identity.waiting_pair c
                                                  WHERE c.cluster_id = w.cluster_id) ELSE 1 END AS pairs,
                    c.claimed_by, c.claimed_until
                FROM (SELECT {_LISTED}, w.{sort.key} AS at FROM identity.waiting_pair w WHERE {" AND ".join(clauses)}
                      ORDER BY {order} LIMIT :limit) w
                JOIN canonical.party a ON a.party_id = w.party_a JOIN canonical.party b ON b.party_id = w.party_b
                LEFT JOIN identity.claim c ON c.party_a = w.party_a AND c.party_b = w.party_b
                    AND c.claimed_until > now()
                ORDER BY w.at {sort.direction}, w.party_a {sort.direction}, w.party_b {sort.direction}"""
        ),
        parameters | {"limit": limit + 1},
    ).all()
    return paging.cut(rows, limit, lambda row: paging.encode([row.at, row.party_a, row.party_b], _filters(wanted)))


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
    views, _ = seat.views()
    selected, parameters = conditions(seat, wanted)
    together = TOGETHER.format(w="w")
    each = ", ".join(f"{condition.format(w='w')} AS in_{name}" for name, condition in views.items())
    # In an inner query, so that each condition is looked at once per row.
    chosen = selected.format(w="w")
    row = connection.execute(
        text(
            f"""SELECT count(*) FILTER (WHERE in_open) AS open, count(*) FILTER (WHERE in_later) AS later,
                    count(*) FILTER (WHERE in_asked) AS asked, count(*) FILTER (WHERE chosen) AS matching,
                    count(*) FILTER (WHERE chosen AND NOT together)
                    + count(DISTINCT cluster_id) FILTER (WHERE chosen AND together) AS pieces
                FROM (SELECT {each}, {chosen} AS chosen, {together} AS together, cluster_id
                      FROM identity.waiting_pair w OFFSET 0) w"""
        ),
        parameters,
    ).one()
    return Counts(row.open, row.later, row.asked, row.matching, row.pieces)


def count(connection: Connection, seat: Seat, wanted: QueueFilter) -> int:
    """How many pairs match."""
    selected, parameters = conditions(seat, wanted)
    query = f"SELECT count(*) FROM identity.waiting_pair w WHERE {selected.format(w='w')}"
    return int(connection.execute(text(query), parameters).scalar_one())


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


def conditions(seat: Seat, wanted: QueueFilter) -> tuple[str, dict[str, Any]]:
    """What a row `{w}` must fulfil to be in somebody's list, and the parameters."""
    views, parameters = seat.views()
    chosen = {name: value for name, value in wanted.chosen().items() if name in FILTERS}
    values = {name: value / 100 if name in {"least", "most"} else value for name, value in chosen.items()}
    if wanted.q:
        values["q"] = _query(wanted.q)
    clauses = [views[wanted.view], *(FILTERS[name] for name in values)]
    return " AND ".join(f"({clause})" for clause in clauses), {**parameters, **values}


def _query(typed: str) -> str:
    """All words that were typed, each as the beginning of one; what was typed is never an operator."""
    # A query of nothing but signs finds nothing, as the empty one does.
    return " & ".join(f"'{word}':*" for word in WORD.findall(typed.lower()))


def _filters(wanted: QueueFilter) -> list[Any]:
    return list(asdict(wanted).values())


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
