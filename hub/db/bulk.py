"""Sets, not rows: COPY into a temporary table, then one set-based statement."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import Connection, FromClause, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from hub.db import without_values


@dataclass(frozen=True)
class Upserted:
    """How many rows an upsert wrote; rows that were already there and equal are unchanged."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    @property
    def changed(self) -> int:
        return self.inserted + self.updated


def copy(connection: Connection, target: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """COPY `rows` into `target`; returns how many. Values must already be of a type that psycopg knows.

    Raises:
        psycopg.Error: a row does not fit the table; the message names the column, never the value.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    count = 0
    raw = connection.connection.dbapi_connection
    try:
        with raw.cursor() as cursor, cursor.copy(f"COPY {target} ({names}) FROM STDIN") as stream:  # type: ignore[union-attr]
            for row in rows:
                stream.write_row(row)
                count += 1
    except psycopg.Error as error:
        without_values.strip(error)
        raise
    return count


def stage(
    connection: Connection, name: str, like: FromClause, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Fill the temporary table `name`, which lives until commit, with `rows` of the types of `like`'s columns.

    `like`, and the tables of `upsert`, are what `Model.__table__` gives.
    """
    like = cast("Table", like)
    selected = ", ".join(f'"{column}"' for column in columns)
    connection.execute(text(f"DROP TABLE IF EXISTS {name}"))
    connection.execute(
        text(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {selected} FROM {like.fullname} WITH NO DATA")
    )
    as_json = [isinstance(like.c[column].type, JSONB) for column in columns]
    if any(as_json):
        rows = (
            [Jsonb(value) if js and value is not None else value for value, js in zip(row, as_json, strict=True)]
            for row in rows
        )
    return copy(connection, name, columns, rows)


def upsert(
    connection: Connection,
    table: FromClause,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    key: Sequence[str],
    queue: FromClause | None = None,
    stamp: str | None = None,
) -> Upserted:
    """Insert or update `rows` (of `columns`) by `key`; rows equal to what is stored are left alone.

    Where a key comes twice the last row wins. Keys of rows that were written go to `queue`, whose columns must
    be columns of `table`, in the same statement. `stamp` names a column that is set to now() on update.
    """
    staged = stage(connection, "incoming", table, columns, rows)
    if staged == 0:
        return Upserted()
    inserted, updated, distinct = connection.execute(
        text(_upsert_sql(cast("Table", table), columns, key, cast("Table | None", queue), stamp))
    ).one()
    return Upserted(inserted, updated, distinct - inserted - updated)


def _upsert_sql(
    table: Table, columns: Sequence[str], key: Sequence[str], queue: Table | None, stamp: str | None
) -> str:
    keys = ", ".join(f'"{name}"' for name in key)
    names = ", ".join(f'"{name}"' for name in columns)
    values = [name for name in columns if name not in key]
    assignments = ", ".join(
        [f'"{name}" = excluded."{name}"' for name in values] + ([f"{stamp} = now()"] if stamp else [])
    )
    before = ", ".join(f'old."{name}"' for name in values)
    after = ", ".join(f'excluded."{name}"' for name in values)
    returning = ", ".join(f'old."{name}"' for name in _queue_columns(table, key, queue))
    conflict = f"DO UPDATE SET {assignments} WHERE ({before}) IS DISTINCT FROM ({after})" if values else "DO NOTHING"
    queued = ""
    if queue is not None:
        into = ", ".join(f'"{column.name}"' for column in queue.columns)
        queued = (
            f", queued AS (INSERT INTO {queue.fullname} ({into}) SELECT {into} FROM written ON CONFLICT DO NOTHING)"
        )
    return f"""
        WITH newest AS (SELECT DISTINCT ON ({keys}) {names} FROM incoming ORDER BY {keys}, ctid DESC),
        written AS (
            INSERT INTO {table.fullname} AS old ({names}) SELECT {names} FROM newest
            ON CONFLICT ({keys}) {conflict}
            RETURNING {returning}, (old.xmax = 0) AS was_new
        ){queued}
        SELECT count(*) FILTER (WHERE was_new), count(*) FILTER (WHERE NOT was_new), (SELECT count(*) FROM newest)
        FROM written
    """


def _queue_columns(table: Table, key: Sequence[str], queue: Table | None) -> list[str]:
    wanted = [column.name for column in queue.columns] if queue is not None else []
    return list(dict.fromkeys([*key, *(name for name in wanted if name in table.c)]))
