"""What time it is for the rules.

Rules never call now(): they are given `as_of`. A simulated world stands still between its ticks, so it writes
its own moment to a file, and everything that is started with `ONERECORD_CLOCK_FILE` lives at that moment.
Audit columns ("when did this row arrive here") use the database's now() instead.
"""

import datetime as dt

from hub.settings import Settings


def as_of(settings: Settings) -> dt.datetime:
    """The moment at which rules are judged: UTC, the simulated one where a clock file is set and exists."""
    if settings.clock_file is not None and settings.clock_file.exists():
        return dt.datetime.fromisoformat(settings.clock_file.read_text().strip()).astimezone(dt.UTC)
    return dt.datetime.now(dt.UTC)


def day(moment: dt.datetime) -> dt.date:
    """The UTC day of a moment, which rules count by."""
    return moment.astimezone(dt.UTC).date()
