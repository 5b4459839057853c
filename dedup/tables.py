"""Reads a CSV or Parquet file of any origin as an arrow table, and writes results as either."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from dedup import csv_form
from dedup.csv_form import Form
from dedup.opened import BadRow, Opened, UnreadableError
from dedup.standardise import series

_HEAD = 1 << 18  # enough to tell what a file is
# A block holds whole rows: large enough for any sane row, small enough that several are read side by side.
_BLOCK = 16 << 20
_NAMED_BAD_ROWS = 5
# An accented letter in UTF-8; in Windows-1252 it would be a capital A with tilde and a sign or a blank.
_UTF8_LETTER = re.compile(rb"\xc3[\x80-\xbf]")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_OTHER_FORMATS = {
    b"PK\x03\x04": "a workbook or zip archive: save the sheet as CSV, or unpack it",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
    b"\x1f\x8b": "compressed: unpack it first",
    b"SQLite format 3": "a SQLite database: export the table as CSV",
    b"%PDF": "a PDF",
}


def read(path: Path) -> Opened:
    """The table of a CSV file (every column as text, empty fields as null) or Parquet file.

    CSV: separated by comma, semicolon, tab or bar, or as its own first line `sep=` says; UTF-8, UTF-16 with its mark,
    or Windows-1252; with a title above the names of the columns where these are known ones.

    Raises UnreadableError for anything else and for a file without rows, and OSError where it cannot be opened.
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
        columns = f"there is a header of {opened.table.num_columns} columns"
        if not opened.bad_rows:
            raise UnreadableError(f"{columns} and no rows ({opened.how})")
        raise UnreadableError(
            f"{columns}, and none of its {opened.bad_rows:,} rows has as many fields: line {opened.bad[0].line} has "
            f"{opened.bad[0].fields}. The first line must name every column: remove what stands above it, or add the "
            f"names that are missing ({opened.how})"
        )
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
            return _read_as(path, csv_form.find(path, encoding))
        except UnicodeDecodeError:
            continue
    raise UnreadableError("it is written neither in UTF-8 nor in Windows-1252: save it as UTF-8")


def _read_as(path: Path, form: Form) -> Opened:
    encoding = "Windows-1252" if form.encoding == "cp1252" else form.encoding.upper()
    how = f"CSV, {_NAMES.get(form.separator, form.separator)}, {encoding}"
    table, bad = _parse(path, form, threads=True)
    if bad:  # only a reader without threads knows the places of the rows that it leaves out
        table, bad = _parse(path, form, threads=False)
    rows = np.arange(1, table.num_rows + len(bad) + 1)
    left_out = {each.number - form.above: each.text for each in bad}  # the reader counts from 1, and what is above
    numbers = np.delete(rows, [number - 1 for number in left_out])
    last = left_out.get(len(rows)) or "".join(column[-1].as_py() or "" for column in table.columns if len(rows))
    if len(last.splitlines()) > 1 or last.endswith(("\n", "\r")):
        _check_end(path, form, len(rows))
    swallowed = _run_on(chain(_long_values(table, numbers, form), left_out.items()), form)
    warnings = tuple(chain(_above(form), _mixed(path, form), swallowed))
    named = tuple(islice(_bad_rows(path, form), _NAMED_BAD_ROWS)) if bad else ()
    return Opened(table, numbers, how, len(bad), named, warnings)


def _parse(path: Path, form: Form, *, threads: bool) -> tuple[pa.Table, list[arrow_csv.InvalidRow]]:
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
            skip_rows=form.above,
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


def _above(form: Form) -> Iterator[str]:
    if form.title:
        yield (
            f"The names of the columns are taken from line {form.above}: what stands above it is taken for a title "
            "and not read"
        )


def _mixed(path: Path, form: Form) -> Iterator[str]:
    """A warning where a file that is no UTF-8 holds letters in it: pieced together, and partly misread."""
    if form.encoding != "cp1252":
        return
    with path.open("rb") as file:
        lines = [number for number, line in enumerate(file, start=1) if _UTF8_LETTER.search(line)]
    if lines:
        yield (
            f"{len(lines):,} lines, the first of them line {lines[0]:,}, have letters in UTF-8, others in "
            "Windows-1252, as which all are read: save the whole file as UTF-8"
        )


def _check_end(path: Path, form: Form, record: int) -> None:
    """Raise where a quote that is never closed has swallowed the end of the file into its last record."""
    end = ["the end"]
    with _text(path, form) as text:
        reader = csv.reader(chain(text, end), delimiter=form.separator)
        if deque(reader, maxlen=1)[0] != end:
            raise UnreadableError(
                f"the quote that opens in record {record:,} is never closed, so that the rest of the file "
                "would become one value: close it, or remove it"
            )


def _long_values(table: pa.Table, numbers: NDArray[np.int64], form: Form) -> Iterator[tuple[int, str]]:
    """The values that hold as many separators as a record, with the numbers of their records."""
    for column in table.columns:
        many = pc.greater_equal(pc.count_substring(column, form.separator), len(form.header) - 1)
        places = pc.indices_nonzero(many.combine_chunks())
        yield from zip(numbers[places].tolist(), column.take(places).to_pylist(), strict=True)


def _run_on(texts: Iterable[tuple[int, str]], form: Form) -> Iterator[str]:
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


def _bad_rows(path: Path, form: Form) -> Iterator[BadRow]:
    with _text(path, form) as text:
        reader, line = csv.reader(islice(text, form.above, None), delimiter=form.separator), form.above + 1
        for row in reader:
            if row and len(row) != len(form.header):
                yield BadRow(line, len(row))
            line = form.above + reader.line_num + 1


def _text(path: Path, form: Form) -> TextIO:
    csv.field_size_limit(1 << 30)
    return path.open(encoding="utf-8-sig" if form.encoding == "utf-8" else form.encoding, newline="")
