"""What is seen of a column of an unknown table before anyone guesses what it holds."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dedup import headers, looks
from dedup.headers import Header
from dedup.looks import Sample
from dedup.standardise import series

# Enough to tell a share of 1 % from none; a table of a million rows costs no more than this many.
SAMPLED = 10_000


@dataclass(frozen=True)
class Facts:
    """A column as far as it was looked at.

    `no_text` says why its values cannot be compared, if so. `all_differ` counts the given values of every row, not of
    the sample.
    """

    name: str
    header: Header
    seen: Sample
    no_text: str = ""
    empty: bool = False
    constant: bool = False
    all_differ: bool = False


def look(table: pa.Table, name: str) -> Facts:
    """Look at a column: at 10,000 of its rows, and where those say it is needed, at the values of all."""
    column, header = series.plain(table[name]), headers.read(name)
    rows = np.unique(np.linspace(0, max(len(column) - 1, 0), min(len(column), SAMPLED)).astype(np.int64))
    try:
        # Of an ndarray it would import pandas, 0.4 s.
        taken = column.take(pa.array(rows.tolist(), pa.int64())).combine_chunks()
        seen = looks.sample(series.texts(taken))
    except ValueError as error:
        return Facts(name, header, looks.sample(()), no_text=str(error))
    differ = seen.distinct == len(seen.values) and len(seen.values) > 0
    different = _distinct(column) if differ or seen.distinct < 2 else None
    return Facts(
        name,
        header,
        seen,
        empty=column.null_count == len(column) or (not seen.values and len(column) <= SAMPLED),
        constant=different is not None and different <= 1,
        all_differ=differ and different == len(column) - column.null_count,
    )


def _distinct(column: pa.ChunkedArray) -> int:
    if pa.types.is_null(column.type):
        return 0
    values = column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column
    return int(pc.count_distinct(values, mode="only_valid").as_py())
