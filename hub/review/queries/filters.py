"""What of the queue somebody asks for, as SQL: filters, orders, and which pairs are their work."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.access import Principal
from hub.review.queries import routing
from hub.sections.review import Route

# From this many records on they are shown one pair at a time: nobody compares more of them at one look.
MOST_TOGETHER = 8
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

    @property
    def together(self) -> str:
        """A condition with the parameters of `views`: `{w}` is one piece of work with all that its cluster ties.

        A lead who may not judge all pairs of a cluster has theirs one by one.
        """
        few = f"{{w}}.records BETWEEN 3 AND {MOST_TOGETHER}"
        if self.who.departments is None:
            return few
        routed, _ = routing.departments(self.routes, "tied")
        return f"""({few} AND NOT EXISTS (
            SELECT 1 FROM identity.waiting_pair tied
            WHERE tied.cluster_id = {{w}}.cluster_id AND NOT ({routed}) && CAST(:mine AS text[])))"""


def conditions(seat: Seat, wanted: QueueFilter) -> tuple[str, dict[str, Any]]:
    """What a row `{w}` must fulfil to be in somebody's list, and the parameters."""
    views, parameters = seat.views()
    filters, values = narrowed(wanted)
    return " AND ".join(f"({clause})" for clause in [views[wanted.view], *filters]), {**parameters, **values}


def narrowed(wanted: QueueFilter) -> tuple[list[str], dict[str, Any]]:
    """What a row `{w}` of the chosen view must fulfil besides, and the parameters."""
    chosen = {name: value for name, value in wanted.chosen().items() if name in FILTERS}
    values = {name: value / 100 if name in {"least", "most"} else value for name, value in chosen.items()}
    if wanted.q:
        values["q"] = _query(wanted.q)
    return [FILTERS[name] for name in values], values


def _query(typed: str) -> str:
    """All words that were typed, each as the beginning of one; what was typed is never an operator."""
    # A query of nothing but signs finds nothing, as the empty one does.
    return " & ".join(f"'{word}':*" for word in WORD.findall(typed.lower()))
