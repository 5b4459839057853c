"""Resolve: pairs and judgements form clusters; clusters keep, merge, split and found golden ids."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, Result, text

import dedup
from hub.db import locks
from hub.identity import graph as graphs
from hub.identity import ledger, models, parties, register, waiting
from hub.identity.assign import Assignment, assign
from hub.identity.graph import Graph
from hub.model.kinds import PartyKind, Verdict
from hub.progress import Progress, Step
from hub.uncollected import uncollected

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


# Whoever judges waits for a resolve to commit: some five seconds for so many parties, and four minutes for a million.
CHUNK = 20_000


@dataclass(frozen=True)
class ResolveReport:
    """What one resolve did to golden ids. `contradictions`: judgements that cannot all hold, as judgement ids."""

    parties: int = 0
    created: int = 0
    merged: int = 0
    split: int = 0
    moved: int = 0
    contradictions: tuple[int, ...] = field(default=())

    def __add__(self, other: "ResolveReport") -> "ResolveReport":
        return ResolveReport(
            **{name: getattr(self, name) + getattr(other, name) for name in COUNTED},
            contradictions=tuple(sorted({*self.contradictions, *other.contradictions})),
        )


COUNTED = ("parties", "created", "merged", "split", "moved")


def resolve(engine: Engine, *, run_id: str, progress: Progress, chunk: int = CHUNK) -> ResolveReport:
    """Recompute the clusters that queued parties touch; ids, lineage and the emptied queue commit together.

    So many parties at a time, in the order of their refs, so that ids are numbered as in one go.
    """
    with engine.begin() as connection:
        take_turns(connection)
        ledger.heed_source_merges(connection)
        queued = _ids(
            connection.execute(
                text("SELECT party_id FROM identity.to_resolve JOIN canonical.party USING (party_id) ORDER BY ref")
            )
        )
    report = ResolveReport()
    for begin in range(0, int(queued.size), chunk):
        progress(Step("resolve", "parties", begin, int(queued.size)))
        with uncollected(), engine.begin() as connection:
            take_turns(connection)
            left = _still_queued(connection, queued[begin : begin + chunk])
            if left.size:
                report += settle(connection, left, run_id=run_id)
    if queued.size:
        progress(Step("resolve", "parties", int(queued.size), int(queued.size)))
    return report


def _still_queued(connection: Connection, chosen: Ids) -> Ids:
    """Without those that an earlier part has reached."""
    return _ids(
        connection.execute(
            text("SELECT party_id FROM identity.to_resolve WHERE party_id = ANY(CAST(:ids AS bigint[]))"),
            {"ids": chosen.tolist()},
        )
    )


def _ids(rows: Result[Any]) -> Ids:
    return np.array(rows.scalars().all(), dtype=np.int64)


@dataclass(frozen=True)
class Decided:
    """Who is one customer: label -> parties, who keeps which golden id, and the judgements that cannot all hold."""

    clusters: dict[int, list[int]]
    assignment: Assignment
    contradictions: tuple[int, ...]


def settle(connection: Connection, queued: Ids, *, run_id: str) -> ResolveReport:
    """Recompute the clusters that these parties touch, and take them off the queue. The caller has taken its turn."""
    graph = graphs.around(connection, queued)
    decided = decide(connection, graph)
    assignment = decided.assignment
    changes = register.apply(connection, decided.clusters, assignment, graph, run_id=run_id)
    waiting.refresh(connection, "reached")
    connection.execute(text("DELETE FROM identity.to_resolve q USING reached r WHERE q.party_id = r.party_id"))
    return ResolveReport(
        parties=int(graph.parties.size),
        created=changes.created,
        merged=len(assignment.merged),
        split=len(assignment.split),
        moved=changes.moved,
        contradictions=decided.contradictions,
    )


def decide(connection: Connection, graph: Graph) -> Decided:
    """What a graph makes of its parties. Reads only."""
    clusters, contradictions = cluster(connection, graph)
    assignment = assign(clusters, graph.current)
    if assignment.split:
        assignment = assign(clusters, graph.current, register.former(connection, set(assignment.split.values())))
    return Decided(clusters, assignment, contradictions)


def take_turns(connection: Connection) -> None:
    """One resolve at a time; and wait for everybody who is judging, and hold off who wants to."""
    locks.hold(connection, locks.IDENTITY)
    locks.alone(connection, ledger.QUEUE)


def cluster(connection: Connection, graph: Graph) -> tuple[dict[int, list[int]], tuple[int, ...]]:
    """Label -> parties, and the *same* judgements that a *different* one overrules."""
    same = {(link.party_a, link.party_b): link for link in graph.links if link.verdict is Verdict.SAME}
    different = [(link.party_a, link.party_b) for link in graph.links if link.verdict is Verdict.DIFFERENT]
    labels = dedup.cluster(
        graph.parties,
        (graph.edge_a, graph.edge_b, graph.probability),
        must_link=same,
        cannot_link=different,
        conflicts=_conflicts(connection, graph),
    )
    clusters: dict[int, list[int]] = defaultdict(list)
    for party, label in zip(graph.parties.tolist(), labels.tolist(), strict=True):
        clusters[label].append(party)
    overruled = sorted(same[pair].judgement_id for pair in dedup.contradicted(same, different))
    return dict(clusters), tuple(overruled)


def _conflicts(connection: Connection, graph: Graph) -> Callable[[Ids, Ids], Flags]:
    """Whether the evidence of two parties contradicts, for parties that the model's edges tie to others."""
    tied = np.unique(np.concatenate([graph.edge_a, graph.edge_b]))
    table = parties.load_some(connection, tied.tolist())
    known, judges = table["party_id"].to_numpy(), {}
    kinds = np.array(table["kind"].to_pylist(), dtype=object)
    for kind in PartyKind:
        model = models.newest(connection, kind)
        if model is not None:
            judges[kind.value] = dedup.contradictions(table.filter(pc.equal(table["kind"], kind.value)), model)

    def contradict(a: Ids, b: Ids) -> Flags:
        answer = np.zeros(len(a), dtype=bool)
        if not len(known):
            return answer
        places = np.minimum(np.searchsorted(known, a), len(known) - 1)
        for kind, judge in judges.items():
            chosen = np.isin(a, known) & np.isin(b, known) & (kinds[places] == kind)
            answer[chosen] = judge(a[chosen], b[chosen])
        return answer

    return contradict
