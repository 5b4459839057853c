"""The evidence of all pairs within clusters, which holds them together: read where it is known, else weighed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup.clusters import cluster
from dedup.columns import MISSING, Flags, Floats, Index, Prepared
from dedup.kinds import Kind
from dedup.spec import MatchSpec


@dataclass(frozen=True)
class Evidence:
    """What is known of a table: scored `pairs` as matching gives them, and what `weigh` says of other pairs of ids.

    `nameless` tells which ids have no first name; it is only asked where there is doubt.
    """

    pairs: pa.Table
    weigh: Callable[[Index, Index], Floats]
    nameless: Callable[[Index], Flags]

    def bits(self, a: Index, b: Index) -> Floats:
        """The bits of pairs of ids; nan for what speaks for two people of one home alike.

        That is agreement with a record without a first name: address, telephone and family name fit everybody there.
        """
        known_a, known_b = self.pairs["a"].to_numpy(), self.pairs["b"].to_numpy()
        size = max(int(known_b.max(initial=0)), int(a.max(initial=0)), int(b.max(initial=0))) + 1
        known, wanted = known_a * size + known_b, np.minimum(a, b) * size + np.maximum(a, b)
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        bits: Floats = self.pairs["weight"].to_numpy()[place]
        new = np.nonzero(known[place] != wanted)[0]
        bits[new] = self.weigh(a[new], b[new])
        agreeing = np.nonzero(bits > 0)[0]
        silent = self.nameless(a[agreeing]) | self.nameless(b[agreeing])
        bits[agreeing[silent]] = np.nan
        return bits


def joined(ids: Index, known: Evidence, threshold: float) -> Index:
    """Per id the smallest id of its cluster; pairs from the probability `threshold` on are edges."""
    chosen = known.pairs.filter(pc.greater_equal(known.pairs["probability"], threshold))
    a, b, probability = (chosen[name].to_numpy() for name in ("a", "b", "probability"))
    return cluster(ids, (a, b, probability), evidence=known.bits)


def nameless(table: Prepared, rows: Index, spec: MatchSpec) -> Flags:
    """Which of these records have no first name, in a table that can tell people of one home apart by it."""
    given = next((one.name for one in spec.fields if one.kind is Kind.GIVEN_NAME), None)
    if given is None or not spec.contradictions:
        return np.zeros(len(rows), dtype=bool)
    return np.asarray(table.first(f"{given}.text")[rows] == MISSING)
