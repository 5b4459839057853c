"""Arrow tables in and out of Postgres: no Python object per value."""

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from hub.db import without_values

Piece = TypeVar("Piece")

# Rows written as one piece of CSV: some ten megabytes.
_PIECE = 100_000
_TYPES = {pa.int64(): "bigint", pa.float64(): "double precision", pa.string(): "text"}


def copy_in(connection: Connection, target: str, table: pa.Table) -> None:
    """COPY the rows of `table` into the columns of its names of the table `target`.

    Raises:
        psycopg.Error: a row does not fit; the message names the column, never the value.
    """
    names = ", ".join(f'"{name}"' for name in table.column_names)
    raw = connection.connection.dbapi_connection
    try:
        with raw.cursor() as cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN (FORMAT csv)") as stream:  # type: ignore[union-attr]
            for begin in range(0, table.num_rows, _PIECE):
                piece = io.BytesIO()
                pacsv.write_csv(table.slice(begin, _PIECE), piece, pacsv.WriteOptions(include_header=False))
                stream.write(piece.getvalue())
    except psycopg.Error as error:
        without_values.strip(error)
        raise


def stage(connection: Connection, name: str, table: pa.Table) -> None:
    """Fill the temporary table `name`, which lives until commit, with the rows of `table`: numbers and texts."""
    columns = ", ".join(f'"{one.name}" {_TYPES[one.type]}' for one in table.schema)
    connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    connection.execute(text(f"CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP"))
    copy_in(connection, name, table)
    connection.execute(text(f"ANALYZE {name}"))


def copy_out(connection: Connection, query: str, schema: pa.Schema) -> pa.Table:
    """The rows of a query without parameters, with the columns of `schema`, in its order."""
    buffer = io.BytesIO()
    raw = connection.connection.dbapi_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY ({query}) TO STDOUT (FORMAT csv)") as stream:  # type: ignore[union-attr]
        for piece in stream:
            buffer.write(piece)
    if buffer.tell() == 0:
        return schema.empty_table()
    buffer.seek(0)
    return pacsv.read_csv(
        buffer,
        read_options=pacsv.ReadOptions(column_names=schema.names),
        parse_options=pacsv.ParseOptions(newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=schema, strings_can_be_null=True, quoted_strings_can_be_null=False, null_values=[""]
        ),
    )


def array_of(numbers: Iterable[int]) -> str:
    """Numbers as an array of bigint in a query without parameters."""
    return "'{" + ",".join(f"{number:d}" for number in numbers) + "}'::bigint[]"


def numbers_out(connection: Connection, query: str, names: Sequence[str]) -> list[NDArray[np.int64]]:
    """The bigint columns `names`, never null, of a query without parameters, in no order: arrays of shape (rows,).

    They come as one value, several times as fast as row by row; 100 million numbers at the most.
    """
    sent = " || ".join(f"int8send({name})" for name in names)
    raw = connection.connection.dbapi_connection
    with raw.cursor(binary=True) as cursor:  # type: ignore[union-attr]
        cursor.execute(f"SELECT string_agg({sent}, '') FROM ({query}) AS numbers")
        (value,) = cursor.fetchone()
    rows = np.frombuffer(value or b"", dtype=">i8").reshape(-1, len(names))
    return [column.astype(np.int64) for column in rows.T]


def texts_out(
    connection: Connection, queries: Iterable[str], number: str, text: str, each: Callable[[bytes], Piece]
) -> tuple[NDArray[np.int64], list[Piece]]:
    """A bigint column and a text column of queries without parameters, both never null; in no order within a query.

    Some ten thousand rows a query: its texts come as one value in UTF-8, one after the other with nothing in between,
    not a row at a time. While Postgres answers the next, `each` makes of them what is returned.
    """
    raw = connection.connection.dbapi_connection
    numbers, reading = [np.zeros(0, dtype=np.int64)], []
    with raw.cursor(binary=True) as cursor, ThreadPoolExecutor(1) as beside:  # type: ignore[union-attr]
        for query in queries:
            cursor.execute(
                f"""SELECT string_agg(int8send({number}), ''), string_agg(convert_to({text}, 'UTF8'), '')
                    FROM ({query}) AS rows HAVING count(*) > 0"""
            )
            for found, joined in cursor:
                numbers.append(np.frombuffer(found, dtype=">i8").astype(np.int64))
                reading.append(beside.submit(each, joined))
    return np.concatenate(numbers), [piece.result() for piece in reading]
