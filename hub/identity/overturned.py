"""What people decided and tried settings of matching contradict: judgements, and values given by hand."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, text

from hub.identity import graph as graphs
from hub.identity.graph import Graph
from hub.identity.ledger import Link
from hub.identity.resolve import cluster
from hub.model.kinds import AuthorKind, Verdict

Homes = dict[int, uuid.UUID]  # party -> its customer


@dataclass(frozen=True)
class Overturned:
    """A person's word that the tried settings contradict, and those in force do not.

    `kind` is judgement or value; `number` its id. `refs` are the records that it is about.
    """

    kind: str
    number: int
    author: str
    said: str
    refs: tuple[str, ...]
    why: str


def judgements(connection: Connection, old: Graph, tried: tuple[Graph, str]) -> list[Overturned]:
    """Judgements of people against which the tried settings alone would decide, and those in force would not.

    Judgements always hold. But who lowers a border so far that the model would merge what people said to be different,
    or would not even ask about what they said is the same, has set it against what people know.

    `old` and `tried` are the same parties, tied by the stored pairs and by those of the table that `tried` names.
    """
    said = [link for link in old.links if link.author_kind is AuthorKind.PERSON and link.verdict is not Verdict.UNSURE]
    if not said:
        return []
    before, after = _alone(connection, old, graphs.PAIRS), _alone(connection, *tried)

    def turned(link: Link) -> bool:
        opposite, pair = _OPPOSITE[link.verdict], (link.party_a, link.party_b)
        return after(*pair) is opposite and before(*pair) is not opposite

    against = [link.judgement_id for link in said if turned(link)]
    rows = connection.execute(text(_TOLD_JUDGEMENTS), {"ids": against})
    return [
        Overturned("judgement", row.judgement_id, row.author, row.verdict, (row.a, row.b), _WHY[row.verdict])
        for row in rows
    ]


def _alone(connection: Connection, graph: Graph, pairs: str) -> Callable[[int, int], Verdict]:
    """What the settings alone say of two parties: same, different, or nothing, since they would ask."""
    rules_only = [link for link in graph.links if link.author_kind is not AuthorKind.PERSON]
    found, _ = cluster(connection, replace(graph, links=rules_only))
    label = {party: one for one, parties in found.items() for party in parties}
    judged = [(link.party_a, link.party_b) for link in graph.links]
    asked = {
        (row[0], row[1])
        for row in connection.execute(
            text(
                f"""SELECT party_a, party_b FROM {pairs} JOIN unnest(CAST(:a AS bigint[]), CAST(:b AS bigint[]))
                        AS judged (party_a, party_b) USING (party_a, party_b)"""
            ),
            {"a": [a for a, _ in judged], "b": [b for _, b in judged]},
        )
    }

    def says(a: int, b: int) -> Verdict:
        if label[a] == label[b]:
            return Verdict.SAME
        return Verdict.UNSURE if (a, b) in asked else Verdict.DIFFERENT

    return says


_OPPOSITE = {Verdict.SAME: Verdict.DIFFERENT, Verdict.DIFFERENT: Verdict.SAME}
_WHY = {
    "different": "the settings alone would make one customer of the two",
    "same": "the settings alone would keep the two apart and ask nobody",
}


def manual_values(connection: Connection, homes: Homes, before: Homes, as_of: dt.datetime) -> list[Overturned]:
    """Live manual values that another would silence, since their customers become one: of several the last holds."""
    rows = connection.execute(text(_MANUAL), {"as_of": as_of, "parties": list(homes)}).all()
    said: dict[tuple[uuid.UUID, str], list[Any]] = defaultdict(list)
    for row in rows:
        said[homes[row.party_id], row.attributes].append(row)
    return [
        Overturned("value", row.manual_id, row.author, row.attributes, (row.ref,), f"value {last.manual_id} would hold")
        for *earlier, last in said.values()
        for row in earlier
        if row.said != last.said and before[row.party_id] != before[last.party_id]
    ]


_TOLD_JUDGEMENTS = """
    SELECT judgement_id, author, verdict, one.ref AS a, other.ref AS b FROM identity.judgement
    JOIN canonical.party one ON one.party_id = party_a JOIN canonical.party other ON other.party_id = party_b
    WHERE judgement_id = ANY(CAST(:ids AS bigint[])) ORDER BY judgement_id
"""
_MANUAL = """
    SELECT v.manual_id, v.attributes, v.author, v.ref, v.said, p.party_id
    FROM golden.manual_value v JOIN canonical.party p USING (ref)
    WHERE p.party_id = ANY(CAST(:parties AS bigint[])) AND v.ended_at IS NULL
      AND (v.until IS NULL OR v.until > :as_of) ORDER BY v.manual_id
"""
