"""Deals that are open: healthy ones, some close to a limit, and those that break rules on purpose. Pure."""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from connectors.sandbox import names
from connectors.sandbox.conduct.plan import STAGES, STEPS, Plan, days, quarter_start, second, usual_amount
from connectors.sandbox.moments import DAY


def _open(rng: Random, now: int, step: int | None = None, entered: int | None = None) -> Plan:
    """Eight to 22 days a stage, and not longer than 18 in the present one."""
    step = rng.randrange(STAGES) if step is None else step
    at = now - days(rng, 1, 18) if entered is None else entered
    stages = [(at, step)]
    for earlier in range(step - 1, -1, -1):
        at -= days(rng, 8, 22)
        stages.append((at, earlier))
    created = at
    steps = [(created, rng.choice(STEPS[:3]))]
    if created < now - 12 * DAY:
        steps.append((max(created + DAY, now - days(rng, 1, 12)), rng.choice(STEPS[3:])))
    return Plan(
        created=created,
        stages=tuple(reversed(stages)),
        closes=((created, now + days(rng, 5, 60)),),
        amounts=((created, usual_amount(rng)),),
        steps=tuple(steps),
        active=max(created, now - days(rng, 0, 12)),
        people=1 if rng.random() < 0.1 else rng.choice((2, 2, 3)),
    )


def _healthy(rng: Random, now: int) -> Plan:
    return _open(rng, now)


def _nearly(rng: Random, now: int) -> Plan:
    """One push that stays in its quarter, or a small discount at the end."""
    if rng.random() < 0.5:
        made = _open(rng, now, rng.choice((3, 4)))
        return _with_cut(rng, now, made, rng.uniform(0.08, 0.17))
    made = _open(rng, now, rng.choice((2, 3, 4)))
    final = made.closes[0][1]
    old = max(final - days(rng, 7, 20), quarter_start(final) + DAY)
    return made if old >= final else replace(made, closes=((made.created, old), (_between(rng, made, now), final)))


def _between(rng: Random, made: Plan, now: int) -> int:
    return second(rng.uniform(made.created + 0.2 * (now - made.created), now - DAY // 2))


def _quiet(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((2, 3, 4)))
    silent = None if rng.random() < 0.4 else max(made.created, now - days(rng, 16, 40))
    return replace(made, active=silent, broken=frozenset({"inactive"}))


def _stalled(rng: Random, now: int) -> Plan:
    made = _open(rng, now, entered=now - days(rng, 34, 80))
    return replace(made, broken=frozenset({"no_progress", "stuck_in_stage"}))


def _stuck(rng: Random, now: int) -> Plan:
    made = _open(rng, now, entered=now - days(rng, 34, 60))
    amount = made.amounts[0][1]
    moved = ((made.created, amount), (now - days(rng, 1, 26), round(amount * 1.05, -1)))
    return replace(made, amounts=moved, broken=frozenset({"stuck_in_stage"}))


def _idle(rng: Random, now: int) -> Plan:
    made = _open(rng, now, entered=now - days(rng, 34, 160))
    rules = frozenset({"inactive", "no_progress", "stuck_in_stage", "next_step"})
    return replace(made, active=None, steps=made.steps[:1], broken=rules)


def _past_close(rng: Random, now: int) -> Plan:
    made = _open(rng, now, 4)
    return replace(made, closes=((made.created, now - days(rng, 1.5, 25)),), broken=frozenset({"past_close_date"}))


def _pushed(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((3, 4)))
    pushes = rng.choice((2, 2, 3, 4))
    final = made.closes[0][1]
    values = [final - (pushes - n) * 14 * DAY for n in range(pushes + 1)]
    at = [made.created, *sorted(_between(rng, made, now) for _ in range(pushes))]
    times = tuple((moment + n * 1_000, value) for n, (moment, value) in enumerate(zip(at, values, strict=True)))
    return replace(made, closes=times, broken=frozenset({"pushed"}))


def _over(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((1, 2, 3, 4)))
    end = quarter_start(quarter_start(now) + 100 * DAY)
    closes = ((made.created, end - days(rng, 2, 25)), (_between(rng, made, now), end + days(rng, 2, 50)))
    return replace(made, closes=closes)


def _moved_back(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((1, 2, 3)))
    last, step = made.stages[-1]
    back = last + days(rng, 0.2, 0.8)
    return replace(made, stages=(*made.stages, (back, step - 1)), broken=frozenset({"stage_moved_back"}))


def _no_step(rng: Random, now: int) -> Plan:
    made = _open(rng, now)
    nothing = None if rng.random() < 0.4 else rng.choice(names.PLACEHOLDERS)
    return replace(made, steps=((made.created, nothing),), broken=frozenset({"next_step"}))


def _old_step(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((2, 3, 4)))
    return replace(made, steps=made.steps[:1], broken=frozenset({"next_step"}))


def _missing(rng: Random, now: int) -> Plan:
    made = replace(_open(rng, now), broken=frozenset({"required_fields"}))
    return replace(made, nobodys=True) if rng.random() < 0.3 else replace(made, amounts=((made.created, None),))


def _outlier(rng: Random, now: int) -> Plan:
    made = _open(rng, now)
    amount = round(13_000 * 2.72 ** (rng.choice((-1, 1)) * rng.uniform(4.6, 5.5)), 2)
    return replace(made, amounts=((made.created, amount),), broken=frozenset({"amount_unusual"}))


def _with_cut(rng: Random, now: int, made: Plan, share: float) -> Plan:
    amount = made.amounts[0][1]
    at = second(rng.uniform(made.stages[-1][0] + 1_000, now))
    return replace(made, amounts=((made.created, round(amount / (1 - share), 2)), (at, amount)))


def _cut(rng: Random, now: int) -> Plan:
    made = _open(rng, now, rng.choice((3, 4)))
    return replace(_with_cut(rng, now, made, rng.uniform(0.25, 0.5)), broken=frozenset({"amount_cut"}))


def _early_cut(rng: Random, now: int) -> Plan:
    return _with_cut(rng, now, _open(rng, now, rng.choice((0, 1, 2))), rng.uniform(0.25, 0.5))


def _paid_open(rng: Random, now: int) -> Plan:
    """Finance was paid; whether sales says so is told by what both hold together."""
    return replace(_open(rng, now, rng.choice((2, 3, 4))), paid=True)


SHAPES: dict[str, Callable[[Random, int], Plan]] = {
    "healthy": _healthy, "nearly": _nearly, "quiet": _quiet, "stalled": _stalled, "stuck": _stuck, "idle": _idle,
    "past_close": _past_close, "pushed": _pushed, "over_quarter": _over, "moved_back": _moved_back, "no_step": _no_step,
    "old_step": _old_step, "missing": _missing, "outlier": _outlier, "cut": _cut, "early_cut": _early_cut,
    "paid_open": _paid_open,
}  # fmt: skip
