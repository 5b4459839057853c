"""Golden ids are kept, merged and split by rule: oldest wins a merge, the largest part keeps the id on a split."""

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hub.identity.assign import Current, assign, new_id


def golden(number: int) -> Current:
    return Current(uuid.UUID(int=number), number)


@st.composite
def situations(draw: st.DrawFn) -> tuple[dict[int, list[int]], dict[int, Current]]:
    """Any present customers of up to 12 parties, and any new clusters of the same parties."""
    parties = range(1, draw(st.integers(1, 12)) + 1)
    labels = draw(st.lists(st.integers(0, 4), min_size=len(parties), max_size=len(parties)))
    before = draw(st.lists(st.integers(0, 4), min_size=len(parties), max_size=len(parties)))
    clusters: dict[int, list[int]] = {}
    for party, label in zip(parties, labels, strict=True):
        clusters.setdefault(label, []).append(party)
    return clusters, {party: golden(n) for party, n in zip(parties, before, strict=True) if n}


@given(situations())
def test_every_id_goes_on_or_is_merged_into_one_that_does(situation):
    clusters, current = situation
    result = assign(clusters, current)
    before = {present.golden_id for present in current.values()}
    kept = set(result.kept.values())
    assert kept | set(result.merged) == before
    assert not kept & set(result.merged)
    assert set(result.merged.values()) <= kept
    assert len(kept) == len(result.kept), "two customers with one id"


@given(situations())
def test_the_oldest_claimant_survives_a_merge(situation):
    clusters, current = situation
    result = assign(clusters, current)
    age = {present.golden_id: present.number for present in current.values()}
    for merged, survivor in result.merged.items():
        assert age[survivor] < age[merged]


@given(situations())
def test_an_id_stays_with_its_largest_part_unless_an_older_one_is_there(situation):
    clusters, current = situation
    result = assign(clusters, current)
    for label, kept in result.kept.items():
        sizes = Counter(
            other
            for other, parties in clusters.items()
            for party in parties
            if party in current and current[party].golden_id == kept
        )
        assert sizes[label] == max(sizes.values())


@given(situations())
def test_a_cluster_that_is_neither_kept_nor_split_has_only_new_parties(situation):
    clusters, current = situation
    result = assign(clusters, current)
    for label, parties in clusters.items():
        if label not in result.kept and label not in result.split:
            assert not any(party in current for party in parties)


@given(situations())
def test_assigning_what_is_already_so_changes_nothing(situation):
    clusters, current = situation
    first = assign(clusters, current)
    numbers = {present.golden_id: present.number for present in current.values()}
    after = {
        party: Current(first.kept[label], numbers[first.kept[label]])
        for label, parties in clusters.items()
        if label in first.kept
        for party in parties
    }
    again = assign({label: clusters[label] for label in first.kept}, after)
    assert again.kept == first.kept
    assert not again.merged
    assert not again.split


def test_ids_of_one_founder_differ_by_generation_and_come_again_in_a_rebuild():
    assert new_id("crm:Contact:1", 0) == new_id("crm:Contact:1", 0)
    assert new_id("crm:Contact:1", 0) != new_id("crm:Contact:1", 1)
    assert new_id("crm:Contact:1", 0) != new_id("crm:Contact:2", 0)
