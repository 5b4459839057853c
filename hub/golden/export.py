"""The public views as Parquet files: all of one moment, for tools that would rather read files than ask a database."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from sqlalchemy import Connection, Engine, text

from hub.errors import OneRecordError
from hub.model.kinds import Department
from hub.whole_file import whole

VIEWS = ("customer", "customer_history", "crosswalk", "merge_log", "opportunity")
# Rows in memory at a time, and in a row group: some ten megabytes.
CHUNK = 20_000
_NUMBER = pa.decimal128(18, 2)
_TYPES = {
    "uuid": pa.string(),
    "text": pa.string(),
    "jsonb": pa.string(),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
    "date": pa.date32(),
    "bigint": pa.int64(),
    "integer": pa.int64(),
    "numeric": _NUMBER,
    "ARRAY": pa.list_(pa.string()),
}
# JSON is written as its text, and an id as people write it: any tool reads these.
_AS_TEXT = frozenset({"jsonb", "uuid"})


def export(
    engine: Engine, folder: Path, views: tuple[str, ...] = VIEWS, withheld: frozenset[Department] = frozenset()
) -> dict[str, int]:
    """Write each view to `<folder>/<view>.parquet`, all of one snapshot; returns the rows of each.

    The facets of `withheld` departments are written empty, and their opportunities not at all.

    A file is there as a whole or, when the export fails, as it was before. Raises OneRecordError for an unknown view
    and for a folder that cannot be written.
    """
    unknown = [view for view in views if view not in VIEWS]
    if unknown:
        raise OneRecordError(f"there is no view {unknown[0]!r} to export; there are {', '.join(VIEWS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        ) as connection:
            return {view: _written(connection, view, folder / f"{view}.parquet", withheld) for view in views}
    except OSError as error:
        raise OneRecordError(f"{folder} cannot be written ({error.strerror})") from None


def _written(connection: Connection, view: str, file: Path, withheld: frozenset[Department]) -> int:
    kinds = _columns(connection, view)
    schema = pa.schema([(name, _TYPES[kind]) for name, kind in kinds.items()])
    selected = ", ".join(_selected(name, kind, withheld) for name, kind in kinds.items())
    nothing = "WHERE false" if view == "opportunity" and Department.SALES in withheld else ""
    query = text(f"SELECT {selected} FROM golden.{view} {nothing}")
    result = connection.execute(query.execution_options(stream_results=True, max_row_buffer=CHUNK))
    count = 0
    with whole(file) as unfinished, parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
        for rows in result.partitions(CHUNK):
            columns = zip(*rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            count += len(rows)
    return count


def _selected(name: str, kind: str, withheld: frozenset[Department]) -> str:
    if name in withheld:
        return f"'{{}}' AS {name}"
    return f"CAST({name} AS text)" if kind in _AS_TEXT else name


def _columns(connection: Connection, view: str) -> dict[str, str]:
    """The type of each column, by name, in their order."""
    rows = connection.execute(
        text(
            """SELECT column_name, data_type FROM information_schema.columns
               WHERE table_schema = 'golden' AND table_name = :view ORDER BY ordinal_position"""
        ),
        {"view": view},
    )
    return {row[0]: row[1] for row in rows}
