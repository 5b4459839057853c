"""The register of golden ids: writes what `assign` decided, with its lineage."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from hub.db import bulk, locks
from hub.db.tables import identity
from hub.identity.assign import Assignment, Former, new_id
from hub.identity.graph import Graph
from hub.model.kinds import AuthorKind, Verdict

# From here on what reads the memberships in the same transaction needs to be planned for what they are now: after a
# first run of 200,000 parties the planner took the table for empty, and filling the queue took minutes, not seconds.
MANY = 1_000


@dataclass(frozen=True)
class Changes:
    """Golden ids founded, and parties that changed their customer."""

    created: int
    moved: int


def apply(
    connection: Connection, clusters: dict[int, list[int]], assignment: Assignment, graph: Graph, *, run_id: str
) -> Changes:
    """Found, merge and split golden ids, move the parties, log the lineage, and queue whom it concerns for compose."""
    locks.alone(connection, "golden.to_compose")
    _revive(connection, assignment)
    named = {**assignment.kept, **assignment.revived}
    founded = _found(connection, [label for label in clusters if label not in named], clusters)
    names = {**named, **founded}
    target = {party: names[label] for label, members in clusters.items() for party in members}
    moved = _move(
        connection, ((party, golden) for party, golden in sorted(target.items()) if _differs(graph, party, golden))
    )
    left = _left_by_all(graph, target)
    _end_merged(connection, assignment.merged | left)
    _log(connection, _lineage({**assignment.revived, **founded}, assignment, clusters, graph), run_id)
    _log(connection, _kinds(graph, target, left, set(founded.values())), run_id)
    if moved >= MANY:
        connection.execute(text("ANALYZE identity.membership, identity.golden_id"))
    connection.execute(
        text("INSERT INTO golden.to_compose (golden_id) SELECT unnest(CAST(:ids AS uuid[])) ON CONFLICT DO NOTHING"),
        {"ids": [*assignment.merged, *assignment.split.values()]},
    )
    return Changes(len(founded), moved)


def former(connection: Connection, origins: Iterable[uuid.UUID]) -> list[Former]:
    """The ids that were merged away and lead to one of the `origins`, over others or directly."""
    rows = connection.execute(
        text(
            """WITH RECURSIVE path (golden_id, leads_to) AS (
                   SELECT id, id FROM unnest(CAST(:ids AS uuid[])) AS id
                   UNION
                   SELECT g.golden_id, l.leads_to FROM path l
                   JOIN identity.golden_id g ON g.survivor = l.golden_id AND g.status = 'merged'
               ),
               had AS (
                   SELECT golden_id, leads_to, party_id, until, max(until) OVER (PARTITION BY golden_id) AS last
                   FROM path JOIN identity.membership USING (golden_id) WHERE golden_id <> leads_to
               )
               SELECT golden_id, number, leads_to, array_agg(party_id)
               FROM had JOIN identity.golden_id USING (golden_id)
               WHERE until = last GROUP BY golden_id, number, leads_to"""
        ),
        {"ids": list(origins)},
    )
    return [Former(golden, number, leads_to, tuple(party_ids)) for golden, number, leads_to, party_ids in rows]


def _left_by_all(graph: Graph, target: dict[int, uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Ids all whose records are of another kind now -> where the oldest of these records is."""
    kept = {one.golden_id for one in graph.current.values()}
    return {
        golden: target[party] for party, golden in sorted(graph.strayed.items(), reverse=True) if golden not in kept
    }


def _kinds(
    graph: Graph, target: dict[int, uuid.UUID], left: dict[uuid.UUID, uuid.UUID], founded: set[uuid.UUID]
) -> Iterator[tuple[str, uuid.UUID, uuid.UUID | None, str]]:
    """The lineage of what changed its kind: an id that all left leads on, one that some stayed with is split."""
    why = "its records are of another kind now, by their source"
    yield from (("merged", golden, survivor, why) for golden, survivor in left.items())
    came = {(golden, target[party]) for party, golden in graph.strayed.items() if golden not in left}
    yield from (("split", golden, new, why) for golden, new in sorted(came) if new in founded)


def _differs(graph: Graph, party: int, golden: uuid.UUID) -> bool:
    return party not in graph.current or graph.current[party].golden_id != golden


def _found(connection: Connection, labels: list[int], clusters: dict[int, list[int]]) -> dict[int, uuid.UUID]:
    """New golden ids for clusters, numbered by their founders' refs so that the order of arrival does not matter."""
    if not labels:
        return {}
    members = {party: label for label in labels for party in clusters[label]}
    rows = connection.execute(
        text(
            "SELECT party_id, ref, kind FROM canonical.party WHERE party_id = ANY(CAST(:ids AS bigint[])) ORDER BY ref"
        ),
        {"ids": list(members)},
    )
    founders: dict[int, tuple[str, str]] = {}
    for party, ref, kind in rows:
        founders.setdefault(members[party], (ref, kind))
    ids = _unused(connection, {label: ref for label, (ref, _) in founders.items()})
    last = connection.execute(text("SELECT coalesce(max(number), 0) FROM identity.golden_id")).scalar_one()
    bulk.copy(
        connection,
        "identity.golden_id",
        ["golden_id", "number", "kind"],
        ((ids[label], last + place, founders[label][1]) for place, label in enumerate(founders, start=1)),
    )
    return ids


