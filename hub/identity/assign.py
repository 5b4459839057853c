"""Who keeps which golden id. Pure: clusters and what was before go in, who is called what comes out."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

NAMESPACE = uuid.UUID("6f6e6572-6563-4f72-8d2e-676f6c64656e")


@dataclass(frozen=True)
class Current:
    """A party's present customer: its golden id and that id's age (smaller is older)."""

    golden_id: uuid.UUID
    number: int


@dataclass(frozen=True)
class Former:
    """An id that was merged away: its age, the id in use that it leads to, and the parties that it had then."""

    golden_id: uuid.UUID
    number: int
    leads_to: uuid.UUID
    parties: tuple[int, ...]


@dataclass(frozen=True)
class Assignment:
    """`kept`: cluster -> golden id that goes on. `merged`: id -> its survivor. `split`: cluster -> id it came out of.

    `revived`: cluster that came out of a split -> the id that it had before it was merged. `redirected`: other ids
    that were merged away -> the revived id where their parties are now. Clusters in neither `kept` nor `revived` need a
    new id.
    """

    kept: dict[int, uuid.UUID]
    merged: dict[uuid.UUID, uuid.UUID]
    split: dict[int, uuid.UUID]
    revived: dict[int, uuid.UUID] = field(default_factory=dict)
    redirected: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)


# Per id and part of it: the ids that were merged into it and most of whose parties are there.
_Back = Mapping[tuple[uuid.UUID, int], Sequence[Former]]


def assign(
    clusters: Mapping[int, Collection[int]], current: Mapping[int, Current], former: Iterable[Former] = ()
) -> Assignment:
    """The oldest id wins a merge; on a split the largest part keeps the id (a tie goes to the oldest party).

    A part that is mostly what was merged into the id before gets its own id back, and leaves the id to the others if
    there are any: whoever kept one of the ids finds its own customer again.

    Args:
        clusters: label -> parties, disjoint.
        current: party -> its present id; parties that have none are left out.
        former: ids that were merged into those of `current`, as far as these are split.
    """
    parts: dict[Current, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for label, parties in clusters.items():
        for party in parties:
            if party in current:
                parts[current[party]][label].append(party)
    back = _coming_back(parts, former)
    claims: dict[int, list[Current]] = defaultdict(list)
    for golden, by_cluster in parts.items():
        claims[max(by_cluster, key=partial(_claim, golden, by_cluster, back))].append(golden)
    kept, merged = _settle(claims)
    split = {
        label: _origin(parties, current)
        for label, parties in clusters.items()
        if label not in kept and any(party in current for party in parties)
    }
    return _revived(Assignment(kept, merged, split), back)


def _claim(golden: Current, by_cluster: Mapping[int, Sequence[int]], back: _Back, label: int) -> tuple[bool, int, int]:
    """How good a part's claim to the id of the whole is."""
    return (golden.golden_id, label) not in back, len(by_cluster[label]), -min(by_cluster[label])


def _coming_back(parts: Mapping[Current, Mapping[int, Sequence[int]]], former: Iterable[Former]) -> _Back:
    by_id = {golden.golden_id: by_cluster for golden, by_cluster in parts.items()}
    found: dict[tuple[uuid.UUID, int], list[Former]] = defaultdict(list)
    for one in former:
        by_cluster = by_id.get(one.leads_to, {})
        own = {label: len(set(one.parties).intersection(parties)) for label, parties in by_cluster.items()}
        if any(own.values()):
            found[one.leads_to, max(own, key=lambda label: (own[label], -min(by_cluster[label])))].append(one)
    return {
        (golden_id, label): several
        for (golden_id, label), several in found.items()
        if _mostly(by_id[golden_id][label], several)
    }


def _mostly(part: Sequence[int], several: Iterable[Former]) -> bool:
    theirs = {party for one in several for party in one.parties}
    return 2 * len(theirs.intersection(part)) > len(part)


def _revived(assignment: Assignment, back: _Back) -> Assignment:
    revived: dict[int, uuid.UUID] = {}
    redirected: dict[uuid.UUID, uuid.UUID] = {}
    for label, origin in assignment.split.items():
        for one in sorted(back.get((origin, label), ()), key=lambda one: one.number):
            oldest = revived.setdefault(label, one.golden_id)
            if one.golden_id != oldest:
                redirected[one.golden_id] = oldest
    return replace(assignment, revived=revived, redirected=redirected)


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
