"""What a matching problem consists of, as data: comparisons with their levels, blocking rules, thresholds."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa

from dedup.columns import Index, Levels, Prepared
from dedup.standardise.fields import Field

Compare = Callable[[Prepared, Index, Index], Levels]

# The outcome of a quick comparison that needs a closer look.
UNDECIDED = 15


@dataclass(frozen=True)
class Thresholds:
    """Probabilities from which a pair is in the *same* and in the *review* band."""

    same: float = 0.99
    review: float = 0.30

    def __post_init__(self) -> None:
        if not 0.0 <= self.review <= self.same <= 1.0:
            raise ValueError(f"thresholds must be ordered within 0..1: review={self.review}, same={self.same}")


@dataclass(frozen=True)
class Level:
    """One outcome of a comparison.

    m and u are the shares of true matches and of other pairs expected there, used where there is too little data to
    learn from. `low` and `high` bound the weight in bits whatever the data says. `voids` names comparisons whose
    agreement says nothing at this level, because relatives or colleagues share it too. `ceiling` (bits) keeps a pair
    with this contradiction from being merged unseen. `most` bounds the share of true matches at this level, so that
    training does not take for a customer what only shares a street.
    """

    label: str
    m: float
    u: float
    low: float = -12.0
    high: float = 24.0
    voids: tuple[str, ...] = ()
    ceiling: float | None = None
    most: float = 1.0


@dataclass(frozen=True)
class Comparison:
    """Compares one aspect of two records. Level 0 of the outcome is "missing"; level k is `levels[k - 1]`.

    `columns` are the given columns shown in an explanation, `shown` the standardised column whose likeness is.
    Comparisons of one `group` are correlated: the strongest counts in full, the others half.
    On `adjusted` levels the weight follows the frequency of the value in the columns `terms`, by `spread` bits at the
    most. `quick` decides what equality alone decides and gives `UNDECIDED` for the rest, which `closer` decides.
    `strength` is that of the m of the levels against the data, counted in pairs.
    """

    name: str
    columns: tuple[str, ...]
    compare: Compare
    levels: tuple[Level, ...]
    shown: str
    group: str | None = None
    terms: tuple[str, ...] = ()
    adjusted: tuple[int, ...] = ()
    spread: float = 6.0
    quick: Compare | None = None
    closer: Compare | None = None
    strength: float = 25.0


@dataclass(frozen=True)
class Contradiction:
    """Outcomes that together speak against one customer: every comparison of `when` shows one of its levels."""

    label: str
    when: tuple[tuple[str, tuple[int, ...]], ...]
    voids: tuple[str, ...]
    ceiling: float


@dataclass(frozen=True)
class Overrule:
    """Outcomes strong enough to set aside the contradictions that the comparisons `contradicted` see."""

    when: tuple[tuple[str, tuple[int, ...]], ...]
    contradicted: tuple[str, ...]


@dataclass(frozen=True)
class BlockingRule:
    """Two records are compared if they agree on all `columns`; the first of them may hold several values."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class MatchSpec:
    """One kind of customer: how its records are standardised, blocked and compared.

    `owner` tells different customers roughly apart: a value of the columns `shareable` that belongs to
    `shared_by` owners or more is a switchboard or a shared mailbox. `common` columns get term frequencies.
    A blocking value held by more than `max_block` records stops being a key.
    `u_strength` is that of the u of the levels against the data, counted in pairs. Where `dependent`, it is learned
    which comparisons are not independent evidence; the weights then only add up, and nothing else bends them.
    """

    name: str
    standardise: Callable[[pa.Table], Prepared]
    comparisons: tuple[Comparison, ...]
    blocking: tuple[BlockingRule, ...]
    owner: str
    shareable: tuple[str, ...]
    common: tuple[str, ...]
    shared_by: int = 4
    max_block: int = 120
    contradictions: tuple[Contradiction, ...] = ()
    overrules: tuple[Overrule, ...] = ()
    u_strength: float = 10_000.0
    dependent: bool = False
    fields: tuple[Field, ...] = ()
    by_name: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {one.name: at for at, one in enumerate(self.comparisons)})


def standardise(table: pa.Table, spec: MatchSpec) -> Prepared:
    """The records as the specification sees them. Raises ValueError if the table breaks the input contract."""
    return spec.standardise(table)
