"""How people handle their deals: a plan of what happens to one, and which hygiene rules that breaks on purpose. Pure.

Healthy deals come close to the limits of the rules (docs/rules.md), and broken ones lie clearly beyond them, because
what is usual is learned from the deals themselves.
"""

from dataclasses import replace
from random import Random

from connectors.sandbox.conduct import closed_deals, open_deals
from connectors.sandbox.conduct.plan import Plan, over_quarter, second

__all__ = ["Plan", "draw", "newborn"]

# How many of a hundred and some deals are handled so.
SHAPES = {
    "healthy": 40, "nearly": 10, "quiet": 5, "stalled": 4, "stuck": 4, "idle": 6, "past_close": 5, "pushed": 5,
    "over_quarter": 4, "moved_back": 4, "no_step": 7, "old_step": 4, "missing": 5, "outlier": 3, "cut": 4,
    "early_cut": 2, "lost": 6, "won": 32, "won_lately": 10, "same_day": 4, "quick": 3, "skipped": 4,
    "held_back": 3, "last_week": 2, "backdated": 5, "paid_open": 3,
}  # fmt: skip
NEWBORN = ("healthy", "healthy", "same_day", "missing")
# What is usual in a source is known from 20 deals on; marketing has too few for these.
NEEDS_NORMS = frozenset(("outlier", "quick"))


def draw(rng: Random, now: int, currency: str, *, norms: bool = True, finance: bool = True) -> Plan:
    """A plan of a shape by chance. Without `finance` knowing the customer, few deals were won lately."""
    shape = rng.choices(list(SHAPES), list(SHAPES.values()))[0]
    if (shape == "outlier" and currency != "EUR") or (not norms and shape in NEEDS_NORMS):
        shape = "healthy"
    if not finance and shape in closed_deals.LATELY and shape != "backdated" and rng.random() < 0.8:
        shape = "won"
    if shape == "paid_open" and not finance:
        shape = "healthy"
    return of_shape(rng, now, shape)


def of_shape(rng: Random, now: int, shape: str) -> Plan:
    made = open_deals.SHAPES[shape](rng, now) if shape in open_deals.SHAPES else closed_deals.closed(rng, now, shape)
    over = made.status == "open" and over_quarter(made.closes)
    return replace(made, broken=made.broken | {"pushed_over_quarter"}) if over else made


def newborn(rng: Random, since: int, now: int) -> Plan:
    """A deal of today, for days that pass: nothing in it is older than `since`."""
    made, at = of_shape(rng, now, rng.choice(NEWBORN)), second(rng.uniform(since, now))
    won = made.status == "won"
    return replace(
        made,
        created=at,
        stages=((at, made.stages[-1][1] if won else 0),),
        closes=((at, at if won else made.closes[-1][1]),),
        amounts=((at, made.amounts[-1][1]),),
        steps=((at, made.steps[-1][1]),),
        active=at,
        ended=at if won else None,
    )
