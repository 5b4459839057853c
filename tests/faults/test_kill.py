"""Kill -9 in the middle of a stage: the next run ends with the golden record of an undisturbed one.

A lock that the test holds on one table stops the run inside its transaction; then the process is killed.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from hub.db.engine import create_if_missing, make_engine
from hub.golden.fingerprint import fingerprint
from orchestration.instance import prepare
from tests.conftest import cloned
from tests.faults import forked
from tests.hubrun import World, environment, run_with, world
from tests.waiting import wait_until

CLIENTS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
STUCK = f"SELECT count(*) {CLIENTS} AND wait_event_type = 'Lock'"
LEFT = f"SELECT count(*) {CLIENTS} AND backend_type = 'client backend'"

# Where a run is killed: when it writes the first row of a table. By then, the stage before has filled another.
STAGES = {
    "landing.source_record": None,
    "canonical.party": "landing.source_record",
    "identity.pair": "canonical.party",
    "golden.composed_customer": "identity.pair",
    "golden.publication": "golden.composed_customer",
}


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world"), size=600) as given:
        yield given


@pytest.fixture(scope="module")
def undisturbed(departments: World, server: URL, template: URL, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The golden record of a run that nobody disturbed."""
    with cloned(server, template) as database:
        finish(departments, database, tmp_path_factory.mktemp("undisturbed"))
        return golden(database)


def finish(departments: World, database: URL, folder: Path) -> None:
    """A whole run in this process, on the Dagster storage that a killed one has left; none is shown as running."""
    home = prepare(folder, database.set(database=f"{database.database}_dagster"))
    with dg.DagsterInstance.from_config(str(home)) as dagster:
        outcome = run_with(environment(departments, database, folder), database, dagster)
        unfinished = [run.run_id for run in dagster.get_runs() if not run.is_finished]
    assert (outcome.status, outcome.errors) == ("succeeded", ())
    assert not unfinished, "what was killed is closed"


def golden(database: URL) -> str:
    engine = make_engine(database)
    with engine.connect() as connection:
        found = fingerprint(connection)
    engine.dispose()
    return found


@contextlib.contextmanager
def held(database: URL, table: str) -> Iterator[None]:
    """Writers of `table` wait for as long as this is open."""
    plain = database.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        connection.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


def scalar(engine: Engine, query: str) -> int:
    with engine.connect() as connection:
        return connection.execute(text(query)).scalar_one()


def kill_at(table: str, departments: World, database: URL, db: Engine, folder: Path) -> None:
    """Start a run, and kill it when it is about to write `table`."""
    with held(database, table):
        run = forked.start(environment(departments, database, folder), "run", "--once", folder=folder)
        try:
            wait_until(lambda: scalar(db, STUCK), f"the run writes {table}", going_on=run.is_alive)
        finally:
            os.kill(run.pid or 0, signal.SIGKILL)
            run.join()
    assert run.exitcode == -signal.SIGKILL, forked.said(folder)
    wait_until(lambda: scalar(db, LEFT) == 0, "its connections are gone")


def test_runs_killed_in_every_stage_are_as_if_nothing_had_happened(
    departments: World, undisturbed: str, database_url: URL, db: Engine, tmp_path: Path
) -> None:
    """Each run goes on where the one before was killed, and is killed a stage later."""
    create_if_missing(database_url.set(database=f"{database_url.database}_dagster"))
    for table, filled in STAGES.items():
        kill_at(table, departments, database_url, db, tmp_path)
        assert scalar(db, f"SELECT count(*) FROM {table}") == 0, "nothing is half written"
        assert filled is None or scalar(db, f"SELECT count(*) FROM {filled}") > 0, f"{filled} outlived the kill"
    assert scalar(db, "SELECT count(*) FROM golden.customer") == 0, "nothing is half published"
    finish(departments, database_url, tmp_path)
    assert golden(database_url) == undisturbed
    assert scalar(db, "SELECT max(number) FROM golden.publication") == 1
