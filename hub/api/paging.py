"""Opaque cursors: where a keyset page ended, so that the next begins behind it whatever was added in between."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class CursorError(ValueError):
    """The cursor was not made by this list, or was made for other filters."""


@dataclass(frozen=True)
class Page(Generic[Item]):
    """One page of a list, and the cursor of the next; None at the end."""

    items: Sequence[Item]
    next: str | None


def encode(position: Sequence[Any], filters: Sequence[Any] = ()) -> str:
    """A cursor for `position` (values of the sort key) in the list that `filters` select."""
    content = json.dumps([list(position), list(filters)], default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode(cursor: str, types: Sequence[type], filters: Sequence[Any] = ()) -> list[Any]:
    """The position in `cursor`: as many values as `types`, each of its type.

    Raises:
        CursorError: it is not a cursor of this list, or the filters are not those it was made with.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position, made_with = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        values = [kind(value) for kind, value in zip(types, position, strict=True)]
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError) as error:
        raise CursorError("this is not a cursor of this list; start without one") from error
    if any(isinstance(value, str) and "\x00" in value for value in values):
        raise CursorError("this is not a cursor of this list; start without one")
    if made_with != json.loads(json.dumps(list(filters), default=str)):
        raise CursorError("this cursor was made with other filters; start without one")
    return values


def cut(rows: Sequence[Item], limit: int, cursor_of: Any) -> Page[Item]:
    """The page of `limit` rows out of up to `limit + 1` that were read; the extra row only tells that there is more."""
    items = rows[:limit]
    return Page(items, cursor_of(items[-1]) if len(rows) > limit else None)
