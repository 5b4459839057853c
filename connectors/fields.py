"""Reading fields of a payload by name, so that a row that does not fit names the field that does not."""

import datetime as dt
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from hub.errors import MappingError

Payload = dict[str, Any]
LONGEST_FREE_TEXT = 2_000  # of the canonical model; free text may be cut, a name may not
T = TypeVar("T")
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def at(payload: Payload, path: str) -> Any:
    """The value at a dotted path; None where any part is missing."""
    value: Any = payload
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def has(payload: Payload, path: str) -> bool:
    """Whether the payload has the key at all, be it null."""
    *parents, last = path.split(".")
    parent = at(payload, ".".join(parents)) if parents else payload
    return isinstance(parent, dict) and last in parent


def text(payload: Payload, path: str) -> str | None:
    """Stripped text; None for empty. Numbers are accepted as they are written: ids and postcodes come as both."""
    value = at(payload, path)
    if value is None or isinstance(value, str):
        return (value or "").replace("\x00", "").strip() or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise MappingError(f"expected text, got {_kind(value)}", field=path)


def required(payload: Payload, path: str) -> str:
    """Like text, and must be there."""
    value = text(payload, path)
    if value is None:
        raise MappingError("is missing or empty" if has(payload, path) else "is missing", field=path)
    return value


def free_text(payload: Payload, path: str) -> str | None:
    """Text that people write at length, cut to what the model keeps."""
    value = text(payload, path)
    return value[:LONGEST_FREE_TEXT] if value else None


def texts(payload: Payload, path: str, *, separator: str = ";") -> tuple[str, ...]:
    """Several values: a list, or one text with a separator."""
    value = at(payload, path)
    if isinstance(value, list):
        return tuple(item.strip() for item in value if isinstance(item, str) and item.strip())
    return tuple(part.strip() for part in (text(payload, path) or "").split(separator) if part.strip())


def flag(payload: Payload, path: str) -> bool:
    """A boolean, also one written as text; missing is false."""
    value = at(payload, path)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        return value.lower() == "true"
    raise MappingError(f"expected true or false, got {_kind(value)}", field=path)


def number(payload: Payload, path: str) -> Decimal | None:
    """A finite number, also one written as text."""
    value = at(payload, path)
    if value is None or value == "":
        return None
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            parsed = Decimal(str(value).strip())
        except InvalidOperation:
            raise MappingError("expected a number, got other text", field=path) from None
        if parsed.is_finite():
            return parsed
    raise MappingError(f"expected a number, got {_kind(value)}", field=path)


def money(payload: Payload, path: str) -> Decimal | None:
    """A number in major units, rounded to cents."""
    value = number(payload, path)
    if value is None:
        return None
    if abs(value) >= Decimal(10) ** 16:
        raise MappingError("is larger than any amount", field=path)
    return value.quantize(Decimal("0.01"))


def moment(payload: Payload, path: str) -> dt.datetime | None:
    """A moment in ISO 8601 (without an offset it is UTC), or as milliseconds since 1970 where it is digits alone."""
    value = at(payload, path)
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str) and not value.lstrip("-").isdigit():
            parsed = dt.datetime.fromisoformat(value.strip())
            return parsed.replace(tzinfo=parsed.tzinfo or dt.UTC).astimezone(dt.UTC)
        if isinstance(value, int | str) and not isinstance(value, bool):
            return EPOCH + dt.timedelta(milliseconds=int(value))
    except (ValueError, OverflowError):
        raise MappingError("expected a moment in ISO 8601", field=path) from None
    raise MappingError(f"expected a moment, got {_kind(value)}", field=path)


def seconds(payload: Payload, path: str) -> dt.datetime | None:
    """A moment given as whole seconds since 1970."""
    value = at(payload, path)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        try:
            return EPOCH + dt.timedelta(seconds=value)
        except OverflowError:
            raise MappingError("is no moment that a calendar has", field=path) from None
    raise MappingError(f"expected seconds since 1970, got {_kind(value)}", field=path)


def date(payload: Payload, path: str) -> dt.date | None:
    """A calendar date; of a moment, its UTC date."""
    value = at(payload, path)
    if isinstance(value, str) and len(value.strip()) == len("2026-01-31"):
        try:
            return dt.date.fromisoformat(value.strip())
        except ValueError:
            raise MappingError("expected a date in ISO 8601", field=path) from None
    parsed = moment(payload, path)
    return parsed.date() if parsed else None


def needed(value: T | None, path: str) -> T:
    """The value, which must be there: `needed(moment(payload, "created"), "created")`."""
    if value is None:
        raise MappingError("is missing", field=path)
    return value


def _kind(value: Any) -> str:
    return {dict: "an object", list: "a list", bool: "a boolean", str: "text"}.get(type(value), "a number")
