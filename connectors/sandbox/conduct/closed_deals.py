"""Deals that were won or lost: long ago, which is what norms are learned from, and lately. Pure."""

from dataclasses import replace
from random import Random

from connectors.sandbox.conduct.plan import STEPS, Plan, Timed, days, over_quarter, quarter_start, usual_amount
from connectors.sandbox.moments import DAY

LATELY = frozenset(("won_lately", "same_day", "quick", "skipped", "held_back", "last_week", "backdated"))


def closed(rng: Random, now: int, shape: str) -> Plan:
    ended = now - (days(rng, 3, 80) if shape in LATELY else days(rng, 95, 600))
    last = rng.choice((3, 4))
    if shape in ("held_back", "last_week"):
        ended = quarter_start(now) - days(rng, 0.1, 6.8)
    if shape in ("same_day", "quick"):
        lasted = 0 if shape == "same_day" else days(rng, 1.1, 4)
        made = _ended(rng, ended, ((ended - lasted, last),))
        return replace(made, broken=frozenset({"hidden"}))
    if shape == "backdated":
        made = _ended(rng, ended, ((ended - days(rng, 0.5, 5), last),))
        close = made.created - days(rng, 5, 50)
        return replace(made, closes=((made.created, close),), broken=frozenset({"backdated"}))
    if shape == "skipped":
        return replace(
            _ended(rng, ended, _way(rng, ended, rng.choice((0, 1, 2)))), broken=frozenset({"stages_skipped"})
        )
    made = _ended(rng, ended, _way(rng, ended, last))
    if shape == "held_back":
        return _held_back(rng, now, made)
    return replace(made, status="lost" if shape == "lost" else "won")


def _way(rng: Random, ended: int, last: int) -> Timed:
    at, stages = ended, []
    for step in range(last, -1, -1):
        at -= days(rng, 8, 22)
        stages.append((at, step))
    return tuple(reversed(stages))


def _ended(rng: Random, ended: int, stages: Timed) -> Plan:
    created = stages[0][0]
    return Plan(
        created=created,
        stages=stages,
        closes=((created, ended),),
        amounts=((created, usual_amount(rng)),),
        steps=((created, rng.choice(STEPS)),),
        active=ended,
        people=rng.choice((1, 2, 2, 3)),
        status="won",
        ended=ended,
    )


def _held_back(rng: Random, now: int, made: Plan) -> Plan:
    """Pushed into the quarter at the end of the one before, and won in its last days."""
    start = quarter_start(quarter_start(now) - DAY)
    at = min(start - days(rng, 1, 5), made.stages[0][0] + DAY)
    created = at - days(rng, 5, 30)
    closes = ((created, start - days(rng, 0.5, 20)), (at, made.ended))
    stages = ((created, made.stages[0][1]), *made.stages[1:])
    rules = frozenset({"held_back"} if over_quarter(closes) else ())
    return replace(made, created=created, stages=stages, closes=closes, amounts=((created, made.amounts[0][1]),),
                   steps=((created, made.steps[0][1]),), broken=rules)  # fmt: skip
