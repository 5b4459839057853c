"""The world's file: every record of every department as one row of SQLite, with the JSON its API serves."""

import csv
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE record (
    object TEXT NOT NULL,           -- system.object, for example salesforce.Contact
    id TEXT NOT NULL,               -- as the vendor writes it
    seq INTEGER NOT NULL,           -- order of creation within the object
    created INTEGER NOT NULL,       -- ms
    stamp INTEGER NOT NULL,         -- ms; what incremental reads go by
    visible INTEGER NOT NULL,       -- ms; a late transaction shows after its stamp
    deleted INTEGER NOT NULL,       -- 0 there, 1 deleted, 2 merged away
    grp INTEGER NOT NULL,           -- which group of customers it belongs to
    entity TEXT,                    -- the truth; never served
    kind TEXT,                      -- person or organization where entity is set
    json TEXT NOT NULL
);
CREATE TABLE link (
    from_object TEXT NOT NULL, from_seq INTEGER NOT NULL,
    to_object TEXT NOT NULL, to_seq INTEGER NOT NULL,
    label TEXT NOT NULL
);
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
# The truth of who belongs to whom; never served.
_BELONGS = "CREATE TABLE IF NOT EXISTS belongs (entity TEXT PRIMARY KEY, parent TEXT NOT NULL)"
# The truth of which hygiene rules are broken on purpose, as the world begins; never served.
_BROKEN = "CREATE TABLE IF NOT EXISTS broken (subject TEXT NOT NULL, rule TEXT NOT NULL)"
INDEXES = """
CREATE UNIQUE INDEX record_id ON record (object, id);
CREATE UNIQUE INDEX record_seq ON record (object, seq);
CREATE INDEX record_stamp ON record (object, stamp, seq);
CREATE INDEX record_created ON record (object, created, seq);
CREATE INDEX record_grp ON record (grp);
CREATE INDEX link_from ON link (from_object, from_seq, to_object);
"""
# Where an API's object has another name than the list that shows it, which names the stream.
_STREAMS = {"stripe.customer": "customers"}
_INSERT = "INSERT INTO record VALUES (?,?,?,?,?,?,?,?,?,?,?)"


class Row(NamedTuple):
    """One record; `data` is what the vendor's API serves. Moments are ms."""

    object: str
    id: str
    seq: int
    created: int
    stamp: int
    visible: int
    deleted: int
    grp: int
    entity: str | None
    kind: str | None
    data: dict[str, Any]


class Link(NamedTuple):
    """A HubSpot association, one direction."""

    from_object: str
    from_seq: int
    to_object: str
    to_seq: int
    label: str


def path(folder: Path) -> Path:
    return folder / "world.sqlite"


def connect(file: Path) -> sqlite3.Connection:
    """A connection that waits up to 30 s for a writer."""
    connection = sqlite3.connect(file, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


@contextmanager
def opened(folder: Path) -> Iterator[sqlite3.Connection]:
    with closing(connect(path(folder))) as connection:
        yield connection


def dump(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def insert(
    connection: sqlite3.Connection,
    rows: Iterable[Row],
    links: Iterable[Link] = (),
    belongs: Iterable[tuple[str, str]] = (),
) -> None:
    """Add rows and associations; `belongs` names entities and the company that each belongs to."""
    connection.executemany(_INSERT, ((*row[:-1], dump(row.data)) for row in rows))
    connection.executemany("INSERT INTO link VALUES (?,?,?,?,?)", links)
    connection.execute(_BELONGS)
    connection.executemany("INSERT INTO belongs VALUES (?,?)", belongs)


def insert_broken(connection: sqlite3.Connection, broken: Iterable[tuple[str, str]]) -> None:
    """Add what is broken on purpose: a deal as `source:stream:id`, or a customer by its entity, and the rule."""
    connection.execute(_BROKEN)
    connection.executemany("INSERT INTO broken VALUES (?,?)", broken)


def replace(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Write changed rows back by (object, seq)."""
    connection.executemany(
        "UPDATE record SET stamp=?, visible=?, deleted=?, json=? WHERE object=? AND seq=?",
        ((row.stamp, row.visible, row.deleted, dump(row.data), row.object, row.seq) for row in rows),
    )


def read(connection: sqlite3.Connection, where: str, parameters: Iterable[Any] = ()) -> Iterator[Row]:
    """Rows by a WHERE clause of our own making."""
    for values in connection.execute(f"SELECT * FROM record WHERE {where}", tuple(parameters)):
        yield Row._make((*values[:-1], json.loads(values[-1])))


def meta(connection: sqlite3.Connection) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in connection.execute("SELECT key, value FROM meta")}


def set_meta(connection: sqlite3.Connection, values: dict[str, Any]) -> None:
    connection.executemany(
        "INSERT INTO meta VALUES (?,?) ON CONFLICT (key) DO UPDATE SET value=excluded.value",
        ((key, json.dumps(value)) for key, value in values.items()),
    )


def write_conduct(connection: sqlite3.Connection, target: Path) -> None:
    """What is broken on purpose, put in place at once: `subject,rule`."""
    connection.execute(_BROKEN)
    part = target.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("subject", "rule"))
        writer.writerows(connection.execute("SELECT subject, rule FROM broken ORDER BY subject, rule"))
    part.replace(target)


def write_truth(connection: sqlite3.Connection, target: Path) -> None:
    """The whole truth anew, put in place at once: `source,stream,source_id,kind,entity,parent`."""
    connection.execute(_BELONGS)
    part = target.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("source", "stream", "source_id", "kind", "entity", "parent"))
        for object_, id_, kind, entity, parent in connection.execute(
            """SELECT object, id, kind, entity, parent FROM record LEFT JOIN belongs USING (entity)
               WHERE entity IS NOT NULL ORDER BY object, seq"""
        ):
            system, _, stream = object_.partition(".")
            writer.writerow((system, _STREAMS.get(object_, stream), id_, kind, entity, parent))
    part.replace(target)
