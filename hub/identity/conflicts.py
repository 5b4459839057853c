"""Judgements that cannot all hold: A is B, B is C, but A is not C. Which of them is wrong is work for a person.

Until it is done *different* is respected: A and C stay apart, and one of the *same* has no effect.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from hub.identity.ledger import Link, live
from hub.model.kinds import Verdict


@dataclass(frozen=True)
class Conflict:
    """A *different*, and the shortest chain of *same* that leads from the one record to the other all the same."""

    different: Link
    chain: tuple[Link, ...]

    @property
    def judgement_ids(self) -> tuple[int, ...]:
        return (self.different.judgement_id, *(link.judgement_id for link in self.chain))


def conflicts(connection: Connection) -> list[Conflict]:
    """All conflicts of what holds now, the newest *different* first. Costs what all live judgements cost."""
    return in_conflict(live(connection))


def count(connection: Connection) -> int:
    """How many conflicts there are. Costs little where no *different* has a *same* at both of its ends."""
    possible = connection.execute(text(_POSSIBLE)).scalar_one()
    return len(conflicts(connection)) if possible else 0


_POSSIBLE = """
    WITH tied AS MATERIALIZED (
        SELECT unnest(ARRAY[party_a, party_b]) AS party FROM identity.judgement
        WHERE ended_at IS NULL AND verdict = 'same'
    )
    SELECT EXISTS (SELECT 1 FROM identity.judgement WHERE ended_at IS NULL AND verdict = 'different'
                   AND party_a IN (SELECT party FROM tied) AND party_b IN (SELECT party FROM tied))
"""


def in_conflict(links: Iterable[Link]) -> list[Conflict]:
    """The conflicts among some judgements, of which there is one per pair. Pure."""
    ties: dict[int, dict[int, Link]] = {}
    apart: list[Link] = []
    for link in links:
        if link.verdict is Verdict.SAME:
            ties.setdefault(link.party_a, {})[link.party_b] = link
            ties.setdefault(link.party_b, {})[link.party_a] = link
        elif link.verdict is Verdict.DIFFERENT:
            apart.append(link)
    found = [Conflict(link, chain) for link in apart if (chain := _chain(ties, link.party_a, link.party_b))]
    return sorted(found, key=lambda conflict: -conflict.different.judgement_id)


def _chain(ties: Mapping[int, Mapping[int, Link]], begin: int, end: int) -> tuple[Link, ...]:
    """The shortest way over *same* from one party to another; nothing where there is none."""
    came: dict[int, Link | None] = {begin: None}
    waiting = deque([begin] if begin in ties and end in ties else [])
    while waiting and end not in came:
        here = waiting.popleft()
        for there, link in ties[here].items():
            if there not in came:
                came[there] = link
                waiting.append(there)
    way: list[Link] = []
    here = end
    while (step := came.get(here)) is not None:
        way.append(step)
        here = step.party_a if step.party_b == here else step.party_b
    return tuple(reversed(way))


def told(connection: Connection, several: Iterable[Conflict]) -> list[list[dict[str, Any]]]:
    """Per conflict what was said, the *different* first, as dictionaries.

    Keys: judgement_id, verdict, author, author_kind, reason, made_at, and of both parties ref, name and party_id.
    """
    conflicts = list(several)
    ids = [number for conflict in conflicts for number in conflict.judgement_ids]
    rows = connection.execute(
        text(
            """SELECT j.judgement_id, j.verdict, j.author, j.author_kind, j.reason, j.made_at,
                      a.party_id AS party_a, a.ref AS a_ref, a.name AS a_name,
                      b.party_id AS party_b, b.ref AS b_ref, b.name AS b_name
               FROM identity.judgement j
               JOIN canonical.party a ON a.party_id = j.party_a JOIN canonical.party b ON b.party_id = j.party_b
               WHERE j.judgement_id = ANY(CAST(:ids AS bigint[]))"""
        ),
        {"ids": ids},
    ).mappings()
    by_id = {row["judgement_id"]: dict(row) for row in rows}
    return [[by_id[number] for number in conflict.judgement_ids] for conflict in conflicts]
