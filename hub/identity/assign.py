"""Who keeps which golden id. Pure: clusters and what was before go in, who is called what comes out."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NAMESPACE = uuid.UUID("6f6e6572-6563-4f72-8d2e-676f6c64656e")


@dataclass(frozen=True)
class Current:
    """A party's present customer: its golden id and that id's age (smaller is older)."""

    golden_id: uuid.UUID
    number: int


@dataclass(frozen=True)
class Assignment:
    """`kept`: cluster -> golden id that goes on. `merged`: id -> its survivor. `split`: cluster -> id it came out of.

    Clusters in neither `kept` nor `split` are new customers; both split and new ones need a new id.
    """

    kept: dict[int, uuid.UUID]
    merged: dict[uuid.UUID, uuid.UUID]
    split: dict[int, uuid.UUID]


def assign(clusters: Mapping[int, Iterable[int]], current: Mapping[int, Current]) -> Assignment:
    """The oldest id wins a merge; on a split the largest part keeps the id (a tie goes to the oldest party).

    Args:
        clusters: label -> parties, disjoint.
        current: party -> its present id; parties that have none are left out.
    """
    parts: dict[Current, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for label, parties in clusters.items():
        for party in parties:
            if party in current:
                parts[current[party]][label].append(party)
    claims: dict[int, list[Current]] = defaultdict(list)
    for golden, by_cluster in parts.items():
        claims[max(by_cluster, key=lambda label: (len(by_cluster[label]), -min(by_cluster[label])))].append(golden)
    kept, merged = _settle(claims)
    split = {
        label: _origin(parties, current)
        for label, parties in clusters.items()
        if label not in kept and any(party in current for party in parties)
    }
    return Assignment(kept, merged, split)


def _settle(claims: Mapping[int, list[Current]]) -> tuple[dict[int, uuid.UUID], dict[uuid.UUID, uuid.UUID]]:
    kept: dict[int, uuid.UUID] = {}
    merged: dict[uuid.UUID, uuid.UUID] = {}
    for label, claimants in claims.items():
        oldest = min(claimants, key=lambda golden: golden.number)
        kept[label] = oldest.golden_id
        merged.update({other.golden_id: oldest.golden_id for other in claimants if other is not oldest})
    return kept, merged


def _origin(parties: Iterable[int], current: Mapping[int, Current]) -> uuid.UUID:
    """The id that most of the parties come from; the oldest of equals."""
    counted = Counter(current[party] for party in parties if party in current)
    return max(counted, key=lambda golden: (counted[golden], -golden.number)).golden_id


def new_id(founder_ref: str, generation: int) -> uuid.UUID:
    """The id of a customer that is founded by the party `founder_ref`, which founded `generation` others before.

    Derived, not random: two hubs that see the same records give the same ids, and a rebuild gives them again.
    """
    return uuid.uuid5(NAMESPACE, f"{founder_ref}#{generation}")
