"""Making the world: one SQLite file, written as a stream, the same for the same seed and size."""

import datetime as dt
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random

from connectors.sandbox import groups, moments, store
from connectors.sandbox.departments import sales, support
from connectors.sandbox.desk import Desk
from hub.errors import ConfigurationError

START = dt.datetime(2026, 11, 2, 8, tzinfo=dt.UTC)
HISTORY = 730 * moments.DAY
GROUPS_A_BATCH = 500


def clock_path(folder: Path) -> Path:
    """The file that holds the simulated moment, ISO 8601 UTC."""
    return folder / "clock"


def truth_path(folder: Path) -> Path:
    """Who is who: `source,stream,source_id,kind,entity,parent`. Written by the generator, never served.

    `parent` is the entity of the company that an organization belongs to.
    """
    return folder / "truth.csv"


def conduct_path(folder: Path) -> Path:
    """Which hygiene rules are broken on purpose: `subject,rule`. Written by the generator, never served.

    A subject is a deal, `source:stream:id`, or a customer, by its entity. It holds for the first day: what happens
    on later days is not followed.
    """
    return folder / "conduct.csv"


def create(folder: Path, *, size: int = 5_000, seed: int = 7, start: dt.datetime = START) -> None:
    """Make a world of about `size` source records, unless the folder holds that very world already.

    Raises:
        ConfigurationError: the folder holds a world of another seed or size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if store.path(folder).exists():
        _same_world(folder, size, seed)
        return
    part = store.path(folder).with_suffix(".part")
    part.unlink(missing_ok=True)
    with closing(store.connect(part)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.executescript(store.SCHEMA)
        now = moments.to_ms(start)
        counters: Counter[str] = Counter()
        made = _populate(connection, size, seed, now, counters)
        connection.executescript(store.INDEXES)
        facts = {"seed": seed, "size": size, "start": now, "now": now, "ticks": 0, "groups": made, "counters": counters}
        store.set_meta(connection, facts)
        connection.commit()
        connection.execute("PRAGMA journal_mode=WAL")
        publish(connection, folder)
    part.replace(store.path(folder))


def _same_world(folder: Path, size: int, seed: int) -> None:
    with store.opened(folder) as connection:
        facts = store.meta(connection)
        if (facts["size"], facts["seed"]) != (size, seed):
            raise ConfigurationError(
                f"the sandbox in {folder} was made with size={facts['size']} seed={facts['seed']}, not size={size} "
                f"seed={seed}: delete that folder to make a new world, or ask for the old one"
            )
        publish(connection, folder)


def _populate(connection: sqlite3.Connection, size: int, seed: int, now: int, counters: Counter[str]) -> int:
    """Groups until the world is big enough; answers how many. Memory is bounded by the batch."""
    base = Desk(Random(f"{seed}/base"), now - HISTORY, now, counters, -1)
    sales.base(base)
    support.base(base)
    store.insert(connection, base.rows)
    rows, number = len(base.rows), 0
    while rows < size:
        batch, links, belongs, broken = [], [], [], []
        for _ in range(GROUPS_A_BATCH):
            desk = Desk(Random(f"{seed}/rows/{number}"), now - HISTORY, now, counters, number)
            groups.fill(desk, groups.members(seed, number))
            batch.extend(desk.finished())
            links.extend(desk.links)
            belongs.extend(desk.belongs)
            broken.extend(desk.broken)
            number += 1
            if rows + len(batch) >= size:
                break
        store.insert(connection, batch, links, belongs)
        store.insert_broken(connection, broken)
        rows += len(batch)
    return number


def publish(connection: sqlite3.Connection, folder: Path) -> None:
    """Write both truths and the clock from what the file holds; the clock last, as others start from it."""
    store.write_truth(connection, truth_path(folder))
    store.write_conduct(connection, conduct_path(folder))
    part = clock_path(folder).with_suffix(".part")
    part.write_text(moments.from_ms(store.meta(connection)["now"]).isoformat() + "\n")
    part.replace(clock_path(folder))