def _unused(connection: Connection, founders: dict[int, str]) -> dict[int, uuid.UUID]:
    """An id per founder that was never given: the next generation wherever one was."""
    ids: dict[int, uuid.UUID] = {}
    open_labels, generation = dict(founders), 0
    while open_labels:
        candidates = {label: new_id(ref, generation) for label, ref in open_labels.items()}
        taken = set(
            connection.execute(
                text("SELECT golden_id FROM identity.golden_id WHERE golden_id = ANY(CAST(:ids AS uuid[]))"),
                {"ids": list(candidates.values())},
            ).scalars()
        )
        ids.update({label: golden for label, golden in candidates.items() if golden not in taken})
        open_labels = {label: ref for label, ref in open_labels.items() if label not in ids}
        generation += 1
    return ids


def _move(connection: Connection, moves: Iterator[tuple[int, uuid.UUID]]) -> int:
    """End present memberships and begin new ones; both customers are queued for compose."""
    moved = bulk.stage(connection, "moves", identity.Membership.__table__, ["party_id", "golden_id"], moves)
    connection.execute(text("ANALYZE moves"))
    connection.execute(
        text(
            """WITH left_behind AS (
                   UPDATE identity.membership m SET until = now() FROM moves
                   WHERE m.party_id = moves.party_id AND m.until IS NULL RETURNING m.golden_id
               )
               INSERT INTO golden.to_compose (golden_id)
               SELECT golden_id FROM left_behind UNION SELECT golden_id FROM moves ON CONFLICT DO NOTHING"""
        )
    )
    connection.execute(
        text(
            """INSERT INTO identity.membership (party_id, golden_id)
               SELECT party_id, golden_id FROM moves ORDER BY party_id"""
        )
    )
    return moved


def _revive(connection: Connection, assignment: Assignment) -> None:
    connection.execute(
        text(
            """UPDATE identity.golden_id SET status = 'active', survivor = NULL
               WHERE golden_id = ANY(CAST(:ids AS uuid[]))"""
        ),
        {"ids": list(assignment.revived.values())},
    )
    _end_merged(connection, assignment.redirected)


def _end_merged(connection: Connection, merged: dict[uuid.UUID, uuid.UUID]) -> None:
    connection.execute(
        text(
            """UPDATE identity.golden_id g SET status = 'merged', survivor = m.survivor
               FROM unnest(CAST(:ids AS uuid[]), CAST(:survivors AS uuid[])) AS m(golden_id, survivor)
               WHERE g.golden_id = m.golden_id"""
        ),
        {"ids": list(merged), "survivors": list(merged.values())},
    )


def _lineage(
    begun: dict[int, uuid.UUID], assignment: Assignment, clusters: dict[int, list[int]], graph: Graph
) -> Iterator[tuple[str, uuid.UUID, uuid.UUID | None, str]]:
    for label, golden in begun.items():
        origin = assignment.split.get(label)
        if origin is None:
            yield "created", golden, None, "new customer"
        else:
            yield "split", origin, golden, _why_apart(clusters[label], graph)
    homes = {golden: label for label, golden in assignment.kept.items()}
    for golden, survivor in assignment.merged.items():
        yield "merged", golden, survivor, _why_together(clusters[homes[survivor]], graph)


def _why_together(members: list[int], graph: Graph) -> str:
    inside = set(members)
    for link in graph.links:
        if link.verdict is Verdict.SAME and link.party_a in inside and link.party_b in inside:
            return f"judgement {link.judgement_id} by {link.author}"
    return "the model puts their pairs in the band same"


def _why_apart(members: list[int], graph: Graph) -> str:
    inside = set(members)
    for link in graph.links:
        crosses = (link.party_a in inside) != (link.party_b in inside)
        if crosses and link.verdict is Verdict.DIFFERENT and link.author_kind is AuthorKind.PERSON:
            return f"judgement {link.judgement_id} by {link.author}"
    return "no evidence ties them any more"


def _log(connection: Connection, rows: Iterator[tuple[str, uuid.UUID, uuid.UUID | None, str]], run_id: str) -> None:
    bulk.copy(
        connection,
        "identity.lineage",
        ["event", "golden_id", "other_golden_id", "reason", "run_id"],
        ((*row, run_id) for row in rows),
    )
