"""Waiting for a condition: as long as a busy machine may need, and not a moment longer."""

import time
from collections.abc import Callable

PATIENCE = 240.0
PAUSE = 0.01


def wait_until(condition: Callable[[], object], what: str, *, going_on: Callable[[], object] = lambda: True) -> None:
    """Wait until the condition holds.

    Raises:
        AssertionError: it did not within four minutes, or `going_on` no longer holds; says `what` was waited for.
    """
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert going_on(), f"it ended before {what}"
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:.0f} s"
        time.sleep(PAUSE)
