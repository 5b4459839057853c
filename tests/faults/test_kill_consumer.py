"""Kill -9 of a consumer of the feed before each of its statements: it misses nothing and repeats nothing.

The consumer is the one of docs/change-feed.md, to the letter.
"""

import json
import re
import sqlite3
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from hub import keys
from hub.settings import Settings
from tests.integration.golden_world import World
from tests.waiting import PATIENCE
from tests.webworld import serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "change-feed.md"
# Statements are told before they are executed.
KILLED = """
import itertools, os, signal, sqlite3, sys
connect, number, last = sqlite3.connect, itertools.count(1), int(sys.argv[1])
def watched(*args, **kwargs):
    opened = connect(*args, **kwargs)
    opened.set_trace_callback(lambda _: next(number) == last and os.kill(os.getpid(), signal.SIGKILL))
    return opened
sqlite3.connect = watched
exec(compile(sys.stdin.read(), "consumer", "exec"))
"""
EFFECTS = """
CREATE TABLE customer (golden_id TEXT PRIMARY KEY, record TEXT NOT NULL);
CREATE TABLE effect (golden_id TEXT, what TEXT);
CREATE TRIGGER written AFTER INSERT ON customer BEGIN INSERT INTO effect VALUES (new.golden_id, 'written'); END;
CREATE TRIGGER dropped AFTER DELETE ON customer BEGIN INSERT INTO effect VALUES (old.golden_id, 'dropped'); END;
"""


def consumer() -> str:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


def published(world: World) -> None:
    """Customers that are created, merged and changed: two dozen changes in three publications."""
    for number in range(1, 13):
        world.customer(number, [world.party(f"crm:Account:{number}")])
    world.release()
    for number in range(2, 8, 2):
        world.merge(number, into=number - 1, refs=[f"crm:Account:{number}"])
    world.release()
    for number in range(7, 13):
        world.party(f"crm:Account:{number}", name="Acme Holding")
        world.changed([f"crm:Account:{number}"])
    world.release()


def test_a_consumer_killed_before_each_of_its_statements_misses_nothing_and_repeats_nothing(
    db: Engine, tmp_path: Path
) -> None:
    world = World(db)
    published(world)
    with db.begin() as connection:
        key = keys.create_key(connection, "copy", ["read"])
    store = tmp_path / "customers.sqlite"
    with sqlite3.connect(store) as opened:
        opened.executescript(EFFECTS)
    kills = 0
    with serving(db, Settings(data_dir=tmp_path / "data")) as address:
        variables = {"HUB_ADDRESS": address, "HUB_KEY": key, "HUB_PAGE": "2"}
        for statement in range(1, 60):
            ended = subprocess.run(
                [sys.executable, "-c", KILLED, str(statement)],
                input=consumer(), text=True, cwd=tmp_path, env=variables, check=False, capture_output=True, timeout=PATIENCE,
            )  # fmt: skip
            if ended.returncode == 0:
                break
            assert ended.returncode == -9, ended.stderr
            kills += 1
    assert ended.returncode == 0
    assert kills >= 10, "it was killed at every statement of a page"
    with sqlite3.connect(store) as opened:
        copy = {golden_id: json.loads(record) for golden_id, record in opened.execute("SELECT * FROM customer")}
        effects = opened.execute("SELECT golden_id, what FROM effect").fetchall()
        ((position,),) = opened.execute("SELECT sequence FROM position").fetchall()
    rows = world.rows("SELECT golden_id::text AS id, to_jsonb(c) AS record FROM golden.customer c")
    assert copy == {row["id"]: row["record"] for row in rows}
    told = world.rows("SELECT golden_id::text AS id, after IS NULL AS gone FROM golden.change")
    assert sorted(effects) == sorted((one["id"], "dropped" if one["gone"] else "written") for one in told)
    assert position == len(told)
