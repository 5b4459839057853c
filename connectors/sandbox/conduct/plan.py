"""What happens to one deal, as a plan; moments are ms. Pure."""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from connectors.sandbox import moments
from connectors.sandbox.moments import DAY

STAGES = 5
QUARTER_MONTHS = 3
STEPS = ("Call back", "Send offer", "Demo on site", "Wait for legal", "Meet the board", "Check references")

Timed = tuple[tuple[int, Any], ...]


@dataclass(frozen=True)
class Plan:
    """`stages`, `closes`, `amounts` and `steps` hold (since when, value); `people` is how many are on the deal."""

    created: int
    stages: Timed
    closes: Timed
    amounts: Timed
    steps: Timed
    active: int | None
    people: int
    status: str = "open"
    ended: int | None = None
    nobodys: bool = False
    paid: bool = False
    broken: frozenset[str] = field(default_factory=frozenset)

    @property
    def stamp(self) -> int:
        """When it was last touched."""
        told = [entry[0] for times in (self.stages, self.closes, self.amounts, self.steps) for entry in times]
        return max([*told, self.active or 0, self.ended or 0])


def second(ms: float) -> int:
    return int(ms) // 1_000 * 1_000


def days(rng: Random, least: float, most: float) -> int:
    return second(rng.uniform(least, most) * DAY)


def _quarter(ms: int) -> int:
    at = moments.from_ms(ms)
    return at.year * 4 + (at.month - 1) // QUARTER_MONTHS


def quarter_start(ms: int) -> int:
    at = moments.from_ms(ms)
    month = (at.month - 1) // QUARTER_MONTHS * QUARTER_MONTHS + 1
    return moments.to_ms(at.replace(month=month, day=1, hour=0, minute=0, second=0, microsecond=0))


def over_quarter(closes: Timed) -> bool:
    values = [value for _, value in closes]
    return any(_quarter(old) < _quarter(new) and _quarter(old) < _quarter(values[-1]) for old, new in pairwise(values))


def usual_amount(rng: Random) -> float:
    while abs(spread := rng.gauss(0, 1)) > 1.7:  # well below the three deviations that are unusual
        pass
    return float(round(13_000 * 2.72**spread, -1))
