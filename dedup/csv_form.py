"""How a CSV file is written: its separator, and the line that names its columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TextIO

from dedup import headers
from dedup.opened import UnreadableError

_SEPARATORS = ",;\t|"
_SAID = re.compile(r'"?sep=(.)"?[,;|\t]*\s*', re.IGNORECASE)  # Excel's own first line
# The first is enough for nearly every file; a first record may be as long as the second.
_SIZES = (1 << 18, 32 << 20)
_LOOKED_AT = 100


@dataclass(frozen=True)
class Form:
    """How a CSV file is written. `above` are the lines up to and with the one that names the columns.

    `title` are the lines with words above that one.
    """

    encoding: str
    separator: str
    header: tuple[str, ...]
    above: int
    title: int = 0


def find(path: Path, encoding: str) -> Form:
    """The form of a CSV file of known encoding, from its beginning.

    Raises UnreadableError for a file without records, and UnicodeDecodeError for one of another encoding.
    """
    for size in _SIZES:
        with path.open("rb") as file:
            head = file.read(size)
        text = io.TextIOWrapper(io.BytesIO(head), "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
        lines = list(_lines_of(text, whole=len(head) < size))
        said = _SAID.fullmatch(lines[0]) if lines else None
        each = said[1] if said else _SEPARATORS
        tried = [_tried(lines, Form(encoding, separator, (), 1 if said else 0)) for separator in each]
        _, rows, form = max(tried, key=lambda one: (one[0], len(one[2].header)))
        if rows:
            return form
        if len(head) < size:
            names = ", ".join(form.header[:9])
            raise UnreadableError(f"there is a header of {len(form.header)} columns, {names}, and no rows")
    raise UnreadableError(f"its first rows are longer than {_SIZES[-1] >> 20} MB: is a quote never closed?")


def _tried(lines: Sequence[str], form: Form) -> tuple[float, int, Form]:
    """The form with its header, the share of the first rows that have as many fields, and how many rows there are."""
    csv.field_size_limit(1 << 30)
    reader = csv.reader(lines[form.above :], delimiter=form.separator)
    numbered = list(islice(((reader.line_num, row) for row in reader if row), _LOOKED_AT))
    rows = [row for _, row in numbered]
    if len(rows) < 2:
        return 0, 0, replace(form, header=_names(rows[0] if rows else []))
    width = Counter(map(len, rows[1:])).most_common(1)[0][0]
    title = _title(rows, width)
    header = _fitted(rows[title], [row for row in rows[title + 1 :] if len(row) == width])
    fit = sum(len(row) in {len(header), len(rows[title])} for row in rows) / len(rows) if len(header) > 1 else 0
    above = form.above + numbered[title][0]
    return fit, len(rows) - title - 1, replace(form, header=_names(header), above=above, title=title)


def _title(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many rows stand above the names of the columns: few words each, and below them names that are known."""
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    above = next((place for place, count in enumerate(filled) if 2 * count >= width), 0)
    read = [headers.read(name) for name in rows[above]]
    known = sum(one.said is not None or one.bare_name or one.key for one in read)
    return above if above and len(rows) > above + 1 and width > 2 and known >= max(2, filled[above] / 2) else 0


def _fitted(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The header with as many fields as the rows, where only the header or only the rows end in empty fields."""
    width = len(rows[0]) if rows else len(header)
    too_many = [header[width:], *(row[len(header) :] for row in rows)]
    if any(cell.strip() for cells in too_many for cell in cells):
        return list(header)
    return [*header[:width], *[""] * (width - len(header))]


def _names(header: Sequence[str]) -> tuple[str, ...]:
    return tuple(name.strip() or f"column_{place}" for place, name in enumerate(header, start=1))


def _lines_of(text: TextIO, *, whole: bool) -> Iterator[str]:
    """The lines of the file's beginning, without the last where it is cut off."""
    previous = None
    try:
        for line in text:
            if previous is not None:
                yield previous
            previous = line
    except UnicodeDecodeError as error:
        if whole or error.end < len(error.object):
            raise
    if previous is not None and whole:
        yield previous
