"""Candidate pairs: whoever asks for those of changed records gets just these of all."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dedup.blocking import Blocks, Keys, Pairs, pairs_of

RECORDS = 12
RULES = st.lists(st.lists(st.sets(st.integers(0, RECORDS - 1), min_size=1, max_size=6), max_size=5), max_size=3)


def blocks_of(rules: list[list[set[int]]]) -> Blocks:
    keys = []
    for place, blocks in enumerate(rules):
        rows = np.array([row for block in blocks for row in sorted(block)], dtype=np.int32)
        begins = np.cumsum([0, *(len(block) for block in blocks)])
        keys.append(Keys(place, rows, begins))
    return Blocks(RECORDS, tuple(keys), ())


def told(pairs: Pairs) -> list[tuple[int, int, int]]:
    return list(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.rule.tolist(), strict=True))


def by_hand(rules: list[list[set[int]]]) -> list[tuple[int, int, int]]:
    """Each pair of a block once, in order, with the first rule that found it."""
    found: dict[tuple[int, int], int] = {}
    for place, blocks in enumerate(rules):
        for block in blocks:
            for pair in combinations(sorted(block), 2):
                found.setdefault(pair, place)
    return sorted((left, right, rule) for (left, right), rule in found.items())


@given(rules=RULES, changed=st.sets(st.integers(0, RECORDS - 1)))
def test_a_change_is_compared_with_all_of_its_blocks_and_nobody_else(
    rules: list[list[set[int]]], changed: set[int]
) -> None:
    flags = np.isin(np.arange(RECORDS), sorted(changed))
    everything = by_hand(rules)
    assert told(pairs_of(blocks_of(rules))) == everything
    touched = [pair for pair in everything if changed & set(pair[:2])]
    assert told(pairs_of(blocks_of(rules), flags)) == touched
