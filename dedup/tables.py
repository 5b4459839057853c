"""Reads a CSV or Parquet file of any origin as an arrow table, and writes results as either."""

import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from dedup.standardise import series

_SEPARATORS = ",;\t|"
_HEAD = 1 << 18
# A block holds whole rows: large enough for any sane row, small enough that several are read side by side.
_BLOCK = 16 << 20
_NAMED_BAD_ROWS = 5
_OTHER_FORMATS = {
    b"PK\x03\x04": "a workbook or zip archive: save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"\x1f\x8b": "compressed: unpack it first",
    b"SQLite format 3": "a SQLite database: export the table as CSV",
    b"%PDF": "a PDF",
}


class UnreadableError(ValueError):
    """A file that is no table: one sentence, without the file's name, that says what is wrong and what to do."""


@dataclass(frozen=True)
class BadRow:
    """A row with other than the header's number of fields. `line` counts the file's lines from 1."""

    line: int
    fields: int


@dataclass(frozen=True)
class Opened:
    """A file's table. `numbers` (rows,) counts the file's records from 1, bad ones too, which are not in the table.

    `how` says in a few words how it was read; `bad_rows` are all that were left out, `bad` the first five of them.
    `warnings` are sentences, without values of the file, about what may have been read otherwise than it was meant.
    """

    table: pa.Table
    numbers: NDArray[np.int64]
    how: str
    bad_rows: int = 0
    bad: tuple[BadRow, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Form:
    """How a CSV file is written."""

    encoding: str
    separator: str
    header: tuple[str, ...]


def read(path: Path) -> Opened:
    """The table of a CSV file (every column as text, empty fields as null) or Parquet file.

    CSV: separated by comma, semicolon, tab or bar, UTF-8, UTF-16 with its mark, or Windows-1252. Raises
    UnreadableError for anything else and for a file without rows, and OSError where it cannot be opened.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith(b"PAR1"):
        opened = _parquet(path)
    elif any(head.startswith(magic) for magic in _OTHER_FORMATS):
        what = next(what for magic, what in _OTHER_FORMATS.items() if head.startswith(magic))
        raise UnreadableError(f"this is {what}")
    elif path.suffix.lower() == ".parquet":
        raise UnreadableError("this is no Parquet file, though its name says so")
    else:
        opened = _csv(path, head)
    if opened.table.num_rows == 0:
        left_out = (
            f", and none of its {opened.bad_rows:,} rows has as many fields" if opened.bad_rows else " and no rows"
        )
        raise UnreadableError(f"there is a header of {opened.table.num_columns} columns{left_out} ({opened.how})")
    return opened


def write(table: pa.Table, path: Path) -> None:
    """Write as CSV or Parquet, by the ending of `path`. Raises OSError."""
    if path.suffix.lower() == ".csv":
        arrow_csv.write_csv(table, path)
    else:
        parquet.write_table(table, path)


def _parquet(path: Path) -> Opened:
    try:
        # Buffering ahead doubles the time on a local disk.
        table = parquet.ParquetFile(path, pre_buffer=False).read()
    except pa.ArrowException as error:
        raise UnreadableError(f"this is a damaged Parquet file: {str(error).splitlines()[0]}") from None
    for place, name in enumerate(table.column_names):
        table = table.set_column(place, name, series.plain(table.column(place)))
    return Opened(table, np.arange(1, table.num_rows + 1), "Parquet")


def _csv(path: Path, head: bytes) -> Opened:
    encodings = ["utf-16"] if head.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8", "cp1252"]
    if not head.strip():
        raise UnreadableError("it is empty")
    if b"\x00" in head and encodings != ["utf-16"]:
        raise UnreadableError("this is neither CSV nor Parquet: it holds bytes that are no text")
    for encoding in encodings:
        try:
            return _read_as(path, _form(head, encoding))
        except UnicodeDecodeError:
            continue
    raise UnreadableError("it is written neither in UTF-8 nor in Windows-1252: save it as UTF-8")


def _form(head: bytes, encoding: str) -> _Form:
    """Find the separator: the one by which most of the first rows have as many fields as the header, and the most."""
    text = io.TextIOWrapper(io.BytesIO(head), "utf-8-sig" if encoding == "utf-8" else encoding, newline="")
    begin = "".join(_lines_of(text, whole=len(head) < _HEAD))

    def fit(separator: str) -> tuple[float, int]:
        rows = list(islice(_rows(io.StringIO(begin, newline=""), separator), 100))
        width = len(rows[0]) if rows else 0
        return (sum(len(row) == width for row in rows) / max(len(rows), 1) if width > 1 else 0, width)

    separator = max(_SEPARATORS, key=fit)
    header, *first = islice(_rows(io.StringIO(begin, newline=""), separator), 2)
    if not first:
        raise UnreadableError(f"there is a header of {len(header)} columns, {', '.join(header[:9])}, and no rows")
    names = tuple(name.strip() or f"column_{place}" for place, name in enumerate(header, start=1))
    return _Form(encoding, separator, names)


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


def _rows(text: TextIO, separator: str) -> Iterator[list[str]]:
    """The records of a CSV text, blank lines left out."""
    csv.field_size_limit(1 << 30)
    return (row for row in csv.reader(text, delimiter=separator) if row)


def _read_as(path: Path, form: _Form) -> Opened:
    names = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
    how = f"CSV, {names[form.separator]}, {'Windows-1252' if form.encoding == 'cp1252' else form.encoding.upper()}"
    table, bad = _parse(path, form, threads=True)
    if bad:  # only a reader without threads knows the places of the rows that it leaves out
        table, bad = _parse(path, form, threads=False)
    rows = np.arange(1, table.num_rows + len(bad) + 1)
    left_out = {each.number - 1: each.text for each in bad}  # the reader counts from 1 and counts the header
    numbers = np.delete(rows, [number - 1 for number in left_out])
    last = left_out.get(len(rows)) or "".join(column[-1].as_py() or "" for column in table.columns if len(rows))
    if len(last.splitlines()) > 1 or last.endswith(("\n", "\r")):
        _check_end(path, form, len(rows))
    warnings = tuple(_run_on(chain(_long_values(table, numbers, form), left_out.items()), form))
    named = tuple(islice(_bad_rows(path, form), _NAMED_BAD_ROWS)) if bad else ()
    return Opened(table, numbers, how, len(bad), named, warnings)


def _parse(path: Path, form: _Form, *, threads: bool) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
    bad: list[arrow_csv.InvalidRow] = []

    def leave_out(row: arrow_csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    parse = arrow_csv.ParseOptions(delimiter=form.separator, newlines_in_values=True, invalid_row_handler=leave_out)
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(form.header, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    for block in (_BLOCK, min(path.stat().st_size + 1, (1 << 31) - 1)):
        read = arrow_csv.ReadOptions(
            use_threads=threads,
            block_size=block,
            column_names=list(form.header),
            skip_rows_after_names=1,
            encoding=form.encoding,
        )
        try:
            return arrow_csv.read_csv(path, read, parse, convert), bad
        except pa.ArrowInvalid as error:
            bad.clear()
            if "UTF8" in str(error):
                raise UnicodeDecodeError("utf-8", b"", 0, 1, str(error)) from None
            if "straddl" not in str(error) or block > _BLOCK:
                raise UnreadableError(f"this cannot be read as CSV: {str(error).splitlines()[0]}") from None
    raise UnreadableError(f"it has a row of more than {_BLOCK >> 20} MB: is a quote never closed?")


def _check_end(path: Path, form: _Form, record: int) -> None:
    """Raise where a quote that is never closed has swallowed the end of the file into its last record."""
    end = ["the end"]
    with _text(path, form) as text:
        reader = csv.reader(chain(text, end), delimiter=form.separator)
        if deque(reader, maxlen=1)[0] != end:
            raise UnreadableError(
                f"the quote that opens in record {record:,} is never closed, so that the rest of the file "
                "would become one value: close it, or remove it"
            )


def _long_values(table: pa.Table, numbers: NDArray[np.int64], form: _Form) -> Iterator[tuple[int, str]]:
    """The values that hold as many separators as a record, with the numbers of their records."""
    for column in table.columns:
        many = pc.greater_equal(pc.count_substring(column, form.separator), len(form.header) - 1)
        places = pc.indices_nonzero(many.combine_chunks())
        yield from zip(numbers[places].tolist(), column.take(places).to_pylist(), strict=True)


def _run_on(texts: Iterable[tuple[int, str]], form: _Form) -> Iterator[str]:
    """A warning where a quote that was closed too late, by the next one in the file, has swallowed whole records."""
    least = max(len(form.header) - 1, 2)
    within = {
        number: sum(line.count(form.separator) >= least for line in text.splitlines()[1:-1]) for number, text in texts
    }
    swallowed = {number: lines for number, lines in within.items() if lines}
    if swallowed:
        yield (
            f"{sum(swallowed.values()):,} lines that look like records stand within quotes and are not read as "
            f"records, the first in record {min(swallowed):,} of the file: close the quote that opens there"
        )


def _bad_rows(path: Path, form: _Form) -> Iterator[BadRow]:
    with _text(path, form) as text:
        reader, line = csv.reader(text, delimiter=form.separator), 1
        for row in reader:
            if row and len(row) != len(form.header):
                yield BadRow(line, len(row))
            line = reader.line_num + 1


def _text(path: Path, form: _Form) -> TextIO:
    csv.field_size_limit(1 << 30)
    return path.open(encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, newline="")
