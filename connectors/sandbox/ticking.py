"""Time moves: a day of changes in every department, in one transaction."""

import sqlite3
from collections import Counter
from pathlib import Path
from random import Random

from connectors.sandbox import groups, happenings, moments, store
from connectors.sandbox.desk import Desk
from connectors.sandbox.world import publish
from hub.errors import ConfigurationError

TRIES = 60
NEW_GROUPS = 0.002


def tick(folder: Path, days: int = 1) -> None:
    """Let `days` pass; the same world after the same days, whoever calls. A running server shows it at once.

    Raises:
        ConfigurationError: the folder holds no world.
    """
    if not store.path(folder).exists():
        raise ConfigurationError(f"no sandbox in {folder}: make one with `onerecord sandbox create`")
    with store.opened(folder) as connection:
        for _ in range(days):
            connection.execute("BEGIN IMMEDIATE")
            _day(connection)
            connection.commit()
        publish(connection, folder)


def _day(connection: sqlite3.Connection) -> None:
    facts = store.meta(connection)
    since, number, size = facts["now"], facts["ticks"], facts["groups"]
    now, counters = since + moments.DAY, Counter(facts["counters"])
    rng = Random(f"{facts['seed']}/tick/{number}")
    for share, happen in happenings.SHARES:
        left, tries = max(1, round(size * share)), TRIES
        while left and tries:
            grp = rng.randrange(size)
            desk = Desk(rng, since, now, counters, grp)
            rows = list(store.read(connection, "grp=? ORDER BY object, seq", (grp,)))
            scene = happenings.Scene(desk, groups.members(facts["seed"], grp), rows)
            if happen(scene):
                _write(connection, desk, scene)
                left, tries = left - 1, TRIES
            tries -= 1
    arrivals = max(1, round(size * NEW_GROUPS))
    for grp in range(size, size + arrivals):
        desk = Desk(rng, since, now, counters, grp)
        groups.fill(desk, groups.members(facts["seed"], grp))
        store.insert(connection, desk.finished(), desk.links, desk.belongs)
    store.set_meta(connection, {"now": now, "ticks": number + 1, "groups": size + arrivals, "counters": counters})


def _write(connection: sqlite3.Connection, desk: Desk, scene: happenings.Scene) -> None:
    store.insert(connection, desk.finished(), desk.links)
    store.replace(connection, scene.changed.values())
    for object_, loser, survivor in scene.relinked:
        for side in ("from", "to"):
            connection.execute(
                f"UPDATE link SET {side}_seq=? WHERE {side}_object=? AND {side}_seq=?", (survivor, object_, loser)
            )
