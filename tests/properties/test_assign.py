"""Golden ids are kept, merged and split by rule: oldest wins a merge, the largest part keeps the id on a split."""

import uuid
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hub.identity.assign import Current, Former, assign, new_id


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


@given(situations())
def test_taking_apart_what_was_merged_gives_every_id_back(situation):
    """Whatever customers become one, and then are taken apart as before: each has its own id again."""
    _, current = situation
    by_id: dict[Current, list[int]] = {}
    for party, present in current.items():
        by_id.setdefault(present, []).append(party)
    if not by_id:
        return
    together = assign({0: sorted(current)}, current)
    survivor = min(by_id, key=lambda present: present.number)
    assert together.kept == {0: survivor.golden_id}
    former = [
        Former(present.golden_id, present.number, survivor.golden_id, tuple(parties))
        for present, parties in by_id.items()
        if present != survivor
    ]
    clusters = dict(enumerate(by_id.values()))
    apart = assign(clusters, dict.fromkeys(current, survivor), former)
    assert {**apart.kept, **apart.revived} == {at: present.golden_id for at, present in enumerate(by_id)}
    assert not apart.merged
    assert not apart.redirected


@given(situations(), st.data())
def test_an_id_that_comes_back_is_used_once_and_ids_lead_to_where_their_records_are(situation, data):
    clusters, current = situation
    ids = sorted({present.golden_id for present in current.values()})
    some = st.lists(st.sampled_from(sorted(current) or [0]), unique=True, max_size=4)
    former = [
        Former(uuid.UUID(int=100 + at), 100 + at, data.draw(st.sampled_from(ids)), tuple(data.draw(some)))
        for at in range(3)
        if ids
    ]
    result = assign(clusters, current, former)
    used = [*result.kept.values(), *result.revived.values()]
    assert len(set(used)) == len(used), "two customers with one id"
    assert set(result.kept.values()) | set(result.merged) == set(ids)
    assert set(result.revived) <= set(result.split)
    assert set(result.redirected.values()) <= set(result.revived.values())
    assert not set(result.redirected) & set(used)
