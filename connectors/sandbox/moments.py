"""How each vendor writes a moment. Inside the sandbox a moment is an int: milliseconds since 1970, UTC."""

import datetime as dt

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def to_ms(moment: dt.datetime) -> int:
    """Milliseconds of an aware datetime."""
    return round(moment.timestamp() * 1_000)


def from_ms(ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(ms / 1_000, tz=dt.UTC)


def of_date(text: str) -> int:
    """Midnight UTC of `2026-11-02`, ms."""
    return to_ms(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC))


def salesforce(ms: int) -> str:
    """`2026-11-02T08:00:00.000+0000`"""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1_000:03d}+0000"


def hubspot(ms: int) -> str:
    """`2026-11-02T08:00:00.000Z`"""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1_000:03d}Z"


def zendesk(ms: int) -> str:
    """`2026-11-02T08:00:00Z`"""
    return from_ms(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def date(ms: int) -> str:
    """`2026-11-02`"""
    return from_ms(ms).strftime("%Y-%m-%d")
