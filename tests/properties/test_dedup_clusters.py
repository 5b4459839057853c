"""Clusters against a slow oracle, against networkx, and against the promises about judgements."""

import itertools

import networkx as nx
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dedup import cluster, contradicted
from dedup.clusters import DENSE

IDS = range(1, 13)
PAIR = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).filter(lambda pair: pair[0] != pair[1])
EDGES = st.lists(st.tuples(PAIR, st.sampled_from([0.99, 0.995, 0.999, 1.0])), max_size=24)
JUDGEMENTS = st.lists(PAIR, max_size=5)


def columns(edges):
    return [pair[0] for pair, _ in edges], [pair[1] for pair, _ in edges], [weight for _, weight in edges]


def ordered(pairs):
    return sorted({(min(pair), max(pair)) for pair in pairs})


def oracle(edges, must, cannot, opposed):
    """The definition, word by word, with sets and without haste."""
    best = {}
    for pair, weight in edges:
        key = (min(pair), max(pair))
        best[key] = max(weight, best.get(key, 0))
    groups = {one: {one} for one in IDS}
    forbidden = {frozenset(pair) for pair in cannot}

    def blocked(one, other):
        return any(frozenset(pair) in forbidden for pair in itertools.product(one, other))

    def join(a, b, *, weigh):
        one, other = groups[a], groups[b]
        if one is other or blocked(one, other):
            return
        between = sum(frozenset(key) & one != set() and frozenset(key) & other != set() for key in best)
        if weigh and min(len(one), len(other)) >= DENSE and between < 2:
            return
        merged = one | other
        for member in merged:
            groups[member] = merged

    for pair in ordered(must):
        join(*pair, weigh=False)
    forbidden |= {frozenset(pair) for pair in opposed if groups[pair[0]] is not groups[pair[1]]}
    near = {one: {other for key in best for other in key if one in key and other != one} for one in IDS}
    for key in sorted(best, key=lambda key: (not near[key[0]] & near[key[1]], -best[key], key)):
        join(*key, weigh=True)
    return [min(groups[one]) for one in IDS]


@settings(max_examples=300, deadline=None)
@given(edges=EDGES, must=JUDGEMENTS, cannot=JUDGEMENTS, opposed=JUDGEMENTS)
def test_the_slow_oracle_agrees(edges, must, cannot, opposed) -> None:
    direct = set(ordered(pair for pair, _ in edges))
    speaking = {pair for pair in ordered(opposed) if pair not in direct}

    def conflicts(a, b):
        return np.array([pair in speaking for pair in zip(a.tolist(), b.tolist(), strict=True)], dtype=bool)

    labels = cluster(IDS, columns(edges), must_link=must, cannot_link=cannot, conflicts=conflicts)
    assert labels.tolist() == oracle(edges, must, cannot, speaking)


@settings(max_examples=200, deadline=None)
@given(edges=EDGES, must=JUDGEMENTS, cannot=JUDGEMENTS, order=st.randoms(use_true_random=False))
def test_the_order_of_edges_and_judgements_changes_nothing(edges, must, cannot, order) -> None:
    expected = cluster(IDS, columns(edges), must_link=must, cannot_link=cannot)
    for several in (edges, must, cannot):
        order.shuffle(several)
    flipped = [((b, a), weight) for (a, b), weight in edges]
    assert (cluster(IDS, columns(flipped), must_link=must, cannot_link=cannot) == expected).all()


@settings(max_examples=200, deadline=None)
@given(edges=EDGES, must=JUDGEMENTS, cannot=JUDGEMENTS)
def test_judgements_are_kept(edges, must, cannot) -> None:
    labels = dict(zip(IDS, cluster(IDS, columns(edges), must_link=must, cannot_link=cannot).tolist(), strict=True))
    assert all(labels[a] != labels[b] for a, b in cannot)
    lost = contradicted(must, cannot)
    assert all((labels[a] == labels[b]) != ((a, b) in lost) for a, b in ordered(must))
    assert all(labels[label] == label <= one for one, label in labels.items())


@settings(max_examples=200, deadline=None)
@given(edges=EDGES)
def test_without_judgements_and_weak_bridges_clusters_are_connected_components(edges) -> None:
    graph = nx.Graph([pair for pair, _ in edges])
    graph.add_nodes_from(IDS)
    labels = dict(zip(IDS, cluster(IDS, columns(edges)).tolist(), strict=True))
    for component in nx.connected_components(graph):
        found = {labels[one] for one in component}
        assert min(component) in found
        if len(component) < 2 * DENSE:
            assert len(found) == 1
        else:
            assert all(nx.has_path(graph, one, labels[one]) for one in component)
