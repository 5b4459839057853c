"""Kill -9 in the middle of a stage: the next run ends with the golden record of an undisturbed one.

A lock that the test holds on one table stops the run inside its transaction; then the process is killed.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
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
from tests.hubrun import World, environment, run_with, start_command, world

STUCK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""


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


def wait_for(condition: Callable[[], object], run: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert run.poll() is None, f"the run ended before {what}: {run.communicate()[1]}"
        assert time.monotonic() < deadline, f"no {what} within two minutes"
        time.sleep(0.01)


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


@pytest.mark.parametrize(
    ("table", "begun"),
    [
        ("landing.source_record", "SELECT count(*) FROM landing.source_record"),
        ("canonical.party", "SELECT count(*) FROM landing.source_record"),
        ("identity.pair", "SELECT count(*) FROM canonical.to_match"),
        ("golden.composed_customer", "SELECT count(*) FROM golden.to_compose"),
        ("golden.publication", "SELECT count(*) FROM golden.to_publish"),
    ],
)
def test_a_killed_run_is_as_if_nothing_had_happened(
    departments: World, undisturbed: str, database_url: URL, db: Engine, tmp_path: Path, table: str, begun: str
) -> None:
    create_if_missing(database_url.set(database=f"{database_url.database}_dagster"))
    run = start_command(environment(departments, database_url, tmp_path), "run", "--once", cwd=tmp_path)
    wait_for(lambda: scalar(db, begun), run, f"work before {table}")
    with held(database_url, table):
        wait_for(lambda: scalar(db, STUCK), run, f"write to {table}")
        os.kill(run.pid, signal.SIGKILL)
        run.communicate()
    assert scalar(db, "SELECT count(*) FROM golden.publication") == 0
    assert scalar(db, "SELECT count(*) FROM golden.customer") == 0, "nothing is half published"
    finish(departments, database_url, tmp_path)
    assert golden(database_url) == undisturbed
    assert scalar(db, "SELECT max(number) FROM golden.publication") == 1
