"""Real Postgres for every test that asks for it: one server per worker, migrated once, cloned per test."""

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.engine import URL

from hub.db import embedded, engine, migrate

TEMPLATE = "onerecord_template"
# Where the machine has it: files in memory. To clone and drop a database there takes a third of what it takes on a disk.
MEMORY, NEEDED = Path("/dev/shm"), 6 * 2**30  # noqa: S108


def pytest_configure() -> None:
    """Have temporary folders in memory, those of processes that tests start as well; nothing outlives its test."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= NEEDED:
        os.environ.setdefault("TMPDIR", str(MEMORY))
        tempfile.tempdir = None  # to be found anew


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """The server that tests use: ONERECORD_TEST_DATABASE_URL, or an embedded one per worker."""
    given = os.environ.get("ONERECORD_TEST_DATABASE_URL")
    if given:
        yield make_url(given)
        return
    # To drop a database, Postgres looks through all of its memory for pages: less than usual, more than by default.
    embedded.MOST_PAGES = 2 * embedded.LEAST_PAGES
    # Not below pytest's own folder: every session that starts makes that one unreadable for the server's user again.
    with tempfile.TemporaryDirectory(prefix="onerecord-") as folder, embedded.running(Path(folder) / "pg") as url:
        _wait_for_no_disk(url)
        yield url


def _wait_for_no_disk(url: URL) -> None:
    """To drop a database takes 2 s with fsync and 0.06 s without, and nothing here outlives a loss of power."""
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def template(server: URL) -> URL:
    """A migrated, empty database that is only ever cloned."""
    url = server.set(database=f"{TEMPLATE}_{uuid.uuid4().hex[:8]}")
    engine.create_if_missing(url)
    migrating = engine.make_engine(url)
    migrate.upgrade(migrating)
    migrating.dispose()
    return url


@contextlib.contextmanager
def cloned(server: URL, template: URL) -> Iterator[URL]:
    """A copy of a database, and the one beside it that Dagster would use; both gone afterwards."""
    copy = clone(server, template)
    yield copy
    admin = server.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{copy.database}" WITH (FORCE)')
        connection.execute(f'DROP DATABASE IF EXISTS "{copy.database}_dagster" WITH (FORCE)')


def clone(server: URL, template: URL) -> URL:
    """A copy of a database, by copying its files: to write them into the log as well takes three times as long."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = server.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template.database}" STRATEGY file_copy')
    return server.set(database=name)


@pytest.fixture
def database_url(server: URL, template: URL) -> Iterator[URL]:
    """A fresh, migrated database for one test."""
    with cloned(server, template) as url:
        yield url


@pytest.fixture
def db(database_url: URL) -> Iterator[Engine]:
    """An engine on a fresh, migrated database."""
    opened = engine.make_engine(database_url)
    yield opened
    opened.dispose()


@pytest.fixture(autouse=True)
def _away_from_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads the developer's onerecord.toml or environment, or writes into the checkout."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("ONERECORD_") and "TEST" not in name]:
        monkeypatch.delenv(name)
