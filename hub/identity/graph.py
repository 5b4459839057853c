"""The graph whose parts are customers: parties, tied by the model's edges and by judgements."""

import uuid
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import Connection, text

from hub.identity import ledger
from hub.identity.assign import Current


@dataclass(frozen=True)
class Graph:
    """Everything that ties parties together: model edges, judgements, and who is together now."""

    parties: np.ndarray
    edge_a: np.ndarray
    edge_b: np.ndarray
    probability: np.ndarray
    links: list[ledger.Link]
    current: dict[int, Current]


def load(connection: Connection) -> Graph:
    """The whole graph: cheap columns only, since any part of it may be reached from a queued party."""
    parties = connection.execute(text("SELECT party_id FROM canonical.party ORDER BY party_id")).scalars().all()
    edges = connection.execute(
        text("SELECT party_a, party_b, probability FROM identity.pair WHERE band = 'same'")
    ).all()
    members = connection.execute(
        text(
            """SELECT party_id, golden_id, number
               FROM identity.membership JOIN identity.golden_id USING (golden_id) WHERE until IS NULL"""
        )
    )
    matrix = np.array([tuple(edge) for edge in edges], dtype=np.float64).reshape(-1, 3)
    return Graph(
        parties=np.array(parties, dtype=np.int64),
        edge_a=matrix[:, 0].astype(np.int64),
        edge_b=matrix[:, 1].astype(np.int64),
        probability=matrix[:, 2],
        links=ledger.live(connection),
        current={party: Current(golden, number) for party, golden, number in members},
    )


def affected(graph: Graph, queued: np.ndarray) -> Graph:
    """The part of the graph that is connected to a queued party: the rest cannot change."""
    together = _present_ties(graph.current)
    said = np.array([(link.party_a, link.party_b) for link in graph.links], dtype=np.int64).reshape(-1, 2)
    ends_a = np.concatenate([graph.edge_a, together[:, 0], said[:, 0]])
    ends_b = np.concatenate([graph.edge_b, together[:, 1], said[:, 1]])
    rows, columns = np.searchsorted(graph.parties, ends_a), np.searchsorted(graph.parties, ends_b)
    size = graph.parties.size
    adjacency = coo_array((np.ones(rows.size, dtype=np.int8), (rows, columns)), shape=(size, size))
    _, component = connected_components(adjacency, directed=False)
    touched = np.isin(component, component[np.searchsorted(graph.parties, queued)])
    chosen = graph.parties[touched]
    keep = np.isin(graph.edge_a, chosen)
    members = set(chosen.tolist())
    return Graph(
        chosen,
        graph.edge_a[keep],
        graph.edge_b[keep],
        graph.probability[keep],
        [link for link in graph.links if link.party_a in members],
        {party: golden for party, golden in graph.current.items() if party in members},
    )


def _present_ties(current: dict[int, Current]) -> np.ndarray:
    """Each party tied to the first of its present customer, so that a split is seen from every part."""
    first: dict[uuid.UUID, int] = {}
    ties = [(first.setdefault(golden.golden_id, party), party) for party, golden in current.items()]
    return np.array(ties, dtype=np.int64).reshape(-1, 2)
