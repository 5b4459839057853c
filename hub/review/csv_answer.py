"""A table as a CSV download."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from fastapi.responses import StreamingResponse

AT_ONCE = 500  # rows between two sends
# A spreadsheet takes a text that begins so for a formula, and what it calls may do harm. Numbers begin so as well.
FORMULA = re.compile(r"[=+\-@\t\r]")
NUMBER = re.compile(r"[+-]?[\d .,]+")


def download(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]], note: str = "") -> StreamingResponse:
    """The rows as they come, under `header`; `note` says what was left out, in a line of its own at the end."""
    return StreamingResponse(
        _written(header, rows, note),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _written(header: Sequence[str], rows: Iterable[Sequence[Any]], note: str) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    for place, row in enumerate(rows):
        writer.writerow([cell(value) for value in row])
        if place % AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    if note:
        writer.writerow([note])
    yield buffer.getvalue()


def cell(value: Any) -> str:
    """A value as text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"'{text}" if FORMULA.match(text) and not NUMBER.fullmatch(text) else text
