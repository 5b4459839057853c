"""Resolve: pairs and judgements form clusters; clusters keep, merge, split and found golden ids."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Engine, text

import dedup
from hub.db import locks
from hub.identity import graph as graphs
from hub.identity import ledger, register
from hub.identity.assign import assign
from hub.identity.graph import Graph
from hub.model.kinds import Verdict
from hub.progress import Progress, Step


@dataclass(frozen=True)
class ResolveReport:
    """What one resolve did to golden ids. `contradictions`: judgements that cannot all hold, as judgement ids."""

    parties: int = 0
    created: int = 0
    merged: int = 0
    split: int = 0
    moved: int = 0
    contradictions: tuple[int, ...] = field(default=())


def resolve(engine: Engine, *, run_id: str, progress: Progress) -> ResolveReport:
    """Recompute the clusters that queued parties touch; ids, lineage and the emptied queue commit together."""
    with engine.begin() as connection:
        locks.hold(connection, locks.IDENTITY)
        ledger.accept_source_merges(connection)
        queued = np.array(
            connection.execute(text("SELECT party_id FROM identity.to_resolve")).scalars().all(), dtype=np.int64
        )
        if queued.size == 0:
            return ResolveReport()
        progress(Step("resolve", "parties", 0, int(queued.size)))
        graph = graphs.affected(graphs.load(connection), queued)
        clusters, contradictions = _cluster(graph)
        assignment = assign(clusters, graph.current)
        changes = register.apply(connection, clusters, assignment, graph, run_id=run_id)
        connection.execute(text("DELETE FROM identity.to_resolve"))
        progress(Step("resolve", "parties", int(queued.size), int(queued.size)))
    return ResolveReport(
        parties=int(graph.parties.size),
        created=changes.created,
        merged=len(assignment.merged),
        split=len(assignment.split),
        moved=changes.moved,
        contradictions=contradictions,
    )


def _cluster(graph: Graph) -> tuple[dict[int, list[int]], tuple[int, ...]]:
    same = {(link.party_a, link.party_b): link for link in graph.links if link.verdict is Verdict.SAME}
    different = [(link.party_a, link.party_b) for link in graph.links if link.verdict is Verdict.DIFFERENT]
    result = dedup.cluster(
        graph.parties,
        (graph.edge_a, graph.edge_b, graph.probability),
        must_link=np.array(list(same), dtype=np.int64).reshape(-1, 2),
        cannot_link=np.array(different, dtype=np.int64).reshape(-1, 2),
    )
    clusters: dict[int, list[int]] = defaultdict(list)
    for party, label in zip(graph.parties.tolist(), result.labels.tolist(), strict=True):
        clusters[label].append(party)
    broken = tuple(sorted(same[(int(a), int(b))].judgement_id for a, b in result.contradictions))
    return dict(clusters), broken
