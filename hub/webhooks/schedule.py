"""When a delivery that failed is tried again: the schedule that Standard Webhooks gives as its example."""

import datetime as dt
import random
from email.utils import parsedate_to_datetime

MINUTE, HOUR = 60, 3600
# Seconds after the first, second, ... attempt that failed. Ten attempts in all, over 75 hours.
WAITS = (
    5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
)  # fmt: skip
ATTEMPTS = len(WAITS) + 1
JITTER = 0.2  # receivers that failed together are not all asked again at one moment
LONGEST = 24 * HOUR  # what a receiver may ask for with Retry-After


def wait(failed: int, asked: float | None = None, *, jitter: float | None = None) -> float | None:
    """Seconds until the next attempt after `failed` (from 1) attempts at one change; None when it was the last one.

    `asked` is what the receiver wants us to wait, in seconds: it can only make the wait longer. `jitter`, from -1 to 1,
    is drawn at random unless it is given.
    """
    if failed >= ATTEMPTS:
        return None
    drawn = random.uniform(-1, 1) if jitter is None else jitter  # noqa: S311  # spreads load, guards nothing
    return max(WAITS[failed - 1] * (1 + JITTER * drawn), min(asked or 0.0, LONGEST))


def retry_after(header: str | None, now: dt.datetime) -> float | None:
    """Seconds that a header Retry-After asks for, as a number or a date; None where it says nothing readable."""
    given = (header or "").strip()
    if given.isascii() and given.isdecimal():
        return float(given)
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or dt.UTC) - now).total_seconds())
