"""A file as it was read, and why it could not be."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


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
