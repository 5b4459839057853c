"""The evidence of all pairs within clusters, which holds them together: read where it is known, else weighed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.clusters import cluster, places_of
from dedup.columns import MISSING, Flags, Floats, Index, Prepared
from dedup.kinds import Kind
from dedup.spec import MatchSpec


@dataclass(frozen=True)
class Evidence:
    """What is known of a table: scored `pairs` as matching gives them, and what `weigh` says of other pairs of ids.

    The pairs are ordered by a and b. `nameless` tells which ids have no first name.
    """

    pairs: pa.Table
    weigh: Callable[[Index, Index], Floats]
    nameless: Callable[[Index], Flags]


def joined(ids: Index, known: Evidence, threshold: float) -> Index:
    """Per id the smallest id of its cluster; `ids` ascend, and pairs from the probability `threshold` on are edges."""
    chosen = known.pairs.filter(pc.greater_equal(known.pairs["probability"], threshold))
    a, b, probability = (chosen[name].to_numpy() for name in ("a", "b", "probability"))
    return cluster(ids, (a, b, probability), evidence=partial(_bits, ids, known))


def _bits(ids: Index, known: Evidence, a: Index, b: Index) -> Floats:
    """The bits of pairs of ids; nan for what speaks for two people of one home alike.

    That is agreement with a record without a first name: address, telephone and family name fit everybody there.
    """
    held, wanted = (
        places_of(ids, np.minimum(one, other)) * len(ids) + places_of(ids, np.maximum(one, other))
        for one, other in ((known.pairs["a"].to_numpy(), known.pairs["b"].to_numpy()), (a, b))
    )
    place = np.minimum(np.searchsorted(held, wanted), len(held) - 1)
    bits: Floats = known.pairs["weight"].to_numpy()[place]
    new = np.nonzero(held[place] != wanted)[0]
    bits[new] = known.weigh(a[new], b[new])
    agreeing = np.nonzero(bits > 0)[0]
    silent = known.nameless(a[agreeing]) | known.nameless(b[agreeing])
    bits[agreeing[silent]] = np.nan
    return bits


def nameless(table: Prepared, rows: Index, spec: MatchSpec) -> Flags:
    """Which of these records have no first name, in a table that can tell people of one home apart by it."""
    given = next((one.name for one in spec.fields if one.kind is Kind.GIVEN_NAME), None)
    if given is None or not spec.contradictions:
        return np.zeros(len(rows), dtype=bool)
    return np.asarray(table.first(f"{given}.text")[rows] == MISSING)
