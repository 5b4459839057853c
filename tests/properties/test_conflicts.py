"""Judgements that cannot all hold are found, each with a chain that proves it."""

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

import dedup
from hub.identity.conflicts import in_conflict
from hub.identity.ledger import Link
from hub.model.kinds import AuthorKind, Verdict

pairs = st.tuples(st.integers(1, 7), st.integers(1, 7)).filter(lambda pair: pair[0] < pair[1])
said = st.dictionaries(pairs, st.sampled_from(Verdict), max_size=14)


def links(verdicts: dict[tuple[int, int], Verdict]) -> list[Link]:
    return [
        Link(number, a, b, verdict, AuthorKind.PERSON, "ann")
        for number, ((a, b), verdict) in enumerate(verdicts.items())
    ]


@given(said)
def test_each_different_that_same_bridges_comes_with_the_shortest_bridge(verdicts):
    graph = nx.Graph([pair for pair, verdict in verdicts.items() if verdict is Verdict.SAME])
    expected = {
        (a, b): nx.shortest_path_length(graph, a, b)
        for (a, b), verdict in verdicts.items()
        if verdict is Verdict.DIFFERENT and a in graph and b in graph and nx.has_path(graph, a, b)
    }
    found = in_conflict(links(verdicts))
    assert {(one.different.party_a, one.different.party_b): len(one.chain) for one in found} == expected
    for conflict in found:
        way = nx.Graph([(link.party_a, link.party_b) for link in conflict.chain])
        assert nx.has_path(way, conflict.different.party_a, conflict.different.party_b)
        assert all(link.verdict is Verdict.SAME for link in conflict.chain)


@given(said)
def test_there_is_a_conflict_where_clustering_cannot_honour_everything(verdicts):
    same, different = (
        [pair for pair, said in verdicts.items() if said is what] for what in (Verdict.SAME, Verdict.DIFFERENT)
    )
    assert bool(in_conflict(links(verdicts))) == bool(dedup.contradicted(same, different))
